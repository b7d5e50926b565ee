"""Numbers that steer the loop: refused where they make no sense, by name."""

import math

import pytest

from tests.training.harness import settings
from xlsr_sb.errors import InputError
from xlsr_sb.training.settings import check_settings


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("num_updates", [1, 10**9]),
        ("encoder_frozen_updates", [0, 10**9]),
        ("checkpoint_every_minutes", [0, 0.5]),
        ("encoder_lr", [0.0, 1]),
        ("max_grad_norm", [1e-9, 5, math.inf]),
    ],
)
def test_accepted(name, values):
    """Up to the edges."""
    for value in values:
        check_settings(settings() | {name: value})


@pytest.mark.parametrize(
    ("name", "values", "allowed"),
    [
        ("num_updates", [0, 2.5, "ten", None, True], "whole number of at least 1"),
        ("validate_every_updates", [0, -1], "whole number of at least 1"),
        ("num_bad_updates", [0], "whole number of at least 1"),
        ("encoder_frozen_updates", [-1, "x"], "whole number of at least 0"),
        ("checkpoint_every_minutes", [-1, math.nan, "x"], "number of at least 0"),
        ("encoder_lr", [-1e-3, "abc"], "number of at least 0"),
        ("head_lr", [math.nan, False], "number of at least 0"),
        ("max_grad_norm", [0, -1.0, math.nan, "big"], r"above 0 \(\.inf for no clip"),
    ],
)
def test_refused(name, values, allowed):
    """With the value and what is allowed."""
    for value in values:
        with pytest.raises(InputError, match=f"{name} is {value!r}; .* {allowed}"):
            check_settings(settings() | {name: value})
