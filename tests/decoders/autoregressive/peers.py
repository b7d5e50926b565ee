"""A tiny mBART of transformers, and what its ``generate`` finds."""

import math

import torch
from transformers import LogitsProcessor, MBartConfig, MBartForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from xlsr_sb.lengths import mask_of

START = EOS = 2
PAD, LANGUAGE = 1, 37
DIM, NUM_TOKENS, NUM_MEMORY = 16, 40, 6


def random_mbart(seed, *, eos_bias=0.0, forced_eos=None):
    """Model that is sure of itself, in fp64; the end is likelier by a bias."""
    torch.manual_seed(seed)
    config = MBartConfig(
        vocab_size=NUM_TOKENS,
        d_model=DIM,
        encoder_layers=0,
        decoder_layers=2,
        decoder_attention_heads=2,
        decoder_ffn_dim=24,
        max_position_embeddings=64,
        init_std=0.7,
        dropout=0.0,
        decoder_start_token_id=START,
        forced_eos_token_id=forced_eos,
    )
    model = MBartForConditionalGeneration(config).double().eval()
    model.final_logits_bias[0, EOS] = eos_bias
    return model


def random_memory(seed, counts):
    """Memory [B, M, D] with noise where nothing is real, and the counts [B]."""
    generator = torch.Generator().manual_seed(seed)
    shape = len(counts), NUM_MEMORY, DIM
    memory = torch.randn(shape, generator=generator, dtype=torch.float64)
    return memory, torch.tensor(counts)


class Recomputing:
    """The model as a search asks for it, without a cache."""

    def __init__(self, model):
        self.model = model

    def start(self, memory, num_memory, *, beam_size, max_tokens):
        mask = mask_of(num_memory, memory.shape[1])
        self.beam_size, self.max_tokens = beam_size, max_tokens
        return {
            "memory": memory.repeat_interleave(beam_size, 0),
            "mask": mask.repeat_interleave(beam_size, 0),
            "tokens": torch.zeros(len(memory) * beam_size, 0, dtype=torch.long),
        }

    def step(self, tokens, state):
        state["tokens"] = torch.cat((state["tokens"], tokens[:, None]), dim=1)
        assert state["tokens"].shape[1] <= self.max_tokens
        output = self.model(
            encoder_outputs=BaseModelOutput(state["memory"]),
            attention_mask=state["mask"].long(),
            decoder_input_ids=state["tokens"],
        )
        return output.logits[:, -1].float()

    def reorder(self, state, rows):
        assert torch.equal(
            rows // self.beam_size, torch.arange(len(rows)) // self.beam_size
        )
        state["tokens"] = state["tokens"][rows]

    def keep(self, state, utterances):
        for name, value in state.items():
            rows = value.unflatten(0, (-1, self.beam_size))
            state[name] = rows[utterances].flatten(0, 1)


class ForcedPrefix(LogitsProcessor):
    """What ``forced_bos_token_id`` does for one token, for some."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __call__(self, input_ids, scores):
        position = input_ids.shape[1] - 1
        if position >= len(self.tokens):
            return scores
        forced = torch.full_like(scores, -math.inf)
        forced[:, self.tokens[position]] = 0.0
        return forced


def generate(model, memory, num_memory, **options):
    """Sequences of transformers' ``generate``, cut at their end, and their scores."""
    options = {"num_return_sequences": 1, **options}
    with torch.no_grad():
        output = model.generate(
            encoder_outputs=BaseModelOutput(memory),
            attention_mask=mask_of(num_memory, memory.shape[1]).long(),
            return_dict_in_generate=True,
            output_scores=True,
            do_sample=False,
            **options,
        )
    sequences = [cut(row[1:]) for row in output.sequences.tolist()]
    count = options["num_return_sequences"]
    grouped = [sequences[i : i + count] for i in range(0, len(sequences), count)]
    if options["num_beams"] == 1:
        return grouped, None
    return grouped, output.sequences_scores.view(-1, count).tolist()


def cut(tokens):
    """Tokens before the first end."""
    return tuple(tokens[: tokens.index(EOS)] if EOS in tokens else tokens)
