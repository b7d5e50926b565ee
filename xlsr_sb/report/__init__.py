"""Pictures of a run."""

from xlsr_sb.report.curves import draw_curve, learning_curve, read_curve
from xlsr_sb.report.pretraining import draw_pretraining

__all__ = ["draw_curve", "draw_pretraining", "learning_curve", "read_curve"]
