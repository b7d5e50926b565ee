"""Pairs of languages for translation: of recognition's clips, those with both texts."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from debian_speech import texts
from debian_speech.cleaning import Tally, notes
from debian_speech.splitting import LEAK
from debian_speech.texts import sentence_key
from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

ENGLISH = "en"
INTO_ENGLISH, FROM_ENGLISH = "x_en", "en_x"
TARGETS = ("it", "ru", "fr", "es")  # of English speech, where there is enough of it
UNTRANSLATED = "without translation"
SPLITS = ("train", "dev", "test")

Pair = tuple[str, str]


def chosen_pairs(pairs: str | Sequence[str], spoken: Collection[str]) -> list[Pair]:
    """Pairs that a user asked for, each once.

    Parameters
    ----------
    pairs : str, with commas, or sequence of str
        ``es_en``, from Spanish speech into English text; ``x_en`` is all speech into
        English, ``en_x`` English speech into ``TARGETS``.
    spoken : collection of str
        Languages of the chosen sources.

    Raises
    ------
    InputError
        For what is no pair, and speech that there is none of.

    Example
    -------
    >>> chosen_pairs("x_en, en_it", ["en", "fr", "es"])
    [('es', 'en'), ('fr', 'en'), ('en', 'it')]
    """
    names = pairs.split(",") if isinstance(pairs, str) else list(pairs)
    groups = {
        INTO_ENGLISH: [(code, ENGLISH) for code in sorted({*spoken} - {ENGLISH})],
        FROM_ENGLISH: [(ENGLISH, code) for code in TARGETS if ENGLISH in spoken],
    }
    chosen: list[Pair] = []
    for name in (str(name).strip() for name in names):
        source, _, target = name.partition("_")
        found = groups.get(name, [(source, target)] if source in spoken else [])
        if not found or source == target or not target:
            raise InputError(
                f"pairs: {name!r} is none of these sources; write es_en, several with "
                f"commas, {INTO_ENGLISH} or {FROM_ENGLISH}; there is speech in "
                f"{', '.join(sorted(spoken))}"
            )
        chosen += found
    return list(dict.fromkeys(chosen))


def translated(corpus: Corpus, pairs: Sequence[Pair]) -> Corpus:
    """Utterances with a text in one of the target languages, and those texts only.

    Each stays in its split. No sentence of dev or test, own or translated, is in train,
    in any language; none of test is in dev.

    Parameters
    ----------
    corpus : Corpus
        Of recognition, in the source languages.
    pairs : sequence of (str, str)
        Of ``chosen_pairs``.

    Returns
    -------
    Corpus
        With a note for each pair and split.

    Raises
    ------
    InputError
        For a pair that has nothing in a split.
    """
    tallies = {f"{a}_{b} {split}": Tally() for a, b in pairs for split in SPLITS}
    splits: dict[str, list[Utterance]] = {}
    held_out: set[str] = set()
    for split in reversed(SPLITS):  # what is scored, first
        splits[split], own = [], set()
        for one in corpus.splits[split]:
            found = {}
            for pair in (pair for pair in pairs if pair[0] == one.language):
                text = one.translations.get(pair[1], "")
                keys = {sentence_key(one.wrd), sentence_key(text)}
                tally = tallies[f"{'_'.join(pair)} {split}"]
                reason = _fault(text, pair[1]) or (LEAK if keys & held_out else None)
                if reason:
                    tally.drop(reason)
                    continue
                tally.keep(one.duration)
                found[pair[1]] = text
                own |= keys
            if found:
                splits[split].append(replace(one, translations=found))
        held_out |= own - {""}
    if empty := [group for group, tally in tallies.items() if not tally.kept]:
        raise InputError(
            f"pairs: these sources have nothing for {', '.join(empty)}; leave such "
            f"pairs out, or take more sources"
        )
    return Corpus({split: splits[split] for split in SPLITS}, notes(tallies))


def _fault(text: str, language: str) -> str | None:
    """Why a text is no translation that can be learnt; figures are nothing against it.

    Example
    -------
    >>> _fault("Press [one].", "en"), _fault("World War 2.", "en")
    ('uncertain text', None)
    """
    if not text:
        return UNTRANSLATED
    fault = texts.fault_of(text, language)
    if fault == texts.OTHER_ALPHABET and language not in texts.ALPHABETS:
        return None
    return None if fault == texts.FIGURES else fault
