"""Searching for weights: what is tried, in which order, and what comes of it."""

import pytest
import torch

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.decoders.search import Weights
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.decoders.tuning import RANGES, best_texts, search
from xlsr_sb.errors import InputError

BOTH = ["lm_weight", "word_score"]


def bowl(weights):
    """Errors that are fewest at one place."""
    distance = (weights.lm_weight - 1.2) ** 2 + (weights.word_score - 2.5) ** 2
    return int(1000 * distance), 0


def trials(errors_of=bowl, *, names=BOTH, num_trials=40, seed=1, start=None):
    """All trials of a search."""
    options = {"names": names, "num_trials": num_trials, "seed": seed}
    return list(search(errors_of, start=start or Weights(), **options))


@pytest.mark.parametrize("seed", range(4))
def test_comes_near_the_best_place(seed):
    """Mutation that fails here: all trials are drawn anywhere."""
    best = min(trials(seed=seed), key=lambda one: one.errors)
    assert best.weights.lm_weight == pytest.approx(1.2, abs=0.2)
    assert best.weights.word_score == pytest.approx(2.5, abs=0.2)


def test_the_first_is_where_it_starts_and_wins_over_equals():
    start = Weights(0.5, 0.25, 3.0)
    flat = trials(lambda _: (7, 7), start=start)
    assert flat[0].weights == start
    assert min(flat, key=lambda one: one.errors) is flat[0]


def test_second_number_decides_between_equals():
    """As characters do, where words are equally wrong."""
    made = trials(lambda w: (3, bowl(w)[0]))
    best = min(made, key=lambda one: one.errors)
    assert best.weights.lm_weight == pytest.approx(1.2, abs=0.2)


def test_one_seed_one_search():
    """Another seed tries others; all stay in their ranges."""
    assert trials(seed=3) == trials(seed=3)
    assert trials(seed=3)[1:] != trials(seed=4)[1:]
    corner = trials(lambda w: (-int(1e3 * (w.lm_weight + w.word_score)), 0))
    for one in corner[1:]:
        for name in BOTH:
            low, high = RANGES[name]
            assert low <= getattr(one.weights, name) <= high
    assert corner[-1].weights.space_score == Weights().space_score


@pytest.mark.parametrize("num_trials", [1, 2, 3, 5])
def test_so_many_trials(num_trials):
    assert len(trials(num_trials=num_trials)) == num_trials


def test_no_trial():
    with pytest.raises(InputError, match="trials is 0"):
        trials(num_trials=0)


def test_language_model_corrects_what_was_heard_wrong(tmp_path):
    """A tuned one says what greedy does not, on log-probabilities that are kept."""
    vocabulary = Vocabulary.of(["the cat sat on a mat"])
    NGrams.estimate(
        [["the", "cat", "sat"], ["a", "mat"], ["the", "mat"]], order=2
    ).save(tmp_path / "lm.arpa")
    references = ["the cat sat", "a mat"]
    log_probs = []
    for text in ("the mat sat", "a mat"):
        ids = [i for token in vocabulary.encode(text) for i in (token, 0)]
        frames = torch.full((len(ids), len(vocabulary)), -8.0)
        frames[range(len(ids)), ids] = 0.0
        log_probs.append(frames)
    log_probs[0][
        8, vocabulary.encode("c")[0]
    ] = -0.5  # m was heard, c is nearly as good
    decoder = DecoderSettings(kind="lexicon", lm=str(tmp_path / "lm.arpa")).build(
        vocabulary
    )

    def errors_of(weights):
        texts = best_texts(decoder.weighed(weights), log_probs)
        return (sum(a != b for a, b in zip(texts, references, strict=True)),)

    made = trials(errors_of, start=Weights(0.0, 0.0), num_trials=12)
    assert made[0].errors == (1,)
    assert min(one.errors for one in made) == (0,)
