"""What the encoder gives back."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Encoded:
    """What the encoder says of a batch.

    Parameters
    ----------
    features : Tensor [B, F, D]
        Output of the last layer; zeros after an utterance's own frames.
    num_frames : LongTensor [B]
        Real frames of each utterance.
    layers : tuple of Tensor [B, F, D]
        The input of the first layer, then the output of each (the last one is
        ``features``); empty unless asked for.
    """

    features: Tensor
    num_frames: Tensor
    layers: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class MaskedFrames:
    """The masked frames of a batch, M of them, utterance after utterance.

    Parameters
    ----------
    features : Tensor [M, C]
        Output of the convolutions, normalised: what the masks hide.
    context : Tensor [M, D]
        Output of the transformer at these frames, which has not seen them.
    utterance : LongTensor [M]
        Utterance of each, counted from 0.
    """

    features: Tensor
    context: Tensor
    utterance: Tensor
