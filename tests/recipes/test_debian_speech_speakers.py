"""Speakers of the Debian packages: some to learn, others for trials."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.recipes import debian_packages as fake
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, read_manifest

from debian_speech import speakers, trials  # isort: skip
from debian_speech.audio import Sound  # isort: skip
from debian_speech.clip import Clip  # isort: skip

recipe = fake.load_prepare()
prepare = recipe.prepare
PACKS = ("British", "Pirate", "Robot", "Surfer", "Default_pl")
CLIPS_OF_A_PACK = 24
SHARES = {"train": 20, "dev": 4, "test": 6}  # of a speaker, where nothing else is said


def write_packs(folder):
    """The package of the shouts, with four packs of short noises."""
    root, files = "usr/share/games/hedgewars/Data/Sounds/voices", {}
    for number, pack in enumerate(PACKS):
        for i in range(CLIPS_OF_A_PACK):
            sound = fake.noise(0.6, seed=9_000 + 100 * number + i)
            files[f"{root}/{pack}/Word{i}.ogg"] = fake.wav(sound)
    fake.write_deb(folder, "hedgewars-data", files, ending="")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder whose ``manifests`` were written by the command line, and its corpus."""
    folder, packs = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("packs")
    write_packs(packs)
    options = ["--debs", packs, "--sources", "shouts", "--classes", "speaker"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["prepare.py", str(folder), *map(str, options)])
        recipe.main()
    names = ("train", "dev", "test", "verification")
    return folder, {
        name: read_manifest(folder / "manifests" / f"{name}.csv") for name in names
    }


def pairs_of(speaker, *, source="dialogues", language="cs", shares=SHARES, seconds=1.0):
    """Clips of a speaker by split."""
    return {
        split: [
            (
                Clip(
                    *(f"{speaker}-{split}-{i}", Path(), source, language),
                    speaker=speaker,
                    unit=f"{split}-{i}",
                ),
                Sound(Path(), round(16_000 * seconds), 0.1, f"{speaker}-{split}-{i}"),
            )
            for i in range(count)
        ]
        for split, count in shares.items()
    }


def arranged(*of_speakers):
    """Speakers by split, and what was dropped by group, of clips of some speakers."""
    splits = {
        split: [pair for own in of_speakers for pair in own.get(split, [])]
        for split in SHARES
    }
    made, tallies = speakers.arranged(splits, {})
    who = {
        name: Counter(clip.speaker for clip, _ in part) for name, part in made.items()
    }
    return who, {group: tally.dropped for group, tally in tallies.items()}


FISH = [pairs_of(f"fillets-cs-{name}") for name in ("small", "big")]
GODS = [pairs_of(f"fillets-cs-{x}", shares={"train": 20}) for x in ("cyan", "yellow")]


# Who is learnt and who is tried


def test_speakers_are_learnt_or_tried(made):
    """Each that is learnt in each split; of the others none."""
    _, splits = made
    who = {name: {one.spk_id for one in part} for name, part in splits.items()}
    learnt = {"hedgewars-Robot", "hedgewars-Surfer"}
    assert who["train"] == who["dev"] == who["test"] == learnt
    assert who["verification"] == {"hedgewars-British", "hedgewars-Pirate"}
    units = {
        name: {one.id.rpartition("-")[2] for one in part}
        for name, part in splits.items()
    }
    assert {len(units["train"]), len(units["dev"]), len(units["test"])} == {19, 2, 3}
    assert not units["train"] & (units["dev"] | units["test"])


