"""The objective by fairseq's formulas, and where its weights come from.

Seen to fail: diversity of a batch instead of its frames, a weight left out, features
dropped in evaluation, units among the tensors of a checkpoint, half precision.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.encoder.models import random_lobe
from tests.encoder.test_cuda import Ops, fake_cuda, fake_tensor  # noqa: F401
from tests.losses.test_contrastive import fairseq_loss, owners
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.encoder.encoded import MaskedFrames
from xlsr_sb.encoder.masking import time_masks
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.heads import pretraining, quantizer
from xlsr_sb.heads.pretraining import PretrainingHead

CONFIG = XLSRConfig.preset("tiny", conv_dims=(16,) * 7, dim=32, num_heads=2)
SIZES = {"code_dim": 12, "target_dim": 10, "num_groups": 2, "num_entries": 5}
UPDATE = 50_000


@pytest.fixture
def head():
    return PretrainingHead(CONFIG, num_negatives=6, **SIZES)


def random_frames(counts=(9, 4, 1, 12)):
    """What an encoder might say of so many masked frames an utterance."""
    owner = owners(list(counts))
    return MaskedFrames(torch.randn(len(owner), 16), torch.randn(len(owner), 32), owner)


def arrays(module):
    """Parameters in double precision."""
    return {name: p.detach().double().numpy() for name, p in module.named_parameters()}


def softmax(values):
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fairseq_objective(head, frames, *, noise, negatives):
    """Loss and what is logged, as fairseq's model, quantiser and criterion have it."""
    weights, settings = arrays(head), head.settings
    groups, entries = settings.num_groups, settings.num_entries
    features = frames.features.double().numpy()
    logits = features @ weights["quantizer.projection.weight"].T
    logits = (logits + weights["quantizer.projection.bias"]).reshape(
        len(features), groups, entries
    )
    tau = max(2.0 * 0.999995**UPDATE, 0.1)
    noisy = (logits + noise.double().numpy()) / tau if head.training else logits
    books = weights["quantizer.codevectors"].reshape(groups, entries, -1)
    vectors = np.concatenate(
        [books[g][noisy[:, g].argmax(axis=1)] for g in range(groups)], axis=1
    )
    targets = vectors @ weights["target_projection.weight"].T
    targets = targets + weights["target_projection.bias"]
    context = frames.context.double().numpy() @ weights["context_projection.weight"].T
    context = context + weights["context_projection.bias"]
    contrastive, correct = fairseq_loss(context, targets, negatives, temperature=0.1)
    mean = softmax(logits).mean(axis=0)
    perplexity = np.exp(-(mean * np.log(mean + 1e-7)).sum(axis=-1)).sum()
    hard = np.stack(
        [
            np.bincount(logits[:, g].argmax(axis=1), minlength=entries)
            for g in range(groups)
        ]
    ) / len(features)
    code_perplexity = np.exp(-(hard * np.log(hard + 1e-7)).sum(axis=-1)).sum()
    sample_size, num_vars = len(features), groups * entries
    diversity = 0.1 * sample_size * (num_vars - perplexity) / num_vars
    return {
        "total": contrastive + diversity,
        "contrastive": contrastive,
        "correct": correct,
        "perplexity": perplexity * sample_size,
        "code_perplexity": code_perplexity * sample_size,
        "masked": sample_size,
    }


@pytest.mark.parametrize("training", [True, False])
def test_is_fairseqs(head, training, monkeypatch):
    """Every number, with noise and negatives given."""
    frames = random_frames()
    noise = -torch.empty(len(frames.features), 2, 5).exponential_().log()
    negatives = pretraining.sample_negatives(frames.utterance, 6)
    monkeypatch.setattr(
        quantizer, "gumbel_softmax", lambda x, t: ((x + noise) / t).softmax(dim=-1)
    )
    monkeypatch.setattr(pretraining, "sample_negatives", lambda *_: negatives)
    objective = head.train(training)(frames, update=UPDATE)
    wanted = fairseq_objective(head, frames, noise=noise, negatives=negatives.tolist())
    found = {"total": objective.total, **objective.sums}
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].item() == pytest.approx(value, rel=1e-4), name
    assert objective.total.dtype == torch.float32
    assert not any(one.requires_grad for one in objective.sums.values())


