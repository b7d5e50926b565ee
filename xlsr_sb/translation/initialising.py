"""A translation head that begins with the decoder of a text model."""

import logging
from dataclasses import asdict
from pathlib import Path

from xlsr_sb.checkpoints.huggingface.translation_text import read_text_decoder
from xlsr_sb.heads.translator import TranslationHead

logger = logging.getLogger(__name__)


def load_text_decoder(source: str | Path, head: TranslationHead) -> tuple[str, ...]:
    """Fill the decoder of a head with that of mBART; the adaptor stays as it is.

    Parameters
    ----------
    source : str or Path
        Folder of transformers with an ``MBartForConditionalGeneration``, or a hub id
        such as ``facebook/mbart-large-50-many-to-many-mmt``.
    head : TranslationHead
        Changed in place.

    Returns
    -------
    tuple of str
        Tensors of the source that were left out: those of its text encoder.

    Raises
    ------
    InputError
        If the source cannot be used, or its decoder is built otherwise.

    Example
    -------
    >>> from xlsr_sb.heads.translator import TranslatorConfig
    >>> head = TranslationHead(384, TranslatorConfig.preset("small"))
    >>> load_text_decoder("nowhere", head)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere' does not exist
    """
    decoder, left_out = read_text_decoder(source, asdict(head.config))
    state = {name.removeprefix("decoder."): one for name, one in decoder.items()}
    head.decoder.load_state_dict(state)
    logger.info(
        "%s: %d tensors taken into the decoder, %d of the text encoder left out",
        source,
        len(decoder),
        len(left_out),
    )
    return left_out
