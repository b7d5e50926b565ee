"""The contrastive loss by fairseq's formulas, and the draw of its negatives.

Seen to fail: one frame never drawn, the frame itself drawn, frames of the neighbour,
duplicates kept or dropped for one code in common, similarities not divided or not
normalised, a tie that is correct, a product cut within an utterance, a mean.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.encoder.test_cuda import Ops, fake_cuda  # noqa: F401 a fixture
from xlsr_sb.losses import contrastive, contrastive_loss, sample_negatives

COUNTS = [7, 1, 40, 2, 0, 3]  # masked frames of each utterance


def owners(counts):
    """LongTensor [M]: the utterance of each masked frame."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


def fairseq_loss(context, targets, negatives, *, temperature):
    """Loss in nats and number of correct frames, frame by frame as fairseq has it.

    ``compute_preds`` leaves a negative out if it is the very vector of the target; the
    criterion counts a frame whose arg-max is the target, unless its arg-min is as well.
    """
    total, correct = 0.0, 0
    for row, others in zip(range(len(context)), negatives, strict=True):
        logits = []
        for place, other in enumerate([row, *others]):
            x, y = context[row], targets[other]
            cosine = x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
            is_target = place > 0 and (y == targets[row]).all()
            logits.append(-np.inf if is_target else cosine / temperature)
        highest = max(logits)
        total += highest + math.log(sum(math.exp(v - highest) for v in logits))
        total -= logits[0]
        correct += np.argmax(logits) == 0 and np.argmin(logits) != 0
    return total, correct


def random_batch(counts, *, num_entries, num_negatives=5):
    """Arguments of ``contrastive_loss`` with targets that are entries of two books."""
    utterance = owners(counts)
    codes = torch.randint(num_entries, (len(utterance), 2))
    books = torch.randn(2, num_entries, 4)
    targets = torch.cat([books[g][codes[:, g]] for g in range(2)], dim=1)
    return {
        "context": targets + torch.randn(len(utterance), 8),
        "targets": targets,
        "codes": codes,
        "negatives": sample_negatives(utterance, num_negatives),
        "utterance": utterance,
    }


@pytest.mark.parametrize("num_entries", [2, 5, 50])
@pytest.mark.parametrize("temperature", [0.1, 0.7])
def test_is_fairseqs(num_entries, temperature):
    """Few entries make many duplicates, many make none."""
    batch = random_batch(COUNTS, num_entries=num_entries)
    loss = contrastive_loss(**batch, temperature=temperature)
    arrays = (batch[name].double().numpy() for name in ("context", "targets"))
    total, correct = fairseq_loss(
        *arrays, batch["negatives"].tolist(), temperature=temperature
    )
    assert loss.total.item() == pytest.approx(total, rel=1e-4)
    assert loss.num_correct == correct
    assert 0 < correct < sum(COUNTS)


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    max_rows=st.integers(1, 30),
)
def test_parts_of_a_large_batch_are_the_whole(counts, max_rows):
    """Products are cut between utterances only, whatever their lengths."""
    batch = random_batch(counts, num_entries=4)
    whole = contrastive_loss(**batch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contrastive, "MAX_ROWS", max_rows)
        bounds = contrastive._bounds(batch["utterance"])
        parts = contrastive_loss(**batch)
    assert parts.total.item() == pytest.approx(whole.total.item(), rel=1e-5, abs=1e-5)
    assert parts.num_correct == whole.num_correct
    starts = np.cumsum([0, *counts])
    assert set(bounds) <= set(starts)
    sizes = np.diff(bounds)
    longest = max(counts)
    assert (sizes <= max(max_rows, longest)).all()


def test_a_frame_that_knows_nothing_is_not_correct():
    """All similarities are equal: its target is the highest and the lowest."""
    batch = random_batch([4], num_entries=50)
    batch["context"] = torch.zeros(4, 8)
    loss = contrastive_loss(**batch)
    assert loss.num_correct == 0
    assert loss.total.item() == pytest.approx(4 * math.log(6), rel=1e-5)


def test_negatives_that_are_the_target_cost_nothing():
    """One code for all: nothing to tell apart; fairseq calls that correct."""
    batch = random_batch([5], num_entries=1)
    batch["context"].requires_grad_()
    loss = contrastive_loss(**batch)
    loss.total.backward()
    assert loss.total == 0
    assert loss.num_correct == 5
    assert not batch["context"].grad.any()


