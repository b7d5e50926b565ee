"""Beam search beside transformers' ``generate``, on the same weights."""

import pytest
import torch

from tests.decoders.autoregressive.peers import (
    EOS,
    LANGUAGE,
    START,
    ForcedPrefix,
    Recomputing,
    generate,
    random_mbart,
    random_memory,
)
from xlsr_sb.decoders.autoregressive.beam import beam_search
from xlsr_sb.errors import InputError

COUNTS = [6, 3, 1, 5]


def searched(model, memory, num_memory, **options):
    """Sequences and scores of our search."""
    found = beam_search(
        Recomputing(model), memory, num_memory, start=START, eos=EOS, **options
    )
    sequences = [[one.tokens for one in best] for best in found]
    return sequences, [[one.score for one in best] for best in found]


def both(model, memory, num_memory, *, num_best=1, prefix=(LANGUAGE,), **options):
    """Sequences and scores, ours and those of transformers."""
    ours = searched(
        model, memory, num_memory, num_best=num_best, prefix=prefix, **options
    )
    names = {
        "beam_size": "num_beams",
        "max_tokens": "max_new_tokens",
        "no_repeat_ngram": "no_repeat_ngram_size",
        "min_tokens": "min_new_tokens",
    }
    options = {names.get(name, name): value for name, value in options.items()}
    options.pop("force_eos", None)  # transformers reads it in the model's configuration
    if len(prefix) == 1:
        options["forced_bos_token_id"] = prefix[0]
    elif prefix:
        options["logits_processor"] = [ForcedPrefix(prefix)]
    theirs = generate(
        model, memory, num_memory, num_return_sequences=num_best, **options
    )
    return ours, theirs


def assert_same(ours, theirs):
    """Sequences to the token, scores to rounding."""
    assert ours[0] == theirs[0]
    for mine, other in zip(ours[1], theirs[1], strict=True):
        assert mine == pytest.approx(other, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("early_stopping", [False, True, "never"])
@pytest.mark.parametrize("length_penalty", [-0.5, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("beam_size", [2, 5])
def test_finds_what_transformers_finds(beam_size, length_penalty, early_stopping):
    """All that are asked for, in order, with their scores; padding is never seen."""
    seed = round(10 * length_penalty) + beam_size + 100
    model = random_mbart(seed, eos_bias=4.0)
    memory, counts = random_memory(seed, COUNTS)
    ours, theirs = both(
        model,
        memory,
        counts,
        beam_size=beam_size,
        num_best=beam_size,
        max_tokens=10,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
    )
    assert_same(ours, theirs)
    lengths = {len(tokens) for best in ours[0] for tokens in best}
    assert len(lengths) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"no_repeat_ngram": 1},
        {"no_repeat_ngram": 2},
        {"no_repeat_ngram": 3, "prefix": (LANGUAGE, 5, LANGUAGE)},
        {"min_tokens": 6},
        {"min_tokens": 4, "prefix": ()},
        {"prefix": ()},
        {"prefix": (LANGUAGE, 5, 9)},
        {"beam_size": 1},
        {"beam_size": 1, "length_penalty": 3.0, "early_stopping": "never"},
        {"beam_size": 1, "no_repeat_ngram": 2, "min_tokens": 6},
        {"beam_size": 8, "max_tokens": 2},
        {"force_eos": True},
        {"force_eos": True, "beam_size": 1, "max_tokens": 4},
        {"force_eos": True, "no_repeat_ngram": 1, "min_tokens": 10},
    ],
    ids=lambda options: " ".join(f"{name}={options[name]}" for name in options),
)
@pytest.mark.parametrize("eos_bias", [0.0, 3.0])
def test_options_mean_what_they_mean_in_transformers(options, eos_bias):
    """One after the other, with models that end early and models that do not."""
    options = {"beam_size": 3, "max_tokens": 10, **options}
    forced_eos = EOS if options.get("force_eos") else None
    model = random_mbart(7, eos_bias=eos_bias, forced_eos=forced_eos)
    memory, counts = random_memory(7, COUNTS)
    ours, theirs = both(model, memory, counts, num_best=options["beam_size"], **options)
    if options["beam_size"] == 1:
        assert ours[0] == theirs[0]
    else:
        assert_same(ours, theirs)


