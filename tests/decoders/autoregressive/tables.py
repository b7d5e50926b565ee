"""A model whose next token depends on all before it, and all that it can say."""

from itertools import product

import torch

START, EOS, NUM_TOKENS = 0, 0, 4


class Tables:
    """Logits of each history; counts the rows of each step."""

    def __init__(self, seed, *, max_tokens):
        generator = torch.Generator().manual_seed(seed)
        shape = NUM_TOKENS**max_tokens, NUM_TOKENS
        self.logits = 1.5 * torch.randn(shape, generator=generator)
        self.rows = []

    def start(self, memory, num_memory, *, beam_size, max_tokens):  # noqa: ARG002
        """A history is a number in the base of the tokens."""
        tilts = torch.stack(
            [m[:n].sum(0) for m, n in zip(memory, num_memory, strict=True)]
        )
        histories = torch.zeros(len(memory), beam_size, dtype=torch.long)
        return {"histories": histories, "tilts": tilts}

    def step(self, tokens, state):
        tokens = tokens.view(state["histories"].shape)
        state["histories"] = state["histories"] * NUM_TOKENS + tokens
        self.rows.append(tokens.numel())
        return self.next(state["histories"], state["tilts"][:, None]).flatten(0, 1)

    def next(self, histories, tilts):
        """Logits after some histories [...], with what the memory adds [..., V]."""
        return self.logits[histories] + tilts

    def reorder(self, state, rows):
        shape = state["histories"].shape
        state["histories"] = state["histories"].flatten()[rows].view(shape)

    def keep(self, state, utterances):
        for name, value in state.items():
            state[name] = value[utterances]


def memories(seed, counts):
    """Memory [B, M, V] with noise where nothing is real, and the counts [B]."""
    generator = torch.Generator().manual_seed(seed)
    memory = torch.randn(len(counts), 3, NUM_TOKENS, generator=generator)
    return memory, torch.tensor(counts)


def sequences(model, tilt, *, settings, prefix):
    """Each sequence that may be said with its score, the best first.

    The next tokens are read from the table one by one, without a search.
    """
    found = {}
    limit = settings.max_tokens
    others = [token for token in range(NUM_TOKENS) if token != EOS]
    for length in range(len(prefix), limit + 1):
        for rest in product(others, repeat=length - len(prefix)):
            tokens = (*prefix, *rest)
            said = tokens if length == limit else (*tokens, EOS)
            if _may_be_said(said, settings):
                total = _log_prob(model, tilt, said, len(prefix), settings)
                found[tokens] = total / len(said) ** settings.length_penalty
    return sorted(found.items(), key=lambda pair: pair[1], reverse=True)


def _may_be_said(said, settings):
    """Whether the end is late enough, and nothing comes twice that must not."""
    if settings.force_eos and len(said) == settings.max_tokens and said[-1] != EOS:
        return False
    forced = settings.force_eos and len(said) == settings.max_tokens
    if said[-1] == EOS and len(said) <= settings.min_tokens and not forced:
        return False
    size = settings.no_repeat_ngram
    whole = (START, *said[:-1], *(() if forced else said[-1:]))
    runs = [whole[i : i + size] for i in range(len(whole) - size + 1)]
    return not size or len(set(runs)) == len(runs)


def _log_prob(model, tilt, said, num_forced, settings):
    """Logarithm of the probability of what is said after the forced tokens."""
    history, total = START, 0.0
    for position, token in enumerate(said):
        is_free = num_forced <= position
        if settings.force_eos and position == settings.max_tokens - 1:
            is_free = False
        if is_free:
            log_probs = model.next(torch.tensor(history), tilt).double().log_softmax(-1)
            total += log_probs[token].item()
        history = history * NUM_TOKENS + token
    return total
