"""From the frames of an utterance to one vector: mean, deviation, attention.

Nothing is read of the padding, and nothing of the other utterances of the batch. No
module here draws random numbers or remembers a batch.
"""

import torch
from torch import Tensor, nn

from xlsr_sb.errors import InputError
from xlsr_sb.heads.exact import exact, exact_linear
from xlsr_sb.lengths import mask_of

FLOOR = 1e-5  # of a deviation: that of one frame is 0, where its gradient is infinite


class MeanPooling(nn.Module):
    """Mean of an utterance's own frames, in fp32.

    Parameters
    ----------
    input_dim : int
        Width of the features (D).

    Example
    -------
    >>> features = torch.tensor([[[1.0], [2.0], [9.0]]])
    >>> MeanPooling(1)(features, num_frames=torch.tensor([2])).tolist()
    [[1.5]]
    """

    def __init__(self, input_dim: int):
        super().__init__()
        self.output_dim = input_dim

    def forward(self, features: Tensor, *, num_frames: Tensor) -> Tensor:
        """Means.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        num_frames : LongTensor [B]
            Real frames of each utterance, at least one.

        Returns
        -------
        Tensor [B, D], float32
        """
        frames, is_frame = _own(features, num_frames)
        return frames.sum(dim=1) / is_frame.sum(dim=1)


class StatisticsPooling(nn.Module):
    """Mean and standard deviation of an utterance's own frames, in fp32.

    The deviation is that of the frames themselves (divided by their number), so that a
    single frame has one.

    Parameters
    ----------
    input_dim : int
        Width of the features (D).

    Example
    -------
    >>> features = torch.tensor([[[1.0], [2.0], [9.0]]])
    >>> StatisticsPooling(1)(features, num_frames=torch.tensor([2])).tolist()
    [[1.5, 0.5]]
    """

    def __init__(self, input_dim: int):
        super().__init__()
        self.output_dim = 2 * input_dim

    def forward(self, features: Tensor, *, num_frames: Tensor) -> Tensor:
        """Means, then deviations.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        num_frames : LongTensor [B]
            Real frames of each utterance, at least one.

        Returns
        -------
        Tensor [B, 2 D], float32
        """
        frames, is_frame = _own(features, num_frames)
        return _statistics(frames, _shares(frames, is_frame))


class AttentivePooling(nn.Module):
    """Mean and standard deviation with learned weights of the frames, in fp32.

    Attentive statistics pooling (Okabe et al. 2018, arXiv 1803.10963): a frame h has
    the score v tanh(W h + b) + k, and the weights of an utterance are a softmax of its
    scores. ECAPA-TDNN (Desplanques et al. 2020, arXiv 2005.07143) gives each channel
    weights of its own, and shows the layer the utterance's mean and deviation as well;
    its batch norm is left out, as it mixes utterances.

    Parameters
    ----------
    input_dim : int
        Width of the features (D).
    attention_dim : int
        Width between the two layers that score a frame.
    per_channel : bool
        A weight for each frame and channel, instead of one for each frame.
    global_context : bool
        Whether scores depend on the utterance's plain mean and deviation.

    Example
    -------
    >>> pooling = AttentivePooling(16, 8, per_channel=True, global_context=True)
    >>> features, num_frames = torch.randn(2, 7, 16), torch.tensor([7, 4])
    >>> pooling(features, num_frames=num_frames).shape
    torch.Size([2, 32])
    >>> weights = pooling.weights(features, num_frames=num_frames)
    >>> weights.shape, weights[1, 4:].any().item()
    (torch.Size([2, 7, 16]), False)
    """

    def __init__(
        self,
        input_dim: int,
        attention_dim: int = 128,
        *,
        per_channel: bool = False,
        global_context: bool = False,
    ):
        super().__init__()
        self.output_dim = 2 * input_dim
        self.frame = nn.Linear(input_dim, attention_dim)
        self.context = None
        if global_context:
            self.context = nn.Linear(2 * input_dim, attention_dim, bias=False)
        self.score = nn.Linear(attention_dim, input_dim if per_channel else 1)

    def weights(self, features: Tensor, *, num_frames: Tensor) -> Tensor:
        """How much each frame counts; those of an utterance add up to one.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        num_frames : LongTensor [B]
            Real frames of each utterance, at least one.

        Returns
        -------
        Tensor [B, F, D] or [B, F, 1], float32
            Exactly zero in the padding.
        """
        return self._weights(*_own(features, num_frames))

    def forward(self, features: Tensor, *, num_frames: Tensor) -> Tensor:
        """Weighted means, then weighted deviations.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        num_frames : LongTensor [B]
            Real frames of each utterance, at least one.

        Returns
        -------
        Tensor [B, 2 D], float32
        """
        frames, is_frame = _own(features, num_frames)
        return _statistics(frames, self._weights(frames, is_frame))

    def _weights(self, frames: Tensor, is_frame: Tensor) -> Tensor:
        hidden = exact_linear(self.frame, frames)
        if self.context is not None:
            plain = _statistics(frames, _shares(frames, is_frame))
            hidden = hidden + exact_linear(self.context, plain)[:, None]
        scores = exact_linear(self.score, hidden.tanh())
        return scores.masked_fill(~is_frame, -torch.inf).softmax(dim=1)


def _own(features: Tensor, num_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Frames [B, F, D] in fp32 with zeros in the padding, and where they are real."""
    num_frames = num_frames.to(features.device)
    is_frame = mask_of(num_frames, features.shape[1])[..., None]
    return exact(features).where(is_frame, 0), is_frame


def _shares(frames: Tensor, is_frame: Tensor) -> Tensor:
    """The same weight [B, F, 1] for all real frames of an utterance."""
    return is_frame.to(frames.dtype) / is_frame.sum(dim=1, keepdim=True)


def _statistics(frames: Tensor, weights: Tensor) -> Tensor:
    """Means and deviations [B, 2 D] of frames [B, F, D] whose weights add up to one."""
    mean = (weights * frames).sum(dim=1)
    variance = (weights * (frames - mean[:, None]).square()).sum(dim=1)
    return torch.cat([mean, variance.clamp(min=FLOOR**2).sqrt()], dim=-1)


POOLINGS = {  # as hyperparameters name them: class, options
    "mean": (MeanPooling, {}),
    "statistics": (StatisticsPooling, {}),
    "attention": (AttentivePooling, {}),
    "channel_attention": (
        AttentivePooling,
        {"per_channel": True, "global_context": True},
    ),
}


def build_pooling(
    name: str, input_dim: int, *, attention_dim: int = 128
) -> MeanPooling | StatisticsPooling | AttentivePooling:
    """A pooling by its name.

    Parameters
    ----------
    name : str
        ``mean``; ``statistics``; ``attention``, as of Okabe et al.;
        ``channel_attention``, as in ECAPA-TDNN.
    input_dim : int
        Width of the features (D).
    attention_dim : int
        Of both kinds with attention.

    Raises
    ------
    InputError
        If there is no such pooling.

    Example
    -------
    >>> build_pooling("statistics", 16).output_dim
    32
    """
    if name not in POOLINGS:
        raise InputError(f"pooling is {name!r}; it must be one of {list(POOLINGS)}")
    kind, options = POOLINGS[name]
    if kind is AttentivePooling:
        options = {"attention_dim": attention_dim, **options}
    return kind(input_dim, **options)
