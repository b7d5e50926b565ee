"""No sentence of dev or test, own or English, is in train."""

import random
from collections import Counter

import pytest

from tests.recipes import debian_packages  # noqa: F401 - puts the recipe on the path
from xlsr_sb.data.text import normalise_text

from debian_speech import splitting  # isort: skip
from debian_speech.clip import Clip  # isort: skip

LANGUAGES = ("en", "fr", "ru")


def make_clips(seed: int, *, source: str, num_units: int = 400) -> list[Clip]:
    """Clips whose sentences come back in other units, cases and languages."""
    rng = random.Random(seed)
    letters = "abcdefgh"
    clips = []
    for number in range(num_units):
        texts = {
            code: "".join(rng.choices(letters, k=rng.choice((1, 2, 6, 9))))
            for code in LANGUAGES
        }
        for code, text in texts.items():
            if rng.random() < 0.2:
                continue
            written = rng.choice((text.upper(), f"{text.capitalize()}!", f"...{text}"))
            translations = {"en": texts["en"]} if rng.random() < 0.8 else {}
            clips.append(
                Clip(
                    id=f"{source}-{code}-{number}",
                    recording=None,
                    source=source,
                    language=code,
                    speaker="",
                    unit=f"unit {number}",
                    text=written,
                    translations={} if code == "en" else translations,
                )
            )
    return clips


def split(clips: list[Clip], *, joined: bool) -> dict[str, list[Clip]]:
    """Clips by split, by the rule of the recipe."""
    by_split = {"train": [], "dev": [], "test": []}
    for source in sorted({clip.source for clip in clips}):
        units = {}
        for clip in (clip for clip in clips if clip.source == source):
            units.setdefault(clip.unit, []).extend(clip.sentences)
        split_of = splitting.split_units(units, joins_sentences=joined, salt=source)
        for clip in clips:
            if clip.source == source:
                by_split[split_of[clip.unit]].append(clip)
    return by_split


def without_leaks(by_split: dict[str, list[Clip]]) -> dict[str, list[Clip]]:
    """What stays after the last step of the recipe."""
    left_out = splitting.leaks(by_split)
    return {
        name: [clip for clip in clips if clip.id not in left_out]
        for name, clips in by_split.items()
    }


def sentences(clips: list[Clip]) -> set[str]:
    """Own and English texts as a training may normalise them."""
    return {
        text
        for clip in clips
        for language, raw in [
            (clip.language, clip.text),
            ("en", clip.translations.get("en", "")),
        ]
        if (text := normalise_text(raw, language))
    }


def num_leaks(by_split: dict[str, list[Clip]]) -> int:
    """Sentences of dev or test that are in train, and of test that are in dev."""
    train, dev, test = (sentences(by_split[x]) for x in ("train", "dev", "test"))
    return len(train & (dev | test)) + len(dev & test)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("joined", [True, False])
def test_no_sentence_is_in_two_splits(seed, joined):
    clips = make_clips(seed, source="a") + make_clips(seed + 100, source="b")
    assert num_leaks(split(clips, joined=joined)) > 0  # of two sources, or of scenes
    whole = without_leaks(split(clips, joined=joined))
    assert num_leaks(whole) == 0
    counts = {name: len(part) for name, part in whole.items()}
    assert counts["test"] >= 0.1 * len(clips)
    assert counts["dev"] > 0
    assert counts["train"] > counts["test"]


@pytest.mark.parametrize("seed", range(5))
def test_joined_units_need_no_repair_within_a_source(seed):
    by_split = split(make_clips(seed, source="a"), joined=True)
    assert num_leaks(by_split) == 0
    assert splitting.leaks(by_split) == set()


def test_shares():
    units = {f"unit {i}": [f"text {i}"] * (1 + i % 7) for i in range(2_000)}
    split_of = splitting.split_units(units, joins_sentences=True, salt="a")
    weights = Counter()
    for unit, texts in units.items():
        weights[split_of[unit]] += len(texts)
    total = weights.total()
    assert weights["test"] / total == pytest.approx(0.12, abs=0.002)
    assert weights["dev"] / total == pytest.approx(0.08, abs=0.002)


def test_split_does_not_depend_on_the_order():
    units = {f"unit {i}": [f"text {i // 2}"] for i in range(300)}
    turned = dict(reversed(units.items()))
    one = splitting.split_units(units, joins_sentences=True, salt="a")
    assert one == splitting.split_units(turned, joins_sentences=True, salt="a")
    assert one != splitting.split_units(units, joins_sentences=True, salt="b")
    assert all(one[f"unit {i}"] == one[f"unit {i + 1}"] for i in range(0, 300, 2))


def test_sentence_that_joins_most_units_goes_to_train():
    units = {f"unit {i}": [f"text {i}", "yes"][: 1 + (i < 60)] for i in range(100)}
    split_of = splitting.split_units(units, joins_sentences=True, salt="a")
    assert {split_of[f"unit {i}"] for i in range(60)} == {"train"}
    assert set(split_of.values()) == {"train", "dev", "test"}
