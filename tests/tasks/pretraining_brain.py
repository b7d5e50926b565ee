"""A pretraining Brain on the tiny corpus, and ways to take chance out of it."""

from pathlib import Path

import torch
from speechbrain.utils.run_opts import RunOptions
from torch import Tensor

from tests.training.harness import PLAIN, settings
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.data.batching import EvalLoader
from xlsr_sb.data.dataset import Batch, SpeechDataset
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.heads.pretraining import PretrainingHead
from xlsr_sb.heads.units import AcousticUnits
from xlsr_sb.tasks.pretraining import Pretraining
from xlsr_sb.tasks.unlabelled import Unlabelled
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.randomness import seed_update

HEAD = {"code_dim": 12, "target_dim": 10, "num_entries": 5, "num_negatives": 6}
NUM_UNITS = 3


def units_of(corpus) -> AcousticUnits:
    """Three clusters of the training clips."""
    data = SpeechDataset(corpus.splits["train"], encode_target=lambda _: [])
    waveforms = [data[[i]].waveforms[0] for i in range(len(data))]
    return AcousticUnits.fit(waveforms, num_units=NUM_UNITS, seed=0)


def make_pretraining(
    folder: Path, corpus, config: XLSRConfig, *, head=None, units=None, **optim
) -> Pretraining:
    """Encoder and head with the same random weights each time, and seed 7."""
    labels = Unlabelled(corpus.splits, units)
    seed_update(7, 0, part=0)
    options = HEAD | ({"unit_weight": 1.0} if units else {}) | (head or {})
    modules = {
        "encoder": XLSR(config),
        "head": PretrainingHead(config, labels.num_classes, **options),
    }
    folder.mkdir(parents=True, exist_ok=True)
    run_opts = {"device": "cpu", "noprogressbar": True}
    return Pretraining(
        labels=labels,
        modules=modules,
        hparams={"seed": 7, "output_folder": str(folder), "optim": settings(**optim)},
        run_opts=RunOptions.from_dictionary(run_opts),
        checkpointer=AtomicCheckpointer(folder / "save", modules),
    )


def masking(config: XLSRConfig, **fields) -> XLSRConfig:
    """The configuration with nothing random but the masks."""
    plain = vars(config) | PLAIN | {"mask_time_prob": 0.65, "mask_time_length": 4}
    return XLSRConfig(**plain | fields)


def clips(corpus, *groups, split="train") -> list[Batch]:
    """Batches of some utterances, given by their indices."""
    data = SpeechDataset(corpus.splits[split], encode_target=lambda _: [])
    return [data[list(group)] for group in groups]


def eval_loader(corpus, split="dev") -> EvalLoader:
    """A set that is scored, in several batches."""
    data = SpeechDataset(corpus.splits[split], encode_target=lambda _: [])
    return EvalLoader(data, seconds_per_device=2.0)


def without_chance(monkeypatch) -> None:
    """Masks, codes and negatives of a frame become those of its place in its clip.

    So they do not depend on what else is in the batch, and noise is not added.
    """

    def masks(packing: Packing, config: XLSRConfig) -> Tensor:
        del config
        rows = [torch.arange(number) % 5 < 3 for number in packing.num_frames]
        return torch.cat(rows)

    def negatives(utterance: Tensor, num_negatives: int) -> Tensor:
        _, sizes = torch.unique_consecutive(utterance, return_counts=True)
        first = 0
        rows = []
        for size in sizes.tolist():
            steps = torch.arange(1, num_negatives + 1)
            rows.append(first + (torch.arange(size)[:, None] + steps) % size)
            first += size
        return torch.cat(rows)

    def softmax(logits: Tensor, temperature: float) -> Tensor:
        return (logits / temperature).softmax(dim=-1)

    monkeypatch.setattr("xlsr_sb.tasks.pretraining.time_masks", masks)
    monkeypatch.setattr("xlsr_sb.heads.pretraining.sample_negatives", negatives)
    monkeypatch.setattr("xlsr_sb.heads.quantizer.gumbel_softmax", softmax)
