"""The encoder of texts: against transformers, alone and in a batch, frozen.

Seen to fail: padding attended to; embeddings not scaled; positions without the offset;
no norm behind the last layer; a frozen encoder in training mode; layerdrop not seeded.
"""

import pytest
import torch
import transformers

from tests.checkpoints.peers import shaken
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import (
    Memory,
    TextDecoder,
    TextEncoder,
    TranslationHead,
    TranslatorConfig,
)
from xlsr_sb.translation.initialising import load_text_decoder
from xlsr_sb.translation.text_model import build_text_encoder, write_text_model

SIZES = {"vocab_size": 41, "dim": 24, "max_positions": 12}
CASES = {
    "as mBART": ({}, {}),
    "other sizes": (
        {"num_heads": 4, "ffn_dim": 18, "num_layers": 1},
        {"scale_embeddings": False, "activation": "relu"},
    ),
}
COUNTS = [9, 4, 12, 1]


def models(case):
    """Encoder and decoder in evaluation mode, every parameter random."""
    own, common = CASES[case]
    torch.manual_seed(3)
    decoder = {"num_heads": 3, "ffn_dim": 40, "num_layers": 3}
    configs = [
        TranslatorConfig.preset("small", **{**SIZES, **decoder, **common, **part})
        for part in ({"num_layers": 2, **own}, {})
    ]
    return shaken(TextEncoder(configs[0])), shaken(TextDecoder(configs[1]))


def batch():
    """Noisy texts and texts, with ids of words in the padding."""
    generator = torch.Generator().manual_seed(6)
    tokens = torch.randint(3, 41, (2, len(COUNTS), max(COUNTS)), generator=generator)
    return tokens[0], torch.tensor(COUNTS), tokens[1], torch.tensor(COUNTS[::-1])


@pytest.mark.parametrize("case", CASES)
def test_logits_are_those_of_transformers(tmp_path, case):
    """Which loads what is written, and is given each text alone."""
    encoder, decoder = models(case)
    write_text_model(encoder, decoder, tmp_path)
    theirs, info = transformers.MBartForConditionalGeneration.from_pretrained(
        tmp_path, output_loading_info=True
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not info.get(problem), (problem, info[problem])
    sources, num_sources, tokens, num_tokens = batch()
    with torch.no_grad():
        features = encoder(sources, num_sources, decoder.embeddings)
        hidden = decoder(Memory(features, num_sources), tokens, num_tokens)
        ours = decoder.logits(hidden)
        for i, (source, token) in enumerate(zip(sources, tokens, strict=True)):
            wanted = theirs.eval()(
                input_ids=source[None, : num_sources[i]],
                decoder_input_ids=token[None, : num_tokens[i]],
            ).logits[0]
            torch.testing.assert_close(
                ours[i, : num_tokens[i]], wanted, atol=1e-4, rtol=1e-4
            )
    assert features.std() > 0.1
    head = TranslationHead(7, decoder.config)
    left_out = load_text_decoder(tmp_path, head)
    assert len(left_out) == len(encoder.state_dict()) + 4 * encoder.config.num_layers
    for name, tensor in decoder.state_dict().items():
        assert torch.equal(head.decoder.state_dict()[name], tensor), name


def test_a_text_alone_is_the_text_in_a_batch():
    """Features, and the gradient of every parameter."""
    encoder, decoder = models("as mBART")
    sources, counts, *_ = batch()
    features = encoder(sources, counts, decoder.embeddings)
    weights = torch.randn_like(features)
    (features * weights).sum().backward()
    together = [one.grad.clone() for one in encoder.parameters()]
    encoder.zero_grad()
    for i, count in enumerate(COUNTS):
        one = slice(i, i + 1)
        own = encoder(sources[one, :count], counts[one], decoder.embeddings)
        torch.testing.assert_close(own[0], features[i, :count], atol=1e-5, rtol=1e-5)
        assert not features[i, count:].any()
        (own * weights[one, :count]).sum().backward()
    for grad, parameter in zip(together, encoder.parameters(), strict=True):
        torch.testing.assert_close(grad, parameter.grad, atol=1e-4, rtol=1e-4)


def test_positions_end():
    """One sentence says how long a text may be."""
    encoder, decoder = models("as mBART")
    tokens = torch.full((1, 13), 5)
    with pytest.raises(InputError, match="13 tokens are too many .* positions for 12"):
        encoder(tokens, torch.tensor([13]), decoder.embeddings)


def test_frozen_and_free():
    """Nothing trains, nothing is random; what is asked for meanwhile comes later."""
    encoder = build_text_encoder(preset="small", num_layers=2, dropout=0.5)
    tokens, counts = torch.full((1, 8), 5), torch.tensor([8])
    table = torch.nn.Embedding(4_000, 256).requires_grad_(False)
    encoder.freeze()
    encoder.train()
    assert not encoder(tokens, counts, table).requires_grad
    assert torch.equal(*(encoder(tokens, counts, table) for _ in range(2)))
    encoder.unfreeze()
    assert encoder(tokens, counts, table).requires_grad
    assert not torch.equal(*(encoder(tokens, counts, table) for _ in range(2)))


def test_layers_are_dropped_alike_by_one_seed():
    """And some are, in training alone."""
    encoder = build_text_encoder(
        preset="small", num_layers=4, layerdrop=0.5, dropout=0.0
    )
    tokens, counts = torch.full((1, 8), 5), torch.tensor([8])
    table = torch.nn.Embedding(4_000, 256)
    found = []
    for seed in (1, 1, 2, 3):
        encoder.seed_layerdrop(seed)
        found.append(encoder(tokens, counts, table))
    assert torch.equal(found[0], found[1])
    whole = encoder.eval()(tokens, counts, table)
    assert not all(torch.equal(one, whole) for one in found)
