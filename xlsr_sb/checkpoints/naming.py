"""Renaming the encoder's parameters to and from the names that peers use.

Peers hold query, key and value apart; ours are one matrix. Everything else differs in
names only, so a peer's format is a list of pairs, with ``{i}`` for a layer's number.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from xlsr_sb.errors import InputError

Pairs = tuple[tuple[str, str], ...]
QKV = ".attention.qkv."
LAYER_PARTS = {
    "attention.q": "attention.q_proj",
    "attention.k": "attention.k_proj",
    "attention.v": "attention.v_proj",
    "attention.output": "attention.out_proj",
    "attention_norm": "layer_norm",
    "ffn_norm": "final_layer_norm",
    "ffn_in": "feed_forward.intermediate_dense",
    "ffn_out": "feed_forward.output_dense",
}
THIRD = re.compile(r"\.attention\.[qkv]\.")


def rename(state: Mapping[str, Tensor], pairs: Pairs) -> dict[str, Tensor]:
    """Our names to a peer's; ``qkv`` is split in three.

    Parameters
    ----------
    state : mapping of str to Tensor
        State dictionary of our encoder.
    pairs : tuple of (str, str)
        Our prefix and the peer's.

    Returns
    -------
    dict of str to Tensor
    """
    split = {}
    for name, tensor in state.items():
        if QKV in name:
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                split[name.replace(".qkv.", f".{part}.")] = piece
        else:
            split[name] = tensor
    return {_translate(name, pairs): tensor for name, tensor in split.items()}


def restore(state: Mapping[str, Tensor], pairs: Pairs) -> dict[str, Tensor]:
    """A peer's names to ours; the inverse of ``rename``.

    Parameters
    ----------
    state : mapping of str to Tensor
        A peer's state dictionary, without prefix.
    pairs : tuple of (str, str)
        Our prefix and the peer's.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    InputError
        If a name is not known, or a part of an attention missing, with the name.
    """
    inverse = tuple((theirs, ours) for ours, theirs in pairs)
    ours = {_translate(name, inverse): tensor for name, tensor in state.items()}
    parts = [name for name in ours if THIRD.search(name)]
    for whole in dict.fromkeys(THIRD.sub(QKV, name) for name in parts):
        thirds = [whole.replace(QKV, f".attention.{part}.") for part in "qkv"]
        if missing := [name for name in thirds if name not in ours]:
            raise InputError(f"checkpoint: {missing[0]} is missing")
        ours[whole] = torch.cat([ours.pop(name) for name in thirds])
    return ours


def translated(name: str, pairs: Pairs) -> str | None:
    """Name with its prefix replaced by its partner; None if it has none.

    Parameters
    ----------
    name : str
    pairs : tuple of (str, str)
        Prefixes and their partners; the first that fits is taken.

    Example
    -------
    >>> translated("layers.3.weight", (("layers.{i}", "encoder.block{i}"),))
    'encoder.block3.weight'
    """
    for source, target in pairs:
        pattern = re.escape(source).replace(r"\{i\}", r"([0-9]+)")
        if match := re.match(pattern + r"(?=\.|$)", name):
            number = match.group(1) if match.groups() else ""
            return target.replace("{i}", number) + name[match.end() :]
    return None


def _translate(name: str, pairs: Pairs) -> str:
    """Replace the prefix of ``name`` by its partner."""
    found = translated(name, pairs)
    if found is None:
        raise InputError(
            f"checkpoint: no parameter of an XLS-R encoder is called {name!r}"
        )
    return found


def layer_pairs(
    ours: str, theirs: str, parts: Mapping[str, str] = LAYER_PARTS
) -> Pairs:
    """Pairs of the parts of a transformer layer.

    Parameters
    ----------
    ours, theirs : str
        Prefixes of a layer.
    parts : mapping of str to str
        Our parts and theirs; two peers name them alike.

    Example
    -------
    >>> layer_pairs("layers.{i}", "blocks.{i}")[0]
    ('layers.{i}.attention.q', 'blocks.{i}.attention.q_proj')
    """
    return tuple((f"{ours}.{a}", f"{theirs}.{b}") for a, b in parts.items())
