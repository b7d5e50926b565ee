"""A tokeniser trained on texts: the same texts give the same one."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO

from sentencepiece import SentencePieceTrainer

from xlsr_sb.data.subwords.codes import MBART_CODES, language_tokens
from xlsr_sb.data.subwords.tokeniser import SubwordTokeniser
from xlsr_sb.errors import InputError

COMPATIBLE, UNCHANGED = NORMALISATIONS = ("nmt_nfkc", "identity")
MIN_COVERAGE = 0.98  # sentencepiece's own bound
NUM_THREADS = 4  # fixed: sums of floats depend on how they are divided
QUIET = 2  # only errors, which are raised as well
_TOO_LARGE = re.compile(r"set it to a value <= (\d+)")
_TOO_SMALL = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")


def train_tokeniser(
    texts: Iterable[str],
    *,
    num_pieces: int,
    languages: Sequence[str] = MBART_CODES,
    character_coverage: float = 1.0,
    normalisation: str = COMPATIBLE,
) -> SubwordTokeniser:
    """Train a unigram model of sentencepiece on texts.

    Parameters
    ----------
    texts : iterable of str
        Their order makes no difference.
    num_pieces : int
        Of the model, its three special ones among them; the tokeniser has two ids and
        those of the languages on top.
    languages : sequence of str
        Whose codes the tokeniser has; mBART-50's 52 by default.
    character_coverage : float
        Share of the text's characters that become pieces; the rarest others are
        unknown. 1 keeps all, 0.9995 is usual for Chinese and Japanese.
    normalisation : str
        ``nmt_nfkc`` as mBART: full-width letters and punctuation become plain ones,
        in what a model writes too. ``identity`` keeps every character as it is.

    Returns
    -------
    SubwordTokeniser

    Raises
    ------
    InputError
        If the texts are too few for so many pieces, with the largest possible number,
        or have more characters than that; and for values out of range.

    Example
    -------
    >>> train_tokeniser(["oui non"], num_pieces=100)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: num_pieces of a tokeniser is 100; these texts give at \
most 8
    """
    if normalisation not in NORMALISATIONS:
        raise InputError(
            f"normalisation of a tokeniser is {normalisation!r}; it must be one of "
            f"{NORMALISATIONS}"
        )
    if not MIN_COVERAGE <= character_coverage <= 1:
        raise InputError(
            f"character_coverage of a tokeniser is {character_coverage}; it must be "
            f"from {MIN_COVERAGE} to 1"
        )
    tokens = language_tokens(languages)
    # Sums of floats again: in another order, other pieces.
    ordered = sorted(text for text in texts if text.strip())
    if not ordered:
        raise InputError("a tokeniser needs texts to be trained on; there are none")
    model = BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(ordered),
            model_writer=model,
            model_type="unigram",
            vocab_size=max(3, num_pieces),
            character_coverage=character_coverage,
            normalization_rule_name=normalisation,
            # Longer texts would be left out without a word; less than 10 is refused.
            max_sentence_length=10 + max(len(text.encode()) for text in ordered),
            num_threads=NUM_THREADS,
            minloglevel=QUIET,
        )
    except RuntimeError as error:
        raise InputError(_reason(str(error), num_pieces)) from error
    return SubwordTokeniser(model.getvalue(), tokens)


def _reason(message: str, num_pieces: int) -> str:
    """What sentencepiece complains of, in words of ours."""
    start = f"num_pieces of a tokeniser is {num_pieces}; these texts "
    if found := _TOO_LARGE.search(message):
        return f"{start}give at most {found[1]}"
    if found := _TOO_SMALL.search(message):
        return (
            f"{start}need at least {found[1]}, one for each character; or take a lower "
            f"character_coverage, down to {MIN_COVERAGE}"
        )
    return f"a tokeniser cannot be trained on these texts: {message}"
