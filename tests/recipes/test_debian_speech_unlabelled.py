"""All audio for pretraining, but none of what recognition is tested on.

Seen to fail: dev and test left in train; their copies or their other recordings in
train; a fault of the text that costs the audio; texts left in the manifests.
"""

import shutil
import subprocess
import sys

import pytest
import soundfile

from tests.recipes import debian_packages as fake
from tests.recipes.test_debian_speech import by_id, splits_by_id
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import read_manifest

from debian_speech import adventure, audio  # isort: skip - needs the path of the recipe

recipe = fake.load_prepare()
prepare = recipe.prepare


@pytest.fixture(scope="module")
def debs(tmp_path_factory):
    """Folder of fake packages of all sources."""
    folder = tmp_path_factory.mktemp("debs")
    fake.write_all_prompts(folder)
    fake.write_dialogues(folder)
    fake.write_deb(folder, "fillets-ng-data-nl", {})
    fake.write_stamps(folder)
    fake.write_heard(folder)
    return folder


@pytest.fixture(scope="module")
def made(debs, tmp_path_factory):
    """All audio of all sources, and recognition of all that have texts."""
    folder = tmp_path_factory.mktemp("made")
    heard = prepare(folder, debs=debs, unlabelled=True)
    return heard, prepare(folder, debs=debs, sources="prompts,dialogues,stamps")


def test_every_source_by_its_package(made):
    heard, _ = made
    spoken = {
        one.id: (one.language, one.spk_id)
        for one in by_id(heard).values()
        if one.corpus in recipe.HEARD
    }
    assert spoken == {
        "letters-fr-alpha-a": ("fr", "klettres-fr"),
        "letters-fr-syllab-a": ("fr", "klettres-fr"),
        "letters-en-alpha-A": ("en", "klettres-en"),
        "letters-en-GB-alpha-A": ("en", "klettres-en-GB"),
        "letters-pt-BR-syllab-a": ("pt", "klettres-pt-BR"),
        "letters-da-alpha-a-0": ("da", "klettres-da"),
        "syllables-zh-ㄅ-3": ("zh", "gcin-3"),
        "syllables-zh-ㄅㄚ1-3": ("zh", "gcin-3"),
        "syllables-zh-ㄅㄚ1-5": ("zh", "gcin-5"),
        "shouts-en-Classic-Hello": ("en", "hedgewars-Classic"),
        "shouts-en-Russian-Hello": ("en", "hedgewars-Russian"),
        "shouts-pl-Russian_pl-Hello": ("pl", "hedgewars-Russian_pl"),
        "shouts-uk-Default_uk-Hello": ("uk", "hedgewars-Default_uk"),
        "adventure-en-020001P2": ("en", "queen-02"),
        "adventure-en-020006J1": ("en", "queen-joe"),
        "adventure-en-JOE00012": ("en", "queen-joe"),
        "adventure-en-C00A_001": ("en", "queen-unnamed"),
    }
    assert all(splits_by_id(heard)[name] == "train" for name in spoken)
    dropped = {note.group: note.dropped for note in heard.notes}
    assert dropped["syllables zh"] == {"silent": 1}
    assert dropped["shouts en"] == {"not speech": 1, "copies": 1}
    assert dropped["shouts uk"] == {"not speech": 1}


def test_audio_of_odd_kinds(made):
    heard, _ = made
    clips = by_id(heard)
    seconds = {  # of noise at 16 kHz that was written down as another rate
        "letters-da-alpha-a-0": 8.0 * 16_000 / 128_000,
        "letters-fr-alpha-a": 16_000 / 44_100,
        "adventure-en-020001P2": 16_000 / 11_025,
    }
    for name, expected in seconds.items():
        samples, rate = soundfile.read(clips[name].wav)
        assert rate == 16_000
        assert clips[name].duration == len(samples) / rate
        assert clips[name].duration == pytest.approx(expected, abs=0.1)


