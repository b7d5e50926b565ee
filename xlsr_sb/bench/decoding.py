"""Greedy CTC decoding beside SpeechBrain's and transformers', on the same log-probs."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from speechbrain.decoders import ctc_greedy_decode
from torch import Tensor

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import GreedyDecoder, greedy_decode
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import mask_of

BATCH, FRAMES, FRAMES_QUICK = 32, 750, 100
BLANK, FIRST_LETTER = 0, 0x4E00  # one character a token, none of them a space
NUM_TOKENS = 64
CHARACTERS = range(FIRST_LETTER, FIRST_LETTER + NUM_TOKENS - 3)  # beside 3 others
BLANK_SHARE = 0.7  # of the frames, as a trained model has it
UTTERANCES, UTTERANCES_QUICK = 10_000, 640  # whose texts are wanted, a batch at a time
SHORTEST, LONGEST = 50, 150  # frames of each


def measure(*, pairs: int, quick: bool) -> dict:
    """Seconds of each decoder for one batch, after asserting that they agree.

    Parameters
    ----------
    pairs : int
        Times that each is measured.
    quick : bool
        Whether the utterances are short.

    Returns
    -------
    dict
        ``frames`` decoded, and by decoder a list of seconds, or a sentence that says
        why there is none.

    Raises
    ------
    InputError
        If a peer decodes something else: it would be no comparison.

    Example
    -------
    >>> found = measure(pairs=1, quick=True)
    >>> sorted(set(found) - {"transformers"})
    ['frames', 'ours', 'speechbrain']
    """
    longest = FRAMES_QUICK if quick else FRAMES
    log_probs, num_frames = _log_probs(longest // 2, longest, BATCH)
    fractions = num_frames / log_probs.shape[1]
    decoders: dict[str, Callable[[], list]] = {
        "ours": lambda: greedy_decode(log_probs, num_frames=num_frames, blank=BLANK),
        "speechbrain": lambda: ctc_greedy_decode(log_probs, fractions, blank_id=BLANK),
    }
    found: dict[str, object] = {"frames": int(num_frames.sum())}
    try:
        decoders["transformers"] = _transformers(log_probs, num_frames)
    except ImportError as error:
        found["transformers"] = f"transformers is not installed ({error})"
    expected = decoders["ours"]()
    for name, decode in decoders.items():
        wanted = list(map(_text, expected)) if name == "transformers" else expected
        if decode() != wanted:
            raise InputError(f"bench: {name} decodes something else than ours")
        found[name] = []
    for turn in range(pairs):
        for name in list(decoders)[:: -1 if turn % 2 else 1]:
            found[name].append(_seconds(decoders[name]))
    return found


def measure_texts(*, pairs: int, quick: bool) -> dict:
    """Seconds to make the texts of many utterances, greedily, in batches.

    Parameters
    ----------
    pairs : int
        Times that it is done.
    quick : bool
        Whether there are few utterances.

    Returns
    -------
    dict
        ``utterances``, and a list of ``seconds``. Making the log-probabilities is not
        counted.

    Example
    -------
    >>> found = measure_texts(pairs=2, quick=True)
    >>> found["utterances"], len(found["seconds"])
    (640, 2)
    """
    number = UTTERANCES_QUICK if quick else UTTERANCES
    decoder = GreedyDecoder(Vocabulary.of(["".join(map(chr, CHARACTERS))]))
    return {
        "utterances": number,
        "seconds": [_seconds_of_texts(decoder, number) for _ in range(pairs)],
    }


def _seconds_of_texts(decoder: GreedyDecoder, number: int) -> float:
    """Time of some utterances."""
    seconds = 0.0
    for first in range(0, number, BATCH):
        size = min(BATCH, number - first)
        log_probs, num_frames = _log_probs(SHORTEST, LONGEST, size)
        begin = time.perf_counter()
        found = decoder.decode(log_probs, num_frames=num_frames)
        texts = [best.text for [best] in found]
        seconds += time.perf_counter() - begin
        if not all(texts):
            raise InputError("bench: greedy decoding left an utterance without text")
    return seconds


def _log_probs(shortest: int, longest: int, size: int) -> tuple[Tensor, Tensor]:
    """Log-probabilities [B, F, V] that are sure of themselves, and real frames [B]."""
    generator = torch.Generator().manual_seed(0)
    shape = size, longest
    tokens = torch.randint(1, NUM_TOKENS, shape, generator=generator)
    is_blank = torch.rand(shape, generator=generator) < BLANK_SHARE
    path = tokens.masked_fill(is_blank, BLANK).repeat_interleave(2, 1)[:, :longest]
    logits = torch.randn(*shape, NUM_TOKENS, generator=generator)
    logits += 10.0 * torch.nn.functional.one_hot(path, NUM_TOKENS)
    counts = torch.linspace(shortest, longest, size).long()
    return logits.log_softmax(dim=-1), counts


def _transformers(log_probs: Tensor, num_frames: Tensor) -> Callable[[], list[str]]:
    """``batch_decode`` of the best tokens; padding is blank, as it skips nothing."""
    from transformers import Wav2Vec2CTCTokenizer

    names = {"<pad>": BLANK, **{_text([i]): i for i in range(1, NUM_TOKENS)}}
    names |= {"<unk>": NUM_TOKENS, "|": NUM_TOKENS + 1}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.json"
        path.write_text(json.dumps(names), encoding="utf-8")
        tokenizer = Wav2Vec2CTCTokenizer(str(path), bos_token=None, eos_token=None)
    is_real = mask_of(num_frames, log_probs.shape[1])

    def decode() -> list[str]:
        best = log_probs.argmax(dim=-1)
        return tokenizer.batch_decode(best.where(is_real, BLANK))

    return decode


def _text(tokens: list[int]) -> str:
    """One character a token."""
    return "".join(chr(FIRST_LETTER + token) for token in tokens)


def _seconds(call: Callable[[], object]) -> float:
    """Median time of a call, of three."""
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
