"""What of the training set is learnt from, and what chooses the model."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from xlsr_sb.manifest import Utterance

HELD_OUT_SECONDS = 300.0  # of a language
HELD_OUT_SHARE = 1 / 20  # of a language, if that is less


def held_out_videos(languages: Mapping[str, Sequence[Utterance]]) -> set[str]:
    """Videos that choose the model: five minutes, or a twentieth, of each language.

    Which ones depends on their names alone. A language keeps one video to learn from.

    Parameters
    ----------
    languages : mapping of str to sequence of Utterance
        Clips with their lengths; ``spk_id`` is the video.

    Example
    -------
    >>> clips = [Utterance(x, "", 60.0, spk_id=x) for x in "abcdefghijklmnopqrstuvwxyz"]
    >>> sorted(held_out_videos({"fr": clips}))
    ['p', 'u']
    """
    chosen: set[str] = set()
    for clips in languages.values():
        seconds: dict[str, float] = {}
        for one in clips:
            seconds[one.spk_id] = seconds.get(one.spk_id, 0.0) + one.duration
        left = min(HELD_OUT_SECONDS, HELD_OUT_SHARE * sum(seconds.values()))
        for video in sorted(seconds, key=drawn)[: len(seconds) - 1]:
            if left <= 0:
                break
            chosen.add(video)
            left -= seconds[video]
    return chosen


def limited(clips: Sequence[Utterance], *, hours: float | None) -> list[Utterance]:
    """Clips of a language that fill some hours; the fewer are among the more.

    Parameters
    ----------
    clips : sequence of Utterance
    hours : float, optional
        All clips without it.

    Example
    -------
    >>> clips = [Utterance(x, "", 1800.0) for x in "abcdef"]
    >>> [[one.id for one in limited(clips, hours=x)] for x in (0.5, 1, 2)]
    [['e'], ['e', 'f'], ['a', 'c', 'e', 'f']]
    """
    if hours is None:
        return list(clips)
    left, chosen = 3600 * hours, set()
    for one in sorted(clips, key=lambda one: drawn(one.id)):
        if left <= 0:
            break
        chosen.add(one.id)
        left -= one.duration
    return [one for one in clips if one.id in chosen]


def videos_of(clips: Iterable[Utterance]) -> set[str]:
    """Videos from which clips were cut.

    Example
    -------
    >>> videos_of([Utterance("fr/a---1.0-2.0", "", 1.0, spk_id="a")])
    {'a'}
    """
    return {one.spk_id for one in clips}


def drawn(name: str) -> bytes:
    """An order that has nothing to do with the names, the same everywhere.

    Example
    -------
    >>> sorted("abcd", key=drawn)
    ['c', 'a', 'b', 'd']
    """
    return blake2b(name.encode(), digest_size=8).digest()
