"""Flashlight's decoders, which are in C++: found, fed with frames, read."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from torch import Tensor

from xlsr_sb.errors import InputError

UNKNOWN = "<unk>"  # as language models write it
NEVER = -1e4  # a log-probability of zero whose sums stay finite
ADVICE = (
    "beam search needs flashlight-text, which is not installed ({}); install it: "
    "pip install 'xlsr-sb[lm]', or pip install flashlight-text (on Python 3.13: "
    "ufal.flashlight-text). decoder: kind greedy needs neither"
)


def library() -> ModuleType:
    """Flashlight's module of decoders.

    Raises
    ------
    InputError
        That says what to install.

    Example
    -------
    >>> library().CriterionType.CTC.name
    'CTC'
    """
    try:
        import flashlight.lib.text.decoder as decoder
    except ImportError as error:
        raise InputError(ADVICE.format(error)) from error
    return decoder


def load_kenlm(path: str, words: Sequence[str]):
    """Language model of a file, which knows each word by its place in ``words``.

    Parameters
    ----------
    path : str
        ARPA file, plain or gzipped, or KenLM's binary.
    words : sequence of str
        Of those that come again, only the first is known.

    Raises
    ------
    InputError
        If KenLM cannot read it, in KenLM's words.
    """
    library()
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    dictionary = Dictionary()
    for index, word in enumerate(words):
        is_new = not dictionary.contains(word)
        dictionary.add_entry(word if is_new else f"\0{index}")
    try:
        with _quiet():
            return KenLM(path, dictionary)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split("\n")[-1].split())
        raise InputError(
            f"{path} is no language model that can be used: {reason}; it is damaged or "
            "cut: fetch or build it again"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep KenLM's bar of progress, written by C++, off the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def frames_of(log_probs: Tensor, *, num_frames: Tensor) -> list[np.ndarray]:
    """Log-probabilities of each utterance's real frames, on the host, all finite.

    Parameters
    ----------
    log_probs : Tensor [B, F, V]
    num_frames : LongTensor [B]

    Returns
    -------
    list of float32 array [F, V]

    Example
    -------
    >>> import torch
    >>> log_probs = torch.tensor([[[0.0, -torch.inf], [0.0, 0.0]]])
    >>> frames_of(log_probs, num_frames=torch.tensor([1]))
    [array([[     0., -10000.]], dtype=float32)]
    """
    if log_probs.isnan().any():
        raise ValueError("log_probs holds values that are no numbers")
    host = log_probs.detach().float().clamp(min=NEVER).cpu().numpy()
    counts = num_frames.tolist()
    return [np.ascontiguousarray(row[:n]) for row, n in zip(host, counts, strict=True)]


@dataclass(frozen=True)
class Result:
    """What flashlight says of one hypothesis.

    Parameters
    ----------
    score : float
    path : int array [F]
        Token of each frame.
    labels : int array [F]
        The word that ends with each frame, -1 for none.
    """

    score: float
    path: np.ndarray
    labels: np.ndarray


def results_of(decoder, frames: np.ndarray) -> Iterator[Result]:
    """All hypotheses of a decoder for an utterance, the best first.

    Parameters
    ----------
    decoder : flashlight's LexiconDecoder or LexiconFreeDecoder
    frames : float32 array [F, V]
    """
    num_frames, num_tokens = frames.shape
    for one in decoder.decode(frames.ctypes.data, num_frames, num_tokens):
        # Flashlight puts an entry before the first frame and one after the last.
        path, labels = (
            np.array(row[1 : num_frames + 1], dtype=np.int32)
            for row in (one.tokens, one.words)
        )
        yield Result(one.score, path, labels)
