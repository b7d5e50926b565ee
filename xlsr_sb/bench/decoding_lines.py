"""Lines of the decoders: greedy ones, those with a lexicon, and that of translation."""

import statistics
from collections.abc import Iterator

from xlsr_sb.bench.cases import Settings
from xlsr_sb.bench.lines import Line, rate_line, time_line
from xlsr_sb.bench.processes import Worker
from xlsr_sb.lengths import FRAME_RATE

GREEDY_PEERS = ("speechbrain", "transformers")
LEXICON_PEER = "pyctcdecode"
TRANSLATING_PEER = "transformers"
LEXICON_SIDES = {  # of the peer: in what a line calls it
    "pyctcdecode": "each its own weights",
    "pyctcdecode, our weights": "our weights",
}


def decoding_lines(ours: Worker, settings: Settings) -> Iterator[Line]:
    """Speed of the greedy decoders, then speed and errors of those with a lexicon.

    Parameters
    ----------
    ours : Worker
    settings : Settings

    Yields
    ------
    Line
    """
    question = {"pairs": settings.pairs, "quick": settings.quick}
    yield from _greedy_lines(ours.ask("decoding", **question))
    yield _texts_line(ours.ask("greedy_texts", **question))
    yield from lexicon_lines(ours.ask("lexicon_decoding", **question))


def _greedy_lines(found: dict) -> Iterator[Line]:
    """Seconds of speech that are decoded in a second."""
    seconds = found["frames"] / FRAME_RATE
    rates = [seconds / one for one in found["ours"]]
    for peer in GREEDY_PEERS:
        if isinstance(found[peer], str):
            shared = {"quantity": "not measured", "unit": "", "note": found[peer]}
            yield Line("decoding", "greedy CTC", peer=peer, **shared)
        else:
            theirs = [seconds / one for one in found[peer]]
            yield rate_line("decoding", "greedy CTC", peer, rates, theirs)


def _texts_line(found: dict) -> Line:
    """Seconds for many utterances."""
    work = f"greedy texts of {found['utterances']:,} utterances of 1 to 3 s"
    seconds = statistics.median(found["seconds"])
    pairs = len(found["seconds"])
    return Line("decoding", work, "time", "s", ours=seconds, pairs=pairs)


def translating_line(ours: Worker, settings: Settings) -> Line:
    """Seconds of a beam search with XLS-R's text decoder, beside transformers'.

    Parameters
    ----------
    ours : Worker
    settings : Settings

    Returns
    -------
    Line
    """
    question = {"pairs": settings.pairs, "quick": settings.quick}
    found = ours.ask("translating", **question)
    millions = found["parameters"] / 1e6
    work = f"fp32 beam search, {millions:.0f}M decoder, {found['tokens']} tokens"
    mine, theirs = found["ours"], found[TRANSLATING_PEER]
    shared = {"scene": "translating", "work": work, "peer": TRANSLATING_PEER}
    if isinstance(theirs, str):
        return Line(**shared, quantity="not measured", unit="", note=theirs)
    return time_line(**shared, ours=mine, theirs=theirs)


def lexicon_lines(found: dict) -> Iterator[Line]:
    """Speed and word error rate for each model, with both choices of weights.

    Parameters
    ----------
    found : dict
        What ``lexicon_decoding.measure`` found, or why it could not.

    Yields
    ------
    Line

    Example
    -------
    >>> ours = {"errors": 1, "seconds": [0.5]}
    >>> model = {"name": "sure", "frames": 50, "words": 10, "ours": ours}
    >>> lines = lexicon_lines({"models": [model], "absent": "it is not installed"})
    >>> for line in lines:
    ...     print(line.note or line.ours, line.work, line.quantity)
    it is not installed sure model not measured
    2.0 sure model speed
    10.0 sure model word error rate
    """
    for model in found.get("models", [{"name": "any"}]):
        work = f"{model['name']} model"
        if "absent" in found:
            shared = {"quantity": "not measured", "unit": "", "note": found["absent"]}
            yield Line("lexicon", work, peer=LEXICON_PEER, **shared)
        if "absent" in found and "ours" in model:
            yield from _alone(model, work)
        for side, weights in LEXICON_SIDES.items():
            if side in model:
                yield from _beside(model, side, f"{work}, {weights}")


def _rates(model: dict, side: str) -> list[float]:
    """Seconds of speech that are decoded in a second."""
    spoken = model["frames"] / FRAME_RATE
    return [spoken / one for one in model[side]["seconds"]]


def _percent(model: dict, side: str) -> float:
    """Word error rate."""
    return 100 * model[side]["errors"] / model["words"]


def _beside(model: dict, side: str, work: str) -> Iterator[Line]:
    """Ours and the peer."""
    rates = _rates(model, "ours"), _rates(model, side)
    yield rate_line("lexicon", work, LEXICON_PEER, *rates)
    errors = {"ours": _percent(model, "ours"), "theirs": _percent(model, side)}
    shared = {"quantity": "word error rate", "unit": "%", "peer": LEXICON_PEER}
    yield Line("lexicon", work, **shared, **errors)


def _alone(model: dict, work: str) -> Iterator[Line]:
    """Ours, where there is no peer."""
    rates = _rates(model, "ours")
    shared = {"ours": statistics.median(rates), "pairs": len(rates)}
    yield Line("lexicon", work, "speed", "x real time", **shared)
    errors = _percent(model, "ours")
    yield Line("lexicon", work, "word error rate", "%", ours=errors)
