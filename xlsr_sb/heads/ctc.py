"""From features to token log-probabilities, frame by frame."""

import torch
from torch import Tensor, nn


class CTCHead(nn.Module):
    """One linear layer and a log-softmax, both in fp32 whatever surrounds them.

    The layer is small beside the encoder, and half precision would cost the logits
    two decimals: bf16 holds 8 bits, and a sure frame has logits beyond 10.

    Parameters
    ----------
    input_dim : int
        Width of the features (D).
    num_tokens : int
        Size of the vocabulary, blank included (V).
    dropout : float
        Share of the features set to zero in training.

    Example
    -------
    >>> head = CTCHead(16, 5)
    >>> log_probs = head(torch.randn(2, 7, 16))
    >>> log_probs.shape
    torch.Size([2, 7, 5])
    >>> bool(torch.allclose(log_probs.exp().sum(-1), torch.ones(2, 7)))
    True
    """

    def __init__(self, input_dim: int, num_tokens: int, *, dropout: float = 0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(input_dim, num_tokens)
        # As fairseq starts its fine-tuning head.
        nn.init.xavier_uniform_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Log-probabilities of the tokens at each frame.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type

        Returns
        -------
        Tensor [B, F, V], float32
        """
        return self.logits(features).log_softmax(dim=-1)

    def logits(self, features: Tensor) -> Tensor:
        """Outputs before they become probabilities.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type

        Returns
        -------
        Tensor [B, F, V], float32
        """
        with torch.autocast(features.device.type, enabled=False):
            return nn.functional.linear(
                self.dropout(features).float(),
                self.projection.weight.float(),
                self.projection.bias.float(),
            )
