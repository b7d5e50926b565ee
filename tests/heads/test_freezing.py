"""Frozen parts of the translation head: what they are, and that they stay.

Seen to fail: cross-attention among self-attention; an output layer that still trains.
"""

from datetime import timedelta

import pytest
import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel

from tests.encoder.models import random_lobe
from xlsr_sb.encoder.freezing import PARTS as ENCODER_PARTS
from xlsr_sb.errors import InputError
from xlsr_sb.heads.freezing import PARTS, freeze_parts
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.losses import label_smoothed_loss

LNA_DECODER = "embeddings ffn"
LNA_ENCODER = ("feature_projection", "mask_embedding", "positions", "ffn")
ENCODER_DIM = 12


def small_head(**fields):
    """Head of two layers with a projection before and behind its adaptor."""
    sizes = {"vocab_size": 30, "dim": 8, "ffn_dim": 16, "num_heads": 2, "num_layers": 2}
    torch.manual_seed(0)
    config = TranslatorConfig(**sizes, max_positions=9, dropout=0.0, **fields)
    return TranslationHead(ENCODER_DIM, config)


class Loss(torch.nn.Module):
    """Head and loss in one, as training wraps them."""

    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, features, num_frames, tokens, num_tokens):
        """Loss of texts that repeat themselves."""
        hidden = self.head(features, num_frames, tokens, num_tokens)
        rows, targets = hidden.flatten(0, 1), tokens.flatten()
        return label_smoothed_loss(rows, self.head.output_weight, targets).total


def batch():
    """Features of two utterances and four tokens each."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(2, 9, ENCODER_DIM, generator=generator)
    tokens = torch.randint(3, 30, (2, 4), generator=generator)
    return features, torch.tensor([9, 5]), tokens, torch.tensor([4, 4])


def trainable(module):
    """Names of what trains."""
    return {name for name, p in module.named_parameters() if p.requires_grad}


# Names


@pytest.mark.parametrize(
    "fields", [{}, {"adaptor_dim": ENCODER_DIM, "tied_embeddings": False}]
)
def test_parts_are_the_whole(fields):
    """Each parameter is in one part; a projection is on either side of the adaptor."""
    head = small_head(**fields)
    everything = trainable(head)
    parts = {}
    for part in PARTS:
        freeze_parts(head, part)
        parts[part] = everything - trainable(head)
        assert parts[part], part
    assert set().union(*parts.values()) == everything
    assert sum(map(len, parts.values())) == len(everything)
    assert "decoder.layers.1.ffn_norm.bias" in parts["norms"]
    assert {"decoder.norm.bias", "decoder.embedding_norm.bias"} < parts["norms"]
    assert parts["self_attention"].isdisjoint(parts["cross_attention"])
    assert ("decoder.output.weight" in parts["embeddings"]) == ("adaptor_dim" in fields)


def test_each_call_replaces_the_last():
    """As the encoder's do; a list or one string; nothing frozen for an empty one."""
    head = small_head()
    everything = trainable(head)
    freeze_parts(head, ["adaptor", "ffn"])
    assert trainable(head) < everything
    freeze_parts(head, "ffn, adaptor")
    some = trainable(head)
    freeze_parts(head, "norms")
    assert not some <= trainable(head)
    freeze_parts(head, "")
    assert trainable(head) == everything


def test_layer_norms_and_attention_alone():
    """LNA-D and, by the encoder's own list, LNA-E."""
    head = small_head()
    freeze_parts(head, LNA_DECODER)
    kinds = ("norm.", "attention.", "adaptor.")
    assert trainable(head) == {
        name
        for name, _ in head.named_parameters()
        if any(kind in name for kind in kinds)
    }
    lobe = random_lobe(freeze_feature_extractor=True, frozen_parts=LNA_ENCODER)
    assert set(LNA_ENCODER) < set(ENCODER_PARTS)
    assert trainable(lobe) == {
        name
        for name, _ in lobe.named_parameters()
        if name.startswith("transformer.") and ".ffn_in" not in name
        if ".ffn_out" not in name
    }


def test_what_cannot_be_frozen():
    """A name that is unknown, and everything at once; nothing changes."""
    head = small_head()
    everything = trainable(head)
    with pytest.raises(InputError, match="no part 'attention' to freeze; .* cross_att"):
        freeze_parts(head, "norms attention")
    with pytest.raises(InputError, match="nothing would train with adaptor, "):
        freeze_parts(head, list(PARTS))
    assert trainable(head) == everything


# Training


@pytest.mark.parametrize("parts", [LNA_DECODER, "adaptor", "self_attention norms"])
def test_frozen_parameters_stay(parts):
    """No gradient, no state in the optimiser, no change; the others' are the same."""
    whole = Loss(small_head())
    whole(*batch()).backward()
    module = Loss(small_head())
    freeze_parts(module.head, parts)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad])
    for _ in range(2):
        optimizer.zero_grad()
        module(*batch()).backward()
        optimizer.step()
    trains = trainable(module)
    changed = {n for n, p in module.named_parameters() if not p.equal(before[n])}
    assert changed == trains
    assert {n for n, p in module.named_parameters() if p.grad is not None} == trains
    assert len(optimizer.state) == len(trains) < len(before)

    first = Loss(small_head())
    freeze_parts(first.head, parts)
    first(*batch()).backward()
    wanted = dict(whole.named_parameters())
    for name, parameter in first.named_parameters():
        if name in trains:
            torch.testing.assert_close(parameter.grad, wanted[name].grad)


@pytest.fixture
def process_group(tmp_path):
    """A group of this process alone."""
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{tmp_path / 'group'}",
        rank=0,
        world_size=1,
        timeout=timedelta(seconds=20),
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
@pytest.mark.parametrize("parts", ["", LNA_DECODER])
def test_wrapped_for_several_processes(parts):
    """The same gradients, and none for what is frozen."""
    plain, wrapped = Loss(small_head()), Loss(small_head())
    for module in (plain, wrapped):
        freeze_parts(module.head, parts)
    plain(*batch()).backward()
    parallel = DistributedDataParallel(wrapped, find_unused_parameters=True)
    parallel(*batch()).backward()
    wanted = dict(plain.named_parameters())
    for name, parameter in wrapped.named_parameters():
        assert (parameter.grad is None) == (not parameter.requires_grad)
        if parameter.requires_grad:
            torch.testing.assert_close(parameter.grad, wanted[name].grad)
