"""Translation in each library: encoder, length adaptor, text decoder, smoothed loss."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from xlsr_sb.bench.sides import NO_REGULARISATION, NotInstalledError, Utterances
from xlsr_sb.data.targets import decoder_inputs
from xlsr_sb.encoder import XLSR
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.lengths import SAMPLE_RATE, mask_of
from xlsr_sb.translation import SpeechTranslator

PRESETS = {"tiny": "small"}  # of the head; others have XLS-R's
SUBWORDS_PER_SECOND = 4  # with the code of the language and the end
SMOOTHING = 0.1
IGNORED = -100  # target that transformers leaves out
DROPOUTS = ("dropout", "attention_dropout", "activation_dropout", "layerdrop")
THEIR_DROPOUTS = (*DROPOUTS, "hidden_dropout", "feat_proj_dropout", "final_dropout")
THEIR_DROPOUTS += ("decoder_layerdrop",)


@dataclass(frozen=True)
class TranslationSide:
    """Encoder and decoder of one library.

    Parameters
    ----------
    module : Module
    loss : callable
        A step's, in nats a token.
    """

    module: nn.Module
    loss: Callable[[], Tensor] = field(repr=False)


def new_translator(encoder: XLSR, size: str) -> SpeechTranslator:
    """An encoder with a random head as large as published for its size.

    Parameters
    ----------
    encoder : XLSR
    size : str

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> new_translator(encoder, "tiny").head.config.dim
    256
    """
    config = TranslatorConfig.preset(PRESETS.get(size, "mbart"))
    return SpeechTranslator(encoder, TranslationHead(encoder.config.dim, config))


def ours(folder: Path, batch: Utterances) -> TranslationSide:
    """Our translator on the raw, ragged batch; what the recipe computes.

    Parameters
    ----------
    folder : Path
        Weights in transformers' layout.
    batch : Utterances
        Its device is that of the side.

    Returns
    -------
    TranslationSide

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> folder = getfixture("tmp_path")
    >>> new_translator(encoder, "tiny").save_pretrained(folder)
    >>> batch = Utterances.random([16_000, 9_000], torch.device("cpu"))
    >>> ours(folder, batch).loss().shape
    torch.Size([])
    """
    model = SpeechTranslator.from_pretrained(
        folder,
        encoder={**NO_REGULARISATION, "activation_dropout": 0.0},
        head=dict.fromkeys((*DROPOUTS, "adaptor_layerdrop"), 0.0),
    ).to(batch.waveforms.device)
    encoder, head = model.encoder, model.head
    targets, counts = random_texts(batch, head.config)
    num_words = head.config.vocab_size
    # Theirs is spread over all words, the right one among them.
    smoothing = SMOOTHING * (num_words - 1) / num_words

    def loss() -> Tensor:
        encoded = encoder.encode(batch.waveforms, batch.num_samples)
        memory = head.adapt(encoded.features, encoded.num_frames)
        found = head.decoder.loss(memory, targets, counts, smoothing=smoothing)
        return found.total / counts.sum()

    return TranslationSide(model, loss)


def transformers(folder: Path, batch: Utterances) -> TranslationSide:
    """``SpeechEncoderDecoderModel``, padded, with the loss of its ``Trainer``.

    Arguments as for ``ours``; raises ``NotInstalledError`` where there is no such
    library.
    """
    try:
        from transformers import SpeechEncoderDecoderConfig, SpeechEncoderDecoderModel
        from transformers.trainer_pt_utils import LabelSmoother
    except ImportError as error:
        raise NotInstalledError(f"transformers is not installed ({error})") from error

    config = SpeechEncoderDecoderConfig.from_pretrained(folder)
    for part in (config.encoder, config.decoder):
        for name in THEIR_DROPOUTS:
            if hasattr(part, name):
                setattr(part, name, 0.0)
    config.encoder.apply_spec_augment = False
    model = SpeechEncoderDecoderModel.from_pretrained(
        folder, config=config, attn_implementation="sdpa"
    ).to(batch.waveforms.device)
    model.freeze_feature_encoder()
    waveforms = batch.normalised()
    mask = mask_of(batch.num_samples, waveforms.shape[1]).long().to(waveforms.device)
    head = TranslatorConfig(vocab_size=config.decoder.vocab_size)
    targets, counts = random_texts(batch, head)
    tokens = decoder_inputs(targets, start=head.start)
    is_token = mask_of(counts, targets.shape[1]).to(targets.device)
    labels = targets.where(is_token, IGNORED)
    smoothed = LabelSmoother(epsilon=SMOOTHING, ignore_index=IGNORED)

    def loss() -> Tensor:
        output = model(
            waveforms, attention_mask=mask, decoder_input_ids=tokens, use_cache=False
        )
        return smoothed(output, labels)

    return TranslationSide(model, loss)


def random_texts(batch: Utterances, config: TranslatorConfig) -> tuple[Tensor, Tensor]:
    """Random targets [B, U] as long as their speech; their numbers [B] on the host.

    Parameters
    ----------
    batch : Utterances
    config : TranslatorConfig

    Example
    -------
    >>> batch = Utterances.random([16_000, 32_000], torch.device("cpu"))
    >>> targets, counts = random_texts(batch, TranslatorConfig.preset("small"))
    >>> counts.tolist(), targets[0].tolist()[3:], targets[1, -1].item()
    ([4, 8], [2, 1, 1, 1, 1], 2)
    """
    counts = (batch.num_samples * SUBWORDS_PER_SECOND // SAMPLE_RATE).clamp(min=2)
    generator = torch.Generator().manual_seed(1)
    shape, first = (len(counts), int(counts.max())), config.eos + 1
    targets = torch.randint(first, config.vocab_size, shape, generator=generator)
    targets[torch.arange(len(counts)), counts - 1] = config.eos
    targets = targets.where(mask_of(counts, shape[1]), config.pad)
    return targets.to(batch.waveforms.device), counts


TRANSLATION_SIDES = {"ours": ours, "transformers": transformers}
