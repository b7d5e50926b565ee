"""From features to one embedding an utterance, and from there to classes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlsr_sb.heads.classifier_config import (
    ACTIVATIONS,
    LAST,
    NORMALISED,
    SOFTMAX,
    ClassifierConfig,
)
from xlsr_sb.heads.cosine import CosineClassifier
from xlsr_sb.heads.exact import exact, exact_linear, exact_norm
from xlsr_sb.heads.layer_mix import mixed
from xlsr_sb.heads.pooling import MeanPooling, build_pooling
from xlsr_sb.losses import ClassificationLoss, classification_loss


class EmbeddingHead(nn.Module):
    """Pooling over an utterance's own frames, an embedding, and classes, all in fp32.

    Whatever is chosen, an utterance's embedding depends on its own frames alone.

    Parameters
    ----------
    config : ClassifierConfig
    input_dim : int
        Width of the features (D).
    num_states : int
        Of ``Encoded.layers``: one more than the encoder has layers.
    num_classes : int

    Example
    -------
    >>> config = ClassifierConfig(pooling="attention", embedding_dim=8)
    >>> head = EmbeddingHead(config, input_dim=16, num_states=4, num_classes=3)
    >>> features, num_frames = torch.randn(2, 7, 16), torch.tensor([7, 4])
    >>> embeddings = head.embed(features, num_frames=num_frames)
    >>> embeddings.shape, head.logits(embeddings).shape
    (torch.Size([2, 8]), torch.Size([2, 3]))
    """

    def __init__(
        self,
        config: ClassifierConfig,
        *,
        input_dim: int,
        num_states: int,
        num_classes: int,
    ):
        super().__init__()
        self.config = config
        self.margin = config.training_margin
        self.layer_weights = None
        if config.layers != LAST:
            self.layer_weights = nn.Parameter(torch.zeros(num_states))
        self.pooling = build_pooling(
            config.pooling, input_dim, attention_dim=config.attention_dim
        )
        pooled_dim, dim = self.pooling.output_dim, config.embedding_dim or input_dim
        self.norm = nn.LayerNorm(pooled_dim) if config.pooled_norm else None
        self.projection = nn.Linear(pooled_dim, dim)
        self.classifier: nn.Linear | CosineClassifier
        if config.loss == SOFTMAX:
            self.classifier = nn.Linear(dim, num_classes)
        else:
            options = {"scale": config.scale, "num_centres": config.sub_centres}
            self.classifier = CosineClassifier(dim, num_classes, **options)

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
            With a margin, cosines times its scale.
        """
        return self.logits(self.embed(features, num_frames=num_frames, layers=layers))

    def embed(
        self, features: Tensor, *, num_frames: Tensor, layers: Sequence[Tensor] = ()
    ) -> Tensor:
        """Embeddings, not normalised: outputs of the layer behind the pooling.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        num_frames : LongTensor [B]
            Real frames of each utterance; what stands behind them is not read.
        layers : sequence of Tensor [B, F, D]
            All layers, if the head needs them; the features are not read then.

        Returns
        -------
        Tensor [B, E], float32
        """
        with torch.autocast(features.device.type, enabled=False):
            pooled = self._pooled(features, num_frames, layers)
            if self.norm is not None:
                pooled = exact_norm(self.norm, pooled)
            return exact_linear(self.projection, pooled)

    def logits(self, embeddings: Tensor) -> Tensor:
        """Logits of the classes for embeddings.

        Parameters
        ----------
        embeddings : Tensor [B, E]

        Returns
        -------
        Tensor [B, C], float32
        """
        if isinstance(self.classifier, CosineClassifier):
            return self.classifier(embeddings)
        hidden = ACTIVATIONS[self.config.activation](exact(embeddings))
        return exact_linear(self.classifier, hidden)

    def loss(
        self, logits: Tensor, targets: Tensor, *, update: int, smoothing: float = 0.0
    ) -> ClassificationLoss:
        """What the head is trained by.

        Parameters
        ----------
        logits : Tensor [B, C]
        targets : LongTensor [B]
        update : int
            On which the margin may depend, counted from 0.
        smoothing : float
            See ``classification_loss``.

        Returns
        -------
        ClassificationLoss
        """
        return classification_loss(
            logits, targets, smoothing=smoothing, margin=self.margin, update=update
        )

    def _pooled(
        self, features: Tensor, num_frames: Tensor, layers: Sequence[Tensor]
    ) -> Tensor:
        """Pooled features [B, P] of the last layer, or of the sum of all."""
        if self.layer_weights is None:
            return self.pooling(features, num_frames=num_frames)
        shares = exact(self.layer_weights).softmax(dim=0)
        normalise = self.config.layers == NORMALISED
        if isinstance(self.pooling, MeanPooling) and not normalise:
            # The sum of means is the mean of the sum, and F times less to add up.
            means = [self.pooling(layer, num_frames=num_frames) for layer in layers]
            return torch.stack(means, dim=-1) @ shares
        summed = mixed(layers, shares=shares, normalise=normalise)
        return self.pooling(summed, num_frames=num_frames)


def build_head(
    encoder_dim: int, num_layers: int, num_classes: int, **options
) -> EmbeddingHead:
    """Head on an encoder, as hyperparameters want it.

    Parameters
    ----------
    encoder_dim, num_layers : int
        Of the encoder.
    num_classes : int
    **options
        Fields of ``ClassifierConfig``.

    Raises
    ------
    InputError
        If there is no such option, or a value is out of its range.

    Example
    -------
    >>> head = build_head(384, 3, 107, layers="weighted", loss="aam_softmax")
    >>> list(head.state_dict())
    ['layer_weights', 'projection.weight', 'projection.bias', 'classifier.weight']
    """
    return EmbeddingHead(
        ClassifierConfig.of(**options),
        input_dim=encoder_dim,
        num_states=num_layers + 1,
        num_classes=num_classes,
    )
