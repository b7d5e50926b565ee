"""Training losses: pure functions, in fp32."""

from xlsr_sb.losses.classification import ClassificationLoss, classification_loss
from xlsr_sb.losses.contrastive import (
    ContrastiveLoss,
    contrastive_loss,
    sample_negatives,
)
from xlsr_sb.losses.ctc import CTCLoss, ctc_loss, has_alignment
from xlsr_sb.losses.margin import Margin
from xlsr_sb.losses.translation import TranslationLoss, label_smoothed_loss

__all__ = [
    "CTCLoss",
    "ClassificationLoss",
    "ContrastiveLoss",
    "Margin",
    "TranslationLoss",
    "classification_loss",
    "contrastive_loss",
    "ctc_loss",
    "has_alignment",
    "label_smoothed_loss",
    "sample_negatives",
]
