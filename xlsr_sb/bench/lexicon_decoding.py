"""Lexicon decoding with a language model beside pyctcdecode, on the same outputs."""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from itertools import product
from pathlib import Path

from torch import Tensor

from xlsr_sb.bench.made_up import Heard, Language
from xlsr_sb.bench.sides import NotInstalledError
from xlsr_sb.decoders.flashlight import library
from xlsr_sb.decoders.lexicon_beam import LexiconDecoder, LexiconWords
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.decoders.tuning import best_texts
from xlsr_sb.errors import InputError
from xlsr_sb.metrics import character_errors, word_errors

BEAM_SIZE = 100  # pyctcdecode's own; all else that prunes is at each side's default
MODELS = {  # how clearly words are heard
    "sure": (12.0, 12.0),
    "fairly sure": (10.0, 10.0),
    "mixed": (5.0, 14.0),
}
GRID = [Weights(*pair) for pair in product((2.0, 1.0, 3.0), (-1.0, 0.5, 2.0))]
NUM_WORDS, NUM_SENTENCES = 10_000, 10_000  # of the language; to train on
NUM_DEV, NUM_TEST = 10, 30  # utterances
Decode = Callable[[Sequence[Tensor]], list[str]]
Side = Callable[[Weights], Decode]


def measure(*, pairs: int, quick: bool) -> dict:
    """Seconds and word errors of both decoders, each with its best weights.

    Both try the same weights on the same development utterances.

    Parameters
    ----------
    pairs : int
        Times that each is measured, in turn.
    quick : bool
        Whether there are few words, utterances and weights.

    Returns
    -------
    dict
        ``models``: for each its ``name``, ``frames`` decoded, ``words`` of the
        references, and by decoder the ``weights``, the ``errors`` and a list of
        ``seconds``. ``pyctcdecode, our weights`` is the peer with what is best for
        ours. ``absent`` says why there is no peer.

    Raises
    ------
    NotInstalledError
        If our own decoder needs a library that is not there.

    Example
    -------
    >>> first = measure(pairs=1, quick=True)["models"][0]
    >>> len(first["ours"]["seconds"]), first["ours"]["errors"] < 0.5 * first["words"]
    (1, True)
    """
    try:
        library()
    except InputError as error:
        raise NotInstalledError(str(error)) from error
    grid, share = (GRID[:2], 10) if quick else (GRID, 1)
    with tempfile.TemporaryDirectory() as folder:
        language = Language(NUM_WORDS // share, seed=0)
        files = language.write(Path(folder), num_sentences=NUM_SENTENCES // share)
        sides, found = {"ours": ours(language, *files)}, {"models": []}
        try:
            sides["pyctcdecode"] = pyctcdecode(language, files[0])
        except ImportError as error:
            found["absent"] = f"pyctcdecode is not installed ({error})"
        for name, margins in MODELS.items():
            dev = language.heard(max(2, NUM_DEV // share), margins=margins)
            test = language.heard(max(2, NUM_TEST // share), margins=margins)
            best = {one: tuned(side, dev, grid) for one, side in sides.items()}
            decoders = {one: (side, best[one]) for one, side in sides.items()}
            if "pyctcdecode" in sides:
                decoders["pyctcdecode, our weights"] = (
                    sides["pyctcdecode"],
                    best["ours"],
                )
            measured = _measured(decoders, test, pairs)
            found["models"].append({"name": name, **measured})
    return found


def tuned(side: Side, dev: Heard, grid: Sequence[Weights]) -> Weights:
    """Weights with the fewest word errors, then character errors; of equals the first.

    Parameters
    ----------
    side : callable
        Makes a decoder of weights.
    dev : Heard
    grid : sequence of Weights

    Example
    -------
    >>> dev = Heard([], ["oui"])
    >>> def side(weights):
    ...     return lambda _: ["oui" if weights.lm_weight == 2.0 else "non"]
    >>> tuned(side, dev, [Weights(1.0), Weights(2.0)]).lm_weight
    2.0
    """

    def errors(weights: Weights) -> tuple[int, int]:
        texts = side(weights)(dev.log_probs)
        counted = word_errors, character_errors
        return tuple(count(dev.references, texts).errors for count in counted)

    return min(grid, key=errors)


def _measured(
    decoders: dict[str, tuple[Side, Weights]], test: Heard, pairs: int
) -> dict:
    """What each decoder makes of the test utterances, and how fast."""
    found: dict[str, object] = {
        "frames": test.num_frames,
        "words": sum(len(one.split()) for one in test.references),
    }
    built: dict[str, Decode] = {}
    for name, (side, weights) in decoders.items():
        built[name] = side(weights)
        errors = word_errors(test.references, built[name](test.log_probs)).errors
        found[name] = {"weights": asdict(weights), "errors": errors, "seconds": []}
    for turn in range(pairs):
        for name in list(built)[:: -1 if turn % 2 else 1]:
            begin = time.perf_counter()
            built[name](test.log_probs)
            found[name]["seconds"].append(time.perf_counter() - begin)
    return found


def ours(language: Language, lm: str, lexicon: str) -> Side:
    """Our decoders of some words, by weights.

    Parameters
    ----------
    language : Language
    lm, lexicon : str
        Paths.
    """
    words = LexiconWords.load(language.vocabulary, lm=lm, lexicon=lexicon)
    beam = Beam(size=BEAM_SIZE)
    first = LexiconDecoder(language.vocabulary, words, beam=beam)

    def side(weights: Weights) -> Decode:
        decoder = first.weighed(weights)
        return lambda log_probs: best_texts(decoder, log_probs)

    return side


def pyctcdecode(language: Language, lm: str) -> Side:
    """Its decoders of the same words, by weights; its logarithms are natural.

    Parameters
    ----------
    language : Language
    lm : str
        Path.

    Raises
    ------
    ImportError
        If it is not there, or KenLM's Python module is not.
    """
    # In no extra, as it asks for NumPy 1. Without kenlm it would fail later only.
    _, module = map(import_module, ("kenlm", "pyctcdecode"))
    _, _, *tokens = language.vocabulary.tokens  # blank and unknown have its own names
    options = {"kenlm_model_path": lm, "unigrams": language.words}
    decoder = module.build_ctcdecoder(["", "⁇", *tokens], **options)

    def side(weights: Weights) -> Decode:
        def decode(log_probs: Sequence[Tensor]) -> list[str]:
            # Weights are kept in the decoder, which is one for all.
            alpha = weights.lm_weight / math.log(10)
            decoder.reset_params(alpha=alpha, beta=weights.word_score)
            arrays = (one.numpy() for one in log_probs)
            return [decoder.decode(one, beam_width=BEAM_SIZE) for one in arrays]

        return decode

    return side
