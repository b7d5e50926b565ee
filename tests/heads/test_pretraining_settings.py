"""Settings of pretraining: the schedule of the temperature, and what is refused."""

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.heads.pretraining_settings import PretrainingSettings


def test_defaults_are_those_of_the_paper():
    """Of the 0.3B model (arXiv 2111.09296)."""
    settings = PretrainingSettings()
    assert (settings.num_groups, settings.num_entries, settings.num_codes) == (
        2,
        320,
        640,
    )
    assert (settings.code_dim, settings.target_dim) == (768, 768)
    assert (settings.num_negatives, settings.logit_temperature) == (100, 0.1)
    assert (settings.diversity_weight, settings.feature_dropout) == (0.1, 0.0)
    assert (settings.contrastive_weight, settings.unit_weight) == (1.0, 0.0)


@pytest.mark.parametrize("update", [0, 1, 1_000, 400_000, 599_000, 600_000, 1_000_000])
def test_temperature_is_fairseqs(update):
    """max(2 * 0.999995 ** updates, 0.1): the lowest from update 599,144 on."""
    settings = PretrainingSettings(temperatures=[2.0, 0.1, 0.999995])
    wanted = max(2.0 * 0.999995**update, 0.1)
    assert settings.temperature(update) == wanted
    assert (wanted == 0.1) == (update >= 599_144)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code_dim": 7}, "code_dim 7 must be a multiple of num_groups 2"),
        ({"num_groups": 0}, "num_groups must be at least 1, got 0"),
        ({"num_entries": 0}, "num_entries must be at least 1"),
        ({"target_dim": -1}, "target_dim must be at least 1"),
        ({"num_negatives": 0}, "num_negatives must be at least 1"),
        ({"temperatures": (0.1, 2.0, 0.9)}, r"temperatures \[0.1, 2.0, 0.9\] must be"),
        ({"temperatures": (2.0, 0.0, 0.9)}, "must be first >= last > 0"),
        ({"temperatures": (2.0, 0.1, 1.1)}, "a factor above 0 and at most 1"),
        ({"temperatures": (2.0, 0.1)}, r"temperatures \[2.0, 0.1\] must be"),
        ({"logit_temperature": 0.0}, "logit_temperature must be above 0, got 0.0"),
        ({"diversity_weight": -0.1}, "diversity_weight must be at least 0"),
        ({"feature_dropout": 1.0}, r"feature_dropout must be in \[0, 1\), got 1.0"),
        ({"contrastive_weight": 0.0}, "not both 0, got 0.0 and 0.0"),
        ({"contrastive_weight": -1.0, "unit_weight": 1.0}, "got -1.0 and 1.0"),
        ({"unit_weight": float("nan")}, "got 1.0 and nan"),
        ({"num_negative": 9}, r"no option \['num_negative'\]; there are \['code_dim'"),
    ],
)
def test_what_cannot_work_is_refused(options, message):
    with pytest.raises(InputError, match=f"^head: .*{message}"):
        PretrainingSettings.of(options)
