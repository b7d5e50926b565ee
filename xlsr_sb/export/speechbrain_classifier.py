"""What SpeechBrain's interfaces need of a classifier: its modules and its labels."""

from pathlib import Path

from safetensors.torch import load_file
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.checkpoints import mark_as_transfer, register_checkpoint_hooks
from torch import Tensor, nn

from xlsr_sb.checkpoints.huggingface import NAMES
from xlsr_sb.checkpoints.naming import restore
from xlsr_sb.checkpoints.peers import sort_out
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.pretrained import load_weights
from xlsr_sb.heads.embedder import EmbeddingHead
from xlsr_sb.lengths import samples_from_fractions


@register_checkpoint_hooks
class FolderEncoder(XLSR):
    """An encoder whose weights a ``Pretrainer`` takes from transformers' file."""

    @mark_as_transfer
    def load_safetensors(self, path: str | Path) -> None:
        """Take the weights of a file.

        Parameters
        ----------
        path : str or Path
            ``model.safetensors`` of a model with or without head, under any name.
        """
        parts = sort_out(load_file(path), NAMES)
        load_weights(self, restore(parts.encoder, NAMES.encoder))


class Unchanged(nn.Module):
    """Where SpeechBrain computes features or normalises, and XLS-R needs nothing.

    Example
    -------
    >>> import torch
    >>> Unchanged()(torch.ones(2), torch.ones(1))
    tensor([1., 1.])
    """

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The inputs, whatever their lengths."""
        del lengths
        return inputs


class EmbeddingModel(nn.Module):
    """Waveforms to embeddings, called as SpeechBrain calls an embedding model.

    Parameters
    ----------
    encoder : XLSR
    head : EmbeddingHead

    Example
    -------
    >>> import torch
    >>> from xlsr_sb import XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1)).eval()
    >>> model = EmbeddingModel(encoder, build_head(384, 1, 2, embedding_dim=8))
    >>> model(torch.randn(2, 16_000), torch.tensor([1.0, 0.5])).shape
    torch.Size([2, 1, 8])
    """

    def __init__(self, encoder: XLSR, head: EmbeddingHead):
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, wavs: Tensor, wav_lens: Tensor) -> Tensor:
        """Embeddings [B, 1, E] of waveforms [B, T]; frames are counted exactly."""
        encoded = self.encoder.encode(
            wavs,
            samples_from_fractions(wav_lens, wavs.shape[1]),
            all_layers=self.head.needs_layers,
        )
        return self.head.embed(
            encoded.features, num_frames=encoded.num_frames, layers=encoded.layers
        )[:, None]


class LogPosteriors(nn.Module):
    """Embeddings to log-probabilities of the classes.

    Parameters
    ----------
    head : EmbeddingHead

    Example
    -------
    >>> import torch
    >>> from xlsr_sb.heads.embedder import build_head
    >>> classes = LogPosteriors(build_head(384, 1, 2, embedding_dim=8))
    >>> classes(torch.randn(3, 1, 8)).exp().sum(dim=-1).round(decimals=3).tolist()
    [[1.0], [1.0], [1.0]]
    """

    def __init__(self, head: EmbeddingHead):
        super().__init__()
        self.head = head

    def forward(self, embeddings: Tensor) -> Tensor:
        """Log-probabilities [B, 1, C] for embeddings [B, 1, E]."""
        return self.head.logits(embeddings).log_softmax(dim=-1)


class ClassLabels(CategoricalEncoder):
    """SpeechBrain's labels of classes, of which there must be so many once loaded.

    Parameters
    ----------
    num_classes : int

    Example
    -------
    >>> import torch
    >>> labels = ClassLabels(2)
    >>> labels.update_from_iterable(["en", "fr"])
    >>> labels.decode_torch(torch.tensor([1]))
    ['fr']
    """

    def __init__(self, num_classes: int):
        super().__init__()
        self.expect_len(num_classes)
