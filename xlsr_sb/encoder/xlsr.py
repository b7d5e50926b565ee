"""The lobe: waveforms to XLS-R features, with no operation ever seeing padding."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from xlsr_sb.encoder import pretrained
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.encoder.encoded import Encoded, MaskedFrames
from xlsr_sb.encoder.freezing import Freezable, recording
from xlsr_sb.encoder.frontend import FeatureExtractor
from xlsr_sb.encoder.lora import insert_adapters
from xlsr_sb.encoder.masking import mask_channels, time_masks
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.encoder.positions import PositionalConv
from xlsr_sb.encoder.transformer import Transformer
from xlsr_sb.lengths import samples_from_fractions


class XLSR(Freezable):
    """XLS-R encoder (Babu et al. 2021, arXiv 2111.09296).

    Parameters
    ----------
    config : XLSRConfig
        Sizes and regularisation; random weights are drawn as fairseq draws them.

    Example
    -------
    >>> lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    >>> lobe(torch.randn(2, 16_000), torch.tensor([1.0, 0.5])).shape
    torch.Size([2, 49, 384])
    >>> encoded = lobe.encode(torch.randn(2, 16_000), torch.tensor([16_000, 8_000]))
    >>> encoded.num_frames.tolist()
    [49, 24]
    """

    def __init__(self, config: XLSRConfig):
        super().__init__(config)
        self.feature_extractor = FeatureExtractor(config)
        self.feature_norm = nn.LayerNorm(config.conv_dims[-1])
        self.feature_projection = nn.Linear(config.conv_dims[-1], config.dim)
        self.mask_embedding = nn.Parameter(torch.empty(config.dim).uniform_())
        self.positions = PositionalConv(config)
        self.transformer = Transformer(config)
        self.transformer.apply(_init_as_bert)
        if config.lora_rank:
            insert_adapters(self.transformer, config)
        self.freeze_parts(*config.frozen_parts)

    @classmethod
    def from_pretrained(cls, source: str, **overrides) -> "XLSR":
        """Encoder with the weights of a checkpoint, in whatever layout it is.

        Parameters
        ----------
        source : str
            A hub id such as ``facebook/wav2vec2-xls-r-300m``; a folder of transformers
            or of ours; a file of fairseq (``.pt``) or of torchaudio (``.pth``).
        **overrides
            Fields of ``XLSRConfig``; sizes only if the checkpoint does not tell them.

        Raises
        ------
        InputError
            If the source cannot be had, is damaged or not built like XLS-R.
        """
        config, weights = pretrained.read(str(source), overrides)
        encoder = cls(config)
        pretrained.load_weights(encoder, weights)
        return encoder

    @classmethod
    def build(
        cls, *, preset: str = "300m", source: str | None = None, **overrides
    ) -> "XLSR":
        """Encoder as recipes name it: pretrained if there is a source, else random.

        Parameters
        ----------
        preset : str
            Sizes of a random encoder (``XLSRConfig.preset``); a source brings its own.
        source : str, optional
            See ``from_pretrained``.
        **overrides
            Fields of ``XLSRConfig``.

        Example
        -------
        >>> XLSR.build(preset="tiny", num_layers=1).config.dim
        384
        """
        if source:
            return cls.from_pretrained(source, **overrides)
        return cls(XLSRConfig.preset(preset, **overrides))

    def save_pretrained(
        self,
        folder: str | Path,
        layout: str = "huggingface",
        heads: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write a folder that ``from_pretrained`` loads, and the layout's owner.

        Parameters
        ----------
        folder : str or Path
            Made if absent.
        layout : str
            ``huggingface``, ``fairseq``, ``torchaudio`` or ``xlsr_sb``.
        heads : mapping of str to Tensor, optional
            Tensors of heads to write beside it, as ``Checkpoint`` has them.
        """
        pretrained.write(self, Path(folder), layout, heads)

    def seed_layerdrop(self, seed: int) -> None:
        """Fix which layers are dropped next; give all ranks the same seed."""
        self.transformer.layerdrop_generator.manual_seed(seed)

    def forward(self, wavs: Tensor, wav_lens: Tensor | None = None) -> Tensor:
        """Features, called as SpeechBrain calls a lobe.

        Parameters
        ----------
        wavs : Tensor [B, T]
            Waveforms at 16 kHz.
        wav_lens : Tensor [B], optional
            Fractions of T that are real; all of T by default.

        Returns
        -------
        Tensor [B, F, D]
        """
        if wav_lens is None:
            wav_lens = torch.ones(len(wavs))
        num_samples = samples_from_fractions(wav_lens, wavs.shape[1])
        return self.encode(wavs, num_samples).features

    def encode(
        self,
        waveforms: Tensor,
        num_samples: Tensor,
        *,
        all_layers: bool = False,
        up_to_layer: int | None = None,
    ) -> Encoded:
        """Features and their exact number, from absolute lengths.

        Parameters
        ----------
        waveforms : Tensor [B, T]
            At 16 kHz; what stands after an utterance's samples is not read.
        num_samples : LongTensor [B]
            Samples of each; on the host, a GPU need not be waited for.
        all_layers : bool
            Whether ``layers`` is filled.
        up_to_layer : int, optional
            Run no layer above this one, and take its output for the features; 0 is the
            input of the first. Only the output of the last layer is normalised.

        Returns
        -------
        Encoded

        Raises
        ------
        InputError
            If an utterance is shorter than 400 samples, or there is no such layer.
        """
        top = self.config.top_layer(up_to_layer)
        wanted = range(top + 1) if all_layers else [top]
        packing = Packing.of(num_samples.tolist(), self.config, waveforms.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            features = self.extract(waveforms, packing)
            is_masked = self.training and self.config.mask_time_prob
            masks = time_masks(packing, self.config) if is_masked else None
            rows = self.embed(features, packing, masks)
            states = self.transformer(rows, packing, wanted=wanted)
        layers = tuple(map(packing.unpack, states))
        return Encoded(layers[-1], packing.counts, layers if all_layers else ())

    def encode_masked(
        self, waveforms: Tensor, num_samples: Tensor, masks: Tensor
    ) -> MaskedFrames:
        """What pretraining compares: features of masked frames, and their context.

        Parameters
        ----------
        waveforms : Tensor [B, T]
        num_samples : LongTensor [B]
        masks : BoolTensor [N]
            Frames to mask, of all utterances end to end (``masking.time_masks``).

        Returns
        -------
        MaskedFrames
        """
        packing = Packing.of(num_samples.tolist(), self.config, waveforms.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            features = self.extract(waveforms, packing)
            rows = self.embed(features, packing, masks)
            frames = masks.nonzero()[:, 0]
            top = [self.config.num_layers]
            (rows,) = self.transformer(rows, packing, wanted=top, frames=frames)
        owner = packing.utterance.index_select(0, frames)
        return MaskedFrames(features.index_select(0, frames), rows, owner)

    def extract(self, waveforms: Tensor, packing: Packing) -> Tensor:
        """Rows [N, C] of the convolutions for waveforms [B, T], normalised."""
        with recording(self.feature_extractor, waveforms):
            features = self.feature_extractor(waveforms, packing)
        return self.feature_norm(features)

    def embed(
        self, features: Tensor, packing: Packing, masks: Tensor | None = None
    ) -> Tensor:
        """Rows [N, D] that enter the first layer.

        Parameters
        ----------
        features : Tensor [N, C]
            See ``extract``.
        packing : Packing
        masks : BoolTensor [N], optional
            Frames that the mask embedding stands for.
        """
        rows = self.feature_projection(features)
        rows = dropout(rows, self.config.input_dropout, training=self.training)
        if masks is not None:
            rows = torch.where(masks[:, None], self.mask_embedding.to(rows.dtype), rows)
        if self.training and self.config.mask_channel_prob:
            rows = mask_channels(rows, packing, config=self.config)
        rows = self.positions(rows, packing)
        return dropout(rows, self.config.dropout, training=self.training)


def _init_as_bert(module: nn.Module) -> None:
    """Draw the weights of a linear layer as fairseq's ``init_bert_params`` does."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