def test_batch_is_as_transformers_with_each_alone():
    """Ours are searched together, with padding; theirs each without."""
    model = random_mbart(3, eos_bias=3.0)
    memory, counts = random_memory(3, COUNTS)
    search = {"beam_size": 5, "num_best": 2, "max_tokens": 10}
    sequences, scores = searched(model, memory, counts, prefix=[LANGUAGE], **search)
    for i, count in enumerate(COUNTS):
        _, theirs = both(model, memory[i : i + 1, :count], counts[i : i + 1], **search)
        assert_same((sequences[i : i + 1], scores[i : i + 1]), theirs)


def test_each_utterance_has_its_own_prefix():
    """As if each were searched for alone."""
    model = random_mbart(4, eos_bias=3.0)
    memory, counts = random_memory(4, COUNTS)
    prefixes = [[11], [12], [13], [14]]
    search = {"beam_size": 3, "max_tokens": 10}
    sequences, scores = searched(model, memory, counts, prefix=prefixes, **search)
    assert [best[0][0] for best in sequences] == [11, 12, 13, 14]
    for i, prefix in enumerate(prefixes):
        _, theirs = both(
            model, memory[i : i + 1], counts[i : i + 1], prefix=prefix, **search
        )
        assert_same((sequences[i : i + 1], scores[i : i + 1]), theirs)


def test_score_of_the_greedy_sequence():
    """Mean log-probability of its tokens and its end; forced ones cost nothing."""
    model = random_mbart(5, eos_bias=3.0)
    memory, counts = random_memory(5, [6])
    search = {"beam_size": 1, "max_tokens": 10, "start": START, "eos": EOS}
    model_asked = Recomputing(model)
    [[best]] = beam_search(model_asked, memory, counts, prefix=[LANGUAGE], **search)
    said = [*best.tokens, EOS]
    state = model_asked.start(memory, counts, beam_size=1, max_tokens=10)
    total = 0.0
    for position, (last, token) in enumerate(zip([START, *said], said, strict=False)):
        with torch.no_grad():
            log_probs = model_asked.step(torch.tensor([last]), state).log_softmax(-1)
        if position:
            total += log_probs[0, token].item()
    assert best.finished
    assert 2 < len(said) < 10
    assert best.score == pytest.approx(total / len(said), abs=1e-5)


def test_without_utterances():
    memory, counts = torch.zeros(0, 3, 4), torch.zeros(0).long()
    search = {"beam_size": 2, "max_tokens": 4, "start": START, "eos": EOS}
    assert beam_search(None, memory, counts, prefix=[], **search) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size is 0; it must be at least 1"),
        ({"num_best": 3}, "num_best is 3; it must be in 1 to 2"),
        ({"prefix": [5] * 4}, "max_tokens is 4; it must be above the 4 tokens of the"),
        ({"prefix": [[5]]}, "prefix is for 1 utterances, the batch has 2"),
        ({"prefix": [[5], [5, 6]]}, r"prefixes have \[1, 2\] tokens"),
        ({"prefix": [5, EOS]}, r"prefix is \[5, 2\]; .* not 2, which ends a sequence"),
        ({"prefix": [-1]}, r"prefix is \[-1\]; it must have ids of tokens"),
    ],
)
def test_what_cannot_be_searched(options, message):
    """Said before the model is asked."""
    options = {"beam_size": 2, "max_tokens": 4, "prefix": [5], **options}
    memory, counts = torch.zeros(2, 3, 4), torch.ones(2).long()
    with pytest.raises(InputError, match=f"^decoding: {message}"):
        beam_search(None, memory, counts, start=START, eos=EOS, **options)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_nothing_is_possible(beam_size):
    """All tokens are forbidden, or the model has broken weights."""
    model = random_mbart(6)
    memory, counts = random_memory(6, [6])
    search = {"beam_size": beam_size, "prefix": [LANGUAGE]}
    with pytest.raises(InputError, match="utterance 0 .* no possible sequence"):
        # fifty tokens of forty, each at most once
        searched(model, memory, counts, max_tokens=50, no_repeat_ngram=1, **search)
    model.final_logits_bias += torch.nan
    with pytest.raises(InputError, match="utterance 0 .* NaN"):
        searched(model, memory, counts, max_tokens=5, **search)
