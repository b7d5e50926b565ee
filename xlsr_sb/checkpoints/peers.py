"""From a peer's tensors to a checkpoint under our names, strictly; and back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xlsr_sb.checkpoints.naming import Pairs, rename, restore, translated
from xlsr_sb.checkpoints.shapes import check_tensors, encoder_tensors
from xlsr_sb.checkpoints.sizes import sizes_of
from xlsr_sb.errors import InputError

MASK = "mask_embedding"  # the one parameter that many fine-tuned models lack


@dataclass(frozen=True)
class PeerNames:
    """How a peer calls the parameters.

    Parameters
    ----------
    encoder, heads : tuple of (str, str)
        Our prefix and the peer's.
    weight_norm : tuple of str
        Ends of the names of magnitude and direction in this layout.
    anchors : tuple of str
        Parameters by which the encoder is found in a bigger model.
    beside : tuple of str
        Beginnings of names that are in the encoder's module, but not of the encoder.

    Example
    -------
    >>> names = PeerNames((), (), ("g", "v"), ("proj.bias",))
    >>> names.prefix(["head.bias", "model.encoder.proj.bias"])
    'model.encoder.'
    """

    encoder: Pairs
    heads: Pairs
    weight_norm: tuple[str, str]
    anchors: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def prefix(self, names: Sequence[str]) -> str:
        """What stands before the encoder's names in a bigger model."""
        for anchor in self.anchors:
            for name in names:
                if f".{name}".endswith(f".{anchor}"):
                    return name.removesuffix(anchor)
        return ""

    def present(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors with weight norm under this layout's names, whatever its age."""
        aliases = {}
        for number, end in enumerate(self.weight_norm):
            for old in (
                "weight_" + "gv"[number],
                f"parametrizations.weight.original{number}",
            ):
                aliases[f".{old}"] = f".{end}"
        return {_aliased(name, aliases): tensor for name, tensor in tensors.items()}


def _aliased(name: str, aliases: Mapping[str, str]) -> str:
    for old, new in aliases.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


@dataclass(frozen=True)
class Parts:
    """Tensors of a file, sorted.

    Parameters
    ----------
    encoder : dict of str to Tensor
        Under the peer's names.
    heads : dict of str to Tensor
        Under ours.
    left_out : tuple of str
    prefix : str
        What stood before the encoder's names.
    """

    encoder: dict[str, Tensor]
    heads: dict[str, Tensor]
    left_out: tuple[str, ...]
    prefix: str


def sort_out(tensors: Mapping[str, Tensor], names: PeerNames) -> Parts:
    """Encoder, heads, and what is neither.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        Of a file.
    names : PeerNames

    Example
    -------
    >>> names = PeerNames((), (("ctc", "lm_head"),), ("g", "v"), ("norm.bias",))
    >>> tensors = dict.fromkeys(["model.norm.bias", "lm_head.bias", "other"])
    >>> parts = sort_out(tensors, names)
    >>> list(parts.encoder), list(parts.heads), parts.left_out
    (['norm.bias'], ['ctc.bias'], ('other',))
    """
    prefix = names.prefix(list(tensors))
    inverse = tuple((theirs, ours) for ours, theirs in names.heads)
    encoder, heads, left_out = {}, {}, []
    for name, tensor in names.present(tensors).items():
        short = name.removeprefix(prefix)
        head = translated(name, inverse) or translated(short, inverse)
        if head:
            heads[head] = tensor
        elif not name.startswith(prefix) or short.startswith(names.beside or "\0"):
            left_out.append(name)
        else:
            encoder[short] = tensor
    return Parts(encoder, heads, tuple(left_out), prefix)


def restored(
    parts: Parts, names: PeerNames, sizes: Mapping[str, object], *, source: str
) -> dict[str, Tensor]:
    """Encoder under our names.

    Raises
    ------
    InputError
        One, with all names that are missing, too many, or of another shape.
    """
    prefix, mask = parts.prefix, translated(MASK, names.encoder)
    wanted = encoder_tensors(sizes)
    if mask is None:
        del wanted[MASK]
    check_tensors(
        {prefix + name: tensor for name, tensor in parts.encoder.items()},
        {
            prefix + name: tensor
            for name, tensor in rename(wanted, names.encoder).items()
        },
        source=source,
        optional={f"{prefix}{mask}"},
    )
    return restore(parts.encoder, names.encoder)


def told_sizes(parts: Parts, names: PeerNames, *, source: str) -> dict[str, object]:
    """Sizes that the shapes of the encoder's tensors tell.

    Raises
    ------
    InputError
        If a tensor that tells one is missing, with those whose names are unknown.
    """

    def find(name: str) -> Tensor:
        wanted = translated(name, names.encoder)
        if wanted not in parts.encoder:
            _refuse(parts, names, parts.prefix + wanted, source=source)
        return parts.encoder[wanted]

    inverse = tuple((theirs, ours) for ours, theirs in names.encoder)
    ours = [translated(name, inverse) or "" for name in parts.encoder]
    try:
        return sizes_of(
            find,
            num_convs=_count(ours, "feature_extractor.layers."),
            num_layers=_count(ours, "transformer.layers."),
        )
    except IndexError as error:
        raise InputError(
            f"{source} is no XLS-R encoder: its tensors have too few axes"
        ) from error


def _refuse(parts: Parts, names: PeerNames, missing: str, *, source: str) -> None:
    """Raise the error of an encoder that lacks a tensor, before its sizes are known."""
    kinds = _kinds(names, parts.prefix)
    found = {parts.prefix + name: tensor for name, tensor in parts.encoder.items()}
    known = {name: one for name, one in found.items() if _generic(name) in kinds}
    check_tensors(found, {**known, missing: torch.empty(0)}, source=source)


def _kinds(names: PeerNames, prefix: str) -> set[str]:
    """Names of all parameters that an encoder can have, whatever its depth."""
    one = {"conv_dims": (1,), "conv_kernels": (1,), "dim": 3, "ffn_dim": 1}
    one |= {"num_layers": 1, "pos_conv_kernel": 1, "pos_conv_groups": 1}
    ours = {n: t for n, t in encoder_tensors(one).items() if n != MASK}
    mask = translated(MASK, names.encoder)
    return {_generic(prefix + n) for n in [*rename(ours, names.encoder), mask] if n}


def _generic(name: str) -> str:
    """Name with the same number for every layer."""
    return re.sub("[0-9]+", "0", name)


def _count(names: list[str], start: str) -> int:
    """Different numbers that come after ``start``, at least one."""
    found = {n[len(start) :].partition(".")[0] for n in names if n.startswith(start)}
    return max(1, len(found))
