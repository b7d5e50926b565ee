"""From each layout to each: what is kept, what is told, and that it is whole or absent.

Seen to fail: a head written without its prefix; a folder left behind by a full disk;
one tensor altered between writing and comparing.
"""

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.encoder.models import random_lobe
from xlsr_sb.checkpoints import (
    LAYOUTS,
    PeerVocabulary,
    prepared,
    read_checkpoint,
    write_checkpoint,
    writing,
)
from xlsr_sb.errors import InputError

DIM = 48


def linear(name, rows, columns):
    return {
        f"{name}.weight": torch.randn(rows, columns),
        f"{name}.bias": torch.randn(rows),
    }


def heads(name):
    torch.manual_seed(7)
    return {
        "": {},
        "ctc": linear("ctc.projection", 6, DIM),
        "classifier": linear("classifier.projection", 5, DIM)
        | linear("classifier.classifier", 2, 5),
        "pretraining": linear("pretraining.quantizer.projection", 8, 16)
        | linear("pretraining.target_projection", 7, 6)
        | linear("pretraining.context_projection", 7, DIM)
        | {"pretraining.quantizer.codevectors": torch.randn(1, 8, 3)},
    }[name]


VOCABULARY = PeerVocabulary(("<s>", "<pad>", "</s>", "<unk>", "|", "e"), blank=0)


def checkpoint(tmp_path, head="", **fields):
    """Checkpoint with a head."""
    random_lobe().save_pretrained(tmp_path / "source", layout="xlsr_sb")
    found = read_checkpoint(tmp_path / "source")
    vocabulary = VOCABULARY if head == "ctc" else None
    labels = ("en", "fr") if head == "classifier" else ()
    whole = replace(found, heads=heads(head), vocabulary=vocabulary, labels=labels)
    return replace(whole, **fields)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("head", ["", "ctc", "classifier", "pretraining"])
def test_all_that_there_is_a_place_for(tmp_path, head, layout):
    """Comes back bit for bit; what there is none for is told."""
    source = checkpoint(tmp_path, head)
    ready = prepared(source, layout)
    write_checkpoint(ready.checkpoint, tmp_path / "new")
    again = read_checkpoint(
        tmp_path / "new", {"num_heads": 3} if layout == "torchaudio" else {}
    )
    assert again.layout == layout
    kept = {**again.encoder, **again.heads}
    notes = " ".join(ready.notes)
    for name, tensor in {**source.encoder, **source.heads}.items():
        if name in kept:
            assert torch.equal(kept[name], tensor), name
        else:
            assert layout == "torchaudio"
            part = name.partition(".")[0]
            assert {"classifier": "classification", "mask_embedding": "mask"}.get(
                part, part
            ) in notes
    if layout != "torchaudio":
        assert again.vocabulary == source.vocabulary or layout != "xlsr_sb"
        assert again.labels == source.labels
        extra = set(kept) - set(source.encoder) - set(source.heads)
        is_drawn = layout == "fairseq" and not head
        assert bool(extra) == is_drawn == ("drawn anew" in notes)


def test_notes(tmp_path):
    """Each loss in a sentence."""
    source = checkpoint(tmp_path, "ctc", left_out=("decoder.a", "decoder.b"))
    assert prepared(source, "torchaudio").notes == (
        "left out: tensors of no known part: decoder.a, decoder.b",
        "left out: the mask embedding; torchaudio has no place for it",
        "left out: the vocabulary; torchaudio has no place for it",
    )
    tuned = checkpoint(tmp_path, "classifier", activation="gelu")
    assert prepared(tuned, "fairseq").notes == ()
    assert prepared(tuned, "huggingface").notes == (
        "left out: the classification head; huggingface has no gelu between its layers",
    )


def test_heads_that_fairseq_cannot_hold(tmp_path):
    """A sum of layers; tokens with spaces. The encoder is written as without a head."""
    tuned = checkpoint(tmp_path, "classifier")
    weighted = {**tuned.heads, "classifier.layer_weights": torch.randn(3)}
    ready = prepared(replace(tuned, heads=weighted), "fairseq")
    assert "fairseq has no weighted sum of layers" in ready.notes[0]
    assert ready.checkpoint.head_names == ("pretraining",)
    vocabulary = replace(VOCABULARY, tokens=(*VOCABULARY.tokens[:5], "a b"))
    spaced = checkpoint(tmp_path, "ctc", vocabulary=vocabulary)
    assert "the token 'a b' cannot stand in" in prepared(spaced, "fairseq").notes[0]


