"""Synthetic speech: the same manifests where there is no apt-get."""

import numpy as np
import pytest
import soundfile

from tests.recipes import debian_packages as fake
from xlsr_sb.errors import InputError

from debian_speech import espeak, phrases, synthetic  # isort: skip

prepare = fake.load_prepare().prepare


def test_sentences_are_parallel_and_distinct():
    first = list(phrases.sentences("en"))
    assert len(first) > 250
    for code in phrases.PHRASES:
        own = phrases.sentences(code)
        assert list(own) == first
        assert len(set(own.values())) == len(own)
        assert not any(
            char.isdigit() or char in "{}|" for char in "".join(own.values())
        )


def test_synthetic_corpus(tmp_path):
    pytest.importorskip("espeakng_loader", reason="the extra [synth] is not installed")
    corpus = prepare(tmp_path / "a", languages="fr,it", synthetic=True)
    made = {one.id: one for part in corpus.splits.values() for one in part}
    clip = made["synthetic-fr-press-1-3"]
    assert clip.wrd == "Appuyez sur un pour changer le mot de passe."
    assert clip.translations["en"] == "Press one to change the password."
    assert clip.spk_id.startswith("espeak-fr-")
    assert len({one.spk_id for one in made.values()}) == 8
    samples, rate = soundfile.read(clip.wav)
    assert rate == 16_000
    assert np.abs(samples).max() > 0.05
    assert 1.0 < clip.duration < 4.0
    assert len(made) > 0.95 * 2 * 291
    of_splits = [{one.id[12:] for one in part} for part in corpus.splits.values()]
    assert not set.intersection(*of_splits)
    again = prepare(tmp_path / "b", languages="it", synthetic=True)
    sounds = {one.id: soundfile.read(one.wav)[0] for one in again.splits["test"]}
    assert sounds
    for name, sound in sounds.items():
        assert np.array_equal(sound, soundfile.read(made[name].wav)[0])


def test_languages_of_the_sources(tmp_path, monkeypatch):
    asked = []

    def read(_folder, languages):
        asked.extend(languages)
        raise InputError("enough")

    monkeypatch.setattr(synthetic, "read", read)
    with pytest.raises(InputError, match="enough"):
        prepare(tmp_path, synthetic=True)
    assert asked == ["en", "es", "fr", "it", "ru"]
    with pytest.raises(InputError, match="have no ka; they have cs, de, en"):
        prepare(tmp_path, languages=["ka"], synthetic=True)


def test_missing_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r'pip install "xlsr-sb\[synth\]"'):
        prepare(tmp_path, synthetic=True)


def test_library_that_crashes_leaves_nothing_behind(tmp_path, monkeypatch):
    pytest.importorskip("espeakng_loader", reason="the extra [synth] is not installed")
    program = tmp_path / "crash.py"
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(espeak, "__file__", str(program))
    with pytest.raises(InputError, match="eSpeak NG failed: signal 11"):
        prepare(tmp_path / "a", languages="fr", synthetic=True)
    assert not list((tmp_path / "a" / "unpacked" / "synthetic").iterdir())
