"""What a model has to offer to be decoded token by token."""

from typing import Any, Protocol

from torch import Tensor


class AutoregressiveModel(Protocol):
    """A model of the next token, with a memory of those before.

    A batch has R = B * ``beam_size`` rows; the beams of an utterance are neighbours.
    What ``start`` returns belongs to the model; a search only hands it back.

    Example
    -------
    >>> import torch
    >>> class Bigrams:
    ...     # The next token depends on the last one; there is nothing to remember.
    ...     def __init__(self, log_probs):
    ...         self.log_probs = log_probs  # [V, V]
    ...     def start(self, memory, num_memory, *, beam_size, max_tokens):
    ...         return None
    ...     def step(self, tokens, state):
    ...         return self.log_probs[tokens]
    ...     def reorder(self, state, rows):
    ...         pass
    ...     def keep(self, state, utterances):
    ...         pass
    >>> model: AutoregressiveModel = Bigrams(torch.eye(4).log())
    >>> memory, num_memory = torch.zeros(1, 0, 8), torch.zeros(1).long()
    >>> state = model.start(memory, num_memory, beam_size=2, max_tokens=3)
    >>> model.step(torch.tensor([3, 2]), state).argmax(dim=-1)
    tensor([3, 2])
    """

    def start(
        self, memory: Tensor, num_memory: Tensor, *, beam_size: int, max_tokens: int
    ) -> Any:
        """State before the first token.

        Parameters
        ----------
        memory : Tensor [B, M, D]
            What the sequences are about.
        num_memory : LongTensor [B]
            How much of it is real.
        beam_size : int
            Rows of each utterance.
        max_tokens : int
            Times that ``step`` is called at most.

        Returns
        -------
        Any
        """
        ...

    def step(self, tokens: Tensor, state: Any) -> Tensor:
        """Logits of the token that comes next; the state then has these tokens too.

        Parameters
        ----------
        tokens : LongTensor [R]
            Last token of each row.
        state : Any

        Returns
        -------
        Tensor [R, V], float32
            The caller's: a search writes into it, so it must be no view of a weight.
        """
        ...

    def reorder(self, state: Any, rows: Tensor) -> None:
        """Go on with other rows.

        Parameters
        ----------
        state : Any
        rows : LongTensor [R]
            Row ``i`` of the new state is row ``rows[i]`` of the old one, always one of
            the same utterance.
        """
        ...

    def keep(self, state: Any, utterances: Tensor) -> None:
        """Forget utterances that are done, so that they cost nothing.

        Parameters
        ----------
        state : Any
        utterances : LongTensor
            Those that stay, in order, counted as they were before this call.
        """
        ...
