"""Training losses: pure functions, in fp32."""

from xlsr_sb.losses.contrastive import (
    ContrastiveLoss,
    contrastive_loss,
    sample_negatives,
)
from xlsr_sb.losses.ctc import CTCLoss, ctc_loss, has_alignment

__all__ = [
    "CTCLoss",
    "ContrastiveLoss",
    "contrastive_loss",
    "ctc_loss",
    "has_alignment",
    "sample_negatives",
]
