"""Translation beside transformers: the same losses, the same gradients."""

import pytest
import torch

from tests.encoder.models import random_lobe
from xlsr_sb.bench.cases import Case
from xlsr_sb.bench.sides import Utterances
from xlsr_sb.bench.task import task_of
from xlsr_sb.bench.translation import TRANSLATION_SIDES, new_translator, random_texts
from xlsr_sb.heads.translator import TranslatorConfig

CPU = torch.device("cpu")
SIDES = sorted(TRANSLATION_SIDES)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Folder with a translator whose configuration asks for dropout."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    translator = new_translator(random_lobe(), "tiny")
    assert translator.head.config.dropout == 0.1
    translator.save_pretrained(folder)
    return folder


def task(side, weights, dtype="fp32"):
    return task_of(side, weights, Case("tiny", dtype, "short", "translation"), CPU)


def test_first_updates_are_the_same(weights):
    """Loss and norm of the gradient; twice, as the optimiser is the same too.

    They differ by what transformers' adaptor takes from behind an utterance's end.
    """
    ours, theirs = (task(side, weights) for side in SIDES)
    for _ in range(2):
        assert ours.first_update() == pytest.approx(theirs.first_update(), rel=3e-4)
    count = [sum(one.numel() for one in each.trained) for each in (ours, theirs)]
    assert count[0] == count[1]


def test_first_updates_are_the_same_in_half_precision(weights):
    """As far as rounding lets them."""
    ours, theirs = (task(side, weights, "bf16").first_update() for side in SIDES)
    assert ours == pytest.approx(theirs, rel=0.05)


@pytest.mark.parametrize("side", SIDES)
def test_nothing_is_dropped(side, weights):
    """Whatever the configuration asks for, the loss is always the same one."""
    one = task(side, weights)
    assert one.module.training
    assert one.loss().item() == one.loss().item()


@pytest.mark.parametrize("side", SIDES)
def test_everything_learns_but_the_convolutions(side, weights):
    """And the embedding of masked frames, as nothing is masked."""
    one = task(side, weights)
    before = {name: p.clone() for name, p in one.module.named_parameters()}
    assert one.step().seconds > 0
    now = dict(one.module.named_parameters())
    same = [name for name in now if torch.equal(now[name], before[name])]
    assert same
    kept = "feature_extractor.", "masked_spec_embed", "mask_embedding"
    assert [name for name in same if not any(part in name for part in kept)] == []


def test_texts_are_as_long_as_their_speech():
    """Each with its end, then padding; the same in every process."""
    batch = Utterances.random([160_000, 64_000, 100], CPU)
    config = TranslatorConfig()
    targets, counts = random_texts(batch, config)
    assert counts.tolist() == [40, 16, 2]
    for row, count in zip(targets.tolist(), counts.tolist(), strict=True):
        assert row.index(config.eos) == count - 1
        assert set(row[count:]) <= {config.pad}
    assert torch.equal(random_texts(batch, config)[0], targets)
