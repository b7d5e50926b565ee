"""Speech recognition: characters or symbols by CTC, decoded as one likes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from speechbrain import Stage
from torch import Tensor, nn

from xlsr_sb.data.batching import Batch, EvalLoader
from xlsr_sb.decoders.greedy import GreedyDecoder, blank_fraction
from xlsr_sb.decoders.hypothesis import Decoder
from xlsr_sb.decoders.settings import GREEDY
from xlsr_sb.heads.language_ctc import LanguageCTCHead
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

    Where the labels have vocabularies of languages, the head is a ``LanguageCTCHead``.

    Parameters
    ----------
    labels : Transcripts
        Holds the vocabulary: what the head's outputs mean.
    **others
        See ``UpdateBrain``.
    """

    sections = ("optim", "decoder")

    def __init__(self, *, labels: Transcripts, **others):
        super().__init__(**others)
        self.vocabulary = labels.vocabulary
        self.names_languages = labels.languages is not None
        self.best_metric = best_metric_of(self.vocabulary.units)
        section = self.hparams.decoder
        settings = section["settings"](self.hparams.output_folder)
        self.decoder = settings.build(self.vocabulary)  # before training: it may fail
        self.decoder_kind = section["kind"]

    @classmethod
    def build_labels(cls, hparams: Mapping, splits: Mapping, folder: Path):
        """Transcripts, with the vocabulary of each language if it has own outputs."""
        # Runs of earlier versions do not say whether it has.
        per_language = hparams["head"].get("per_language", False)
        return Transcripts.of(
            splits, hparams["data"], folder, per_language=per_language
        )

    @classmethod
    def build_head(
        cls, hparams: Mapping, encoder: nn.Module, labels: Transcripts
    ) -> nn.Module:
        """One set of outputs for all languages, or one for each."""
        if labels.languages is None:
            return super().build_head(hparams, encoder, labels)
        ids = labels.languages.ids
        num_rows = sum(map(len, ids.values()))
        rows = hparams["head"]["module"](encoder.config.dim, num_rows)
        return LanguageCTCHead(rows, ids, num_tokens=labels.num_classes)

    def compute_forward(self, batch: Batch, stage: Stage) -> Predictions:
        """Log-probabilities of a batch."""
        del stage  # modules know whether they train
        encoded = self.modules.encoder.encode(batch.waveforms, batch.num_samples)
        named = {}
        if self.names_languages:
            named["languages"] = [one.language for one in batch.utterances]
        log_probs = self.modules.head(encoded.features, **named)
        return Predictions(log_probs, encoded.num_frames)

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

    def transcribe(
        self, loader: EvalLoader, decoder: Decoder
    ) -> tuple[list[Recognised], float]:
        """Transcripts of a set, all ranks together, in the order of their ids.

        Of a recording that cannot be read it is empty: all its words were deleted.

        Parameters
        ----------
        loader : EvalLoader
            Each rank has its part.
        decoder : Decoder

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
            found = decoder.decode(
                predictions.log_probs, num_frames=predictions.num_frames
            )
            texts = [hypotheses[0].text for hypotheses in found]
            transcripts += map(Recognised, batch.utterances, texts)
        gathered = distributed.gather_objects((transcripts, loss))
        everything = [t for part, _ in gathered for t in part]
        everything.sort(key=lambda t: t.utterance.id)
        return everything, sum(part for _, part in gathered)

    def validate(self, loader: EvalLoader) -> dict[str, float]:
        """Error rates, loss a sentence, and the share of clips decoded to nothing."""
        transcripts, loss = self.transcribe(loader, GreedyDecoder(self.vocabulary))
        errors = errors_of(transcripts, units=self.vocabulary.units)
        empty = sum(not t.hypothesis for t in transcripts)
        return {
            "valid_loss": loss / len(transcripts),
            **{counts.metric: counts.score().value for counts in errors},
            "empty_share": empty / len(transcripts),
        }

    def score(self, loader: EvalLoader) -> Evaluation:
        """Error rates of each language and of all, and every alignment."""
        transcripts, _ = self.transcribe(loader, self.decoder)
        evaluation = evaluation_of(transcripts, units=self.vocabulary.units)
        label = "" if self.decoder_kind == GREEDY else self.decoder_kind
        return replace(evaluation, label=label)

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
