"""Beam search over the tokens of a model; greedy where the beam is one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from xlsr_sb.decoders.autoregressive.beams import Beams
from xlsr_sb.decoders.autoregressive.hypothesis import Hypothesis
from xlsr_sb.decoders.autoregressive.protocol import AutoregressiveModel
from xlsr_sb.decoders.autoregressive.settings import SearchSettings
from xlsr_sb.errors import InputError


@torch.no_grad()
def beam_search(  # noqa: PLR0913 - what transformers' generate is asked with
    model: AutoregressiveModel,
    memory: Tensor,
    num_memory: Tensor,
    *,
    beam_size: int,
    max_tokens: int,
    prefix: Sequence[int] | Sequence[Sequence[int]],
    start: int,
    eos: int,
    length_penalty: float = 1.0,
    early_stopping: bool | str = False,
    num_best: int = 1,
    no_repeat_ngram: int = 0,
    min_tokens: int = 0,
    force_eos: bool = False,
) -> list[list[Hypothesis]]:
    """Likeliest sequences of each utterance, as transformers' ``generate`` finds them.

    The same sequences and scores, on the same weights: with one forced token what
    ``generate`` finds with ``forced_bos_token_id``. Utterances are searched together
    but do not depend on each other, and one that is done costs nothing any more.

    Parameters
    ----------
    model : AutoregressiveModel
        In eval mode.
    memory : Tensor [B, M, D]
        What the sequences are about.
    num_memory : LongTensor [B]
        How much of it is real.
    beam_size : int
    max_tokens : int
    prefix : sequence of int, or of sequences of int
        Tokens that each sequence begins with; one for all, or one for each utterance,
        all of the same length.
    start, eos : int
        Token before the first one, and the one that ends a sequence.
    length_penalty : float
    early_stopping : bool or "never"
    num_best : int
    no_repeat_ngram : int
    min_tokens : int
    force_eos : bool
        These, ``beam_size`` and ``max_tokens`` are explained in ``SearchSettings``.

    Returns
    -------
    list of list of Hypothesis
        For each utterance ``num_best``, the best first; fewer, at least one, where no
        more sequences are possible.

    Raises
    ------
    InputError
        If a number cannot be used, or an utterance has no sequence that is possible.

    Example
    -------
    >>> class Counting:
    ...     # After each token the next one is likeliest; 4 ends.
    ...     def start(self, memory, num_memory, *, beam_size, max_tokens):
    ...         return None
    ...     def step(self, tokens, state):
    ...         return 5.0 * torch.eye(9).roll(1, dims=1)[tokens]
    ...     def reorder(self, state, rows):
    ...         pass
    ...     def keep(self, state, utterances):
    ...         pass
    >>> search = {"beam_size": 3, "max_tokens": 8, "start": 4, "eos": 4}
    >>> memory, num_memory = torch.zeros(2, 1, 1), torch.ones(2).long()
    >>> found = beam_search(Counting(), memory, num_memory, prefix=[[1], [7]], **search)
    >>> [(best.tokens, best.finished) for [best] in found]
    [((1, 2, 3), True), ((7, 8, 0, 1, 2, 3), True)]
    """
    settings = SearchSettings(
        beam_size=beam_size,
        max_tokens=max_tokens,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
        num_best=num_best,
        no_repeat_ngram=no_repeat_ngram,
        min_tokens=min_tokens,
        force_eos=force_eos,
    )
    if not len(memory):
        return []
    forced = _prefixes(prefix, len(memory), settings=settings, eos=eos)
    beams = Beams(forced.to(memory.device), settings=settings, start=start, eos=eos)
    state = model.start(memory, num_memory, beam_size=beam_size, max_tokens=max_tokens)
    for position in range(beams.num_tokens):  # the last one is for the search
        model.step(beams.running[:, :, position].flatten(), state)
    return _checked(_searched(model, state, beams))


def _searched(
    model: AutoregressiveModel, state: Any, beams: Beams
) -> list[list[Hypothesis]]:
    """Hypotheses of all utterances, once the model knows all tokens but the last."""
    settings = beams.settings
    found: list[list[Hypothesis]] = [[] for _ in beams.running]
    left = list(range(len(found)))  # utterances that are not done
    while True:
        if settings.force_eos and beams.num_tokens == settings.max_tokens - 1:
            beams.end()
        else:
            beams.advance(model.step(beams.last, state).float())
        done = beams.done().tolist()  # the one place of a step that waits
        if any(done):
            over = [i for i, is_done in enumerate(done) if is_done]
            for i, hypotheses in zip(over, beams.hypotheses(over), strict=True):
                found[left[i]] = hypotheses
            if all(done):
                return found
            stay = [i for i, is_done in enumerate(done) if not is_done]
            left = [left[i] for i in stay]
            utterances = torch.tensor(stay, device=beams.scores.device)
            beams.keep(utterances)
            model.keep(state, utterances)
        if settings.beam_size > 1:
            model.reorder(state, beams.rows)


def _prefixes(
    prefix: Sequence, num_utterances: int, *, settings: SearchSettings, eos: int
) -> Tensor:
    """Forced tokens of each utterance: LongTensor [B, P]."""
    each = list(prefix)
    if all(isinstance(one, int) for one in each):
        each = [each] * num_utterances
    if len(each) != num_utterances:
        raise InputError(
            f"decoding: prefix is for {len(each)} utterances, the batch has "
            f"{num_utterances}; give one for all, or one for each"
        )
    lengths = sorted({len(one) for one in each})
    if len(lengths) > 1:
        raise InputError(
            f"decoding: prefixes have {lengths} tokens; all of a batch must have as "
            "many"
        )
    if lengths[0] >= settings.max_tokens:
        raise InputError(
            f"decoding: max_tokens is {settings.max_tokens}; it must be above the "
            f"{lengths[0]} tokens of the prefix, which it counts"
        )
    forced = torch.tensor(each, dtype=torch.long)
    if (forced < 0).any() or (forced == eos).any():
        raise InputError(
            f"decoding: prefix is {prefix}; it must have ids of tokens, and not {eos}, "
            "which ends a sequence"
        )
    return forced


def _checked(found: list[list[Hypothesis]]) -> list[list[Hypothesis]]:
    """The hypotheses, if each utterance has one."""
    for i, hypotheses in enumerate(found):
        if not hypotheses:
            raise InputError(
                f"decoding: utterance {i} of the batch has no possible sequence: "
                "no_repeat_ngram and min_tokens forbid every token, or the model's "
                "outputs are NaN; relax these, or look at the weights"
            )
    return found
