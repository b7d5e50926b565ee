"""A text model of mBART's kind: its encoder as asked for, the whole as a folder."""

from dataclasses import asdict
from pathlib import Path

from xlsr_sb.checkpoints.huggingface.text_model import write_text_folder
from xlsr_sb.heads.translator import TextDecoder, TextEncoder, TranslatorConfig


def build_text_encoder(*, preset: str, **sizes) -> TextEncoder:
    """Encoder with random weights.

    Parameters
    ----------
    preset : str
        Of ``TranslatorConfig``; that of the decoder.
    **sizes
        Fields of ``TranslatorConfig``; the preset's where they are None.

    Example
    -------
    >>> len(build_text_encoder(preset="small", num_layers=2, dropout=None).layers)
    2
    """
    given = {name: value for name, value in sizes.items() if value is not None}
    return TextEncoder(TranslatorConfig.preset(preset, **given))


def write_text_model(
    encoder: TextEncoder, decoder: TextDecoder, folder: str | Path
) -> None:
    """Write what transformers loads as ``MBartForConditionalGeneration``.

    ``load_text_decoder`` takes the decoder from it.

    Parameters
    ----------
    encoder : TextEncoder
    decoder : TextDecoder
        With tied embeddings.
    folder : str or Path
        Made if absent; files of the same names are replaced.

    Example
    -------
    >>> config = TranslatorConfig.preset("small", num_layers=1, vocab_size=90)
    >>> folder = getfixture("tmp_path")
    >>> write_text_model(TextEncoder(config), TextDecoder(config), folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['config.json', 'generation_config.json', 'model.safetensors']
    """
    write_text_folder(
        encoder=(encoder.state_dict(), asdict(encoder.config)),
        decoder=(decoder.state_dict(), asdict(decoder.config)),
        folder=Path(folder),
    )
