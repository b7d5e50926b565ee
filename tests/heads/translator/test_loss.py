"""The decoder's own loss: that of its logits, to the last gradient.

Seen to fail: targets in place of the inputs, the embedding's gradient left out.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.encoder.kept import pretended_gpu
from xlsr_sb.data.targets import decoder_inputs
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.lengths import mask_of

from .test_head import FRAMES, SIZES, TOKENS, ragged, random_head

WAYS = {
    "tied": {},
    "two matrices": {"tied_embeddings": False},
    "checkpointing": {"activation_checkpointing": True},
}


def gradients(head, loss):
    """Of every parameter."""
    head.zero_grad()
    loss.backward()
    return {name: one.grad for name, one in head.named_parameters()}


@pytest.mark.parametrize("name", WAYS)
def test_is_cross_entropy_of_the_logits(name):
    """Of the real tokens, given those before each."""
    head = random_head(**WAYS[name]).double()
    features, num_frames, targets, counts = ragged()
    memory = head.adapt(features.double(), num_frames)
    inputs = decoder_inputs(targets, start=head.config.start)
    is_token = mask_of(counts, targets.shape[1])
    logits = F.linear(head.decoder(memory, inputs, counts), head.output_weight)
    wanted = F.cross_entropy(logits[is_token], targets[is_token], reduction="sum")
    wanted_gradients = gradients(head, wanted)
    memory = head.adapt(features.double(), num_frames)
    found = head.decoder.loss(memory, targets, counts, smoothing=0.0)
    assert found.total.item() == pytest.approx(wanted.item(), rel=1e-12)
    for key, gradient in gradients(head, found.total).items():
        torch.testing.assert_close(gradient, wanted_gradients[key], msg=key)


def test_a_gpu_is_not_waited_for():
    """Not even for which tokens are real."""
    pytest.importorskip("torch._subclasses.fake_tensor")
    with pretended_gpu():
        with torch.device("cuda"):
            head = TranslationHead(20, TranslatorConfig.preset("small", **SIZES))
            features, num_frames = torch.empty(4, max(FRAMES), 20), torch.ones(4).long()
            targets = torch.zeros(4, max(TOKENS)).long()
        memory = head.adapt(features, num_frames)
        loss = head.decoder.loss(memory, targets, np.array(TOKENS), smoothing=0.2)
        assert loss.total.is_cuda
