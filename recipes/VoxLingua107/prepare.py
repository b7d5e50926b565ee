"""VoxLingua107: which of 107 languages is spoken, learnt from YouTube.

python prepare.py DATA FOLDER [--languages fr,he] [--max-hours 10] [--unpacked FOLDER]

DATA has the publisher's zips, or their folders. FOLDER takes train.csv, dev.csv and
test.csv, to be packed by ``xlsr-sb shard`` or trained on.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from voxlingua.languages import PUBLISHED, chosen_languages
from voxlingua.release import dev_clips, language_places, training_clips
from voxlingua.shards import DEV, TEST, TRAIN, is_sharded, sharded_corpus
from voxlingua.splitting import held_out_videos, limited, videos_of

from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.data.measuring import ERROR, UNREADABLE, measured
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, write_manifest

logger = logging.getLogger(__name__)
TEST_CLIPS, TEST_LANGUAGES = 1_609, 33  # of the publisher's development set
OTHERS, SCORED = "of other languages", "of a video of the test set"
BEYOND, UNREAD = "beyond the hours", "unreadable"


def prepare(
    data_folder: str | Path,
    *,
    languages: str | Sequence[str] | None = None,
    max_hours: float | None = None,
    unpacked: str | Path | None = None,
    unreadable: str = ERROR,
    cache: str | Path | None = None,
) -> Corpus:
    """Clips with their languages; the publisher's development set is the test set.

    Parameters
    ----------
    data_folder : str or Path
        Holds ``train`` and ``dev`` with a folder a language, or the publisher's zips;
        or shards of ``train``, ``dev`` and ``test``, made from these manifests.
    languages : str with commas, or sequence of str, optional
        By default all that are there.
    max_hours : float, optional
        Of each language, to learn from.
    unpacked : str or Path, optional
        Where zips are unpacked; by default ``data_folder``.
    unreadable : str
        What becomes of clips that are missing or damaged: ``error``, or ``count``; see
        ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Returns
    -------
    Corpus
        ``test``, whole; ``train``, and ``dev``, which is taken from train by videos.

    Raises
    ------
    InputError
        Naming what is missing, and what is there.
    """
    _check(max_hours, unreadable)
    folder = Path(data_folder)
    if is_sharded(folder):
        if languages is not None or max_hours is not None:
            raise InputError(
                f"{folder} holds shards: languages and max_hours are chosen when the "
                "manifests are made that are packed; leave them out"
            )
        return sharded_corpus(folder)
    options = {"unreadable": unreadable, "cache": cache}
    target = folder if unpacked is None else Path(unpacked)
    places = language_places(folder, unpacked=target)
    chosen = chosen_languages(languages, there=places)
    official = dev_clips(folder, unpacked=target)
    if languages is None:
        _compare(len(chosen), official)
    test = [one for one in official if one.language in chosen]
    if not test:
        raise InputError(
            f"languages: the set that is scored has none of {', '.join(chosen)}; it "
            f"has {' '.join(sorted({one.language for one in official}))}"
        )
    test, note = measured(test, name=TEST, is_scored=True, **options)
    dropped = {OTHERS: len(official) - len(test), **note.dropped}
    clips = {x: training_clips(places[x], x, unpacked=target) for x in chosen}
    splits, notes = _split(clips, videos_of(official), max_hours, options)
    return Corpus({**splits, TEST: test}, [*notes, replace(note, dropped=dropped)])


def _check(max_hours: float | None, unreadable: str) -> None:
    """Raise for values of options that mean nothing."""
    if unreadable not in UNREADABLE:
        raise InputError(f"unreadable must be one of {UNREADABLE}, got {unreadable!r}")
    if max_hours is not None and not max_hours > 0:
        raise InputError(f"max_hours is {max_hours}; it must be above 0")


def _compare(num_languages: int, official: Sequence[Utterance]) -> None:
    """Warn if there is another number of languages or clips than was published."""
    if num_languages != len(PUBLISHED):
        logger.warning(
            "there are %d languages to learn from, of %d", num_languages, len(PUBLISHED)
        )
    found = len(official), len({one.language for one in official})
    if found != (TEST_CLIPS, TEST_LANGUAGES):
        logger.warning(
            "dev has %d clips of %d languages, not %d of %d; scores are not those of "
            "the published set",
            *(*found, TEST_CLIPS, TEST_LANGUAGES),
        )


def _split(
    languages: Mapping[str, list[Utterance]],
    scored: set[str],
    max_hours: float | None,
    options: dict,
) -> tuple[dict[str, list[Utterance]], list[Note]]:
    """Clips to learn from and to choose by, with their lengths, and a note of each."""
    apart = {
        language: [one for one in clips if one.spk_id not in scored]
        for language, clips in languages.items()
    }
    held_out = held_out_videos(apart)
    chosen, dropped = {TRAIN: [], DEV: []}, {}
    for language, clips in apart.items():
        own = [one for one in clips if one.spk_id not in held_out]
        kept = limited(own, hours=max_hours)
        chosen[TRAIN] += kept
        chosen[DEV] += [one for one in clips if one.spk_id in held_out]
        left_out = len(languages[language]) - len(clips)
        dropped[language] = {SCORED: left_out, BEYOND: len(own) - len(kept)}
    if not chosen[DEV]:
        raise InputError(
            f"{', '.join(languages)}: of each there is one video, so none can be kept "
            "apart to choose a model by; take more of the corpus"
        )
    train, _ = measured(chosen[TRAIN], name=TRAIN, is_scored=False, **options)
    dev, dev_note = measured(chosen[DEV], name=DEV, is_scored=False, **options)
    return {TRAIN: train, DEV: dev}, [*_notes(chosen[TRAIN], train, dropped), dev_note]


def _notes(
    wanted: Sequence[Utterance],
    train: Sequence[Utterance],
    dropped: Mapping[str, dict[str, int]],
) -> list[Note]:
    """What was kept and dropped of each language in train."""
    unread = Counter(one.language for one in wanted)
    kept, seconds = Counter(), Counter()
    for one in train:
        kept[one.language] += 1
        seconds[one.language] += one.duration
    return [
        Note(
            f"{language} {TRAIN}",
            kept[language],
            seconds[language],
            {**reasons, UNREAD: unread[language] - kept[language]},
        )
        for language, reasons in dropped.items()
    ]


def main() -> None:
    """Write the manifests, and print what became of the clips."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="with the zips, or train and dev")
    parser.add_argument("folder", type=Path, help="takes train.csv, dev.csv, test.csv")
    parser.add_argument("--languages", help="codes with commas between (default: all)")
    parser.add_argument(
        "--max-hours", type=float, help="of each language (default: all)"
    )
    parser.add_argument("--unpacked", type=Path, help="takes what is in the zips")
    parser.add_argument("--unreadable", default=ERROR, help="error, or count")
    given = parser.parse_args()
    corpus = prepare(
        given.data,
        languages=given.languages,
        max_hours=given.max_hours,
        unpacked=given.unpacked,
        unreadable=given.unreadable,
        cache=given.folder / "lengths.csv",
    )
    print(corpus.table())
    for name, utterances in corpus.splits.items():
        write_manifest(given.folder / f"{name}.csv", utterances)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
