"""Recognisers of other implementations, transcribing here as they do there."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlsr_sb.checkpoints import CTC, Checkpoint
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.pretrained import configured, load_weights
from xlsr_sb.errors import InputError
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.heads.ctc import CTCHead


def encoder_of(checkpoint: Checkpoint) -> XLSR:
    """Encoder of a checkpoint.

    Parameters
    ----------
    checkpoint : Checkpoint

    Example
    -------
    >>> from xlsr_sb.checkpoints import read_checkpoint
    >>> from xlsr_sb.encoder import XLSRConfig
    >>> folder = getfixture("tmp_path")
    >>> config = XLSRConfig.preset("tiny", num_layers=1)
    >>> XLSR(config).save_pretrained(folder, layout="xlsr_sb")
    >>> encoder_of(read_checkpoint(folder)).config == config
    True
    """
    config, weights = configured(checkpoint, {})
    encoder = XLSR(config)
    load_weights(encoder, weights)
    return encoder


def transcriber_of(checkpoint: Checkpoint) -> Transcriber:
    """Transcriber of a checkpoint with a CTC head and a vocabulary.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of transformers' ``Wav2Vec2ForCTC``, fairseq's ``wav2vec_ctc``, or our own.

    Raises
    ------
    InputError
        If it has no CTC head, or nothing says what its rows write.

    Example
    -------
    >>> transcriber_of(Checkpoint("a.pt", "fairseq", {"dim": 4}, {}))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pt has no CTC head
    """
    weights = checkpoint.head(CTC)
    vocabulary = checkpoint.vocabulary
    if vocabulary is None:
        raise InputError(
            f"{checkpoint.source} has a CTC head, but nothing says what its rows "
            "write; put vocab.json (transformers) into its folder, or dict.ltr.txt "
            "(fairseq) beside the file"
        )
    head = CTCHead(checkpoint.sizes["dim"], len(vocabulary))
    head.load_state_dict(weights)
    if len(set(vocabulary.tokens)) < len(vocabulary):
        head = MergedRows(head, vocabulary.first_ids)
    return Transcriber(encoder_of(checkpoint), head, vocabulary)


class MergedRows(nn.Module):
    """Head whose rows with the same token count as one: the best of them.

    Parameters
    ----------
    head : CTCHead
    first_ids : sequence of int
        For each row the first one with the same token.

    Example
    -------
    >>> head = MergedRows(CTCHead(4, 3), (0, 1, 1))
    >>> head(torch.randn(1, 2, 4))[0, :, 2].tolist()
    [-inf, -inf]
    """

    def __init__(self, head: CTCHead, first_ids: Sequence[int]):
        super().__init__()
        self.head = head
        self.register_buffer("first_ids", torch.tensor(first_ids), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Log-probability [B, F, V] of the best row at the first one's place."""
        log_probs = self.head(features)
        places = self.first_ids.expand_as(log_probs)
        merged = torch.full_like(log_probs, float("-inf"))
        return merged.scatter_reduce(2, places, log_probs, reduce="amax")
