"""The sequences of a batch that a search follows, and those that have ended."""

import torch
from torch import Tensor

from xlsr_sb.decoders.autoregressive.candidates import (
    ban_repeats,
    log_normalisers,
    top_tokens,
)
from xlsr_sb.decoders.autoregressive.hypothesis import Hypothesis
from xlsr_sb.decoders.autoregressive.settings import SearchSettings


class Beams:
    """Running and ended sequences, ``beam_size`` (K) of each for an utterance.

    Everything stays on the device and no method waits for it, but ``hypotheses``. A
    sequence that cannot be has the score -inf.

    Parameters
    ----------
    prefix : LongTensor [B, P]
        Forced tokens, which cost nothing.
    settings : SearchSettings
    start, eos : int

    Example
    -------
    >>> settings = SearchSettings(beam_size=2, max_tokens=3)
    >>> beams = Beams(torch.tensor([[7]]), settings=settings, start=2, eos=2)
    >>> beams.last
    tensor([7, 7])
    >>> logits = torch.full((2, 9), -9.0)
    >>> logits[0, [4, 2]] = torch.tensor([1.0, 0.0])
    >>> beams.advance(logits)
    >>> beams.rows  # the second beam was a copy of the first
    tensor([0, 0])
    >>> beams.last[0], beams.done()
    (tensor(4), tensor([False]))
    >>> [[ended]] = beams.hypotheses([0])
    >>> ended.tokens, ended.finished, round(ended.score, 3)
    ((7,), True, -0.657)
    """

    def __init__(
        self, prefix: Tensor, *, settings: SearchSettings, start: int, eos: int
    ):
        self.settings, self.eos = settings, eos
        self.num_tokens = prefix.shape[1]  # after the start, of each running sequence
        shape = len(prefix), settings.beam_size
        # The start, then tokens; the end wherever there is none (yet).
        self.running = prefix.new_full((*shape, 1 + settings.max_tokens), eos)
        self.running[:, :, 0] = start
        self.running[:, :, 1 : 1 + self.num_tokens] = prefix[:, None]
        self.scores = torch.full(shape, -torch.inf, device=prefix.device)
        self.scores[:, 0] = 0.0  # the others are copies
        self.parents = torch.zeros(shape, dtype=torch.long, device=prefix.device)
        self.ended = self.running.clone()  # [B, K, 1 + max_tokens]
        self.ended_scores = torch.full_like(self.scores, -torch.inf)  # falling

    @property
    def last(self) -> Tensor:
        """Last token of each running sequence: LongTensor [R]."""
        return self.running[:, :, self.num_tokens].flatten()

    @property
    def rows(self) -> Tensor:
        """Row that each running sequence went on from: LongTensor [R]."""
        first = torch.arange(len(self.parents), device=self.parents.device)
        return (first[:, None] * self.settings.beam_size + self.parents).flatten()

    def advance(self, logits: Tensor) -> None:
        """Go on by a token.

        Parameters
        ----------
        logits : Tensor [R, V]
            Of the next token; written into.
        """
        beam_size = self.settings.beam_size
        scores, tokens, parents = self._candidates(logits)  # [B, 2K], falling
        self.num_tokens += 1
        sequences = _gathered(self.running, parents)
        sequences[:, :, self.num_tokens] = tokens
        ends = tokens == self.eos
        if self.num_tokens == self.settings.max_tokens:
            ends = torch.ones_like(ends)
        # Only the best K may end; the others are there for want of running ones.
        self._end(
            sequences[:, :beam_size],
            scores[:, :beam_size].masked_fill(~ends[:, :beam_size], -torch.inf),
        )
        scores = scores.masked_fill(ends, -torch.inf)
        self.scores, chosen = scores.topk(beam_size, dim=1)
        self.running, self.parents = (
            _gathered(sequences, chosen),
            parents.gather(1, chosen),
        )

    def end(self) -> None:
        """End all running sequences, at no cost."""
        self.num_tokens += 1
        self._end(self.running, self.scores)
        self.scores = torch.full_like(self.scores, -torch.inf)

    def done(self) -> Tensor:
        """Whether nothing better can come of an utterance: BoolTensor [B]."""
        best = self.scores[:, 0] / self.settings.best_divisor(self.num_tokens)
        worst = self.ended_scores[:, -1]  # -inf while fewer than K have ended
        done = ~(best > worst)
        return done | (worst > -torch.inf) if self.settings.stops_when_full else done

    def keep(self, utterances: Tensor) -> None:
        """Forget utterances but these.

        Parameters
        ----------
        utterances : LongTensor
            Counted as they were before.
        """
        for name in ("running", "scores", "parents", "ended", "ended_scores"):
            setattr(self, name, getattr(self, name)[utterances])

    def hypotheses(self, utterances: list[int]) -> list[list[Hypothesis]]:
        """Best ended sequences of some utterances; none where none was possible.

        Parameters
        ----------
        utterances : list of int

        Returns
        -------
        list of list of Hypothesis
        """
        num_best = self.settings.num_best
        index = torch.tensor(utterances, device=self.scores.device)
        scores = self.ended_scores[index, :num_best].tolist()
        sequences = self.ended[index, :num_best, 1:].tolist()
        return [
            [
                self._hypothesis(*one)
                for one in zip(*found, strict=True)
                if one[1] > float("-inf")
            ]
            for found in zip(sequences, scores, strict=True)
        ]

    def _candidates(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The 2K best ways to go on: scores, tokens, and the beam of each [B, 2K].

        As K of them can be ends at most, K others are always left.
        """
        beam_size = self.settings.beam_size
        normalisers = log_normalisers(logits)  # before bans, which move nothing else
        self._ban(logits)
        k = min(2 * beam_size, logits.shape[1])
        values, tokens = top_tokens(logits, k=k)  # [R, k]
        scores = values - normalisers[:, None] + self.scores.flatten()[:, None]
        scores, places = scores.view(-1, beam_size * k).topk(2 * beam_size, dim=1)
        return scores, tokens.view(-1, beam_size * k).gather(1, places), places // k

    def _ban(self, logits: Tensor) -> None:
        """Take what must not come next out of the logits."""
        if self.num_tokens < self.settings.min_tokens:
            logits[:, self.eos] = -torch.inf
        if size := self.settings.no_repeat_ngram:
            history = self.running[:, :, : 1 + self.num_tokens].flatten(0, 1)
            ban_repeats(logits, history=history, size=size)

    def _end(self, sequences: Tensor, scores: Tensor) -> None:
        """Keep the best K of the ended sequences and these; -inf is none."""
        scores = scores / self.settings.divisor(self.num_tokens)
        merged = torch.cat((self.ended_scores, scores), dim=1)
        self.ended_scores, chosen = merged.topk(self.settings.beam_size, dim=1)
        self.ended = _gathered(torch.cat((self.ended, sequences), dim=1), chosen)

    def _hypothesis(self, tokens: list[int], score: float) -> Hypothesis:
        """Hypothesis of an ended sequence's tokens after the start."""
        limit = self.settings.max_tokens
        length = tokens.index(self.eos) if self.eos in tokens else limit
        last = limit - 1 if self.settings.force_eos else limit
        return Hypothesis(tuple(tokens[:length]), score, finished=length < last)


def _gathered(sequences: Tensor, beams: Tensor) -> Tensor:
    """Sequences [B, C, L] of beams [B, C]."""
    return sequences.gather(1, beams[:, :, None].expand(-1, -1, sequences.shape[2]))
