"""Examples of speech translation: an utterance and one of its translations."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, durations_of

Pair = tuple[str, str]  # language that is spoken, and the one that is written


@dataclass(frozen=True, eq=False)
class TranslationPairs(Sequence[Utterance]):
    """Utterances once for each of their translations, made when they are asked for.

    An example is the utterance with that translation alone; its id has the target
    language behind a colon. Two numbers are kept of each, and the utterances may stay
    on disk: 300,000 with fifteen translations are four million examples.

    Parameters
    ----------
    utterances : sequence of Utterance
    rows : integer array [N]
        Which utterance each example is.
    codes : integer array [N]
        Which pair each example is of.
    pairs : tuple of (str, str)

    Example
    -------
    >>> texts = {"en": "yes", "de": "ja", "it": ""}
    >>> clip = Utterance("a", "a.wav", 2.0, language="fr", translations=texts)
    >>> examples = TranslationPairs.of([clip])
    >>> [(one.id, dict(one.translations)) for one in examples]
    [('a:de', {'de': 'ja'}), ('a:en', {'en': 'yes'})]
    >>> examples.pair_names, examples.durations.tolist()
    (['fr_de', 'fr_en'], [2.0, 2.0])
    """

    utterances: Sequence[Utterance]
    rows: np.ndarray
    codes: np.ndarray
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, utterances: Sequence[Utterance]) -> "TranslationPairs":
        """Every translation that has a text; those of an utterance by their language.

        Parameters
        ----------
        utterances : sequence of Utterance

        Raises
        ------
        InputError
            If a translated utterance has no language, or there is no translation.
        """
        rows, codes, known = [], [], {}
        for row, one in enumerate(utterances):
            for target, text in sorted(one.translations.items()):
                if not text.strip():
                    continue
                if not one.language:
                    raise InputError(
                        f"utterance {one.id!r} is translated into {target!r}, but has "
                        "no language itself; fill the column language"
                    )
                rows.append(row)
                codes.append(known.setdefault((one.language, target), len(known)))
        arrays = np.array(rows, dtype=np.int64), np.array(codes, dtype=np.int32)
        if not known:
            raise InputError(
                f"none of {len(utterances)} utterances is translated; a manifest has "
                "translations in columns such as translation_en"
            )
        return cls(utterances, *arrays, tuple(known))

    @property
    def names(self) -> list[str]:
        """Name of each pair, in the order of ``pairs``."""
        return [f"{source}_{target}" for source, target in self.pairs]

    @property
    def pair_names(self) -> list[str]:
        """Name of the pair of each example, by which pairs are mixed."""
        names = self.names
        return [names[code] for code in self.codes.tolist()]

    @property
    def target_languages(self) -> list[str]:
        """Languages that are translated into, sorted."""
        return sorted({self.pairs[code][1] for code in np.unique(self.codes).tolist()})

    @property
    def durations(self) -> np.ndarray:
        """Speech of each example in seconds: float64 [N]."""
        return np.asarray(durations_of(self.utterances), dtype=np.float64)[self.rows]

    def among(self, places: np.ndarray) -> "TranslationPairs":
        """Some of the examples: numbers or a mask."""
        return replace(self, rows=self.rows[places], codes=self.codes[places])

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.rows)

    def __getitem__(self, index):
        """Make an example, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._example(self.utterances[int(self.rows[place])], place)

    def __iter__(self) -> Iterator[Utterance]:
        """Make them one after another; an utterance is read once for its neighbours."""
        last, utterance = -1, None
        for place, row in enumerate(self.rows.tolist()):
            if row != last:
                last, utterance = row, self.utterances[row]
            yield self._example(utterance, place)

    def _example(self, utterance: Utterance, place: int) -> Utterance:
        """An utterance with one translation."""
        _, target = self.pairs[self.codes[place]]
        text = utterance.translations[target]
        return replace(
            utterance, id=f"{utterance.id}:{target}", translations={target: text}
        )


def few_of_each(pairs: TranslationPairs, number: int) -> TranslationPairs:
    """At most so many examples of each pair, drawn by the ids alone.

    The same in every run, and a larger number holds what a smaller one does.

    Raises
    ------
    InputError
        If the number is not positive.

    Example
    -------
    >>> clips = [Utterance(one, "a.wav", 1.0, language="fr", translations={"en": one})
    ...          for one in "abcd"]
    >>> [one.id for one in few_of_each(TranslationPairs.of(clips), 2)]
    ['a:en', 'd:en']
    """
    if number < 1:
        raise InputError(f"so many examples of each pair: {number}; it must be above 0")
    drawn = [hashlib.sha256(one.id.encode()).digest() for one in pairs]
    places: dict[int, list[int]] = {}
    for place in sorted(range(len(pairs)), key=drawn.__getitem__):
        places.setdefault(int(pairs.codes[place]), []).append(place)
    return pairs.among(np.sort(np.concatenate([p[:number] for p in places.values()])))
