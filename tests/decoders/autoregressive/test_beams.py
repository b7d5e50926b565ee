"""Running and ended sequences, step by step."""

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException

from tests.encoder.kept import pretended_gpu
from xlsr_sb.decoders.autoregressive.beams import Beams
from xlsr_sb.decoders.autoregressive.settings import SearchSettings

EOS = 0


def advanced(beams, *rows):
    """Go on with these probabilities of each row."""
    beams.advance(torch.tensor(rows).log())
    return beams.running[:, :, 1 : 1 + beams.num_tokens].tolist()


def beams_of(**options):
    """Two beams of an utterance, four tokens at most."""
    settings = SearchSettings(**{"beam_size": 2, "max_tokens": 4, **options})
    prefix = torch.zeros(1, 0, dtype=torch.long)
    return Beams(prefix, settings=settings, start=EOS, eos=EOS)


def test_an_end_counts_only_among_the_best():
    """Two beams: the end that is third is not kept."""
    beams = beams_of()
    running = advanced(beams, [0.1, 0.6, 0.3], [0.1, 0.6, 0.3])
    assert running == [[[1], [2]]]
    assert beams.hypotheses([0]) == [[]]
    # Of all: 0.3, 0.18, 0.12 after the first beam; 0.06, 0.21, 0.03 after the other.
    running = advanced(beams, [0.5, 0.3, 0.2], [0.2, 0.7, 0.1])
    assert running == [[[2, 1], [1, 1]]]
    assert beams.rows.tolist() == [1, 0]
    [[best]] = beams.hypotheses([0])
    assert best.tokens == (1,)
    assert best.score == pytest.approx(torch.tensor(0.3).log().item() / 2)


def test_done_when_no_running_one_can_be_better():
    """As long as it is now; with two ended ones, of which the worse one counts."""
    beams = beams_of(num_best=2)
    advanced(beams, [0.9, 0.06, 0.04], [1.0, 0.0, 0.0])
    assert beams.done().tolist() == [False]
    advanced(beams, [0.9, 0.05, 0.05], [0.9, 0.05, 0.05])
    assert [one.tokens for one in beams.hypotheses([0])[0]] == [(), (1,)]
    assert beams.done().tolist() == [True]


@pytest.mark.parametrize(("beam_size", "early_stopping"), [(1, "never"), (2, True)])
def test_done_when_full(beam_size, early_stopping):
    """With one beam always; though a running one could still become better."""
    beams = beams_of(
        beam_size=beam_size, early_stopping=early_stopping, length_penalty=3.0
    )
    for step in range(beam_size):
        advanced(beams, *[[0.51, 0.49, 0.0]] * beam_size)
        assert beams.done().item() == (step == beam_size - 1)
    best = beams.scores[0, 0] / beams.settings.best_divisor(beams.num_tokens)
    assert best > beams.ended_scores[0, -1]


@pytest.mark.parametrize("force_eos", [False, True])
def test_finished_is_what_the_model_ended(force_eos):
    """Not what was forced to end, or cut off, where no more tokens are allowed."""
    beams = beams_of(num_best=2, max_tokens=2, force_eos=force_eos)
    advanced(beams, [0.6, 0.3, 0.1], [1.0, 0.0, 0.0])
    if force_eos:
        beams.end()
    else:
        advanced(beams, *[[0.0, 0.9, 0.1]] * 2)
    assert beams.done().tolist() == [True]
    found = [(one.tokens, one.finished) for one in beams.hypotheses([0])[0]]
    cut = (1,) if force_eos else (1, 1)
    assert sorted(found) == [((), True), (cut, False)]


@pytest.mark.parametrize("max_tokens", [1, 2])
def test_an_end_that_is_the_last_token_allowed(max_tokens):
    """The model ended it, just in time."""
    beams = beams_of(max_tokens=max_tokens)
    for _ in range(max_tokens - 1):
        advanced(beams, *[[0.01, 0.98, 0.01]] * 2)
    advanced(beams, *[[0.98, 0.01, 0.01]] * 2)
    [[best]] = beams.hypotheses([0])
    assert (best.tokens, best.finished) == ((1,) * (max_tokens - 1), True)


def test_kept_utterances_are_as_before():
    """In order, with all that is known of them."""
    settings = SearchSettings(beam_size=2, max_tokens=3)
    prefix = torch.tensor([[5], [6], [7]])
    beams = Beams(prefix, settings=settings, start=2, eos=2)
    beams.advance(torch.randn(6, 9))
    names = ("running", "scores", "parents", "ended", "ended_scores")
    before = {name: getattr(beams, name).clone() for name in names}
    beams.keep(torch.tensor([0, 2]))
    for name in names:
        assert torch.equal(getattr(beams, name), before[name][[0, 2]])
    assert beams.running[:, 0, 1].tolist() == [5, 7]
    assert beams.rows.tolist() == [0, 0, 2, 2]


def test_a_step_on_a_gpu_waits_for_nothing():
    """On a pretended one: reading a value from it would stop the test."""
    with pretended_gpu():
        settings = SearchSettings(
            beam_size=3, max_tokens=5, no_repeat_ngram=2, min_tokens=5
        )
        prefix = torch.ones(2, 3, dtype=torch.long, device="cuda")
        beams = Beams(prefix, settings=settings, start=2, eos=2)
        beams.advance(torch.empty(6, 20_000, device="cuda"))
        beams.keep(torch.tensor([1], device="cuda"))
        for one in (beams.last, beams.rows, beams.done(), beams.ended_scores):
            assert one.device.type == "cuda"
        assert beams.rows.shape == (3,)
        beams.end()
        with pytest.raises(DataDependentOutputException):
            beams.done().tolist()
