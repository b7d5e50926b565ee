"""Parts of a translation head that do not train, by name.

A name stands for a set of parameters:

    adaptor          the length adaptor, and what makes the decoder's width of it
    embeddings       of tokens and positions, and the output layer
    norms            the decoder's LayerNorms
    self_attention   query, key, value and output among tokens, of every layer
    cross_attention  the same from tokens to speech
    ffn              both feed-forward matrices of every layer

To train LayerNorms and attention alone (LNA, Li et al. 2021, arXiv 2010.12829), freeze
``embeddings ffn`` of the head (LNA-D) and of the encoder ``feature_projection positions
mask_embedding ffn`` (LNA-E). Frozen embeddings spare the gradient and the moments of
the largest matrix of XLS-R's decoder.
"""

import re
from collections.abc import Sequence

from torch import nn

from xlsr_sb.encoder.freezing import names_of
from xlsr_sb.errors import InputError

PARTS = {
    "adaptor": r"(adaptor|memory_projection)\.",
    "embeddings": r"decoder\.(embeddings|positions|output)\.",
    "norms": r"decoder\.(.+[._])?norm\.",
    "self_attention": r"decoder\.layers\.\d+\.attention\.",
    "cross_attention": r"decoder\.layers\.\d+\.cross_attention\.",
    "ffn": r"decoder\.layers\.\d+\.ffn_(in|out)\.",
}


def freeze_parts(head: nn.Module, parts: str | Sequence[str]) -> None:
    """Let every parameter of a translation head train but those of some parts.

    Before its optimiser is made. Dropouts stay as they are.

    Parameters
    ----------
    head : TranslationHead
    parts : str, with spaces or commas, or sequence of str
        Of ``PARTS``; none to train all.

    Raises
    ------
    InputError
        If there is no such part, or nothing would train.

    Example
    -------
    >>> from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
    >>> head = TranslationHead(384, TranslatorConfig.preset("small"))
    >>> freeze_parts(head, "embeddings ffn")
    >>> layer = head.decoder.layers[0]
    >>> layer.ffn_in.weight.requires_grad, layer.cross_norm.weight.requires_grad
    (False, True)
    """
    chosen = names_of(parts)
    if unknown := [part for part in chosen if part not in PARTS]:
        raise InputError(
            f"translation head: there is no part {unknown[0]!r} to freeze; there are "
            f"{', '.join(PARTS)}"
        )
    if set(chosen) == set(PARTS):
        raise InputError(
            f"translation head: nothing would train with {', '.join(chosen)} frozen; "
            "leave one of them out, as the adaptor starts from random weights"
        )
    frozen = re.compile("|".join(PARTS[part] for part in chosen) or r"(?!)")
    for name, parameter in head.named_parameters():
        parameter.requires_grad_(frozen.match(name) is None)
