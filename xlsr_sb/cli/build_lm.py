"""``xlsr-sb build-lm``: an n-gram language model of transcripts or text."""

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlsr_sb.cli.parsing import add_command
from xlsr_sb.data.text import TOKENS, transcript_of
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.manifest import read_manifest

WORDS, CHARACTERS = "words", "characters"
UNITS = (WORDS, CHARACTERS, TOKENS)
BOUNDARY = "|"  # between words, in a model of characters


def add_to(commands) -> None:
    """Add the command ``build-lm`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args("build-lm train.csv --to lm.arpa".split()).order
    3
    """
    parser = add_command(commands, "build-lm", _build)
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="manifest (.csv), or text with a sentence a line; of training only",
    )
    parser.add_argument("--to", required=True, help="file, such as lm.arpa.gz")
    parser.add_argument("--order", type=int, default=3, help="default: %(default)s")
    parser.add_argument(
        "--unit",
        choices=UNITS,
        default=WORDS,
        help="words for a lexicon decoder, characters or tokens (symbols such as "
        "phones) for one without; default: %(default)s",
    )
    parser.add_argument(
        "--keep",
        default="'",
        metavar="CHARACTERS",
        help="kept inside words, as data.keep_characters; default: %(default)s",
    )
    parser.add_argument(
        "--language", default="", help="of text, for its own rules of lower case"
    )


def _build(arguments: argparse.Namespace) -> None:
    """Build an n-gram language model (modified Kneser-Ney) of training text."""
    if not Path(arguments.to).absolute().parent.is_dir():
        raise InputError(f"{arguments.to}: its folder does not exist; make it")
    logging.basicConfig(format="%(message)s")  # discounts that cannot be estimated
    texts = list(_texts(arguments))
    sentences = [_units(text, arguments.unit) for text in texts]
    ngrams = NGrams.estimate(sentences, order=arguments.order)
    ngrams.save(arguments.to)
    counts = ", ".join(
        f"{len(of_order)} {order}-grams"
        for order, of_order in enumerate(ngrams.probabilities, start=1)
    )
    num_units = sum(map(len, sentences))
    print(f"{arguments.to}: {counts} of {num_units} {arguments.unit}")


def _texts(arguments: argparse.Namespace) -> Iterator[str]:
    """Normalised sentences of all sources."""
    units = TOKENS if arguments.unit == TOKENS else "characters"
    for source in arguments.sources:
        if Path(source).suffix == ".csv":
            pairs = [(one.wrd, one.language) for one in read_manifest(source)]
        else:
            pairs = [(line, arguments.language) for line in read_lines(source)]
        for text, language in pairs:
            yield transcript_of(text, language, units=units, keep=arguments.keep)


def _units(text: str, unit: str) -> Sequence[str]:
    """What the n-grams of a text are made of."""
    return list(text.replace(" ", BOUNDARY)) if unit == CHARACTERS else text.split()
