"""Which language is spoken: learnt from some sources, tested on others.

A model may learn the sound of a source instead of a language. So each source that is
learnt from has several languages, and each language is also tested on sources that
were never heard with it. Who answers by what else was heard with that sound is wrong
in every clip of ``test_unseen`` whose sound is known at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from debian_speech import (
    adventure,
    classes,
    dialogues,
    letters,
    prompts,
    shouts,
    stamps,
    synthetic,
)
from debian_speech.classes import Splits, Tallies
from debian_speech.cleaning import Pair
from debian_speech.clip import Clip
from debian_speech.texts import sentence_key
from xlsr_sb.errors import InputError

UNSEEN_TEST = "test_unseen"
MOST = 600  # clips of a source and language that are unseen; the time of a test
TOO_MANY = f"more than {MOST}"
SENTENCE_OF_TRAIN = "sentence of train"

# Language: sources that are learnt from, and sources that are only tested.
SEEN = {
    "cs": {dialogues.NAME},
    "da": {stamps.NAME},
    "en": {prompts.NAME, letters.NAME, shouts.NAME},
    "es": {prompts.NAME},
    "fr": {stamps.NAME, letters.NAME},
    "it": {prompts.NAME},
    "nl": {dialogues.NAME, stamps.NAME},
    "ru": {stamps.NAME, letters.NAME, shouts.NAME},
    "uk": {letters.NAME},
}
UNSEEN = {
    "cs": {letters.NAME},
    "da": {letters.NAME},
    "en": {stamps.NAME, adventure.NAME},
    "es": {stamps.NAME, letters.NAME, shouts.NAME},
    "fr": {prompts.NAME},
    "it": {letters.NAME},
    "nl": {letters.NAME},
    "ru": {prompts.NAME},
    "uk": {shouts.NAME},
}


def chosen_languages(
    languages: Sequence[str] | None, sources: Iterable[str]
) -> list[str]:
    """Languages that are learnt from one of the sources and tested on another.

    Raises
    ------
    InputError
        For a language that was asked for and has no such two; for fewer than two.

    Example
    -------
    >>> chosen_languages(None, ["dialogues", "prompts", "letters"])
    ['cs', 'es', 'fr', 'it', 'nl', 'ru']
    """
    sources = set(sources)
    fit = [x for x in SEEN if SEEN[x] & sources and UNSEEN[x] & sources]
    wanted = fit if languages is None else sorted(set(languages))
    if unfit := sorted(set(wanted) - set(fit)):
        raise InputError(
            f"languages: {', '.join(unfit)} must be in two of the sources, one to "
            f"learn from and one to test; of {', '.join(sorted(sources))}, "
            f"{', '.join(fit) or 'none'} can be chosen"
        )
    if len(wanted) < 2:
        raise InputError(
            f"languages: {', '.join(wanted) or 'none'} can be told from no other; "
            "choose two or more, or more sources"
        )
    return wanted


def arranged(splits: Splits, tallies: Tallies) -> tuple[Splits, Tallies]:
    """Splits ``train``, ``dev``, ``test`` and ``test_unseen`` of languages.

    Parameters
    ----------
    splits : dict of str to list of Pair
        All that can be heard, as for pretraining.
    tallies : dict of str to Tally
        What was dropped already.

    Raises
    ------
    InputError
        If a language has nothing left in one of the splits.
    """
    tallies = classes.emptied(tallies)
    voiced = {
        split: [(_of_voice(clip), sound) for clip, sound in pairs]
        for split, pairs in splits.items()
    }
    made: Splits = {split: [] for split in (*splits, UNSEEN_TEST)}
    for split, (clip, sound) in classes.long_enough(voiced, tallies):
        made[UNSEEN_TEST if _is_unseen(clip) else split].append((clip, sound))
    learnt = {sentence_key(clip.text) for clip, _ in made["train"]} - {""}
    made[UNSEEN_TEST] = _tested(made[UNSEEN_TEST], learnt, tallies)
    _check(made, {clip.language for pairs in splits.values() for clip, _ in pairs})
    return made, classes.counted(made, tallies)


def _of_voice(clip: Clip) -> Clip:
    """Of synthetic speech, the clip with its voice as its source."""
    if clip.source != synthetic.NAME:
        return clip
    return replace(clip, source=clip.speaker.rpartition("-")[2])


def _is_unseen(clip: Clip) -> bool:
    """Whether the source is only tested in the clip's language.

    Of synthetic speech one voice is, in each language another.
    """
    if clip.source not in synthetic.VOICES:
        return clip.source in UNSEEN[clip.language]
    turn = synthetic.LANGUAGES.index(clip.language) % len(synthetic.VOICES)
    return clip.source == synthetic.VOICES[turn]


def _tested(pairs: Sequence[Pair], learnt: set[str], tallies: Tallies) -> list[Pair]:
    """Clips whose sentence is not in train, at most ``MOST`` of a source and language.

    Which these are is decided by a hash of their names.
    """
    chosen: set[str] = set()
    counts: dict[str, int] = {}
    for clip, _ in sorted(pairs, key=lambda pair: classes.drawn(pair[0].id)):
        if sentence_key(clip.text) in learnt:
            classes.drop(clip, SENTENCE_OF_TRAIN, tallies)
        elif counts.get(clip.group, 0) == MOST:
            classes.drop(clip, TOO_MANY, tallies)
        else:
            counts[clip.group] = counts.get(clip.group, 0) + 1
            chosen.add(clip.id)
    return [pair for pair in pairs if pair[0].id in chosen]


def _check(splits: Splits, languages: set[str]) -> None:
    """Raise if a language cannot be learnt, or is not tested."""
    for split, pairs in splits.items():
        if missing := languages - {clip.language for clip, _ in pairs}:
            raise InputError(
                f"languages: nothing of {', '.join(sorted(missing))} is in {split}; "
                "leave such languages out, or take more sources"
            )
