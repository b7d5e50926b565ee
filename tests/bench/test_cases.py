"""Which cases there are, and what is refused."""

import pytest
import torch

from xlsr_sb.bench import Case, Settings
from xlsr_sb.bench.cases import BATCHES, DEFAULT_WORKS, WORKS
from xlsr_sb.errors import InputError


def test_default_is_everything_that_is_promised():
    """Two sizes, two precisions, four works; a mix of lengths for the tiny one."""
    settings = Settings()
    cases = settings.cases()
    assert len(cases) == len(set(cases)) == 16
    assert {(case.size, case.batch) for case in cases} == {
        ("tiny", "mixed"),
        ("300m", "ramp"),
    }
    assert {(case.dtype, case.work) for case in cases} == {
        (dtype, work) for dtype in ("fp32", "bf16") for work in DEFAULT_WORKS
    }
    assert BATCHES["ramp"] == (4.0, 6.0, 8.0, 10.0)
    assert all(settings.compares("transformers", work) for work in WORKS)


def test_torchaudio_is_spared_training_where_it_is_not_asked_for():
    works = [work for work in WORKS if Settings().compares("torchaudio", work)]
    assert works == ["inference"]
    assert Settings(works=["training"]).compares("torchaudio", "training")


@pytest.mark.parametrize("work", ["pretraining", "translation"])
def test_torchaudio_has_the_encoder_alone(work):
    asked = Settings(works=[work])
    assert not asked.compares("torchaudio", work)
    assert asked.compares("transformers", work)


def test_whole_model_is_measured_where_it_is_asked_for():
    """It needs more memory than many machines have."""
    assert set(WORKS) - set(DEFAULT_WORKS) == {"translation"}
    cases = Settings(works=["translation"], sizes=["300m"], dtypes=["bf16"]).cases()
    assert cases == [Case("300m", "bf16", "ramp", "translation")]


def test_convolutions_learn_in_pretraining_alone():
    learning = [name for name, work in WORKS.items() if work.trains_extractor]
    assert learning == ["pretraining"]
    assert [name for name, work in WORKS.items() if not work.trains] == ["inference"]


def test_asked_batches_are_taken_for_all_sizes():
    settings = Settings(batches=["mixed"], works=["plain"], dtypes=["bf16"])
    assert [(case.size, case.batch) for case in settings.cases()] == [
        ("tiny", "mixed"),
        ("300m", "mixed"),
    ]


def test_paper_has_dropout_in_the_feed_forward_alone():
    dropouts = {name: work.activation_dropout for name, work in WORKS.items()}
    assert dropouts.pop("training") == 0.1
    assert set(dropouts.values()) == {0.0}


def test_samples_are_those_of_the_seconds():
    case = Case("tiny", "fp32", "short", "plain")
    assert case.num_samples == [8_000, 16_000, 32_000]
    assert case.num_seconds == 3.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": ["3b"]}, "sizes has '3b'; there are 300m, 1b, 2b, tiny"),
        ({"dtypes": ["fp16"]}, "dtypes has 'fp16'; there are fp32, bf16"),
        ({"works": ["train"]}, "works has 'train'; there are inference, training"),
        ({"batches": ["long"]}, "batches has 'long'; there are short, ramp, mixed"),
        ({"peers": ["fairseq"]}, "peers has 'fairseq'; there are transformers"),
        ({"parts": ["all"]}, "parts has 'all'; there are encoder, loader, decoding"),
        ({"sizes": ["tiny", "tiny"]}, "sizes has 'tiny' twice"),
        ({"pairs": 0}, "pairs is 0; it must be at least 1"),
        ({"threads": -1}, "threads is -1; it must be at least 1"),
        ({"device": "tpu"}, "device has 'tpu'; there are cpu, cuda"),
    ],
)
def test_unknown_values_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Settings(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_card_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="PyTorch sees no such device"):
        Settings(device="cuda")
