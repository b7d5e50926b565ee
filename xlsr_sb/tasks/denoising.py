"""Denoising pretraining of mBART: a text is restored from what noise has left of it."""

from collections.abc import Iterable
from pathlib import Path

import torch
from speechbrain import Stage
from torch import Tensor

from xlsr_sb.data.texts import TextBatch
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import Memory
from xlsr_sb.losses import TranslationLoss
from xlsr_sb.metrics import Score
from xlsr_sb.tasks.texts import Texts
from xlsr_sb.training import distributed
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.evaluation import Evaluation, GroupScore
from xlsr_sb.training.randomness import shared_seed
from xlsr_sb.translation.text_model import write_text_model

PRETRAINED = "pretrained"  # folder of a run


class Denoising(UpdateBrain):
    """``modules``: a ``TextEncoder``, and a ``TranslationHead`` without adaptor.

    The embeddings are the head's. The loss is divided by the tokens of the whole
    update, the codes of the languages and the ends among them.

    Parameters
    ----------
    labels : Texts
        Holds the tokeniser: what the head's outputs mean.
    **others
        See ``UpdateBrain``.

    Raises
    ------
    InputError
        If encoder and head do not go together.
    """

    labels_of = Texts.of
    best_metric = "valid_nll"  # nats a token, without smoothing

    def __init__(self, *, labels: Texts, **others):
        super().__init__(**others)
        self.tokeniser = labels.tokeniser
        encoder, head = self.modules.encoder.config, self.modules.head.config
        if encoder.dim != head.dim or head.adaptor_layers:
            raise InputError(
                f"denoising: the text encoder is {encoder.dim} wide, the decoder "
                f"{head.dim}, with {head.adaptor_layers} layers of an adaptor between "
                "them; both must be of one width (preset), and head.adaptor_layers 0"
            )

    def fit_batch(self, batch: list[TextBatch]) -> None:
        """Make one update; all ranks skip the same layers of the head."""
        seed = shared_seed(self.hparams.seed, self.progress.update)
        self.modules.head.seed_layerdrop(seed + 1)  # others than the encoder
        super().fit_batch(batch)

    def count(self, batch: TextBatch) -> int:
        """Tokens to be foretold."""
        return int(batch.num_targets.sum())

    def compute_forward(self, batch: TextBatch, stage: Stage) -> TranslationLoss:
        """Loss of the texts, given their noisy forms and the tokens before each."""
        del stage  # modules know whether they train
        head = self.modules.head
        features = self.modules.encoder(
            batch.sources, batch.num_sources, head.decoder.embeddings
        )
        return head.decoder.loss(
            Memory(features, batch.num_sources),
            batch.targets,
            batch.num_targets,
            smoothing=self.optim["label_smoothing"],
        )

    def compute_objectives(
        self, predictions: TranslationLoss, batch: TextBatch, stage: Stage
    ) -> Tensor:
        """Smoothed loss, summed over the tokens."""
        del batch, stage
        return predictions.total

    def observe(
        self, predictions: TranslationLoss, batch: TextBatch
    ) -> dict[str, Tensor]:
        """Tokens, their loss without smoothing, and how many are right."""
        return {
            "tokens": batch.num_targets.sum(),
            "nll": predictions.nll.detach(),
            "correct": predictions.num_correct,
        }

    def sums_of(self, loader: Iterable[TextBatch]) -> dict[str, float]:
        """Sums of a set, over all ranks."""
        totals = dict.fromkeys(("tokens", "nll", "correct"), 0.0)
        for batch in loader:
            on_device = batch.to(self.device)
            with self.evaluation_ctx:
                found = self.compute_forward(on_device, Stage.VALID)
            for name, value in self.observe(found, on_device).items():
                totals[name] += float(value)
        values = distributed.gather_objects(totals)
        return {name: sum(part[name] for part in values) for name in totals}

    def validate(self, loader: Iterable[TextBatch]) -> dict[str, float]:
        """Loss a token, and the share of tokens that are told right."""
        sums = self.sums_of(loader)
        return {
            "valid_nll": sums["nll"] / sums["tokens"],
            "valid_token_accuracy": sums["correct"] / sums["tokens"],
        }

    def score(self, loader: Iterable[TextBatch]) -> Evaluation:
        """Share of tokens that are told wrong, given those before them."""
        sums, clips = self.sums_of(loader), len(loader.dataset)
        tokens, correct = int(sums["tokens"]), int(sums["correct"])
        score = Score("token error", tokens - correct, tokens)
        report = f"nats a token {sums['nll'] / tokens:.4f}\n{tokens} tokens\n"
        return Evaluation([GroupScore("all", score, clips)], report, baseline=None)

    def summarise(self, row: dict) -> dict:
        """Turn sums into shares of tokens."""
        row = dict(row)
        tokens = max(1.0, row.pop("train_tokens", 0.0))
        row["train_nll"] = row.pop("train_nll", 0.0) / tokens
        row["token_accuracy"] = row.pop("train_correct", 0.0) / tokens
        return row

    def finish(self, folder: Path) -> None:
        """Write encoder, decoder and tokeniser in one folder, as transformers would."""
        target = folder / PRETRAINED
        with torch.no_grad():
            write_text_model(self.modules.encoder, self.modules.head.decoder, target)
        self.tokeniser.save(target)
        print(f"pretrained text model and tokeniser: {target.resolve()}")
