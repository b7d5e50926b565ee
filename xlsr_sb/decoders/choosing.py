"""How a run's test sets are decoded: by its hyperparameters, or as it was tuned."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from xlsr_sb.decoders.settings import FILE, GREEDY, KINDS, DecoderSettings
from xlsr_sb.errors import InputError

TUNED = "tuned"


def chosen_settings(folder: str | Path, **section: Any) -> DecoderSettings:
    """Settings of a decoder from the section ``decoder`` of a run's hyperparameters.

    Parameters
    ----------
    folder : str or Path
        Of the run: ``kind: tuned`` is what ``xlsr-sb tune-lm`` has left there.
    **section
        Fields of ``DecoderSettings``.

    Raises
    ------
    InputError
        If a value is not of its type, if nothing was tuned, and if a
        value is given that the kind does not use.

    Example
    -------
    >>> chosen_settings("nowhere", kind="beam", beam_size=7).beam_size
    7
    >>> chosen_settings("nowhere", kind="greedy", lm="lm.arpa")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: decoder.lm means nothing where decoder.kind is greedy; \
leave it out, or take beam or lexicon
    """
    kind = section.pop("kind", GREEDY)
    if kind not in (*KINDS, TUNED):
        raise InputError(
            f"decoder.kind is {kind!r}; it must be one of {(*KINDS, TUNED)}"
        )
    _check_types(section)
    if kind in (TUNED, GREEDY):
        _refuse_others(kind, section)
    if kind != TUNED:
        return DecoderSettings(kind, **section)
    if not (Path(folder) / FILE).exists():
        raise InputError(
            f"decoder.kind is tuned, and {Path(folder) / FILE} is not there: when the "
            "training is over, tune with xlsr-sb tune-lm, then run this command again"
        )
    return DecoderSettings.load(folder)


def _check_types(section: dict[str, Any]) -> None:
    """Raise where a value is not of its setting's type."""
    kinds = {one.name: one.type for one in fields(DecoderSettings)}
    for name, value in section.items():
        allowed = float | int if kinds[name] is float else kinds[name]
        if not isinstance(value, allowed):
            wanted = getattr(allowed, "__name__", allowed)
            raise InputError(f"decoder.{name} is {value!r}; it must be {wanted}")


def _refuse_others(kind: str, section: dict[str, Any]) -> None:
    """Raise if a value differs from the one it has when nobody gives any."""
    usual = asdict(DecoderSettings())
    for name, value in section.items():
        if value != usual[name]:
            raise InputError(
                f"decoder.{name} means nothing where decoder.kind is {kind}; leave it "
                "out, or take beam or lexicon"
            )
