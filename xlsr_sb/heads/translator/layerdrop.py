"""Layers that are skipped in training, the same ones on every rank."""

import torch
from torch import nn


class LayerDrop:
    """Draws whether a layer is skipped, from a generator of its own.

    Dropout and masks use another one, so ranks that are seeded alike here drop the same
    layers whatever else they draw.

    Parameters
    ----------
    probability : float

    Example
    -------
    >>> drop, layer = LayerDrop(0.5), nn.Linear(1, 1)
    >>> drop.seed(3)
    >>> first = [drop.skips(layer) for _ in range(8)]
    >>> drop.seed(3)
    >>> first == [drop.skips(layer) for _ in range(8)], any(first), all(first)
    (True, True, False)
    >>> drop.skips(layer.eval())
    False
    """

    def __init__(self, probability: float):
        self.probability = probability
        self.generator = torch.Generator()

    def seed(self, seed: int) -> None:
        """Fix what is drawn next."""
        self.generator.manual_seed(seed)

    def skips(self, layer: nn.Module) -> bool:
        """Draw for a layer; never True outside training."""
        if not layer.training or self.probability == 0:
            return False
        return torch.rand((), generator=self.generator).item() < self.probability
