"""Classes of utterances: which language is spoken, and who speaks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from speechbrain import Stage
from torch import Tensor, nn

from xlsr_sb.data.batching import Batch, EvalLoader
from xlsr_sb.errors import InputError
from xlsr_sb.heads.class_file import CLASSES, ClassFile
from xlsr_sb.losses import ClassificationLoss
from xlsr_sb.metrics.classification import ERROR
from xlsr_sb.tasks.answers import answers_of, evaluation_of
from xlsr_sb.tasks.classes import Classes
from xlsr_sb.tasks.hearing import Crops, Heard, heard_of
from xlsr_sb.tasks.verification import Verification
from xlsr_sb.training import distributed
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.evaluation import Evaluation


@dataclass(frozen=True)
class Answers:
    """What the head says of a batch.

    Parameters
    ----------
    logits : Tensor [B, C], float32
    embeddings : Tensor [B, E], float32
    loss : ClassificationLoss
        Sums over the crops whose class is one of those that are learnt.
    """

    logits: Tensor
    embeddings: Tensor
    loss: ClassificationLoss


class Classification(UpdateBrain):
    """One class an utterance; ``modules``: an XLSR ``encoder``, an ``EmbeddingHead``.

    Parameters
    ----------
    labels : Classes
    **others
        See ``UpdateBrain``.

    Raises
    ------
    InputError
        If the folder of the run has other classes or another head.
    """

    best_metric = ERROR
    sections = ("optim", "data", "scoring")

    def __init__(self, *, labels: Classes, **others):
        super().__init__(**others)
        self.labels = labels
        self.verification: Verification | None = None
        folder = Path(self.hparams.output_folder)
        own = ClassFile(labels.kind, labels.names, self.modules.head.config)
        distributed.on_main(lambda: _keep(own, folder))
        if labels.trials is not None:  # before training: it may fail
            self.verification = Verification.of(labels)

    @classmethod
    def build_labels(cls, hparams: Mapping, splits: Mapping, folder: Path) -> Classes:
        """Take the classes of the training set."""
        del folder  # they are kept with the choices of the head, later
        return Classes.of(splits, hparams)

    @classmethod
    def build_head(cls, hparams: Mapping, encoder: nn.Module, labels) -> nn.Module:
        """Head on the last layer, or on all."""
        config = encoder.config
        return hparams["head"]["module"](
            config.dim, config.num_layers, labels.num_classes
        )

    def compute_forward(self, batch: Batch, stage: Stage) -> Answers:
        """Logits and embeddings of a batch, with the loss."""
        head = self.modules.head
        encoded = self.modules.encoder.encode(
            batch.waveforms, batch.num_samples, all_layers=head.needs_layers
        )
        embeddings = head.embed(
            encoded.features, num_frames=encoded.num_frames, layers=encoded.layers
        )
        logits, targets = head.logits(embeddings), batch.targets[:, 0]
        told, wanted, smoothing = logits, targets, self.optim["label_smoothing"]
        if stage != Stage.TRAIN:
            is_known = targets >= 0
            told, wanted, smoothing = logits[is_known], targets[is_known], 0.0
        loss = head.loss(told, wanted, update=self.progress.update, smoothing=smoothing)
        return Answers(logits, embeddings, loss)

    def compute_objectives(
        self, predictions: Answers, batch: Batch, stage: Stage
    ) -> Tensor:
        """Cross-entropy, perhaps with a margin, summed over the crops."""
        del batch, stage
        return predictions.loss.total

    def observe(self, predictions: Answers, batch: Batch) -> dict[str, Tensor]:
        """Crops, those told right, and their loss without margin and smoothing."""
        loss = predictions.loss
        return {
            "crops": torch.tensor(float(len(batch)), device=loss.nll.device),
            "nll": loss.nll,
            "correct": loss.num_correct,
        }

    def hear(self, loader: EvalLoader) -> Heard:
        """Probabilities and embeddings of a set, all ranks together."""
        return heard_of(self._crops(loader), loader.unreadable)

    def _crops(self, loader: EvalLoader) -> Iterator[Crops]:
        """What is found in the crops of each batch of this process."""
        for batch in loader:
            on_device = batch.to(self.device)
            with self.evaluation_ctx:
                found = self.compute_forward(on_device, Stage.VALID)
            yield Crops(
                batch.utterances,
                probabilities=found.logits.softmax(dim=1).cpu().numpy(),
                embeddings=found.embeddings.float().cpu().numpy(),
                nll=float(found.loss.nll),
                num_known=int((batch.targets >= 0).sum()),
            )

    def validate(self, loader: EvalLoader) -> dict[str, float]:
        """Error rate, loss, and share of the classes that are ever answered."""
        heard = self.hear(loader)
        counts = answers_of(heard, self.labels.kind, self.labels.names)
        answered = len(set(counts.answers) - {""})
        return {
            "valid_nll": heard.nll,
            ERROR: counts.errors.score().value,
            "answered_share": answered / self.labels.num_classes,
        }

    def score(self, loader: EvalLoader) -> Evaluation:
        """Errors by class, duration and source; of trials, equal error rates and costs.

        A set is told by its clips: that of the trials is the one whose ids they name.
        """
        heard = self.hear(loader)
        verification = self.verification
        if verification is not None and verification.is_of(heard):
            return verification.score(heard, self._heard_of_training)
        return evaluation_of(heard, self.labels)

    def _heard_of_training(self, clips) -> Heard:
        """What is found in some clips that were learnt from or chosen by."""
        loader = self.labels.crops_of(
            clips,
            self.hparams.data,
            crops=self.labels.scoring["crops"],
            rank=distributed.rank(),
            world_size=distributed.world_size(),
        )
        return self.hear(loader)

    def finish(self, folder: Path) -> None:
        """Keep what turns scores of trials into log-likelihood ratios."""
        if self.verification is not None:
            self.verification.save(folder)

    def summarise(self, row: dict) -> dict:
        """Turn sums into means of a crop."""
        row = dict(row)
        crops = max(1.0, row.pop("train_crops", 0.0))
        row["train_nll"] = row.pop("train_nll", 0.0) / crops
        row["train_ERR"] = 1 - row.pop("train_correct", 0.0) / crops
        return row


def _keep(own: ClassFile, folder: Path) -> None:
    """Write the classes of a run; raise if the folder has those of another."""
    if not (folder / CLASSES).exists():
        own.save(folder)
    elif (found := ClassFile.load(folder)) != own:
        what = "head" if found.names == own.names else f"{own.kind}s"
        raise InputError(
            f"{folder / CLASSES} is of a run with another choice of {what} "
            f"({len(found.names)} classes, {found.head}); take another output_folder"
        )