def test_weights_of_the_terms():
    """Each multiplies its own; logged sums have none."""
    frames = random_frames()
    found = {}
    for weights in [(1.0, 0.0), (1.0, 0.5), (3.0, 0.5)]:
        torch.manual_seed(4)
        options = {"contrastive_weight": weights[0], "diversity_weight": weights[1]}
        head = PretrainingHead(CONFIG, num_negatives=6, **SIZES, **options)
        found[weights] = head(frames, update=0)
    plain, diverse, tripled = found.values()
    assert plain.total == plain.sums["contrastive"] == tripled.sums["contrastive"]
    unused = len(frames.features) - plain.sums["perplexity"] / 10
    torch.testing.assert_close(diverse.total - plain.total, 0.5 * unused)
    torch.testing.assert_close(tripled.total, 3 * diverse.total)


def test_diversity_pulls_towards_more_codes():
    """One step along its gradient alone raises the perplexity."""
    head = PretrainingHead(CONFIG, num_negatives=6, **SIZES, diversity_weight=1e6)
    frames, sizes = random_frames(), []
    optimizer = torch.optim.SGD(head.parameters(), lr=1e-7)
    for _ in range(3):
        objective = head(frames, update=0)
        sizes.append(objective.sums["perplexity"].item())
        optimizer.zero_grad()
        objective.total.backward()
        optimizer.step()
    assert sizes[0] < sizes[1] < sizes[2]


def test_features_are_dropped_before_they_are_quantised():
    """In training alone."""
    head = PretrainingHead(CONFIG, **SIZES, feature_dropout=0.5)
    frames = random_frames()
    given = []
    head.quantizer.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    head(frames, update=0)
    head.eval()(frames, update=0)
    dropped, whole = given
    assert torch.equal(whole, frames.features)
    kept = dropped != 0
    assert 0.3 < kept.float().mean() < 0.7
    torch.testing.assert_close(dropped[kept], 2 * frames.features[kept])


def test_acoustic_units():
    """Cross-entropy of each frame's unit, beside the contrastive loss or alone."""
    frames = random_frames()
    units = torch.randint(7, (len(frames.features),))
    for contrastive in (0.0, 1.0):
        weights = {"contrastive_weight": contrastive, "unit_weight": 0.5}
        head = PretrainingHead(CONFIG, 7, **SIZES, **weights)
        objective = head(frames, update=0, units=units)
        logits = frames.context @ head.unit_projection.weight.T
        logits = logits + head.unit_projection.bias
        loss = F.cross_entropy(logits, units, reduction="sum")
        torch.testing.assert_close(objective.sums["unit"], loss.detach())
        right = (logits.argmax(dim=1) == units).sum()
        assert objective.sums["unit_correct"] == right
        rest = objective.total - 0.5 * loss
        assert ("contrastive" in objective.sums) == (contrastive > 0)
        assert (rest.abs() < 1e-4) == (contrastive == 0)
        assert not any("unit" in name for name in head.tensors())


@pytest.mark.parametrize(("num_units", "weight"), [(7, 0.0), (0, 1.0)])
def test_units_and_their_weight_go_together(num_units, weight):
    message = f"unit_weight {weight} goes with .*; num_units is {num_units}"
    with pytest.raises(InputError, match=message):
        PretrainingHead(CONFIG, num_units, unit_weight=weight)


def test_unknown_options_are_refused():
    with pytest.raises(InputError, match=r"head: no option \['codes'\]; there are"):
        PretrainingHead(CONFIG, codes=4)


def test_no_masked_frames(head):
    """Every utterance was too short for a mask: no loss, no NaN, no error."""
    frames = random_frames((0, 0))
    frames.context.requires_grad_()
    objective = head(frames, update=0)
    assert objective.total == 0
    assert all(value == 0 for value in objective.sums.values())
    objective.total.backward()
    assert not frames.context.grad.any()


def test_is_in_fp32_under_autocast(head):
    """Whatever precision the encoder had."""
    frames = random_frames()
    head.eval()
    torch.manual_seed(1)
    wanted = head(frames, update=0)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        found = head(frames, update=0)
    assert torch.equal(found.total, wanted.total)