def test_dev_and_test_are_recognitions(made):
    heard, recognised = made
    for name in ("dev", "test"):
        wanted = [(one.id, one.wav, one.duration) for one in recognised.splits[name]]
        found = [(one.id, one.wav, one.duration) for one in heard.splits[name]]
        assert found == wanted
        assert found
    apart = [{one.wav for one in split} for split in heard.splits.values()]
    assert sum(map(len, apart)) == len(set.union(*apart))
    assert {one.id for one in recognised.splits["train"]} <= splits_by_id(heard).keys()


def test_only_the_sound_decides(made):
    heard, recognised = made
    more = splits_by_id(heard).keys() - splits_by_id(recognised).keys()
    assert {name for name in more if name.split("-")[0] in recipe.TRANSCRIBED} == {
        "prompts-fr-demo",  # a number in figures
        "prompts-fr-untold",  # no text
        "prompts-fr-long",  # text too long for the sound
        "stamps-es-animals-cat",  # uncertain text
        "stamps-en-symbols-alphabets-a",  # a letter
    } - held_out_sentences(recognised)
    dropped = {note.group: note.dropped for note in heard.notes}["prompts fr"]
    assert dropped["not speech"] == 2
    assert dropped["silent"] == dropped["too short"] == 1
    assert sum(note.kept for note in heard.notes) == len(by_id(heard))


def held_out_sentences(recognised):
    """The cat of the fake stamps, if its sentence is one of dev or test."""
    cat = splits_by_id(recognised)["stamps-fr-animals-cat"]
    return set() if cat == "train" else {"stamps-es-animals-cat"}


def test_no_texts(made):
    heard, _ = made
    clips = by_id(heard).values()
    assert not any(one.wrd or one.translations for one in clips)
    assert {one.corpus for one in clips} == {*recipe.TRANSCRIBED, *recipe.HEARD}
    assert all(one.id.startswith(f"{one.corpus}-{one.language}-") for one in clips)
    assert not any(one.corpus for one in by_id(made[1]).values())


def test_neither_copies_nor_other_recordings_of_dev_and_test(debs, made, tmp_path):
    """Two French prompts more: the samples of one of test, and the sentence of it."""
    _, recognised = made
    number = next(
        int(one.id[-2:])
        for one in recognised.splits["test"]
        if one.id.startswith("prompts-fr-line")
    )
    again = shutil.copytree(debs, tmp_path / "debs")
    texts = {f"line-{i:02}": fake.sentence("fr", i) for i in range(fake.NUM_PROMPTS)}
    sounds = {key: fake.noise(1.2, seed=i) for i, key in enumerate(texts)}
    sounds |= {"copied": sounds[f"line-{number:02}"], "zz": fake.noise(1.0, seed=99)}
    lines = [f"{key}: {text}" for key, text in texts.items()]
    lines.append(f"zz: {fake.sentence('fr', number)} *")  # no transcript
    fake.write_prompts(again, "fr", lines, sounds)
    options = {"debs": again, "sources": "prompts", "languages": "fr,it"}
    heard = prepare(tmp_path / "made", **options, unlabelled=True)
    assert splits_by_id(heard)[f"prompts-fr-line-{number:02}"] == "test"
    assert not {"prompts-fr-copied", "prompts-fr-zz"} & splits_by_id(heard).keys()
    dropped = {note.group: note.dropped for note in heard.notes}["prompts fr"]
    assert dropped == {"copies of dev or test": 1, "sentence of dev or test": 1}


def test_audio_that_is_there_is_not_decoded_again(debs, tmp_path, monkeypatch):
    """Neither by a second run nor where recognition decoded it before."""
    prepare(tmp_path, debs=debs, languages="fr")
    decoded, known = [], audio._decoded
    monkeypatch.setattr(
        audio, "_decoded", lambda path: decoded.append(path.name) or known(path)
    )
    options = {"sources": "prompts,letters", "languages": "fr", "unlabelled": True}
    prepare(tmp_path, debs=debs, **options)
    assert decoded == ["a.ogg", "a.ogg"]
    prepare(tmp_path, debs=debs, **options)
    assert len(decoded) == 2


