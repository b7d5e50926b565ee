"""What of a checkpoint a layout has a place for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from xlsr_sb.checkpoints import fairseq, huggingface, own, torchaudio
from xlsr_sb.checkpoints.checkpoint import (
    CLASSIFIER,
    CTC,
    HEADS,
    PRETRAINING,
    Checkpoint,
)
from xlsr_sb.checkpoints.fairseq.tokens import as_dictionary
from xlsr_sb.checkpoints.fairseq.writing import drawn, drawn_pretraining
from xlsr_sb.checkpoints.peers import MASK
from xlsr_sb.errors import InputError

LAYOUTS = (huggingface.LAYOUT, fairseq.LAYOUT, torchaudio.LAYOUT, own.LAYOUT)
PLACES = {  # heads that a layout can hold, the most wanted first
    huggingface.LAYOUT: (CTC, CLASSIFIER, PRETRAINING),
    fairseq.LAYOUT: (CTC, CLASSIFIER, PRETRAINING),
    torchaudio.LAYOUT: (CTC,),
}


@dataclass(frozen=True)
class Prepared:
    """A checkpoint as a layout can hold it.

    Parameters
    ----------
    checkpoint : Checkpoint
    notes : tuple of str
        What was left out or changed, and why.
    """

    checkpoint: Checkpoint
    notes: tuple[str, ...]


def prepared(checkpoint: Checkpoint, layout: str) -> Prepared:
    """Leave out what a layout has no place for, and give what it needs.

    Parameters
    ----------
    checkpoint : Checkpoint
    layout : str
        One of ``LAYOUTS``.

    Raises
    ------
    InputError
        If there is no such layout, or a head is not complete.

    Example
    -------
    >>> import torch
    >>> encoder = {"mask_embedding": torch.ones(4)}
    >>> prepared(Checkpoint("a", "b", {"dim": 4}, encoder), "torchaudio").notes
    ('left out: the mask embedding; torchaudio has no place for it',)
    """
    if layout not in LAYOUTS:
        raise InputError(f"there is no layout {layout!r}; there are {list(LAYOUTS)}")
    for name in checkpoint.head_names:
        checkpoint.head(name)  # complete, or an error
    notes: list[str] = []
    if checkpoint.left_out:
        first = ", ".join(checkpoint.left_out[:5])
        more = " ..." if len(checkpoint.left_out) > 5 else ""
        notes.append(f"left out: tensors of no known part: {first}{more}")
    checkpoint = replace(checkpoint, layout=layout, left_out=())
    if layout != own.LAYOUT:
        checkpoint = _with_one_head(checkpoint, notes)
        checkpoint = _with_needed(checkpoint, notes)
        checkpoint = _with_tokens(checkpoint, notes)
    return Prepared(checkpoint, tuple(notes))


def _with_one_head(checkpoint: Checkpoint, notes: list[str]) -> Checkpoint:
    """Checkpoint with the first head that the layout can hold."""
    possible = [n for n in PLACES[checkpoint.layout] if n in checkpoint.head_names]
    reasons = {name: _problem(checkpoint, name) for name in possible}
    kept = next((name for name in possible if not reasons[name]), None)
    for name in checkpoint.head_names:
        if name != kept:
            reason = reasons.get(name) or "has no place for it"
            notes.append(f"left out: the {HEADS[name]}; {checkpoint.layout} {reason}")
    return replace(
        checkpoint,
        heads=_part(checkpoint, kept),
        vocabulary=checkpoint.vocabulary if kept == CTC else None,
        labels=checkpoint.labels if kept == CLASSIFIER else (),
        activation=checkpoint.activation if kept == CLASSIFIER else "identity",
    )


def _part(checkpoint: Checkpoint, name: str | None) -> Mapping:
    """Tensors of one head, or of none."""
    heads = checkpoint.heads.items()
    return {full: one for full, one in heads if full.partition(".")[0] == name}


def _problem(checkpoint: Checkpoint, name: str) -> str:
    """Why a layout cannot hold a head that it has a place for; empty if it can."""
    layout, head = checkpoint.layout, checkpoint.head(name)
    if name == CLASSIFIER:
        if layout == huggingface.LAYOUT and checkpoint.activation != "identity":
            return f"has no {checkpoint.activation} between its layers"
        if layout == fairseq.LAYOUT and "layer_weights" in head:
            return "has no weighted sum of layers"
    if name == CTC and layout == fairseq.LAYOUT and checkpoint.vocabulary:
        try:
            as_dictionary(checkpoint.vocabulary, head)
        except InputError as error:
            return f"cannot hold it: {error}"
    return ""


def _with_needed(checkpoint: Checkpoint, notes: list[str]) -> Checkpoint:
    """Checkpoint without a mask embedding where there is no place for one.

    And with what fairseq cannot do without, drawn anew where there is none.
    """
    encoder, heads = dict(checkpoint.encoder), dict(checkpoint.heads)
    if checkpoint.layout == torchaudio.LAYOUT and encoder.pop(MASK, None) is not None:
        notes.append("left out: the mask embedding; torchaudio has no place for it")
    if checkpoint.layout == fairseq.LAYOUT and MASK not in encoder:
        encoder[MASK] = drawn((checkpoint.sizes["dim"],))
        notes.append("drawn anew: the mask embedding; fairseq cannot do without")
    if checkpoint.layout == fairseq.LAYOUT and not heads:
        heads = drawn_pretraining(checkpoint.sizes)
        notes.append(
            f"drawn anew: the {HEADS[PRETRAINING]}, untrained; fairseq cannot do "
            "without"
        )
    return replace(checkpoint, encoder=encoder, heads=heads)


def _with_tokens(checkpoint: Checkpoint, notes: list[str]) -> Checkpoint:
    """Checkpoint whose CTC head has its rows in the order of the layout."""
    if CTC not in checkpoint.head_names:
        return checkpoint
    if checkpoint.vocabulary is None:
        notes.append("unknown: what the rows of the CTC head write")
        return checkpoint
    if checkpoint.layout == torchaudio.LAYOUT:
        notes.append("left out: the vocabulary; torchaudio has no place for it")
        return replace(checkpoint, vocabulary=None)
    if checkpoint.layout == huggingface.LAYOUT:
        return checkpoint
    before = checkpoint.head(CTC)
    vocabulary, head = as_dictionary(checkpoint.vocabulary, before)
    if not all(torch.equal(tensor, before[name]) for name, tensor in head.items()):
        notes.append(
            "changed: the rows of the CTC head are in the order of fairseq's dictionary"
        )
    heads = {f"{CTC}.{name}": tensor for name, tensor in head.items()}
    return replace(checkpoint, vocabulary=vocabulary, heads=heads)
