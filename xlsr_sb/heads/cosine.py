"""Classes as directions: how near an embedding is to each."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from xlsr_sb.heads.exact import exact


class CosineClassifier(nn.Module):
    """Scaled cosines between embeddings and the nearest centre of each class, in fp32.

    What losses with a margin are made for. With several centres a class (sub-centre
    ArcFace, Deng et al. 2020), recordings that are wrongly labelled or unlike the rest
    gather around a centre of their own.

    Parameters
    ----------
    input_dim : int
        Width of the embeddings (E).
    num_classes : int
    scale : float
        Logit of an embedding that points where its class does.
    num_centres : int
        Of each class.

    Example
    -------
    >>> classifier = CosineClassifier(8, 3, scale=30.0, num_centres=2)
    >>> classifier.weight.shape
    torch.Size([3, 2, 8])
    >>> logits = classifier(5 * classifier.weight[:, 1])
    >>> logits.shape, logits.diagonal().round(decimals=3).tolist()
    (torch.Size([3, 3]), [30.0, 30.0, 30.0])
    """

    def __init__(
        self,
        input_dim: int,
        num_classes: int,
        *,
        scale: float = 30.0,
        num_centres: int = 1,
    ):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(num_classes, num_centres, input_dim))
        nn.init.normal_(self.weight, std=input_dim**-0.5)  # evenly in all directions

    def forward(self, embeddings: Tensor) -> Tensor:
        """Logits of the classes.

        Parameters
        ----------
        embeddings : Tensor [B, E], of any floating type and length

        Returns
        -------
        Tensor [B, C], float32
            From -``scale`` to ``scale``.
        """
        centres = functional.normalize(exact(self.weight), dim=-1)
        directions = functional.normalize(exact(embeddings), dim=-1)
        with torch.autocast(embeddings.device.type, enabled=False):
            cosines = functional.linear(directions, centres.flatten(0, 1))
        return self.scale * cosines.unflatten(-1, self.weight.shape[:2]).amax(dim=-1)
