"""The numbers that steer the training loop: which values make sense."""

from collections.abc import Mapping

from xlsr_sb.errors import InputError

WHOLE = {  # with the lowest that makes sense
    "num_updates": 1,
    "validate_every_updates": 1,
    "num_bad_updates": 1,
    "encoder_frozen_updates": 0,
}
AT_LEAST_0 = ("encoder_lr", "head_lr", "checkpoint_every_minutes")


def check_settings(optim: Mapping) -> None:
    """Refuse settings with which the loop would fail, or learn nothing, later on.

    Parameters
    ----------
    optim : mapping
        The ``optim`` section of the hyperparameters.

    Raises
    ------
    InputError
        Naming the setting, its value and what is allowed.

    Example
    -------
    >>> check_settings({"num_updates": "ten"})
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: optim: num_updates is 'ten'; it must be a whole number \
of at least 1
    """
    for name, lowest in WHOLE.items():
        value = optim[name]
        if type(value) is not int or value < lowest:
            _refuse(name, value, f"a whole number of at least {lowest}")
    for name in AT_LEAST_0:
        if not (_is_number(optim[name]) and optim[name] >= 0):
            _refuse(name, optim[name], "a number of at least 0")
    norm = optim["max_grad_norm"]
    if not (_is_number(norm) and norm > 0):
        _refuse("max_grad_norm", norm, "a number above 0 (.inf for no clipping)")


def _is_number(value: object) -> bool:
    """Whether it is one; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(name: str, value: object, allowed: str) -> None:
    raise InputError(f"optim: {name} is {value!r}; it must be {allowed}")
