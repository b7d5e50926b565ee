"""CTC loss: by hand, against peers, alone and in batches, possible and impossible."""

import math
from itertools import groupby, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from xlsr_sb.losses import ctc_loss

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def batch_of(*lengths, num_tokens=6, num_padding=0, device="cpu"):
    """Random log-probabilities and labels of these (frames, labels)."""
    num_frames, num_targets = torch.tensor(lengths, device=device).T
    num_rows, max_frames = len(lengths), int(num_frames.max()) + num_padding
    max_targets = int(num_targets.max()) + num_padding
    logits = torch.randn(num_rows, max_frames, num_tokens, device=device)
    # The padding of the labels holds labels: nothing may depend on it.
    targets = torch.randint(1, num_tokens, (num_rows, max_targets), device=device)
    counts = {"num_frames": num_frames, "num_targets": num_targets}
    return logits.log_softmax(-1).requires_grad_(), targets, counts


def brute_force(log_probs, labels, *, blank=0):
    """Negative log of the summed probability of all paths [F, V] that spell labels."""
    num_frames, num_tokens = log_probs.shape
    probability = 0.0
    for path in product(range(num_tokens), repeat=num_frames):
        if [token for token, _ in groupby(path) if token != blank] == labels:
            probability += math.exp(
                sum(log_probs[frame, token] for frame, token in enumerate(path))
            )
    return -math.log(probability) if probability else math.inf


@pytest.mark.parametrize("blank", [0, 2])
def test_equals_the_sum_over_all_alignments(blank):
    """Mutation that fails here: repeats not counted in the frames needed."""
    torch.manual_seed(0)
    labels = [token for token in range(3) if token != blank]
    for num_frames in range(1, 5):
        log_probs = torch.randn(1, num_frames, 3).log_softmax(-1)
        for num_labels in range(4):
            for spelled in product(labels, repeat=num_labels):
                loss = ctc_loss(
                    log_probs,
                    torch.tensor([spelled], dtype=torch.long),
                    num_frames=torch.tensor([num_frames]),
                    num_targets=torch.tensor([num_labels]),
                    blank=blank,
                )
                by_hand = brute_force(log_probs[0], list(spelled), blank=blank)
                assert (loss.num_impossible == 1) == math.isinf(by_hand)
                expected = 0.0 if math.isinf(by_hand) else by_hand
                assert loss.total.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_equals_torch_where_every_utterance_is_possible(device):
    log_probs, targets, counts = batch_of((20, 5), (13, 4), (17, 0), device=device)
    loss = ctc_loss(log_probs, targets, **counts)
    reference = functional.ctc_loss(
        log_probs.transpose(0, 1), targets, *counts.values(), reduction="sum"
    )
    torch.testing.assert_close(loss.total, reference)
    assert loss.num_impossible == 0
    torch.testing.assert_close(
        torch.autograd.grad(loss.total, log_probs),
        torch.autograd.grad(reference, log_probs),
    )


def test_is_no_more_than_the_best_alignment_of_torchaudio():
    torchaudio = pytest.importorskip("torchaudio")
    log_probs, targets, counts = batch_of((12, 4))
    _, scores = torchaudio.functional.forced_align(log_probs.detach(), targets)
    total = ctc_loss(log_probs, targets, **counts).total
    assert 0 < total <= -scores.sum()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 6)), min_size=1, max_size=4
    ).filter(lambda lengths: any(frames for frames, _ in lengths)),
    st.integers(0, 3),
)
def test_alone_is_as_in_a_batch(lengths, num_padding):
    """Mutation that fails here: frames or labels read beyond their counts."""
    log_probs, targets, counts = batch_of(*lengths, num_padding=num_padding)
    together = ctc_loss(log_probs, targets, **counts)
    (gradient,) = torch.autograd.grad(together.total, log_probs)
    total, num_impossible = 0.0, 0
    for row, (num_frames, num_targets) in enumerate(lengths):
        alone = log_probs[row : row + 1, :num_frames].detach().requires_grad_()
        loss = ctc_loss(
            alone,
            targets[row : row + 1, :num_targets],
            num_frames=torch.tensor([num_frames]),
            num_targets=torch.tensor([num_targets]),
        )
        total += loss.total.item()
        num_impossible += loss.num_impossible.item()
        (alone_gradient,) = torch.autograd.grad(loss.total, alone)
        torch.testing.assert_close(gradient[row, :num_frames], alone_gradient[0])
        assert gradient[row, num_frames:].count_nonzero() == 0
    assert together.total.item() == pytest.approx(total, rel=1e-5, abs=1e-5)
    assert together.num_impossible == num_impossible


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("num_frames", "labels"),
    [(3, [1, 2, 3, 4]), (3, [2, 2, 1]), (0, [1]), (5, [1, 1, 1, 1])],
)
def test_impossible_utterances_are_counted_and_change_nothing(
    num_frames, labels, device
):
    log_probs, targets, counts = batch_of((9, 3), (9, 4), device=device)
    counts["num_frames"][1] = num_frames
    counts["num_targets"][1] = len(labels)
    targets = functional.pad(targets, (0, 1))
    targets[1, : len(labels)] = torch.tensor(labels)
    possible = {name: count[:1] for name, count in counts.items()}

    loss = ctc_loss(log_probs, targets, **counts)
    alone = ctc_loss(log_probs[:1], targets[:1], **possible)
    assert loss.num_impossible == 1
    assert alone.num_impossible == 0
    assert torch.equal(loss.total, alone.total)
    (gradient,) = torch.autograd.grad(loss.total, log_probs)
    assert gradient[1].count_nonzero() == 0  # NaN would count
    assert gradient[0].count_nonzero() > 0


