"""What each setting of the augmentation may be."""

from collections.abc import Callable
from dataclasses import fields

from xlsr_sb.data.augmentation.coding import FORMATS
from xlsr_sb.errors import InputError


def check_settings(settings: object) -> None:
    """Raise at the first setting that cannot be.

    Parameters
    ----------
    settings : Augmentation

    Raises
    ------
    InputError
        Naming the setting, its value and what is allowed.
    """
    for field in fields(settings):
        if field.init:
            value = getattr(settings, field.name)
            allowed, is_allowed = _rule(field.name)
            if not is_allowed(value):
                raise InputError(
                    f"augmentation: {field.name} is {value!r}; it must be {allowed}"
                )


def _rule(name: str) -> tuple[str, Callable[[object], bool]]:
    """What a setting may be, in words and as a test."""
    if name.endswith("_chance"):
        return "a number from 0 to 1", _between(0, 1)
    if name.endswith("_source"):
        return "a path, or null", lambda value: value is None or _is_text(value)
    return {
        "speed_factors": ("a list of numbers from 0.5 to 2", _each(_between(0.5, 2))),
        "reverb_rt60_seconds": (
            "two numbers from 0.05 to 10, the lower first",
            _range(0.05, 10),
        ),
        "noise_snr_db": (
            "two numbers from -50 to 100, the lower first",
            _range(-50, 100),
        ),
        "codecs": (f"a list of some of {', '.join(FORMATS)}", _each(_is_codec)),
        "max_applied": (
            "a whole number from 1 on",
            lambda value: type(value) is int and value >= 1,
        ),
    }[name]


def _between(low: float, high: float) -> Callable[[object], bool]:
    """Test of a number in a range."""
    return lambda value: type(value) in (int, float) and low <= value <= high


def _each(is_allowed: Callable[[object], bool]) -> Callable[[object], bool]:
    """Test of a list of at least one such value."""
    return lambda value: (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(map(is_allowed, value))
    )


def _range(low: float, high: float) -> Callable[[object], bool]:
    """Test of two numbers in order."""
    are_allowed = _each(_between(low, high))
    return lambda value: are_allowed(value) and len(value) == 2 and value[0] <= value[1]


def _is_text(value: object) -> bool:
    """Whether it is a text that says something."""
    return isinstance(value, str) and value != ""


def _is_codec(value: object) -> bool:
    """Whether it is the name of a codec."""
    return isinstance(value, str) and value in FORMATS
