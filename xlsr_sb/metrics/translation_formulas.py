"""BLEU and chrF of sums of counts, for many sums at a time."""

import numpy as np

NGRAMS = 4  # of words, in BLEU
BETA = 2  # of chrF: how much more recall counts than precision


def bleu(sums: np.ndarray) -> np.ndarray:
    """BLEU of counts that were summed over sentences.

    Parameters
    ----------
    sums : ndarray [..., 10]
        Words of the hypotheses and of the references, matching n-grams for n from 1
        to 4, and n-grams of the hypotheses.

    Returns
    -------
    ndarray [...], float64
        From 0 to 100. The k-th order without a match counts as 1 / 2^k of one; without
        a match of any order, or without n-grams of some order, the score is 0.

    Example
    -------
    >>> bleu(np.array([[4, 4, 4, 3, 2, 1, 4, 3, 2, 1], [0] * 10])).tolist()
    [100.0, 0.0]
    """
    hypothesis, reference = sums[..., 0], sums[..., 1]
    matches, total = sums[..., 2 : 2 + NGRAMS], sums[..., 2 + NGRAMS :]
    halvings = np.cumsum(matches == 0, axis=-1)
    found = np.where(matches > 0, matches, 0.5**halvings)
    logs = np.log(found / np.maximum(total, 1)).mean(axis=-1)
    brevity = np.minimum(0.0, 1 - reference / np.maximum(hypothesis, 1))
    is_above_0 = (matches > 0).any(axis=-1) & (total > 0).all(axis=-1)
    return np.where(is_above_0, 100 * np.exp(brevity + logs), 0.0)


def chrf(sums: np.ndarray) -> np.ndarray:
    """Score chrF of counts that were summed over sentences.

    Parameters
    ----------
    sums : ndarray [..., 18]
        For n from 1 to 6: n-grams of the hypotheses, of the references, and matching.

    Returns
    -------
    ndarray [...], float64
        From 0 to 100. Precision and recall are means over the orders of which both
        sides have n-grams.

    Example
    -------
    >>> chrf(np.array([3, 3, 3, 2, 2, 2, 1, 1, 1] + [0] * 9)).tolist()
    100.0
    """
    orders = sums.reshape(*sums.shape[:-1], -1, 3)
    hypothesis, reference, matches = np.moveaxis(orders, -1, 0)
    is_counted = (hypothesis > 0) & (reference > 0)
    num_orders = np.maximum(is_counted.sum(axis=-1), 1)
    precision, recall = (
        np.where(is_counted, matches / np.maximum(side, 1), 0.0).sum(axis=-1)
        / num_orders
        for side in (hypothesis, reference)
    )
    weight = BETA**2
    below = weight * precision + recall
    above = (1 + weight) * precision * recall
    return np.where(below > 0, 100 * above / np.where(below > 0, below, 1.0), 0.0)


FORMULAS = {"BLEU": bleu, "chrF": chrf}
