"""Beam search beside transformers': the same texts, the same weights, its absence."""

import sys

import pytest
import torch

from tests.results.test_tables import ROWS
from xlsr_sb.bench import Settings, result_rows, translating
from xlsr_sb.bench.decoding_lines import translating_line
from xlsr_sb.bench.worker import Server
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig

CPU = torch.device("cpu")


class Asked:
    """A worker in this process."""

    def __init__(self):
        self.server = Server("ours", torch.get_num_threads(), "cpu")

    def ask(self, do, **arguments):
        """Answer of the server."""
        return self.server.answer({"do": do, **arguments})


def test_both_are_measured_in_turn():
    """As often as asked for; a line with the speed, for a results file too."""
    line = translating_line(Asked(), Settings(pairs=2, quick=True, device="cpu"))
    assert line.work == "fp32 beam search, 4M decoder, 8 tokens"
    assert (line.scene, line.quantity, line.pairs) == ("translating", "time", 2)
    assert line.low <= line.ratio <= line.high
    metrics = [row.metric for row in result_rows([line], ROWS[0])]
    assert metrics == ["s", "peer s", "speed x", "lowest x"]


def test_other_texts_are_no_comparison(monkeypatch):
    """One search with a shorter limit."""
    search = translating._ours
    monkeypatch.setattr(translating, "_ours", lambda *a: search(*a[:3], a[3] - 1))
    with pytest.raises(InputError, match="finds other texts"):
        translating.measure(device=CPU, pairs=1, quick=True)


def test_ours_alone_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    line = translating_line(Asked(), Settings(pairs=1, quick=True, device="cpu"))
    assert line.note.startswith("transformers is not installed")
    assert line.quantity == "not measured"


def test_peer_has_our_weights():
    """Not copies of them, which at full size would be two gigabytes."""
    head = TranslationHead(256, TranslatorConfig.preset("small", num_layers=1))
    peer = translating._peer(head).decoder
    weight = head.decoder.output_weight
    assert peer.lm_head.weight.data_ptr() == weight.data_ptr()
    assert peer.model.decoder.embed_tokens.weight.data_ptr() == weight.data_ptr()
