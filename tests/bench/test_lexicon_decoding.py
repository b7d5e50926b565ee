"""Lexicon decoding beside a peer: its weights, its logarithms, its absence."""

import math
import sys
from types import ModuleType

import pytest
import torch

from tests.results.test_tables import ROWS
from xlsr_sb.bench import lexicon_decoding, result_rows
from xlsr_sb.bench.decoding_lines import lexicon_lines
from xlsr_sb.bench.lexicon_decoding import BEAM_SIZE, GRID, MODELS, measure
from xlsr_sb.bench.made_up import Language
from xlsr_sb.bench.worker import Server
from xlsr_sb.errors import InputError


class Peer:
    """Greedy, and silent with all weights but one pair."""

    def __init__(self, labels, *, kenlm_model_path, unigrams):
        self.labels, self.unigrams = labels, unigrams
        with open(kenlm_model_path, encoding="utf-8") as file:
            assert file.readline() == "\\data\\\n"
        self.weights = []
        self.asked = set()

    def reset_params(self, *, alpha, beta):
        self.weights = alpha, beta

    def decode(self, log_probs, *, beam_width):
        self.asked.add((*self.weights, beam_width))
        if self.weights[1] != GRID[1].word_score:
            return ""
        path = torch.from_numpy(log_probs).argmax(-1).unique_consecutive()
        return "".join(self.labels[token] for token in path)


@pytest.fixture
def peers(monkeypatch):
    """Stand-ins for pyctcdecode's decoders, as they are built."""
    built = []

    def build(*arguments, **options):
        built.append(Peer(*arguments, **options))
        return built[-1]

    module = ModuleType("pyctcdecode")
    module.build_ctcdecoder = build
    monkeypatch.setitem(sys.modules, "pyctcdecode", module)
    monkeypatch.setitem(sys.modules, "kenlm", ModuleType("kenlm"))
    return built


def test_each_side_has_its_own_weights(peers):
    """The peer is measured with ours as well; its weights are to base e."""
    found = measure(pairs=2, quick=True)
    [peer] = peers
    assert peer.labels[:3] == ["", "⁇", " "]
    assert len(peer.unigrams) == len(set(peer.unigrams)) > 900
    alphas, betas, widths = zip(*peer.asked, strict=True)
    assert alphas == pytest.approx([GRID[0].lm_weight / math.log(10)] * 2)
    assert {*betas} == {one.word_score for one in GRID[:2]}
    assert {*widths} == {BEAM_SIZE}
    assert [one["name"] for one in found["models"]] == list(MODELS)
    sure = found["models"][0]
    ours, theirs = sure["ours"], sure["pyctcdecode"]
    assert ours["weights"]["word_score"] == GRID[0].word_score  # of equals the first
    assert theirs["weights"]["word_score"] == GRID[1].word_score
    assert (ours["errors"], theirs["errors"]) == (0, 0)
    assert sure["pyctcdecode, our weights"]["errors"] == sure["words"]
    assert {len(sure[name]["seconds"]) for name in sure if "pyct" in name} == {2}


@pytest.mark.usefixtures("peers")
def test_lines_of_both_choices():
    """Speed and word error rate; both are numbers of a results file."""
    lines = list(lexicon_lines(measure(pairs=1, quick=True)))
    assert [line.quantity for line in lines[:2]] == ["speed", "word error rate"]
    assert len({line.work for line in lines}) == len(lines) / 2 == 2 * len(MODELS)
    assert [line.theirs for line in lines[1:4:2]] == [0.0, 100.0]
    metrics = {row.metric for row in result_rows(lines, ROWS[0])}
    assert {"x real time", "peer x real time", "WER %", "peer WER %"} < metrics


@pytest.mark.usefixtures("peers")
@pytest.mark.parametrize("missing", ["pyctcdecode", "kenlm"])
def test_ours_is_measured_alone_where_the_peer_is_missing(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    found = measure(pairs=1, quick=True)
    first, speed, errors, *_ = lexicon_lines(found)
    assert "pyctcdecode is not installed" in first.note
    assert (first.quantity, first.peer) == ("not measured", "pyctcdecode")
    assert (speed.quantity, speed.peer) == ("speed", "")
    frames, seconds = (found["models"][0][name] for name in ("frames", "ours"))
    assert speed.ours == pytest.approx(frames / 50 / seconds["seconds"][0])
    assert errors.ours == 0.0


def test_our_own_library_may_be_missing(monkeypatch):
    """Then a line says so, and the benchmark goes on."""

    def absent():
        raise InputError("beam search needs flashlight-text")

    monkeypatch.setattr(lexicon_decoding, "library", absent)
    server = Server("ours", torch.get_num_threads(), "cpu")
    question = {"do": "lexicon_decoding", "pairs": 1, "quick": True}
    answer = server.answer(question)
    [line] = lexicon_lines(answer)
    assert line.note == "beam search needs flashlight-text"
    assert (line.scene, line.ours) == ("lexicon", None)


def test_language_is_the_same_each_time(tmp_path):
    """And is heard less clearly with smaller margins."""
    one, other = (Language(50, seed=3) for _ in range(2))
    assert one.words == other.words
    assert one.sentences(3) == other.sentences(3)
    lm, lexicon = one.write(tmp_path, num_sentences=50)
    with open(lexicon, encoding="utf-8") as file:
        assert file.read().split() == one.words
    clear, faint = (one.heard(3, margins=both) for both in ((9.0, 9.0), (1.0, 1.0)))
    for heard in (clear, faint):
        letters = sum(map(len, heard.references))
        assert heard.num_frames == 5 * letters
        total = torch.cat(heard.log_probs).exp().sum(-1)
        torch.testing.assert_close(total, torch.ones(heard.num_frames))
    best = [torch.cat(x.log_probs).amax(-1).exp().mean() for x in (clear, faint)]
    assert best[0] > 0.9 > 0.5 > best[1]


def test_margin_is_one_for_each_word():
    """Drawn between the two; the noise of all logits stays."""
    heard = Language(50, seed=3).heard(20, margins=(0.0, 30.0))
    sure = [
        one.amax(-1).exp().view(-1, 5).mean(-1)[:1].item() for one in heard.log_probs
    ]
    assert min(sure) < 0.5
    assert max(sure) > 0.99
