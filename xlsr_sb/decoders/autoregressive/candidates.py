"""Likeliest next tokens of many, without a copy of all logits."""

import torch
from torch import Tensor

CHUNK = 256  # tokens of which the best is found first
FEW = 16 * CHUNK  # tokens that are sorted at once
BLOCK = 1 << 18  # logits on a CPU that stay in its cache


def log_normalisers(logits: Tensor) -> Tensor:
    """Logarithm of the sum of each row's exponentials.

    Parameters
    ----------
    logits : Tensor [R, V]

    Returns
    -------
    Tensor [R]

    Example
    -------
    >>> log_normalisers(torch.zeros(1, 4)).exp()
    tensor([4.])
    """
    if logits.device.type != "cpu":
        return logits.logsumexp(dim=-1)
    blocks = logits.split(max(1, BLOCK // logits.shape[1]))
    return torch.cat([block.logsumexp(dim=-1) for block in blocks])


def top_tokens(logits: Tensor, *, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` largest logits of each row and their tokens, the largest first.

    Of a large vocabulary, the largest of each 256 neighbours are found first: the ``k``
    largest of all are among the neighbours of the ``k`` largest of these.

    Parameters
    ----------
    logits : Tensor [R, V]
    k : int
        At most V.

    Returns
    -------
    values : Tensor [R, k]
    tokens : LongTensor [R, k]

    Example
    -------
    >>> top_tokens(torch.tensor([[0.1, 0.5, 0.2]]), k=2)
    (tensor([[0.5000, 0.2000]]), tensor([[1, 2]]))
    """
    num_tokens = logits.shape[1]
    num_chunks = num_tokens // CHUNK
    if num_tokens <= FEW or num_chunks <= k:
        values, tokens = logits.topk(k, dim=-1)
        return values, tokens
    chunks = logits[:, : num_chunks * CHUNK].unflatten(1, (num_chunks, CHUNK))
    best = chunks.amax(dim=-1).topk(k, dim=-1).indices[:, :, None]  # [R, k, 1]
    inside = chunks.gather(1, best.expand(-1, -1, CHUNK)).flatten(1)  # [R, k * CHUNK]
    tokens = best * CHUNK + torch.arange(CHUNK, device=logits.device)
    rest = torch.arange(num_chunks * CHUNK, num_tokens, device=logits.device)
    tokens = torch.cat((tokens.flatten(1), rest.expand(len(logits), -1)), dim=1)
    values = torch.cat((inside, logits[:, num_chunks * CHUNK :]), dim=1)
    values, places = values.topk(k, dim=-1)
    return values, tokens.gather(1, places)


def ban_repeats(logits: Tensor, *, history: Tensor, size: int) -> None:
    """Set the logits to -inf, in place, of tokens that would repeat a run of tokens.

    Parameters
    ----------
    logits : Tensor [R, V]
    history : LongTensor [R, n]
        All tokens before.
    size : int
        Tokens of a run.

    Example
    -------
    >>> logits = torch.zeros(1, 4)
    >>> ban_repeats(logits, history=torch.tensor([[1, 3, 1]]), size=2)
    >>> logits
    tensor([[0., 0., 0., -inf]])
    """
    if history.shape[1] < size:
        return
    runs = history.unfold(1, size, 1)  # [R, n - size + 1, size]
    last = history[:, history.shape[1] + 1 - size :]  # what the next token completes
    is_repeat = (runs[:, :, :-1] == last[:, None]).all(dim=-1)
    # The smaller of two values: no run lifts the ban of another one.
    limits = torch.where(is_repeat, -torch.inf, torch.inf).to(logits.dtype)
    logits.scatter_reduce_(1, runs[:, :, -1], limits, reduce="amin")
