"""Speech translation as one model: XLS-R, length adaptor, text decoder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from xlsr_sb.checkpoints.checkpoint import Checkpoint
from xlsr_sb.checkpoints.huggingface import LAYOUT
from xlsr_sb.checkpoints.huggingface.translation import (
    TranslationCheckpoint,
    read_translator,
    write_translator,
)
from xlsr_sb.checkpoints.sizes import SIZES
from xlsr_sb.decoders.autoregressive.beam import beam_search
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.lora import merged_state
from xlsr_sb.encoder.pretrained import configured, load_weights
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import Memory, TranslationHead, TranslatorConfig
from xlsr_sb.lengths import samples_from_fractions

# What may be asked for beside a checkpoint; the rest is fixed by its weights.
FREE = ("dropout", "attention_dropout", "activation_dropout", "layerdrop")
FREE += ("adaptor_layerdrop", "activation_checkpointing", "language_token", "force_eos")


class SpeechTranslator(nn.Module):
    """An encoder and a translation head.

    Parameters
    ----------
    encoder : XLSR
    head : TranslationHead
        Made for the encoder's width.

    Example
    -------
    >>> import torch
    >>> from xlsr_sb import XLSRConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> config = TranslatorConfig.preset("small", num_layers=1, vocab_size=90)
    >>> translator = SpeechTranslator(encoder, TranslationHead(384, config)).eval()
    >>> waveforms, num_samples = torch.randn(2, 16_000), torch.tensor([16_000, 9_000])
    >>> memory, num_memory = translator.encode(waveforms, num_samples)
    >>> memory.shape, num_memory.tolist()
    (torch.Size([2, 7, 256]), [7, 4])
    >>> found = translator.generate(
    ...     waveforms, torch.tensor([1.0, 0.5625]), max_tokens=6, prefix_tokens=[80]
    ... )
    >>> [tokens[0] for tokens in found]
    [80, 80]
    """

    def __init__(self, encoder: XLSR, head: TranslationHead):
        super().__init__()
        self.encoder, self.head = encoder, head

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        encoder: Mapping[str, object] | None = None,
        head: Mapping[str, object] | None = None,
    ) -> "SpeechTranslator":
        """Model with the weights of a checkpoint.

        Parameters
        ----------
        source : str or Path
            A folder of transformers' ``SpeechEncoderDecoderModel``, which is what
            ``save_pretrained`` writes as well; or a hub id such as
            ``facebook/wav2vec2-xls-r-300m-21-to-en``.
        encoder : mapping, optional
            Fields of ``XLSRConfig`` that are no sizes.
        head : mapping, optional
            Dropouts, layerdrops, ``activation_checkpointing``, ``language_token`` and
            ``force_eos`` of ``TranslatorConfig``; the checkpoint's where not given.

        Raises
        ------
        InputError
            If the source cannot be had, is damaged or not built like XLS-R with mBART.
        """
        checkpoint = read_translator(source)
        name, encoder, head = checkpoint.encoder.source, encoder or {}, head or {}
        if fixed := sorted({*set(encoder) & set(SIZES), *set(head) - set(FREE)}):
            raise InputError(
                f"{name}: {fixed} cannot be given beside pretrained weights, or are "
                f"unknown; of the head, {sorted(FREE)} can"
            )
        config, weights = configured(checkpoint.encoder, encoder)
        try:
            settings = TranslatorConfig(**{**checkpoint.settings, **head})
            translator = cls(XLSR(config), TranslationHead(config.dim, settings))
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        load_weights(translator.encoder, weights)
        translator.head.load_state_dict(checkpoint.head)
        return translator

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a folder that transformers and ``from_pretrained`` load.

        Parameters
        ----------
        folder : str or Path
            Made if absent. Adapters of the encoder are merged into its weights.
        """
        said = asdict(self.encoder.config) | {"lora_rank": 0}
        encoder = Checkpoint(
            source="this encoder",
            layout=LAYOUT,
            sizes={name: said[name] for name in SIZES},
            encoder=merged_state(self.encoder),
            options={name: said[name] for name in said if name not in SIZES},
        )
        config = self.head.config
        settings = asdict(config) | {"adaptor_dim": config.memory_dim}
        checkpoint = TranslationCheckpoint(encoder, self.head.state_dict(), settings)
        write_translator(checkpoint, Path(folder))

    def encode(self, waveforms: Tensor, num_samples: Tensor) -> Memory:
        """What the decoder reads of waveforms.

        Parameters
        ----------
        waveforms : Tensor [B, T]
            At 16 kHz; what stands after an utterance's samples is not read.
        num_samples : LongTensor [B]

        Returns
        -------
        Memory
            ``memory`` [B, M, D] and ``num_memory`` [B].
        """
        encoded = self.encoder.encode(waveforms, num_samples)
        return self.head.adapt(encoded.features, encoded.num_frames)

    def forward(
        self, waveforms: Tensor, num_samples: Tensor, tokens: Tensor, num_tokens: Tensor
    ) -> Tensor:
        """Logits of texts that are given (teacher forcing).

        Parameters
        ----------
        waveforms : Tensor [B, T]
        num_samples : LongTensor [B]
        tokens : LongTensor [B, U]
            From the start token on, without the last one.
        num_tokens : LongTensor [B]

        Returns
        -------
        Tensor [B, U, V], float32
            Of the token behind each; zeros behind each text.
        """
        encoded = self.encoder.encode(waveforms, num_samples)
        hidden = self.head(encoded.features, encoded.num_frames, tokens, num_tokens)
        return self.head.logits(hidden)

    def generate(
        self,
        wavs: Tensor,
        wav_lens: Tensor | None = None,
        *,
        beam_size: int = 5,
        max_tokens: int = 200,
        prefix_tokens: Sequence | None = None,
        **options,
    ) -> list[list[int]]:
        """Translations, as transformers' ``generate`` finds them on the same weights.

        Parameters
        ----------
        wavs : Tensor [B, T]
            Waveforms at 16 kHz.
        wav_lens : Tensor [B], optional
            Fractions of T that are real; all of T by default.
        beam_size : int
        max_tokens : int
            Most tokens behind the start, those of the prefix and the end among them
            (``max_new_tokens`` of transformers).
        prefix_tokens : sequence of int, or of sequences of int
            What each translation begins with, mostly the code of its language; one for
            all or one for each. The checkpoint's own ``language_token`` by default.
        **options
            ``length_penalty``, ``early_stopping``, ``no_repeat_ngram`` and what else
            ``beam_search`` takes; ``force_eos`` is the checkpoint's by default.

        Returns
        -------
        list of list of int
            Tokens with the prefix, without start, end and padding.

        Raises
        ------
        InputError
            If the model is in training mode, or an option cannot be used.
        """
        if self.training:
            raise InputError(
                "translation: generate() works in evaluation mode; call .eval() first"
            )
        fractions = wavs.new_ones(len(wavs)) if wav_lens is None else wav_lens
        config = self.head.config
        own = [] if config.language_token is None else [config.language_token]
        with torch.no_grad():
            memory, num_memory = self.encode(
                wavs, samples_from_fractions(fractions, wavs.shape[1])
            )
            found = beam_search(
                self.head,
                memory,
                num_memory,
                beam_size=beam_size,
                max_tokens=max_tokens,
                prefix=own if prefix_tokens is None else prefix_tokens,
                start=config.start,
                eos=config.eos,
                **{"force_eos": config.force_eos, **options},
            )
        return [list(hypotheses[0].tokens) for hypotheses in found]
