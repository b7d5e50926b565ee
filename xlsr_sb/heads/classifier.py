"""The classification head of other implementations: a mean between two layers."""

from xlsr_sb.heads.classifier_config import LAST, WEIGHTED, ClassifierConfig
from xlsr_sb.heads.embedder import EmbeddingHead


class ClassificationHead(EmbeddingHead):
    """Mean over an utterance's own frames between two linear layers, all in fp32.

    Transformers' head of ``Wav2Vec2ForSequenceClassification`` has no activation,
    fairseq's ``wav2vec_classification`` one after the mean. As the first layer is
    linear, the mean can be taken before it: the same, and F times less to compute.

    Parameters
    ----------
    input_dim : int
        Width of the features (D).
    hidden_dim : int
        Width between the layers: that of the embeddings (E).
    num_classes : int
    activation : str
        ``identity``, ``gelu``, ``relu`` or ``tanh``.
    num_layers : int, optional
        If given, the features are a learned mean of so many layers, as many as
        ``Encoded.layers`` has.

    Raises
    ------
    InputError
        If there is no such activation.

    Example
    -------
    >>> import torch
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
        config = ClassifierConfig(
            layers=LAST if num_layers is None else WEIGHTED,
            embedding_dim=hidden_dim,
            activation=activation,
        )
        super().__init__(
            config,
            input_dim=input_dim,
            num_states=num_layers or 0,
            num_classes=num_classes,
        )
