"""Epochs drawn from many languages and corpora, each level with its own exponent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xlsr_sb.data.ordering import draw_groups, language_probabilities
from xlsr_sb.errors import InputError
from xlsr_sb.manifest.columns import Columns, Names

DRAWS = 100_000  # of an epoch, where the corpus has more utterances


def group_probabilities(
    seconds: Mapping[tuple[str, str], float],
    *,
    corpus_alpha: float,
    language_alpha: float,
) -> dict[tuple[str, str], float]:
    """Probability of each language of each corpus.

    A corpus has (h_c / H)^corpus_alpha, a language within it
    (h_lc / h_c)^language_alpha, both normalised; a group has the product.

    Parameters
    ----------
    seconds : mapping of (corpus, language) to float
        h_lc; h_c is its sum over languages, H over all.
    corpus_alpha, language_alpha : float
        From 0 (all alike) to 1 (as much of each as there is).

    Returns
    -------
    dict of (corpus, language) to float
        They add up to 1.

    Example
    -------
    >>> hours = {("books", "fr"): 9.0, ("books", "ka"): 1.0, ("radio", "fr"): 90.0}
    >>> found = group_probabilities(hours, corpus_alpha=0.5, language_alpha=0.5)
    >>> {group: round(chance, 4) for group, chance in found.items()}
    {('books', 'fr'): 0.1875, ('books', 'ka'): 0.0625, ('radio', 'fr'): 0.75}
    """
    by_corpus: dict[str, dict[str, float]] = {}
    for (corpus, language), speech in seconds.items():
        by_corpus.setdefault(corpus, {})[language] = speech
    totals = {corpus: sum(parts.values()) for corpus, parts in by_corpus.items()}
    chances = language_probabilities(totals, corpus_alpha)
    return {
        (corpus, language): chances[corpus] * share
        for corpus, parts in by_corpus.items()
        for language, share in language_probabilities(parts, language_alpha).items()
    }


@dataclass(frozen=True)
class Group:
    """One language of one corpus.

    Parameters
    ----------
    corpus, language : str
    num_utterances : int
        Those that are long enough.
    seconds : float
        Speech in them.
    chance : float
        Share of an epoch's draws.
    """

    corpus: str
    language: str
    num_utterances: int
    seconds: float
    chance: float


class Mixture:
    """Which utterances each epoch draws, and in which order.

    Each draw is for a language of a corpus with the probability of
    ``group_probabilities``. Each such group goes through its own permutations, from
    epoch to epoch. All of it is a function of the seed and the epoch.

    Parameters
    ----------
    columns : Columns
        Of all utterances.
    min_seconds : float
        Shorter ones are never drawn.
    corpus_alpha, language_alpha : float
        From 0 to 1.
    draws : int, optional
        Of an epoch; by default as many as there are utterances, up to 100,000.
    seed : int

    Attributes
    ----------
    groups : list of Group
        By name.
    num_dropped : int
        Utterances that are too short.
    seconds_dropped : float
        Speech in them.

    Raises
    ------
    InputError
        When no utterance is left, when only some of a corpus have a language, or when
        a setting is out of its range.

    Example
    -------
    >>> names = Names.of(["fr", "fr", "fr", "ka"])
    >>> columns = Columns(np.array([8.0, 1.0, 8.0, 9.0]), names, Names.of([""] * 4))
    >>> mixture = Mixture(columns, min_seconds=2.0, draws=6, seed=1)
    >>> mixture.num_dropped, [group.language for group in mixture.groups]
    (1, ['fr', 'ka'])
    >>> sorted(set(mixture.epoch(0).tolist()))
    [0, 2, 3]
    """

    def __init__(
        self,
        columns: Columns,
        *,
        min_seconds: float,
        corpus_alpha: float = 0.5,
        language_alpha: float = 0.5,
        draws: int | None = None,
        seed: int,
    ) -> None:
        alphas = {"corpus_alpha": corpus_alpha, "language_alpha": language_alpha}
        _check_settings(alphas, draws)
        short = columns.durations < min_seconds
        self.num_dropped = int(short.sum())
        self.seconds_dropped = float(columns.durations[short].sum())
        self.seed = seed
        names, self._members, seconds = _grouped(columns, short)
        if not names:
            raise InputError(
                f"all {len(short)} utterances are shorter than min_crop_seconds, "
                f"{min_seconds} s; lower it or give longer recordings"
            )
        if language_alpha < 1:
            _check_languages(names, self._members)
        chances = group_probabilities(dict(zip(names, seconds, strict=True)), **alphas)
        self.groups = [
            Group(*name, len(own), speech, chances[name])
            for name, own, speech in zip(names, self._members, seconds, strict=True)
        ]
        self.draws = draws or min(DRAWS, sum(map(len, self._members)))

    def epoch(self, epoch: int) -> np.ndarray:
        """Return the indices that an epoch draws, in their order."""
        return draw_groups(
            self._members,
            [group.chance for group in self.groups],
            size=self.draws,
            seed=self.seed,
            epoch=epoch,
        )

    def table(self) -> str:
        """One line a group: its utterances and hours, and its share of the draws."""
        lines = ["corpus\tlanguage\tutterances\thours\tshare"]
        lines += [
            f"{one.corpus or '-'}\t{one.language or '-'}\t{one.num_utterances}\t"
            f"{one.seconds / 3600:.2f}\t{one.chance:.2%}"
            for one in self.groups
        ]
        return "\n".join(lines)


def _grouped(
    columns: Columns, short: np.ndarray
) -> tuple[list[tuple[str, str]], list[np.ndarray], list[float]]:
    """Names, indices and speech of each group, by name; without what is short."""
    corpora, languages = _sorted(columns.corpora), _sorted(columns.languages)
    width = len(languages.names)
    number = len(corpora.names) * width
    # The smallest integers sort fastest. What is short comes last.
    kind = np.min_scalar_type(number)
    keys = corpora.codes.astype(kind) * kind.type(width) + languages.codes.astype(kind)
    keys[short] = number
    order = np.argsort(keys, kind="stable").astype(np.int32)
    counts = np.bincount(keys, minlength=number + 1)
    seconds = np.bincount(keys, weights=columns.durations, minlength=number + 1)
    parts = np.split(order, np.cumsum(counts))
    present = np.flatnonzero(counts[:number]).tolist()
    names = [
        (corpora.names[one // width], languages.names[one % width]) for one in present
    ]
    return names, [parts[one] for one in present], seconds[present].tolist()


def _sorted(names: Names) -> Names:
    """Return the same, numbered in alphabetical order."""
    order = sorted(range(len(names.names)), key=names.names.__getitem__)
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order))
    return Names(tuple(names.names[one] for one in order), ranks[names.codes])


def _check_settings(alphas: Mapping[str, float], draws: int | None) -> None:
    """Raise for a setting out of its range."""
    for name, alpha in alphas.items():
        if not 0 <= alpha <= 1:
            raise InputError(f"{name} is {alpha}; it must be from 0 to 1")
    if draws is not None and draws < 1:
        raise InputError(
            f"utterances_per_epoch is {draws}; it must be at least 1, or null"
        )


def _check_languages(names: list[tuple[str, str]], members: list[np.ndarray]) -> None:
    """Raise when some utterances of a corpus have a language, and some have none."""
    sizes = {name: len(own) for name, own in zip(names, members, strict=True)}
    for corpus, language in names:
        others = sum(other == corpus for other, _ in names) - 1
        if language == "" and others:
            raise InputError(
                f"{sizes[corpus, '']} utterances of the corpus {corpus!r} have no "
                f"language and the others have one; fill in the column `language`, "
                f"or give those without it another name in the column `corpus`"
            )