def test_two_heads(tmp_path):
    """Our layout keeps both; others the one that is used."""
    both = {**heads("ctc"), **heads("pretraining")}
    source = checkpoint(tmp_path, "ctc", heads=both)
    assert set(prepared(source, "xlsr_sb").checkpoint.heads) == set(both)
    ready = prepared(source, "huggingface")
    assert ready.checkpoint.head_names == ("ctc",)
    assert ready.notes == (
        "left out: the quantizer and projections of pretraining; huggingface has no "
        "place for it",
    )


def test_rows_in_another_order(tmp_path):
    """Told, and the rows still write the same."""
    vocabulary = PeerVocabulary(("e", "t", "|", "<unk>", "a", "[PAD]"), blank=5)
    source = checkpoint(tmp_path, "ctc", vocabulary=vocabulary)
    ready = prepared(source, "fairseq")
    assert ready.notes == (
        "changed: the rows of the CTC head are in the order of fairseq's dictionary",
    )
    write_checkpoint(ready.checkpoint, tmp_path / "new")
    again = read_checkpoint(tmp_path / "new")
    for token in vocabulary.tokens[:5]:
        row, origin = (
            again.vocabulary.tokens.index(token),
            vocabulary.tokens.index(token),
        )
        found = again.head("ctc")["projection.weight"][row]
        assert torch.equal(found, source.head("ctc")["projection.weight"][origin])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_incomplete_head(tmp_path, layout):
    """It is not written half."""
    part = {"ctc.projection.weight": torch.ones(6, DIM)}
    message = "no complete CTC head: missing: projection.bias"
    with pytest.raises(InputError, match=message):
        prepared(checkpoint(tmp_path, "ctc", heads=part), layout)


def test_mask_embedding_that_is_absent(tmp_path):
    """Drawn for fairseq, always the same; others do without."""
    source = checkpoint(tmp_path, "ctc")
    encoder = {n: one for n, one in source.encoder.items() if n != "mask_embedding"}
    source = replace(source, encoder=encoder)
    ready = [prepared(source, "fairseq") for _ in range(2)]
    assert ready[0].notes == (
        "drawn anew: the mask embedding; fairseq cannot do without",
    )
    first, second = (one.checkpoint.encoder["mask_embedding"] for one in ready)
    assert first.shape == (DIM,)
    assert torch.equal(first, second)
    for layout in ("huggingface", "torchaudio", "xlsr_sb"):
        assert "mask_embedding" not in prepared(source, layout).checkpoint.encoder


# Whole or not at all


@pytest.mark.parametrize("layout", LAYOUTS)
def test_target_that_exists(tmp_path, layout):
    """It stays as it is."""
    (tmp_path / "new").mkdir()
    ready = prepared(checkpoint(tmp_path), layout)
    with pytest.raises(InputError, match="new exists already; remove it or give anoth"):
        write_checkpoint(ready.checkpoint, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_full_disk(tmp_path, monkeypatch, layout):
    """One error that says so, and nothing is left behind."""
    ready = prepared(checkpoint(tmp_path), layout)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "save_file", full)
    monkeypatch.setattr(writing.torch, "save", full)
    with pytest.raises(InputError, match="new cannot be written: .*No space left"):
        write_checkpoint(ready.checkpoint, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_read_back_otherwise(tmp_path, monkeypatch, layout):
    """One bit of one tensor is enough."""
    ready = prepared(checkpoint(tmp_path), layout)

    def altered(source, given=None):
        found = read_checkpoint(source, given)
        found.encoder["feature_norm.bias"][3] += 1e-6
        return found

    monkeypatch.setattr(writing, "read_checkpoint", altered)
    with pytest.raises(
        InputError, match="new: what was written is read back otherwise"
    ):
        write_checkpoint(ready.checkpoint, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(
    ("layout", "name"),
    [("fairseq", "checkpoint.pt"), ("torchaudio", "model.pth"), ("xlsr_sb", "")],
)
def test_path_for_other_programs(tmp_path, layout, name):
    """The one file where there is one; relative targets too."""
    ready = prepared(checkpoint(tmp_path), layout)
    path = write_checkpoint(ready.checkpoint, tmp_path / "a" / "new")
    assert path == tmp_path / "a" / "new" / name
    assert path.exists()
    assert isinstance(path, Path)


def test_fairseq_files_hold_builtin_types_only(tmp_path):
    """They need neither omegaconf nor anything of ours to be read."""
    for head in ("", "ctc", "classifier", "pretraining"):
        ready = prepared(checkpoint(tmp_path, head), "fairseq")
        path = write_checkpoint(ready.checkpoint, tmp_path / f"new {head}")
        content = torch.load(path, weights_only=True)
        assert content["cfg"]["task"]["normalize"] is True
        assert content["args"] is None
