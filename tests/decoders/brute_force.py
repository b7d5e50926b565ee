"""Every path through some frames, added up: what a beam search must come to."""

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import groupby, product

import torch

from xlsr_sb.data.text import Vocabulary

VOCABULARY = Vocabulary.of(["ab"])  # <blank> <unk> space a b
BLANK, SPACE = 0, 2


def random_log_probs(num_frames: int, *, seed: int, sharpness: float = 1.5):
    """Log-probabilities [F, V] in which ``<unk>`` never comes."""
    generator = torch.Generator().manual_seed(seed)
    shape = num_frames, len(VOCABULARY)
    logits = sharpness * torch.randn(shape, generator=generator, dtype=torch.float64)
    logits[:, VOCABULARY.unk] = -1e9
    return logits.log_softmax(-1)


def paths(log_probs):
    """Each path that is possible, with its probability."""
    tokens = [i for i in range(log_probs.shape[1]) if i != VOCABULARY.unk]
    for path in product(tokens, repeat=len(log_probs)):
        yield path, math.exp(sum(log_probs[i, t].item() for i, t in enumerate(path)))


def collapsed(path) -> str:
    """Text of a path."""
    return VOCABULARY.decode(t for t, _ in groupby(path) if t != BLANK)


def texts(log_probs) -> dict[str, float]:
    """Probability of each text, without spaces at its ends."""
    found = defaultdict(float)
    for path, probability in paths(log_probs):
        found[collapsed(path).strip()] += probability
    return found


def best_paths(log_probs) -> dict[str, float]:
    """Probability of the likeliest path to each text."""
    found = defaultdict(float)
    for path, probability in paths(log_probs):
        text = collapsed(path).strip()
        found[text] = max(found[text], probability)
    return found


def word_sequences(log_probs, words: set[str]) -> dict[tuple[str, ...], float]:
    """Probability of each sequence of known words, with any spaces around them."""
    found = defaultdict(float)
    for path, probability in paths(log_probs):
        said = tuple(collapsed(path).split())
        if words.issuperset(said):
            found[said] += probability
    return found


def arpa_score(ngrams, words) -> float:
    """Logarithm to base 10 of a sentence's probability, by backing off."""
    history, total = ("<s>",), 0.0
    for word in (*words, "</s>"):
        total += math.log10(next_probability(ngrams, history, word))
        history = (*history, word)
    return total


def next_probability(ngrams, history, word) -> float:
    """Probability of a word after others."""
    order = len(ngrams.probabilities)
    history = history[max(0, len(history) - order + 1) :]
    if (gram := (*history, word)) in ngrams.probabilities[len(gram) - 1]:
        return ngrams.probabilities[len(gram) - 1][gram]
    if not history:
        return ngrams.probabilities[0]["<unk>",]
    backoff = ngrams.backoffs[len(history) - 1].get(history, 1.0)
    return backoff * next_probability(ngrams, history[1:], word)


def ranked(scores: dict, key: Callable = lambda pair: pair[1]) -> list:
    """Pairs of a text and its score, the best first."""
    return sorted(scores.items(), key=key, reverse=True)
