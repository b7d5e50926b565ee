"""Arguments of commands that say how text is searched for."""

import argparse
from dataclasses import asdict, replace

from xlsr_sb.decoders.settings import KINDS, DecoderSettings, fingerprint
from xlsr_sb.errors import InputError

SETTINGS = {  # argument: the setting it is, its type, what it means
    "--decoder": ("kind", str, "greedy by default"),
    "--lm": ("lm", str, "language model: ARPA, gzipped, or KenLM's binary"),
    "--lexicon": ("lexicon", str, "by default the words of the language model"),
    "--lm-weight": ("lm_weight", float, "of the language model"),
    "--word-score": ("word_score", float, "added for each word of a lexicon"),
    "--space-score": ("space_score", float, "added for each frame of a space"),
    "--beam-size": ("beam_size", int, "hypotheses that are followed"),
}


def add_decoder_to(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a decoder.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_decoder_to(parser)
    >>> parser.parse_args(["--decoder", "beam", "--lm-weight", "1.5"]).lm_weight
    1.5
    """
    group = parser.add_argument_group(
        "decoder", "What is not given is as tune-lm has left it in the model's folder."
    )
    for flag, (_, kind, text) in SETTINGS.items():
        choices = KINDS if flag == "--decoder" else None
        group.add_argument(flag, type=kind, choices=choices, help=text)


def given_decoder(arguments: argparse.Namespace) -> dict:
    """Values of the arguments that are given, by argument.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_decoder_to(parser)
    >>> given_decoder(parser.parse_args(["--beam-size", "7"]))
    {'--beam-size': 7}
    """
    values = {flag: getattr(arguments, _name(flag)) for flag in SETTINGS}
    return {flag: value for flag, value in values.items() if value is not None}


def decoder_settings(arguments: argparse.Namespace, folder: str) -> DecoderSettings:
    """Settings of a model's folder, changed by the arguments that are given.

    Parameters
    ----------
    arguments : argparse.Namespace
    folder : str
        Of the model; if it has none, the decoder is greedy.

    Raises
    ------
    InputError
        If an argument means nothing to a greedy decoder, or the settings of the folder
        cannot be used.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_decoder_to(parser)
    >>> words = ["--decoder", "beam", "--beam-size", "7"]
    >>> decoder_settings(parser.parse_args(words), "nowhere").beam_size
    7
    """
    given = given_decoder(arguments)
    changes = {SETTINGS[flag][0]: value for flag, value in given.items()}
    is_greedy = changes.get("kind") == "greedy"
    settings = DecoderSettings() if is_greedy else DecoderSettings.load(folder)
    settings = replace(settings, **changes)
    others = [flag for flag in given if flag != "--decoder"]
    if settings.kind == "greedy" and others:
        raise InputError(
            f"{others[0]} means nothing to a greedy decoder; add --decoder beam or "
            "--decoder lexicon"
        )
    return settings


def plain_settings(settings: DecoderSettings) -> dict:
    """Return the settings as plain values, with marks of the files instead of paths."""
    marks = {name: fingerprint(getattr(settings, name)) for name in ("lm", "lexicon")}
    return {**asdict(settings), **marks}


def _name(flag: str) -> str:
    """Name of an argument in argparse's namespace."""
    return flag.strip("-").replace("-", "_")