def test_sources_and_languages_of_their_own(debs, tmp_path):
    heard = prepare(
        tmp_path, debs=debs, sources=["adventure", "letters"], unlabelled=True
    )
    assert set(splits_by_id(heard).values()) == {"train"}
    assert heard.splits["dev"] == heard.splits["test"] == []
    chinese = prepare(tmp_path, debs=debs, languages=["zh"], unlabelled=True)
    assert {one.language for one in by_id(chinese).values()} == {"zh"}
    assert not (tmp_path / "unpacked" / "hedgewars-data").exists()


def test_synthetic_speech(tmp_path):
    pytest.importorskip("espeakng_loader", reason="the extra [synth] is not installed")
    options = {"languages": "it", "synthetic": True}
    heard = prepare(tmp_path, **options, unlabelled=True)
    known = splits_by_id(prepare(tmp_path, **options))
    found = splits_by_id(heard)
    assert {name for name, split in found.items() if split != "train"} == {
        name for name, split in known.items() if split != "train"
    }
    assert not any(one.wrd for one in by_id(heard).values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sources": ["letters"]}, ["letters have no text", "--unlabelled"]),
        ({"sources": ["news"], "unlabelled": True}, ["no news", "stamps, letters"]),
        ({"languages": "xx", "unlabelled": True}, ["no xx", "ar, be, bg"]),
    ],
)
def test_wrong_options_are_named(debs, tmp_path, options, words):
    with pytest.raises(InputError) as caught:
        prepare(tmp_path, debs=debs, **options)
    assert all(word in str(caught.value) for word in words)


def test_damaged_archive_leaves_no_lines(tmp_path):
    fake.write_adventure(tmp_path / "debs", cut=10)
    options = {"debs": tmp_path / "debs", "sources": "adventure", "unlabelled": True}
    with pytest.raises(InputError, match=r"queen.1c: ends at .*C00A_001.SB does"):
        prepare(tmp_path / "made", **options)
    assert not list((tmp_path / "made").rglob("*lines*"))
    with pytest.raises(InputError, match=r"queen.1c: does not start as an archive"):
        adventure.parse(b"RIFF", source="queen.1c")


def test_interrupted_split_of_the_archive(tmp_path, monkeypatch):
    """The folder of the lines is there when it is complete."""
    fake.write_adventure(tmp_path / "debs")
    options = {"debs": tmp_path / "debs", "sources": "adventure", "unlabelled": True}
    write, written = adventure.Path.write_bytes, []

    def stopped(path, content):
        if path.suffix == ".mp3" and len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        return write(path, content)

    monkeypatch.setattr(adventure.Path, "write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "made", **options)
    assert not list((tmp_path / "made").rglob("*.mp3"))
    monkeypatch.undo()
    assert len(by_id(prepare(tmp_path / "made", **options))) == 4


def test_command_line(debs, tmp_path):
    command = [sys.executable, "prepare.py", tmp_path, "--debs", debs, "--unlabelled"]

    def run(*options):
        return subprocess.run(
            [*command, *options],
            cwd=fake.RECIPE,
            env={"PYTHONPATH": str(fake.RECIPE.parents[1])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "syllables zh" in run()
    first = {
        name: read_manifest(tmp_path / f"manifests/{name}.csv")
        for name in ("train", "dev", "test")
    }
    assert {one.corpus for one in first["train"]} == {
        *recipe.TRANSCRIBED,
        *recipe.HEARD,
    }
    assert {one.corpus for one in first["dev"]} <= set(recipe.TRANSCRIBED)
    printed = run("--sources", "shouts")
    assert "dev.csv: nothing of it in these sources and languages" in printed
    assert [path.name for path in (tmp_path / "manifests").iterdir()] == ["train.csv"]
