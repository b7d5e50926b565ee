"""Which names a checkpoint's pickle may use, and what stands for each of them.

Nothing is ever imported or looked up: a name stays a pair of strings. Functions of the
standard library and of PyTorch that no checkpoint needs are refused by name, because
only a file that was made to do harm asks for them. Classes of other packages (fairseq's
configuration is full of them) become inert stubs.
"""

import sys
from dataclasses import dataclass
from typing import Any

import torch

PYTHON_2 = {  # modules and names in protocols up to 2, which PyTorch writes
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "long": "int",
    "unicode": "str",
}
CONTAINERS = {"set": set, "frozenset": frozenset, "list": list, "tuple": tuple}
HARMLESS = {  # of the standard library; a name ending in a dot stands for its module
    "argparse.Namespace",
    "builtins.bool",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.object",
    "builtins.str",
    "builtins.type",
    "copyreg._reconstructor",
    "types.NoneType",
    "types.SimpleNamespace",
    *(f"builtins.{name}" for name in CONTAINERS),
    *(f"{module}." for module in ("_codecs", "collections", "datetime", "decimal")),
    *(f"{module}." for module in ("enum", "fractions", "pathlib", "typing", "uuid")),
}
TORCH_FUNCTIONS = {
    "torch._tensor._rebuild_from_type_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch.device",
}


class UnreadableError(Exception):
    """Raised on a file that is damaged, or that asks for what no checkpoint needs."""


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names; never looked up.

    Parameters
    ----------
    module, name : str

    Example
    -------
    >>> str(Name("fairseq.tasks", "Task"))
    'fairseq.tasks.Task'
    """

    module: str
    name: str

    def __str__(self) -> str:
        """Return both, with a dot between them."""
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Stub:
    """What stands for an object of a class that is not built.

    Parameters
    ----------
    kind : Name
        Its class, or the function that would have made it.
    arguments : tuple
        With which it would have been called.
    state : object
        What would have become its attributes.
    items : list
        What would have been put into it, if it is a container.
    """

    kind: Name
    arguments: tuple
    state: Any = None
    items: Any = None


def checked_name(module: object, name: object) -> Name:
    """Name of a class or function, if a checkpoint may use it.

    Raises
    ------
    UnreadableError
        If only a file that was made to run code would ask for it.

    Example
    -------
    >>> str(checked_name("__builtin__", "set"))
    'builtins.set'
    >>> checked_name("posix", "system")
    Traceback (most recent call last):
    ...
    xlsr_sb...UnreadableError: it asks for posix.system, which ...
    """
    if type(module) is not str or type(name) is not str:
        raise UnreadableError("its pickle has a name that is no text")
    wanted = Name(PYTHON_2.get(module, module), PYTHON_2.get(name, name))
    if not (_is_foreign(wanted) or _is_harmless(wanted)):
        raise UnreadableError(
            f"it asks for {str(wanted)[:99]}, which no checkpoint needs and which "
            "could run code; nothing in it was run. Do not load it elsewhere either"
        )
    return wanted


def _is_foreign(wanted: Name) -> bool:
    """Whether it is of neither the standard library nor PyTorch."""
    top = wanted.module.partition(".")[0]
    return top != "torch" and top not in sys.stdlib_module_names


def _is_harmless(wanted: Name) -> bool:
    """Whether checkpoints use it."""
    if wanted.module.partition(".")[0] == "torch":
        is_class = wanted.name[:1].isupper() and wanted.name.isidentifier()
        return is_class or str(wanted) in TORCH_FUNCTIONS or is_dtype(wanted)
    return str(wanted) in HARMLESS or f"{wanted.module}." in HARMLESS


def is_dtype(wanted: Name) -> bool:
    """Whether it is one of PyTorch's types of numbers.

    Example
    -------
    >>> is_dtype(Name("torch", "float16")), is_dtype(Name("torch", "load"))
    (True, False)
    """
    return wanted.module == "torch" and isinstance(
        vars(torch).get(wanted.name), torch.dtype
    )