def test_gradient_is_that_of_the_plain_formula():
    """With negatives gathered first, as fairseq and transformers do."""
    batch = random_batch(COUNTS, num_entries=3)
    own = [batch[name].requires_grad_() for name in ("context", "targets")]
    ours = torch.autograd.grad(contrastive_loss(**batch).total, own)
    context, targets = own
    places = torch.cat([torch.arange(len(context))[:, None], batch["negatives"]], dim=1)
    logits = torch.cosine_similarity(context[:, None], targets[places], dim=-1) / 0.1
    same = (targets[places] == targets[:, None]).all(dim=-1)
    same[:, 0] = False
    plain = torch.logsumexp(logits.masked_fill(same, -math.inf), dim=1) - logits[:, 0]
    theirs = torch.autograd.grad(plain.sum(), own)
    for mine, peer in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, peer, atol=1e-4, rtol=1e-4)


def test_is_computed_in_fp32_from_half_precision():
    """The rounding of the inputs is all that is lost."""
    batch = random_batch(COUNTS, num_entries=50)
    half = {name: batch[name].bfloat16() for name in ("context", "targets")}
    loss = contrastive_loss(**batch | half)
    rounded = {name: tensor.float() for name, tensor in half.items()}
    assert loss.total.dtype == torch.float32
    assert torch.equal(loss.total, contrastive_loss(**batch | rounded).total)


def test_no_masked_frame_no_loss():
    """All utterances of the batch were too short for a mask."""
    batch = random_batch([0, 0], num_entries=4)
    batch["context"].requires_grad_()
    loss = contrastive_loss(**batch)
    assert (loss.total, loss.num_correct) == (0, 0)
    loss.total.backward()


def test_negatives_are_other_frames_of_the_utterance():
    """Alone in its utterance a frame has only itself."""
    utterance = owners(COUNTS)
    negatives = sample_negatives(utterance, 300)
    assert negatives.shape == (sum(COUNTS), 300)
    assert (utterance[negatives] == utterance[:, None]).all()
    is_alone = (utterance == 1)[:, None]
    own = torch.arange(sum(COUNTS))[:, None]
    assert ((negatives == own) == is_alone).all()
    pair = negatives[utterance == 3]
    assert pair.unique(dim=1).tolist() == [[49], [48]]


def test_negatives_are_drawn_evenly():
    """All other frames alike, by chi-square; each frame for itself."""
    utterance, draws = owners(COUNTS), 40_000
    negatives = sample_negatives(utterance, draws).numpy()
    statistic, freedom = 0.0, 0
    for row, drawn in enumerate(negatives):
        same = utterance == utterance[row]
        others = [r for r in same.nonzero()[:, 0].tolist() if r != row]
        if not others:
            continue
        found = np.bincount(drawn, minlength=len(utterance))[others]
        expected = draws / len(others)
        statistic += ((found - expected) ** 2 / expected).sum()
        freedom += len(others) - 1
    assert abs(statistic - freedom) < 4.5 * math.sqrt(2 * freedom)
    assert not np.array_equal(negatives[8] == 9, negatives[10] == 9)


def test_neighbouring_draws_are_independent():
    """Pairs of draws of one frame fall evenly on all pairs of the others."""
    negatives = sample_negatives(owners([5]), 60_000)[0].view(-1, 2)
    pairs = torch.bincount((negatives[:, 0] - 1) * 4 + negatives[:, 1] - 1)
    expected = len(negatives) / 16
    statistic = ((pairs - expected) ** 2 / expected).sum().item()
    assert abs(statistic - 15) < 4.5 * math.sqrt(30)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 1_024, 1_025, 1_026, 2_999, 3_000])
def test_a_draw_next_to_one_does_not_leave_the_utterance(count, monkeypatch):
    """The largest number below one, times the number of the others, is below it."""
    largest = 1 - 2**-24
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.full(size, largest))
    last = sample_negatives(owners([count, 4]), 2)
    assert last[: count - 1].unique().tolist() == [count - 1]
    assert last[count - 1].unique().tolist() == [count - 2]
    assert last[count:].max() == count + 3


def test_one_seed_fixes_the_negatives():
    """PyTorch's, so that resumed runs draw alike."""
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(sample_negatives(owners(COUNTS), 20))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.usefixtures("fake_cuda")
def test_on_a_card_nothing_waits_for_it():
    """Negatives and loss are drawn and computed where the frames are."""
    with torch.device("cuda"):
        utterance = torch.empty(50, dtype=torch.long)
        rows = torch.empty(50, 8), torch.empty(50, 8)
        codes = torch.empty(50, 2, dtype=torch.long)
    with Ops() as ops:
        negatives = sample_negatives(utterance, 10)
        loss = contrastive_loss(
            *rows, codes=codes, negatives=negatives, utterance=utterance
        )
    assert negatives.is_cuda
    assert loss.total.is_cuda
    assert loss.num_correct.is_cuda
    assert ops.copies_to_host == []
