"""The CTC head: shapes, precision, and the loss of a peer's whole model."""

import pytest
import torch
from torch.nn.functional import one_hot

from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.losses import ctc_loss


@pytest.fixture
def head():
    torch.manual_seed(0)
    return CTCHead(24, 7)


def test_log_probs_are_those_of_a_linear_layer(head):
    features = torch.randn(2, 5, 24)
    logits = features @ head.projection.weight.T + head.projection.bias
    torch.testing.assert_close(head(features), logits.log_softmax(-1))


def test_starts_as_fairseq_does():
    torch.manual_seed(0)
    head = CTCHead(200, 100)
    bound = (6 / 300) ** 0.5  # xavier_uniform
    assert head.projection.bias.count_nonzero() == 0
    assert 0.99 * bound < head.projection.weight.abs().max() <= bound


def test_stays_in_fp32_under_autocast(head):
    """Without its own autocast(enabled=False) the logits lose bits and this fails."""
    features = torch.randn(2, 5, 24)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        log_probs = head(features)
    assert log_probs.dtype == torch.float32
    assert torch.equal(log_probs, head(features))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_takes_half_precision_features_and_weights(head, dtype):
    features = torch.randn(2, 5, 24).to(dtype)
    assert torch.equal(head(features), head(features.float()))
    log_probs = head.to(dtype)(features)
    assert log_probs.dtype == torch.float32
    log_probs.sum().backward()
    assert head.projection.weight.grad.dtype == dtype


def test_gradients_are_the_same_under_autocast(head):
    features = torch.randn(2, 5, 24)
    tokens = one_hot(torch.randint(7, (2, 5)), 7)
    gradients = []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = -(head(features) * tokens).sum()
        gradients.append(torch.autograd.grad(loss, list(head.parameters())))
    for plain, autocast in zip(*gradients, strict=True):
        assert torch.equal(plain, autocast)


def test_dropout_only_in_training():
    head = CTCHead(24, 7, dropout=0.5)
    features = torch.randn(2, 5, 24)
    assert not torch.equal(head(features), head(features))
    head.eval()
    assert torch.equal(head(features), head(features))


def test_loss_equals_that_of_wav2vec2_for_ctc():
    """Also with a clip too short for its labels, which both leave out."""
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        vocab_size=7,
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8, 8),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        ctc_loss_reduction="sum",
        ctc_zero_infinity=True,
        pad_token_id=0,
    )
    torch.manual_seed(1)
    peer = transformers.Wav2Vec2ForCTC(config).eval()
    num_samples = torch.tensor([200, 150, 30])
    mask = torch.arange(200) < num_samples[:, None]
    targets = torch.tensor([[1, 2, 2, 3], [4, 4, 0, 0], [5, 5, 5, 6]])
    num_targets = torch.tensor([4, 2, 4])
    labels = targets.masked_fill(targets == 0, -100)
    output = peer(
        torch.randn(3, 200) * mask,
        attention_mask=mask.long(),
        labels=labels,
        output_hidden_states=True,
    )

    head = CTCHead(24, 7)
    head.projection.load_state_dict(peer.lm_head.state_dict())
    loss = ctc_loss(
        head(output.hidden_states[-1]),
        targets,
        num_frames=peer._get_feat_extract_output_lengths(num_samples),
        num_targets=num_targets,
    )
    assert loss.num_impossible == 1
    torch.testing.assert_close(loss.total, output.loss)
    ours = torch.autograd.grad(loss.total, head.projection.weight, retain_graph=True)
    theirs = torch.autograd.grad(output.loss, peer.lm_head.weight)
    torch.testing.assert_close(ours, theirs)
