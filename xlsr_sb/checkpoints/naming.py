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


def _translate(name: str, pairs: Pairs) -> str:
    """Replace the prefix of ``name`` by its partner."""
    for source, target in pairs:
        pattern = re.escape(source).replace(r"\{i\}", r"(\d+)")
        if match := re.match(pattern + r"(?=\.|$)", name):
            number = match.group(1) if match.groups() else ""
            return target.replace("{i}", number) + name[match.end() :]
    raise InputError(f"checkpoint: no parameter of an XLS-R encoder is called {name!r}")


def layer_pairs(ours: str, theirs: str) -> Pairs:
    """Pairs of the parts of a transformer layer, which all peers name alike."""
    parts = {
        "attention.q": "attention.q_proj",
        "attention.k": "attention.k_proj",
        "attention.v": "attention.v_proj",
        "attention.output": "attention.out_proj",
        "attention_norm": "layer_norm",
        "ffn_norm": "final_layer_norm",
        "ffn_in": "feed_forward.intermediate_dense",
        "ffn_out": "feed_forward.output_dense",
    }
    return tuple((f"{ours}.{a}", f"{theirs}.{b}") for a, b in parts.items())
