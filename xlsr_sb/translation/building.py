"""The translation head that a run's hyperparameters ask for."""

from xlsr_sb.heads.freezing import freeze_parts
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.translation.initialising import load_text_decoder


def build_head(
    encoder_dim: int,
    vocab_size: int,
    *,
    preset: str,
    text_decoder: str | None = None,
    frozen_parts: str = "",
    **sizes,
) -> TranslationHead:
    """Head on an encoder, random or with the decoder of a text model.

    Parameters
    ----------
    encoder_dim : int
    vocab_size : int
        Ids of the tokeniser.
    preset : str
        Of ``TranslatorConfig``.
    text_decoder : str, optional
        mBART, whose tokeniser the run must have; see ``load_text_decoder``.
    frozen_parts : str
        See ``xlsr_sb.heads.freezing``.
    **sizes
        Fields of ``TranslatorConfig``; the preset's where they are None.

    Raises
    ------
    InputError
        If the text model cannot be used, or is of other sizes.

    Example
    -------
    >>> head = build_head(384, 90, preset="small", num_layers=1, dropout=None)
    >>> head.config.vocab_size, head.config.num_layers, head.config.dim
    (90, 1, 256)
    """
    given = {name: value for name, value in sizes.items() if value is not None}
    config = TranslatorConfig.preset(preset, vocab_size=vocab_size, **given)
    head = TranslationHead(encoder_dim, config)
    if text_decoder is not None:
        load_text_decoder(text_decoder, head)
    freeze_parts(head, frozen_parts)
    return head
