"""Pictures of a run."""

from xlsr_sb.report.confusion import draw_confusion
from xlsr_sb.report.curves import draw_curve, learning_curve, read_curve
from xlsr_sb.report.det import draw_det
from xlsr_sb.report.embedding_map import draw_embedding_map, project_embeddings
from xlsr_sb.report.picture import write_picture
from xlsr_sb.report.pretraining import draw_pretraining

__all__ = [
    "draw_confusion",
    "draw_curve",
    "draw_det",
    "draw_embedding_map",
    "draw_pretraining",
    "learning_curve",
    "project_embeddings",
    "read_curve",
    "write_picture",
]
