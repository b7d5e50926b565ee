"""The same encoder in each library, with a batch in the form that it wants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.checkpoints import torchaudio as torchaudio_names
from xlsr_sb.checkpoints.naming import rename
from xlsr_sb.encoder import XLSR, XLSRConfig
from xlsr_sb.lengths import SAMPLE_RATE, mask_of, num_frames

NO_REGULARISATION = {
    "layerdrop": 0.0,
    "mask_time_prob": 0.0,
    "mask_channel_prob": 0.0,
}


class NotInstalledError(Exception):
    """Raised when a peer's library is not there."""


@dataclass(frozen=True)
class Utterances:
    """A ragged batch of noise, the same in every process.

    Parameters
    ----------
    waveforms : Tensor [B, T]
    num_samples : LongTensor [B]
        On the host.

    Example
    -------
    >>> batch = Utterances.random([800, 400], torch.device("cpu"))
    >>> batch.waveforms.shape, batch.num_frames.tolist()
    (torch.Size([2, 800]), [2, 1])
    """

    waveforms: Tensor
    num_samples: Tensor

    @classmethod
    def random(cls, num_samples: list[int], device: torch.device) -> "Utterances":
        """Noise with an offset, so that forgotten normalisation is seen."""
        generator = torch.Generator().manual_seed(0)
        counts = torch.tensor(num_samples)
        waveforms = torch.randn(len(counts), max(num_samples), generator=generator)
        waveforms = (0.1 * waveforms + 0.01) * mask_of(counts, max(num_samples))
        return cls(waveforms.to(device), counts)

    @property
    def num_frames(self) -> Tensor:
        """LongTensor [B]: frames of each."""
        return num_frames(self.num_samples)

    @property
    def num_seconds(self) -> float:
        """Speech in the batch."""
        return self.num_samples.sum().item() / SAMPLE_RATE

    def normalised(self) -> Tensor:
        """Waveforms [B, T], each normalised over its own samples, zeros behind."""
        batch = torch.zeros_like(self.waveforms)
        counts = self.num_samples.tolist()
        for row, waveform, n in zip(batch, self.waveforms, counts, strict=True):
            row[:n] = F.layer_norm(waveform[:n], (n,))
        return batch


@dataclass(frozen=True)
class Side:
    """An encoder of one library, ready to be called.

    Parameters
    ----------
    module : Module
    forward : callable
        Features [B, F, D] of the batch; what stands after an utterance's frames is
        not read.
    """

    module: nn.Module
    forward: Callable[[], Tensor] = field(repr=False)


def ours(folder: Path, batch: Utterances, *, activation_dropout: float) -> Side:
    """Our lobe on the raw, ragged batch; it normalises by itself.

    Parameters
    ----------
    folder : Path
        Weights in transformers' layout.
    batch : Utterances
        Its device is that of the side.
    activation_dropout : float

    Returns
    -------
    Side

    Example
    -------
    >>> lobe = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> folder = getfixture("tmp_path")
    >>> lobe.save_pretrained(folder)
    >>> batch = Utterances.random([800, 400], torch.device("cpu"))
    >>> ours(folder, batch, activation_dropout=0.0).forward().shape
    torch.Size([2, 2, 384])
    """
    lobe = XLSR.from_pretrained(
        str(folder), activation_dropout=activation_dropout, **NO_REGULARISATION
    ).to(batch.waveforms.device)

    def forward() -> Tensor:
        return lobe.encode(batch.waveforms, batch.num_samples).features

    return Side(lobe, forward)


def transformers(folder: Path, batch: Utterances, *, activation_dropout: float) -> Side:
    """``Wav2Vec2Model`` with scaled_dot_product_attention, padded and masked.

    Arguments as for ``ours``; raises ``NotInstalledError`` where there is no such
    library.
    """
    try:
        from transformers import Wav2Vec2Model
    except ImportError as error:
        raise NotInstalledError(f"transformers is not installed ({error})") from error

    model = Wav2Vec2Model.from_pretrained(
        folder,
        attn_implementation="sdpa",
        apply_spec_augment=False,
        layerdrop=0.0,
        attention_dropout=0.0,
        hidden_dropout=0.0,
        feat_proj_dropout=0.0,
        activation_dropout=activation_dropout,
    ).to(batch.waveforms.device)
    model.feature_extractor._freeze_parameters()
    waveforms = batch.normalised()
    mask = mask_of(batch.num_samples, waveforms.shape[1]).long().to(waveforms.device)

    def forward() -> Tensor:
        return model(waveforms, attention_mask=mask).last_hidden_state

    return Side(model, forward)


def torchaudio(folder: Path, batch: Utterances, *, activation_dropout: float) -> Side:
    """``torchaudio.models.wav2vec2_model``, padded, with lengths.

    Arguments as for ``ours``; raises ``NotInstalledError`` where there is no such
    library.
    """
    try:
        from torchaudio.models import wav2vec2_model
    except (ImportError, OSError) as error:  # OSError: built for another torch
        raise NotInstalledError(f"torchaudio does not load ({error})") from error

    lobe = XLSR.from_pretrained(str(folder))
    model = wav2vec2_model(**_torchaudio_sizes(lobe.config, activation_dropout))
    weights = lobe.state_dict()
    del weights["mask_embedding"]  # torchaudio's model has no masks
    model.load_state_dict(rename(weights, torchaudio_names.PAIRS))
    model.to(batch.waveforms.device)
    model.feature_extractor.requires_grad_(False)
    waveforms = batch.normalised()
    num_samples = batch.num_samples.to(waveforms.device)

    def forward() -> Tensor:
        return model(waveforms, num_samples)[0]

    return Side(model, forward)


def _torchaudio_sizes(config: XLSRConfig, activation_dropout: float) -> dict:
    """Arguments of ``wav2vec2_model``."""
    convolutions = zip(
        config.conv_dims, config.conv_kernels, config.conv_strides, strict=True
    )
    return {
        "extractor_mode": "layer_norm",
        "extractor_conv_layer_config": list(convolutions),
        "extractor_conv_bias": True,
        "encoder_embed_dim": config.dim,
        "encoder_projection_dropout": 0.0,
        "encoder_pos_conv_kernel": config.pos_conv_kernel,
        "encoder_pos_conv_groups": config.pos_conv_groups,
        "encoder_num_layers": config.num_layers,
        "encoder_num_heads": config.num_heads,
        "encoder_attention_dropout": 0.0,
        "encoder_ff_interm_features": config.ffn_dim,
        "encoder_ff_interm_dropout": activation_dropout,
        "encoder_dropout": 0.0,
        "encoder_layer_norm_first": True,
        "encoder_layer_drop": 0.0,
        "aux_num_out": None,
    }


SIDES = {"ours": ours, "transformers": transformers, "torchaudio": torchaudio}