def test_just_enough_frames_are_enough():
    torch.manual_seed(0)
    log_probs = torch.randn(1, 5, 4).log_softmax(-1)
    loss = ctc_loss(
        log_probs,
        torch.tensor([[1, 1, 2, 2, 9]]),  # 9: padding, no label of the vocabulary
        num_frames=torch.tensor([5]),
        num_targets=torch.tensor([3]),
    )
    assert loss.num_impossible == 0
    full = ctc_loss(
        torch.zeros(1, 6, 4).log_softmax(-1),
        torch.tensor([[1, 1, 2, 2]]),
        num_frames=torch.tensor([6]),
        num_targets=torch.tensor([4]),
    )
    # 1 _ 1 2 _ 2 is the only path: one chance in four, six times.
    assert full.total.item() == pytest.approx(6 * math.log(4), rel=1e-6)


def test_stock_speechbrain_hides_what_is_counted_here():
    losses = pytest.importorskip("speechbrain.nnet.losses")
    log_probs, targets, _ = batch_of((2, 5), (2, 5))
    ones = torch.ones(2)
    stock = losses.ctc_loss(log_probs, targets, ones, ones, 0, reduction="sum")
    counts = {"num_frames": torch.tensor([2, 2]), "num_targets": torch.tensor([5, 5])}
    ours = ctc_loss(log_probs, targets, **counts)
    assert stock == ours.total == 0  # a perfect loss, as it seems
    assert ours.num_impossible == 2


@pytest.mark.parametrize("bad", [-math.inf, math.nan])
def test_a_broken_model_is_not_hidden(bad):
    """With zero_infinity=True the first of these would be a loss of zero."""
    log_probs, targets, counts = batch_of((8, 3), (8, 3))
    broken = log_probs.detach().clone()
    broken[0] = bad
    loss = ctc_loss(broken, targets, **counts)
    assert not loss.total.isfinite()
    assert loss.num_impossible == 0


def test_is_computed_in_fp32_under_autocast_and_from_half_precision():
    log_probs, targets, counts = batch_of((30, 5), (20, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        autocast = ctc_loss(log_probs, targets, **counts)
    from_half = ctc_loss(log_probs.bfloat16(), targets, **counts)
    plain = ctc_loss(log_probs, targets, **counts)
    assert autocast.total.dtype == from_half.total.dtype == torch.float32
    assert torch.equal(autocast.total, plain.total)
    torch.testing.assert_close(from_half.total, plain.total, rtol=1e-2, atol=0)


def test_a_batch_without_any_frame_is_impossible_or_silent():
    log_probs = torch.zeros(2, 0, 4, requires_grad=True)
    loss = ctc_loss(
        log_probs,
        torch.tensor([[1], [0]]),
        num_frames=torch.tensor([0, 0]),
        num_targets=torch.tensor([1, 0]),
    )
    loss.total.backward()
    assert (loss.total, loss.num_impossible) == (0, 1)
    assert log_probs.grad.shape == log_probs.shape
