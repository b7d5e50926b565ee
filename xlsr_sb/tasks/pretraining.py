"""Self-supervised pretraining: masked frames told apart from others."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from speechbrain import Stage
from torch import Tensor

from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.data.batching import Batch
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.masking import time_masks
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.heads.pretraining import Objective, PretrainingHead
from xlsr_sb.metrics import Score
from xlsr_sb.tasks.unlabelled import Unlabelled
from xlsr_sb.training import distributed
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.evaluation import Evaluation, GroupScore
from xlsr_sb.training.randomness import seed_update

logger = logging.getLogger(__name__)
EVALUATION_SEED = 0  # of the masks and negatives of sets that are scored


@dataclass(eq=False)
class MaskedBatch(Batch):
    """A batch, and the frames of it that are masked.

    Parameters
    ----------
    masks : BoolTensor [N]
        Of all frames, utterance after utterance.
    num_masked : int
    """

    masks: Tensor
    num_masked: int


class Pretraining(UpdateBrain):
    """Contrastive pretraining (``modules``: an ``XLSR`` and a ``PretrainingHead``).

    Parameters
    ----------
    labels : Unlabelled
        Holds the acoustic units, if the head predicts them.
    **others
        See ``UpdateBrain``.

    Raises
    ------
    InputError
        If the encoder masks nothing.
    """

    best_metric = "valid_loss"

    labels_of = Unlabelled.of

    def __init__(self, *, labels: Unlabelled, **others):
        super().__init__(**others)
        if not self.modules.encoder.config.mask_time_prob:
            raise InputError(
                "encoder: mask_time_prob is 0, but pretraining learns from masked "
                "frames; the paper's is 0.65"
            )
        self.units = labels.units.to(self.device) if labels.units else None

    @classmethod
    def build_head(
        cls, hparams: Mapping, encoder: XLSR, labels: Unlabelled
    ) -> PretrainingHead:
        """The head, with the weights of the encoder's source if that has some."""
        head = hparams["head"]["module"](encoder.config, labels.num_classes)
        source = hparams["encoder"]["source"]
        if source and head.load_from(read_checkpoint(source)):
            logger.info("quantiser and projections are those of %s", source)
        return head

    def prepare(self, batch: Batch) -> MaskedBatch:
        """Draw the masks, whose frames the loss is divided by."""
        encoder = self.modules.encoder
        packing = Packing.of(
            batch.num_samples.tolist(), encoder.config, batch.waveforms.device
        )
        masks = time_masks(packing, encoder.config)
        fields = {name: getattr(batch, name) for name in Batch.__dataclass_fields__}
        return MaskedBatch(**fields, masks=masks, num_masked=int(masks.sum()))

    def count(self, batch: MaskedBatch) -> int:
        """Masked frames."""
        return batch.num_masked

    def compute_forward(self, batch: MaskedBatch, stage: Stage) -> Objective:
        """Everything of a batch, as its loss needs only the masked frames."""
        del stage  # modules know whether they train
        frames = self.modules.encoder.encode_masked(
            batch.waveforms, batch.num_samples, batch.masks
        )
        units = None
        if self.units is not None:
            units = self.units(batch.waveforms, batch.num_samples.tolist())[batch.masks]
        return self.modules.head(frames, update=self.progress.update, units=units)

    def compute_objectives(
        self, predictions: Objective, batch: MaskedBatch, stage: Stage
    ) -> Tensor:
        """Loss, summed over the masked frames."""
        del batch, stage
        return predictions.total

    def observe(self, predictions: Objective, batch: MaskedBatch) -> dict[str, Tensor]:
        """What the loss is made of, and how many frames were told right."""
        del batch
        return predictions.sums

    def sums_of(self, loader: Iterable[Batch]) -> dict[str, float]:
        """Sums over a set, with the same masks and negatives every time.

        Raises
        ------
        InputError
            If no frame is masked, as all utterances are too short.
        """
        size, rank = distributed.world_size(), distributed.rank()
        totals: dict[str, float] = {}
        for number, batch in enumerate(loader):
            seed_update(EVALUATION_SEED, 0, part=number * size + rank)
            with self.evaluation_ctx:
                masked = self.prepare(batch.to(self.device))
                found = self.compute_forward(masked, Stage.VALID)
            for name, value in {"loss": found.total, **found.sums}.items():
                totals[name] = totals.get(name, 0.0) + float(value)
        gathered = distributed.gather_objects(totals)
        names = {name: None for part in gathered for name in part}
        sums = {name: sum(part.get(name, 0.0) for part in gathered) for name in names}
        if not sums["masked"]:
            raise InputError(
                f"{len(loader.dataset)} utterances are all too short for a mask of "
                f"{self.modules.encoder.config.mask_time_length} frames of 20 ms; give "
                "longer ones for dev and test"
            )
        return sums

    def validate(self, loader: Iterable[Batch]) -> dict[str, float]:
        """Losses, accuracies and perplexities of a set, each a masked frame."""
        sums = self.sums_of(loader)
        return {f"valid_{name}": value for name, value in means(sums).items()}

    def score(self, loader: Iterable[Batch]) -> Evaluation:
        """Share of masked frames that were told wrong, by each objective."""
        sums = self.sums_of(loader)
        total, clips = int(sums["masked"]), len(loader.dataset)
        names = {"correct": "contrastive error", "unit_correct": "unit error"}
        scores = [
            GroupScore("all", Score(title, total - int(sums[name]), total), clips)
            for name, title in names.items()
            if name in sums
        ]
        negatives = self.modules.head.num_negatives
        chance = Score("contrastive error", negatives, negatives + 1)
        lines = [f"{name} {value:.4f}" for name, value in means(sums).items()]
        return Evaluation(scores, report="\n".join([*lines, ""]), baseline=chance)

    def summarise(self, row: dict) -> dict:
        """Turn sums into means of the masked frames, and add the temperature."""
        row = dict(row)
        prefix = "train_"
        sums = {
            name.removeprefix(prefix): row.pop(name)
            for name in list(row)
            if name.startswith(prefix) and name != "train_loss"
        }
        found = {f"{prefix}{name}": value for name, value in means(sums).items()}
        temperature = self.modules.head.temperature(max(0, self.progress.update - 1))
        return {**row, **found, "temperature": temperature}

    def finish(self, folder: Path) -> None:
        """Write encoder, quantiser and projections in transformers' layout."""
        target = folder / "pretrained"
        self.modules.encoder.save_pretrained(target, heads=self.modules.head.tensors())
        print(f"pretrained encoder: {target.resolve()}")


def means(sums: Mapping[str, float]) -> dict[str, float]:
    """Sums over masked frames, divided by their number; accuracies by name.

    Example
    -------
    >>> means({"masked": 4.0, "loss": 8.0, "correct": 1.0})
    {'loss': 2.0, 'accuracy': 0.25}
    """
    count = max(1.0, sums.get("masked", 0.0))
    names = {"correct": "accuracy", "unit_correct": "unit_accuracy"}
    return {
        names.get(name, name): value / count
        for name, value in sums.items()
        if name != "masked"
    }