def test_few_clips_and_several_persons_are_left_out():
    """As is whoever is missing in one split, or has no other to be compared with."""
    who, dropped = arranged(
        *FISH,
        *GODS,
        pairs_of("fillets-cs-few", shares={"train": 15, "dev": 2, "test": 2}),
        pairs_of("fillets-cs-level", shares={"train": 30, "dev": 3}),
        pairs_of("fillets-cs-lightgrey"),
        pairs_of("fillets-cs-parrot", shares={"train": 14}),
        pairs_of("fillets-cs-short", seconds=0.49),
        pairs_of("queen-12", source="adventure", language="en"),
        pairs_of("klettres-en", source="letters", language="en"),
    )
    learnt = ["fillets-cs-small", "fillets-cs-big"]
    for split, count in SHARES.items():
        assert who[split] == dict.fromkeys(learnt, count)
    assert who["verification"] == {"fillets-cs-cyan": 20, "fillets-cs-yellow": 20}
    assert dropped["dialogues cs"] == {
        "of a speaker with few clips": 19 + 33 + 14,
        "of several persons": 30,
        "shorter than 0.5 s": 30,
    }
    assert dropped["adventure en"] == {"of several persons": 30}
    assert dropped["letters en"] == {"of a speaker with few clips": 30}


def test_clips_of_those_who_are_tried_come_from_all_splits():
    who, _ = arranged(*FISH, *(pairs_of(f"fillets-cs-{x}") for x in ("cyan", "statue")))
    assert who["verification"] == {"fillets-cs-cyan": 30, "fillets-cs-statue": 30}


@pytest.mark.parametrize("of_speakers", [FISH, [FISH[0], *GODS], [*FISH, GODS[0]]])
def test_too_few_speakers(of_speakers):
    with pytest.raises(InputError, match=r"\d speakers have 20 clips .* choose more"):
        arranged(*of_speakers)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "trials_folder: speakers need one, .* None"),
        ({"trials_folder": "a", "unlabelled": True}, "leave out unlabelled and pairs"),
    ],
)
def test_wrong_options_are_named(tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        prepare(tmp_path, classes="speaker", **options)


# Trials


def test_list_of_trials_is_of_the_clips_of_its_split(made):
    """Half of each speaker's are of two speakers; source and language are the same."""
    folder, splits = made
    clips = {one.id: one for one in splits["verification"]}
    lines = (folder / "manifests" / "unseen.txt").read_text().splitlines()
    pairs = [line.split(" ") for line in lines]
    assert {len(pair) for pair in pairs} == {3}
    for label, first, second in pairs:
        one, other = clips[first], clips[second]
        assert (one.corpus, one.language) == (other.corpus, other.language)
        assert first != second
        assert int(label) == (one.spk_id == other.spk_id)
    assert Counter((label, clips[first].spk_id) for label, first, _ in pairs) == {
        (label, f"hedgewars-{pack}"): 150
        for label in "01"
        for pack in ("British", "Pirate")
    }
    assert len({frozenset(pair[1:]) for pair in pairs}) == len(pairs)


def clips_of(*who):
    """Ten clips of each speaker of the shouts in a language."""
    return [
        Utterance(
            f"{speaker}-{i}",
            "a.wav",
            1.0,
            spk_id=speaker,
            language=language,
            corpus="shouts",
        )
        for speaker, language in who
        for i in range(10)
    ]


def test_trials_do_not_depend_on_others(monkeypatch):
    """Nor on the order of the clips; fewer are some of the same."""
    some = clips_of(("a", "en"), ("b", "en"))
    made = trials.trials(some)
    assert len(made) == 4 * 45
    every = trials.trials([*clips_of(("c", "pl"), ("d", "pl")), *some])
    assert {one for one in every if one[1][0] in "ab"} == set(made)
    monkeypatch.setattr(trials, "MOST", 7)
    fewer = trials.trials(some)
    assert Counter(label for label, *_ in fewer) == {0: 14, 1: 14}
    assert {one for one in fewer if one[0]} <= set(made)


def test_trials_are_written_the_same_again(made, tmp_path):
    folder, splits = made
    again = trials.write_trials(splits["verification"], tmp_path / "new")
    first = folder / "manifests" / "unseen.txt"
    assert again.read_bytes() == first.read_bytes()
