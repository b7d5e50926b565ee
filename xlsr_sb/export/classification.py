"""Classifiers of utterances from checkpoints of any layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from xlsr_sb.checkpoints import CLASSIFIER, Checkpoint, read_checkpoint
from xlsr_sb.encoder import XLSR
from xlsr_sb.export.peers import encoder_of
from xlsr_sb.heads.classifier import ClassificationHead


@dataclass(frozen=True)
class UtteranceClassifier:
    """An encoder and head that tell to which class an utterance belongs.

    Parameters
    ----------
    encoder : XLSR
    head : ClassificationHead
    labels : tuple of str
        Of the classes in the order of the logits.

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> classifier = UtteranceClassifier(
    ...     encoder, ClassificationHead(384, 8, 2), ("en", "fr"))
    >>> classifier.logits([torch.randn(16_000), torch.randn(700)]).shape
    torch.Size([2, 2])
    """

    encoder: XLSR
    head: ClassificationHead
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Leave training mode: nothing is dropped or masked."""
        self.encoder.eval()
        self.head.eval()

    def to(self, device: str | torch.device) -> "UtteranceClassifier":
        """Move to a device."""
        self.encoder.to(device)
        self.head.to(device)
        return self

    @torch.no_grad()
    def logits(self, waveforms: Sequence[Tensor]) -> Tensor:
        """Logits [B, C] of waveforms at 16 kHz; the same alone and in any batch."""
        num_samples = torch.tensor([len(waveform) for waveform in waveforms])
        batch = pad_sequence(list(waveforms), batch_first=True)
        encoded = self.encoder.encode(
            batch.to(self.encoder.mask_embedding.device),
            num_samples,
            all_layers=self.head.needs_layers,
        )
        return self.head(
            encoded.features, num_frames=encoded.num_frames, layers=encoded.layers
        )

    def classify(self, waveforms: Sequence[Tensor]) -> list[str]:
        """Label of the likeliest class of each waveform."""
        if not waveforms:
            return []
        best = self.logits(waveforms).argmax(dim=-1)
        return [self.labels[index] for index in best.tolist()]


def load_classifier(source: str | Path) -> UtteranceClassifier:
    """Classifier of a checkpoint, on the CPU.

    Parameters
    ----------
    source : str or Path
        Of transformers' ``Wav2Vec2ForSequenceClassification`` (folder or hub id),
        fairseq's ``wav2vec_classification`` (file), or our own folder.

    Raises
    ------
    InputError
        If it has no classification head, or cannot be used.

    Example
    -------
    >>> load_classifier("nowhere.pt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere.pt' does not exist
    """
    return classifier_of(read_checkpoint(source))


def classifier_of(checkpoint: Checkpoint) -> UtteranceClassifier:
    """Classifier of a checkpoint with a classification head.

    Parameters
    ----------
    checkpoint : Checkpoint

    Raises
    ------
    InputError
        If it has none.

    Example
    -------
    >>> classifier_of(Checkpoint("a.pt", "fairseq", {"dim": 4}, {}))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pt has no classification head
    """
    weights = checkpoint.head(CLASSIFIER)
    layers = weights.get("layer_weights")
    head = ClassificationHead(
        checkpoint.sizes["dim"],
        len(weights["projection.bias"]),
        len(weights["classifier.bias"]),
        activation=checkpoint.activation,
        num_layers=None if layers is None else len(layers),
    )
    head.load_state_dict(weights)
    return UtteranceClassifier(encoder_of(checkpoint), head, checkpoint.class_labels)
