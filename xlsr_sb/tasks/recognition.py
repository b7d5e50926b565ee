"""Speech recognition: characters or symbols by CTC, decoded greedily."""

import logging
from dataclasses import dataclass

from speechbrain import Stage
from torch import Tensor

from xlsr_sb.data.batching import Batch, EvalLoader
from xlsr_sb.decoders.greedy import blank_fraction, greedy_decode
from xlsr_sb.losses import ctc_loss, has_alignment
from xlsr_sb.tasks.scoring import (
    Recognised,
    best_metric_of,
    errors_of,
    evaluation_of,
)
from xlsr_sb.tasks.transcripts import Transcripts
from xlsr_sb.training import distributed
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.evaluation import Evaluation

logger = logging.getLogger(__name__)

COLLAPSED = 0.995  # share of blank frames above which nothing is being said
COLLAPSE_ADVICE = (
    "%.1f %% of the frames of the training speech are blank and %.0f %% of the "
    "development clips are decoded to nothing. In the first part of a run this is how "
    "CTC starts; if it stays, raise the head's learning rate, make more and smaller "
    "updates, train on shorter clips, and check that the transcripts fit the audio"
)


@dataclass(frozen=True)
class Predictions:
    """Log-probabilities of the tokens, and how many frames of each utterance are real.

    Parameters
    ----------
    log_probs : Tensor [B, F, V], float32
    num_frames : LongTensor [B]
    """

    log_probs: Tensor
    num_frames: Tensor


class Recognition(UpdateBrain):
    """CTC on characters or symbols; ``modules``: an XLSR ``encoder``, a ``CTCHead``.

    Parameters
    ----------
    labels : Transcripts
        Holds the vocabulary: what the head's outputs mean.
    **others
        See ``UpdateBrain``.
    """

    labels_of = Transcripts.of

    def __init__(self, *, labels: Transcripts, **others):
        super().__init__(**others)
        self.vocabulary = labels.vocabulary
        self.best_metric = best_metric_of(self.vocabulary.units)

    def compute_forward(self, batch: Batch, stage: Stage) -> Predictions:
        """Log-probabilities of a batch."""
        del stage  # modules know whether they train
        encoded = self.modules.encoder.encode(batch.waveforms, batch.num_samples)
        return Predictions(self.modules.head(encoded.features), encoded.num_frames)

    def compute_objectives(
        self, predictions: Predictions, batch: Batch, stage: Stage
    ) -> Tensor:
        """CTC loss in fp32, summed over the utterances that are long enough."""
        del stage
        return ctc_loss(
            predictions.log_probs,
            batch.targets,
            num_frames=predictions.num_frames,
            num_targets=batch.num_targets,
        ).total

    def observe(self, predictions: Predictions, batch: Batch) -> dict[str, Tensor]:
        """Frames, blank frames, and utterances too short for their transcript."""
        num_frames = predictions.num_frames
        frames = num_frames.sum()
        share = blank_fraction(predictions.log_probs.detach(), num_frames=num_frames)
        possible = has_alignment(
            batch.targets, num_frames=num_frames, num_targets=batch.num_targets
        )
        return {
            "frames": frames,
            "blank_frames": share * frames,
            "impossible": (~possible).sum(),
        }

    def transcribe(self, loader: EvalLoader) -> tuple[list[Recognised], float]:
        """Transcripts of a set, all ranks together, in the order of their ids.

        Of a recording that cannot be read it is empty: all its words were deleted.

        Returns
        -------
        transcripts : list of Recognised
        loss : float
            Sum of the loss over the set.
        """
        transcripts = [Recognised(one, hypothesis="") for one in loader.unreadable]
        loss = 0.0
        for batch in loader:
            on_device = batch.to(self.device)
            with self.evaluation_ctx:
                predictions = self.compute_forward(on_device, Stage.VALID)
            total = self.compute_objectives(predictions, on_device, Stage.VALID)
            loss += float(total)
            tokens = greedy_decode(
                predictions.log_probs, num_frames=predictions.num_frames
            )
            texts = [self.vocabulary.decode(ids).strip() for ids in tokens]
            transcripts += map(Recognised, batch.utterances, texts)
        gathered = distributed.gather_objects((transcripts, loss))
        everything = [t for part, _ in gathered for t in part]
        everything.sort(key=lambda t: t.utterance.id)
        return everything, sum(part for _, part in gathered)

    def validate(self, loader: EvalLoader) -> dict[str, float]:
        """Error rates, loss a sentence, and the share of clips decoded to nothing."""
        transcripts, loss = self.transcribe(loader)
        errors = errors_of(transcripts, units=self.vocabulary.units)
        empty = sum(not t.hypothesis for t in transcripts)
        return {
            "valid_loss": loss / len(transcripts),
            **{counts.metric: counts.score().value for counts in errors},
            "empty_share": empty / len(transcripts),
        }

    def score(self, loader: EvalLoader) -> Evaluation:
        """Error rates of each language and of all, and every alignment."""
        transcripts, _ = self.transcribe(loader)
        return evaluation_of(transcripts, units=self.vocabulary.units)

    def summarise(self, row: dict) -> dict:
        """Turn sums into shares, and warn of a collapse to blanks."""
        row = dict(row)
        frames = row.pop("train_frames", 0.0)
        row["blank_share"] = row.pop("train_blank_frames", 0.0) / max(1.0, frames)
        row["impossible"] = int(row.pop("train_impossible", 0))
        if row["impossible"]:
            logger.warning(
                "%d utterances since the last validation had fewer frames than their "
                "transcript needs; they taught nothing",
                row["impossible"],
            )
        if row["blank_share"] > COLLAPSED and row["empty_share"] > 0.5:
            shares = 100 * row["blank_share"], 100 * row["empty_share"]
            logger.warning(COLLAPSE_ADVICE, *shares)
        return row
