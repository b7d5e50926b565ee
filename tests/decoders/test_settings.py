"""Settings of decoders: built, kept in a model's folder, refused."""

import json
import shutil

import pytest
import torch

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.beam import BeamDecoder
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.lexicon_beam import LexiconDecoder
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.errors import InputError

VOCABULARY = Vocabulary.of(["ab"])
NUMBERS = {
    "lm_weight": 1.5,
    "word_score": -0.5,
    "space_score": 0.25,
    "beam_size": 7,
    "beam_tokens": 3,
    "beam_threshold": 9.0,
    "num_best": 2,
    "add_paths": False,
}


@pytest.fixture
def lm(tmp_path):
    """Language model in the folder of a model."""
    path = tmp_path / "model" / "lm.arpa"
    path.parent.mkdir()
    NGrams.estimate([["a", "ab"], ["ab"]], order=2).save(path)
    return path


def test_each_kind_is_built_with_its_numbers(lm):
    """Every setting reaches the decoder."""
    assert isinstance(DecoderSettings().build(VOCABULARY), GreedyDecoder)
    beam = DecoderSettings(kind="beam", **NUMBERS).build(VOCABULARY)
    words = DecoderSettings(kind="lexicon", lm=str(lm), **NUMBERS).build(VOCABULARY)
    assert (type(beam), type(words)) == (BeamDecoder, LexiconDecoder)
    for decoder in (beam, words):
        assert decoder.weights == Weights(1.5, -0.5, 0.25)
        assert decoder.beam == Beam(7, 3, 9.0, 2, add_paths=False)


def test_all_kinds_answer_alike(lm):
    """One hypothesis at least an utterance, with a text, a score and words."""
    log_probs = torch.randn(3, 9, 5).log_softmax(-1)
    num_frames = torch.tensor([9, 4, 0])
    for kind in ("greedy", "beam", "lexicon"):
        settings = DecoderSettings(kind, lm=str(lm) if kind == "lexicon" else None)
        found = settings.build(VOCABULARY).decode(log_probs, num_frames=num_frames)
        assert len(found) == 3
        for some in found:
            assert isinstance(some[0].text, str)
            assert isinstance(some[0].score, float)
            assert [word.text for word in some[0].words] == some[0].text.split()
        assert found[2][0].text == ""


def test_saved_settings_come_back(lm):
    """A language model in the folder is found wherever the folder is."""
    folder = lm.parent
    settings = DecoderSettings(kind="lexicon", lm=str(lm), **NUMBERS)
    path = settings.save(folder, tuning={"seed": 1})
    assert json.loads(path.read_text())["tuning"] == {"seed": 1}
    assert DecoderSettings.load(folder) == settings
    moved = folder.rename(folder.with_name("moved"))
    found = DecoderSettings.load(moved)
    assert found.lm == str(moved / "lm.arpa")
    assert isinstance(found.build(VOCABULARY), LexiconDecoder)


def test_files_elsewhere_stay_there(lm, tmp_path, monkeypatch):
    """Whatever folder one is in when they are saved, and when they are loaded."""
    (tmp_path / "words.txt").write_text("a\nab\n")
    run = tmp_path / "run"
    monkeypatch.chdir(tmp_path)
    settings = DecoderSettings("lexicon", lm="model/lm.arpa", lexicon="words.txt")
    settings.save(run, tuning={})
    monkeypatch.chdir(lm.parent)
    found = DecoderSettings.load(run)
    assert (found.lm, found.lexicon) == (str(lm), str(tmp_path / "words.txt"))


def test_language_model_that_is_gone_or_another(lm):
    """Its weights would not fit."""
    folder = lm.parent
    DecoderSettings(kind="lexicon", lm=str(lm)).save(folder, tuning={})
    shutil.copy(lm, folder / "kept")
    lm.write_text(lm.read_text().replace("-0.", "-1."))
    with pytest.raises(InputError, match="made with another .*lm.arpa.*tune again"):
        DecoderSettings.load(folder)
    lm.unlink()
    with pytest.raises(InputError, match="needs .*lm.arpa, which is not there"):
        DecoderSettings.load(folder)
    (folder / "kept").rename(lm)
    assert DecoderSettings.load(folder).kind == "lexicon"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"settings": {"kind": "x"}, "fingerprints": {}}']
    + ['{"settings": {"knd": "beam"}, "fingerprints": {}}'],
)
def test_damaged_file(tmp_path, text):
    """It is named, with what to do."""
    (tmp_path / "decoder.json").write_text(text)
    with pytest.raises(InputError, match="decoder.json cannot be used.*tune-lm"):
        DecoderSettings.load(tmp_path)


def test_lexicon_needs_something():
    with pytest.raises(InputError, match="kind lexicon needs lm, or lexicon"):
        DecoderSettings(kind="lexicon").build(VOCABULARY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "viterbi"}, "kind is 'viterbi'"),
        ({"beam_size": 0}, "beam_size is 0"),
        ({"num_best": -1}, "num_best is -1"),
    ],
)
def test_settings_that_are_refused_at_once(options, message):
    with pytest.raises(InputError, match=message):
        DecoderSettings(**options)
