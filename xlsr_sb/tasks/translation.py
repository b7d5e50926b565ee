"""Speech translation: subwords of another language, by a decoder that listens."""

from collections.abc import Mapping
from dataclasses import dataclass

from speechbrain import Stage
from torch import Tensor

from xlsr_sb.data.batching import Batch, EvalLoader
from xlsr_sb.data.targets import translation_of
from xlsr_sb.decoders.autoregressive.beam import beam_search
from xlsr_sb.heads.translator import Memory
from xlsr_sb.losses import TranslationLoss
from xlsr_sb.tasks.translating import Translated, evaluation_of, mean_bleu
from xlsr_sb.tasks.translations import Translations
from xlsr_sb.training import distributed
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.evaluation import Evaluation
from xlsr_sb.training.randomness import shared_seed
from xlsr_sb.translation.stored import StoredTranslator


@dataclass(frozen=True)
class Predictions:
    """What the decoder reads of each utterance, and how well it foretells the text.

    Parameters
    ----------
    memory : Memory
    loss : TranslationLoss
    """

    memory: Memory
    loss: TranslationLoss


class Translation(UpdateBrain):
    """Label-smoothed cross-entropy; ``modules``: an XLSR, a ``TranslationHead``.

    The loss is divided by the tokens of the whole update, the codes of the languages
    and the ends among them: fairseq's ``sample_size`` without ``--sentence-avg``.

    Parameters
    ----------
    labels : Translations
        Holds the tokeniser: what the head's outputs mean.
    **others
        See ``UpdateBrain``.
    """

    labels_of = Translations.of
    sections = ("optim", "decoder", "averages")
    best_metric = "valid_nll"  # nats a token, without smoothing

    def __init__(self, *, labels: Translations, **others):
        super().__init__(**others)
        self.tokeniser, self.codes = labels.tokeniser, labels.encode.codes
        stored = StoredTranslator(
            self.codes, self.hparams.decoder, self.modules.head.config
        )
        distributed.on_main(lambda: stored.save(self.hparams.output_folder))

    def fit_batch(self, batch: list[Batch]) -> None:
        """Make one update; all ranks skip the same layers of the head."""
        seed = shared_seed(self.hparams.seed, self.progress.update)
        self.modules.head.seed_layerdrop(seed + 1)  # others than the encoder
        super().fit_batch(batch)

    def count(self, batch: Batch) -> int:
        """Tokens to be foretold."""
        return int(batch.num_targets.sum())

    def compute_forward(self, batch: Batch, stage: Stage) -> Predictions:
        """Memory of the speech, and the loss of the text that is given."""
        del stage  # modules know whether they train
        head = self.modules.head
        encoded = self.modules.encoder.encode(batch.waveforms, batch.num_samples)
        memory = head.adapt(encoded.features, encoded.num_frames)
        smoothing = self.optim["label_smoothing"]
        loss = head.decoder.loss(
            memory, batch.targets, batch.num_targets, smoothing=smoothing
        )
        return Predictions(memory, loss)

    def compute_objectives(
        self, predictions: Predictions, batch: Batch, stage: Stage
    ) -> Tensor:
        """Smoothed loss, summed over the tokens."""
        del batch, stage
        return predictions.loss.total

    def observe(self, predictions: Predictions, batch: Batch) -> dict[str, Tensor]:
        """Tokens, their loss without smoothing, and how many are right."""
        return {
            "tokens": batch.num_targets.sum(),
            "nll": predictions.loss.nll.detach(),
            "correct": predictions.loss.num_correct,
        }

    def translate(
        self, loader: EvalLoader, search: Mapping
    ) -> tuple[list[Translated], float]:
        """Translations of a set, all ranks together, in the order of their ids.

        Of a recording that cannot be read the translation is empty.

        Parameters
        ----------
        loader : EvalLoader
            Each rank has its part.
        search : mapping
            Options of ``beam_search``.

        Returns
        -------
        translated : list of Translated
        nll : float
            Nats a token of the references, without smoothing.
        """
        found = [Translated(one, "") for one in loader.unreadable]
        nll = tokens = 0.0
        for batch in loader:
            on_device = batch.to(self.device)
            with self.evaluation_ctx:
                predictions = self.compute_forward(on_device, Stage.VALID)
                texts = self._texts(batch, predictions.memory, search)
            nll += float(predictions.loss.nll)
            tokens += self.count(batch)
            found += map(Translated, batch.utterances, texts)
        gathered = distributed.gather_objects((found, nll, tokens))
        everything = [one for part, _, _ in gathered for one in part]
        everything.sort(key=lambda one: one.example.id)
        total = sum(part for _, _, part in gathered)
        return everything, sum(part for _, part, _ in gathered) / max(1.0, total)

    def _texts(self, batch: Batch, memory: Memory, search: Mapping) -> list[str]:
        """Best text of each example, in the language of its translation."""
        config = self.modules.head.config
        wanted = [translation_of(one)[0] for one in batch.utterances]
        hypotheses = beam_search(
            self.modules.head,
            *memory,
            prefix=[[self.codes[language]] for language in wanted],
            start=config.start,
            eos=config.eos,
            **search,
        )
        return [self.tokeniser.decode(best.tokens) for best, *_ in hypotheses]

    def validate(self, loader: EvalLoader) -> dict[str, float]:
        """Loss a token; greedily, mean BLEU of the pairs and share of empty texts."""
        search = dict(self.hparams.decoder) | {"beam_size": 1}
        found, nll = self.translate(loader, search)
        return {
            "valid_nll": nll,
            "BLEU": mean_bleu(found),
            "empty_share": sum(not one.hypothesis for one in found) / len(found),
        }

    def score(self, loader: EvalLoader) -> Evaluation:
        """BLEU and chrF of each pair and their averages, and every text."""
        found, _ = self.translate(loader, self.hparams.decoder)
        return evaluation_of(found, averages=self.hparams.averages)

    def summarise(self, row: dict) -> dict:
        """Turn sums into shares of tokens."""
        row = dict(row)
        tokens = max(1.0, row.pop("train_tokens", 0.0))
        row["train_nll"] = row.pop("train_nll", 0.0) / tokens
        row["token_accuracy"] = row.pop("train_correct", 0.0) / tokens
        return row
