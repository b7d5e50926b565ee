"""Clips changed at random before they are learnt from, each by a number of its own."""

from xlsr_sb.data.augmentation.augmentation import Augmentation, no_augmentation

__all__ = ["Augmentation", "no_augmentation"]
