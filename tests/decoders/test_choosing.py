"""A run's decoder: its own numbers, what was tuned, and what cannot be meant."""

import json
from pathlib import Path

import pytest

from xlsr_sb.decoders.choosing import chosen_settings
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.errors import InputError
from xlsr_sb.hparams import load_hparams

SECTION = Path(__file__).parents[2] / "hparams" / "decoder" / "ctc.yaml"


def section(**changes):
    """What ``hparams/decoder/ctc.yaml`` gives, with options of a command line."""
    return load_hparams(SECTION, json.dumps(changes))["settings"]


def test_shipped_numbers_are_the_usual_ones(tmp_path):
    """So that nothing needs to be given twice, and nothing given is taken for usual."""
    assert section()(tmp_path) == DecoderSettings()


def test_every_number_arrives(tmp_path):
    """All of them changed at once."""
    numbers = {"lm": "a.arpa", "lexicon": "a.txt", "lm_weight": 1.5, "word_score": 0.5}
    numbers |= {"space_score": 0.25, "beam_size": 7, "beam_tokens": 5}
    numbers |= {"beam_threshold": 9.0, "beam_min_probability": 0.0}
    found = section(kind="lexicon", **numbers)(tmp_path)
    assert found == DecoderSettings("lexicon", **numbers)


def test_tuned_is_what_was_saved(tmp_path):
    """Without it, the error says what to do."""
    with pytest.raises(InputError, match=r"decoder.json is not there: .* tune-lm"):
        section(kind="tuned")(tmp_path)
    saved = DecoderSettings("beam", beam_size=7, space_score=-0.5)
    saved.save(tmp_path, tuning={})
    assert section(kind="tuned")(tmp_path) == saved


@pytest.mark.parametrize("kind", ["greedy", "tuned"])
@pytest.mark.parametrize("change", [{"lm": "lm.arpa"}, {"beam_size": 7}])
def test_numbers_that_mean_nothing(tmp_path, kind, change):
    """They would be silently ignored."""
    DecoderSettings("beam").save(tmp_path, tuning={})
    (name,) = change
    with pytest.raises(
        InputError, match=f"decoder.{name} means nothing where .*{kind}"
    ):
        section(kind=kind, **change)(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "viterbi"}, "decoder.kind is 'viterbi'; it must be one of .*tuned"),
        ({"kind": "beam", "lm_weight": "much"}, "decoder.lm_weight is 'much'; it must"),
        (
            {"kind": "beam", "beam_size": 1.5},
            "decoder.beam_size is 1.5; it must be int",
        ),
        ({"kind": "beam", "lm": 3}, "decoder.lm is 3; it must be str"),
        ({"kind": "beam", "beam_size": 0}, "beam_size is 0; it must be above 0"),
    ],
)
def test_what_is_no_setting(tmp_path, change, message):
    """One error that names the option."""
    with pytest.raises(InputError, match=message):
        chosen_settings(tmp_path, **change)


def test_whole_numbers_are_numbers(tmp_path):
    """``--decoder.lm_weight 1``."""
    assert chosen_settings(tmp_path, kind="beam", lm_weight=1).lm_weight == 1
