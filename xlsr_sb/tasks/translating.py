"""From translations to BLEU and chrF: of each pair of languages, and averages."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xlsr_sb.data.targets import translation_of
from xlsr_sb.files import open_atomic
from xlsr_sb.manifest import Utterance
from xlsr_sb.metrics import (
    bleu_tokenizer,
    count_translations,
    mean_score,
    translation_table,
    write_translation_table,
)
from xlsr_sb.training.evaluation import Evaluation, GroupScore

logger = logging.getLogger(__name__)
Pair = tuple[str, str]


@dataclass(frozen=True)
class Translated:
    """What was written for one example: an utterance with one translation.

    Parameters
    ----------
    example : Utterance
        Of ``TranslationPairs``.
    hypothesis : str
    """

    example: Utterance
    hypothesis: str

    @property
    def pair(self) -> Pair:
        """Language that was spoken, and the one that was written."""
        return self.example.language, translation_of(self.example)[0]

    @property
    def reference(self) -> str:
        """What ought to be written."""
        return translation_of(self.example)[1]


def by_pair(translated: Sequence[Translated]) -> dict[Pair, list[Translated]]:
    """Translations of each pair, sorted by its name.

    Example
    -------
    >>> clip = Utterance("a:en", "a.wav", 1.0, language="fr", translations={"en": "no"})
    >>> list(by_pair([Translated(clip, "yes")]))
    [('fr', 'en')]
    """
    found: dict[Pair, list[Translated]] = {}
    for one in translated:
        found.setdefault(one.pair, []).append(one)
    return dict(sorted(found.items()))


def mean_bleu(translated: Sequence[Translated]) -> float:
    """Mean of the pairs' BLEU, from 0 to 100: what a development set is watched by.

    Example
    -------
    >>> text = "this is a text of words"
    >>> clip = Utterance("a:en", "a.wav", 1.0, language="fr", translations={"en": text})
    >>> round(mean_bleu([Translated(clip, text)]))
    100
    """
    scores = [
        count_translations(
            "BLEU",
            [one.reference for one in part],
            [one.hypothesis for one in part],
            tokenize=bleu_tokenizer(target),
        ).score()
        for (_, target), part in by_pair(translated).items()
    ]
    return mean_score(scores).value


def averages_of(section: Mapping[str, str], names: Sequence[str]) -> dict[str, list]:
    """Pairs of each average that the hyperparameters name.

    Parameters
    ----------
    section : mapping of str to str
        Pairs with spaces between, by name of the average.
    names : sequence of str
        Pairs that are scored, as ``fr_en``.

    Returns
    -------
    dict of str to list of str
        Averages of which all pairs are scored. Of others a pair may be misspelt, which
        a warning says if some are scored.

    Example
    -------
    >>> averages_of({"high": "fr_en de_en", "low": "cy_en"}, ["de_en", "fr_en"])
    {'high': ['fr_en', 'de_en']}
    """
    found = {}
    for name, text in section.items():
        pairs = text.split()
        lacking = [pair for pair in pairs if pair not in names]
        if not lacking:
            found[name] = pairs
        elif len(lacking) < len(pairs):
            shown = ", ".join(lacking)
            logger.warning("no average %r: %s is not scored", name, shown)
    return found


def evaluation_of(
    translated: Sequence[Translated], *, averages: Mapping[str, str]
) -> Evaluation:
    """Scores of a test set, with intervals, every text, and files for sacrebleu.

    Parameters
    ----------
    translated : sequence of Translated
        All of it.
    averages : mapping
        See ``averages_of``.
    """
    parts = by_pair(translated)
    names = ["_".join(pair) for pair in parts]
    table = translation_table(
        [one.reference for one in translated],
        [one.hypothesis for one in translated],
        pairs=[one.pair for one in translated],
        speakers=[one.example.spk_id for one in translated],
        averages=averages_of(averages, names),
    )
    files: dict[str, Callable[[Path], None]] = {
        "scores.csv": partial(write_translation_table, rows=table)
    }
    for name, part in zip(names, parts.values(), strict=True):
        references = [one.reference for one in part]
        files[f"{name}.ref.txt"] = partial(_write_lines, lines=references)
        hypotheses = [one.hypothesis for one in part]
        files[f"{name}.hyp.txt"] = partial(_write_lines, lines=hypotheses)
    return Evaluation(
        [GroupScore(row.group, row.score, row.clips, row.interval) for row in table],
        report="".join(map(_reported, translated)),
        baseline=None,
        files=files,
    )


def _write_lines(path: Path, *, lines: Sequence[str]) -> None:
    """Texts, one a line: what sacrebleu's own command reads."""
    with open_atomic(path) as file:
        file.writelines(f"{' '.join(line.split())}\n" for line in lines)


def _reported(one: Translated) -> str:
    """A paragraph for people."""
    heard = f"  {one.example.language}: {one.example.wrd}\n" if one.example.wrd else ""
    return (
        f"{one.example.id}\n{heard}  reference: {one.reference}\n"
        f"  written:   {one.hypothesis}\n\n"
    )
