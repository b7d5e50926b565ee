"""From features to class logits, one row an utterance."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.errors import InputError
from xlsr_sb.lengths import mask_of

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": nn.Identity(),
    "gelu": F.gelu,
    "relu": F.relu,
    "tanh": torch.tanh,
}


class ClassificationHead(nn.Module):
    """Mean over an utterance's own frames between two linear layers, all in fp32.

    Transformers' head of ``Wav2Vec2ForSequenceClassification`` has no activation,
    fairseq's ``wav2vec_classification`` one after the mean. As the first layer is
    linear, the mean can be taken before it: the same, and F times less to compute.

    Parameters
    ----------
    input_dim : int
        Width of the features (D).
    hidden_dim : int
        Width between the layers.
    num_classes : int
    activation : str
        ``identity``, ``gelu``, ``relu`` or ``tanh``.
    num_layers : int, optional
        If given, the features are a learned mean of so many layers, as many as
        ``Encoded.layers`` has.

    Example
    -------
    >>> head = ClassificationHead(16, 8, 3)
    >>> head(torch.randn(2, 7, 16), num_frames=torch.tensor([7, 4])).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        num_classes: int,
        *,
        activation: str = "identity",
        num_layers: int | None = None,
    ):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise InputError(
                f"classification head: no activation {activation!r}; there are "
                f"{list(ACTIVATIONS)}"
            )
        self.activation = activation
        self.projection = nn.Linear(input_dim, hidden_dim)
        self.classifier = nn.Linear(hidden_dim, num_classes)
        self.layer_weights = None
        if num_layers is not None:
            self.layer_weights = nn.Parameter(torch.zeros(num_layers))

    @property
    def needs_layers(self) -> bool:
        """Whether it reads all layers, and not the last one alone."""
        return self.layer_weights is not None

    def forward(
        self, features: Tensor, *, num_frames: Tensor, layers: Sequence[Tensor] = ()
    ) -> Tensor:
        """Logits of the classes.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        num_frames : LongTensor [B]
            Real frames of each utterance; what stands behind them is not read.
        layers : sequence of Tensor [B, F, D]
            All layers, if the head needs them; the features are not read then.

        Returns
        -------
        Tensor [B, C], float32
        """
        with torch.autocast(features.device.type, enabled=False):
            pooled = self._pooled(features, num_frames, layers)
            hidden = _linear(self.projection, pooled)
            return _linear(self.classifier, ACTIVATIONS[self.activation](hidden))

    def _pooled(
        self, features: Tensor, num_frames: Tensor, layers: Sequence[Tensor]
    ) -> Tensor:
        """Mean [B, D] over real frames, and over layers if there are weights."""
        if self.layer_weights is None:
            return _mean(features, num_frames)
        means = torch.stack([_mean(layer, num_frames) for layer in layers], dim=-1)
        return means @ self.layer_weights.float().softmax(dim=0)


def _mean(features: Tensor, num_frames: Tensor) -> Tensor:
    """Mean [B, D] over real frames [B, F, D], in fp32."""
    num_frames = num_frames.to(features.device)
    is_frame = mask_of(num_frames, features.shape[1])[..., None]
    total = features.float().where(is_frame, 0).sum(dim=1)
    return total / num_frames[:, None]


def _linear(layer: nn.Linear, inputs: Tensor) -> Tensor:
    return F.linear(inputs, layer.weight.float(), layer.bias.float())