def test_one_seed_fixes_the_objective(head):
    """Noise, dropout and negatives are PyTorch's random numbers."""
    frames, totals = random_frames(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        totals.append(head(frames, update=0).total.item())
    assert totals[0] == totals[1] != totals[2]


@pytest.fixture
def checkpoint(tmp_path):
    """Encoder and heads in transformers' layout, as read."""
    lobe = random_lobe()
    peer = PretrainingHead(lobe.config, **SIZES)
    lobe.save_pretrained(tmp_path, heads=peer.tensors())
    return lobe, peer, read_checkpoint(tmp_path)


def test_heads_of_a_checkpoint_are_taken(checkpoint):
    """All of them; units are no part of one and stay."""
    lobe, peer, read = checkpoint
    torch.manual_seed(9)
    head = PretrainingHead(lobe.config, 3, **SIZES, unit_weight=1.0)
    before = head.unit_projection.weight.clone()
    assert head.load_from(read)
    for name, tensor in peer.state_dict().items():
        assert torch.equal(head.state_dict()[name], tensor), name
    assert torch.equal(head.unit_projection.weight, before)


@pytest.mark.parametrize("layout", ["huggingface", "fairseq", "xlsr_sb"])
def test_heads_travel_in_all_layouts(layout, tmp_path):
    """That have a place for them."""
    lobe = random_lobe()
    peer = PretrainingHead(lobe.config, **SIZES)
    lobe.save_pretrained(tmp_path, layout, heads=peer.tensors())
    head = PretrainingHead(lobe.config, **SIZES)
    source = next(tmp_path.glob("*.pt")) if layout == "fairseq" else tmp_path
    assert head.load_from(read_checkpoint(source))
    for mine, wanted in zip(head.parameters(), peer.parameters(), strict=True):
        assert torch.equal(mine, wanted)


def test_an_encoder_alone_leaves_the_head_as_it_is(tmp_path, caplog):
    """And says so."""
    lobe = random_lobe()
    lobe.save_pretrained(tmp_path)
    head = PretrainingHead(lobe.config, **SIZES)
    before = [p.clone() for p in head.parameters()]
    with caplog.at_level("INFO"):
        assert not head.load_from(read_checkpoint(tmp_path))
    assert all(map(torch.equal, head.parameters(), before))
    assert "has no quantiser; it starts at random" in caplog.text


@pytest.mark.parametrize("name", SIZES)
def test_heads_of_other_sizes_are_refused(checkpoint, name):
    """With the tensor, both shapes, and the options to give."""
    lobe, _, read = checkpoint
    head = PretrainingHead(lobe.config, **{**SIZES, name: 2 * SIZES[name]})
    with pytest.raises(InputError, match=r"is \[.*\], this head's is .*head.code_dim"):
        head.load_from(read)


def test_an_incomplete_head_is_refused(checkpoint):
    """As the checkpoint itself says."""
    lobe, _, read = checkpoint
    heads = {k: v for k, v in read.heads.items() if "context" not in k}
    head = PretrainingHead(lobe.config, **SIZES)
    with pytest.raises(InputError, match="no complete quantizer and projections"):
        head.load_from(replace(read, heads=heads))


def test_it_learns():
    """A context that tells its target is soon found out, far above chance."""
    torch.manual_seed(0)
    head = PretrainingHead(CONFIG, num_negatives=6, **SIZES)
    frames = random_frames((40, 40))
    context = torch.cat([frames.features, frames.features], dim=1)
    frames = replace(frames, context=context)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
    shares = []
    for update in range(60):
        objective = head(frames, update=update)
        shares.append(objective.sums["correct"].item() / 80)
        optimizer.zero_grad()
        objective.total.backward()
        optimizer.step()
    assert shares[-1] > 0.6 > 0.45 > shares[0]
    assert math.isfinite(objective.total.item())


@pytest.mark.usefixtures("fake_cuda")
def test_on_a_card_nothing_is_waited_for_but_the_number_of_masked_frames():
    """Masks are drawn and losses computed there; only the rows need a number."""
    config = XLSRConfig.preset("tiny", num_layers=1, layerdrop=0.0)
    packing = Packing.of([16_000, 8_000], config, "cuda")
    with torch.device("cuda"):
        lobe, head = XLSR(config), PretrainingHead(config, **SIZES)
        waveforms = torch.empty(2, 16_000)
        rows = torch.empty(30, 64), torch.empty(30, 384)
        frames = MaskedFrames(*rows, torch.zeros(30, dtype=torch.long))
    with Ops() as ops, torch.autocast("cuda", torch.bfloat16):
        masks = time_masks(packing, config)
        embedded = lobe.embed(lobe.extract(waveforms, packing), packing, masks)
        objective = head(frames, update=0)
    assert embedded.is_cuda
    assert objective.total.is_cuda
    assert all(value.is_cuda for value in objective.sums.values())
    assert ops.copies_to_host == []
    with pytest.raises(fake_tensor.DynamicOutputShapeException):
        lobe.encode_masked(waveforms, np.array([16_000, 8_000]), masks)
