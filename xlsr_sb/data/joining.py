"""Several languages of a corpus as one, where it is prepared a language at a time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

LANGUAGE = "language"  # option of a preparation


def prepared(prepare: Callable[..., Corpus], options: Mapping[str, Any]) -> Corpus:
    """Corpus of a preparation; of several, where ``language`` has commas.

    Parameters
    ----------
    prepare : callable
        Of a recipe.
    options : mapping
        Its arguments. With ``language: fr,de`` it is called for ``fr``, then for
        ``de``, and what it gives is joined.

    Raises
    ------
    InputError
        For an empty or a repeated code; and whatever the preparation raises.

    Example
    -------
    >>> def prepare(language):
    ...     clip = Utterance("1", f"{language}/1.wav", 1.0, language=language)
    ...     return Corpus({"train": [clip]})
    >>> corpus = prepared(prepare, {"language": "fr,de"})
    >>> [one.id for one in corpus.splits["train"]]
    ['fr/1', 'de/1']
    """
    codes = _codes(options.get(LANGUAGE))
    if len(codes) < 2:
        return prepare(**options)
    return joined({code: prepare(**{**options, LANGUAGE: code}) for code in codes})


def joined(corpora: Mapping[str, Corpus]) -> Corpus:
    """One corpus of several languages.

    Parameters
    ----------
    corpora : mapping of str to Corpus
        By language.

    Returns
    -------
    Corpus
        Each split holds the languages in their order. An id has its language and a
        slash before it, as corpora may count each language from 1; a note has its
        language before it.

    Raises
    ------
    InputError
        If a recording comes for two languages.
    """
    splits: dict[str, list[Utterance]] = {}
    notes = []
    for code, corpus in corpora.items():
        for name, utterances in corpus.splits.items():
            here = splits.setdefault(name, [])
            here += [replace(one, id=f"{code}/{one.id}") for one in utterances]
        notes += [_named(note, code) for note in corpus.notes]
    _check_recordings(corpora)
    return Corpus(splits, notes)


def _codes(value: object) -> list[str]:
    """Languages of an option with commas; none, where there is no comma."""
    if not isinstance(value, str) or "," not in value:
        return []
    codes = [code.strip() for code in value.split(",")]
    if "" in codes or len(set(codes)) < len(codes):
        raise InputError(
            f"language {value!r}: codes stand with commas between, each once, such as "
            "fr,de,es"
        )
    return codes


def _named(note: Note, code: str) -> Note:
    """Note whose group begins with the language."""
    is_named = note.group.split()[:1] == [code]
    return note if is_named else replace(note, group=f"{code} {note.group}")


def _check_recordings(corpora: Mapping[str, Corpus]) -> None:
    """Raise where one recording would be learnt as two languages."""
    language_of: dict[tuple, str] = {}
    for code, corpus in corpora.items():
        for utterances in corpus.splits.values():
            for one in utterances:
                place = one.wav, one.start, one.stop
                if (other := language_of.setdefault(place, code)) != code:
                    raise InputError(
                        f"language {','.join(corpora)!r}: {one.wav} comes for {other} "
                        f"and for {code}; this corpus is not divided by languages: "
                        "give one, and write that of each recording into its list"
                    )
