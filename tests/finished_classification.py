"""The folder of a finished classification run, made by hand in a moment."""

import torch

from tests.finished_run import SIZES, result
from xlsr_sb import XLSR
from xlsr_sb.export import UtteranceClassifier, write_sizes
from xlsr_sb.heads.class_file import ClassFile
from xlsr_sb.heads.classifier_config import ClassifierConfig
from xlsr_sb.metrics.verification import LinearCalibration
from xlsr_sb.results import append_rows
from xlsr_sb.training.checkpointer import AtomicCheckpointer

NAMES = ("fr", "no", "it", "zh-CN")  # one of which is false to YAML
ERRORS = {10: 0.9, 20: 0.25, 30: 0.5}  # on the development set, by update
CALIBRATION = LinearCalibration(scale=8.0, offset=-3.0)


def modules(update: int, known: ClassFile, **encoder):
    """Encoder and head of a checkpoint, whose answers differ from clip to clip."""
    torch.manual_seed(update)
    lobe = XLSR.build(**SIZES, **encoder)
    head = known.build_head(lobe.config.dim, lobe.config.num_layers)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    classifier = UtteranceClassifier(lobe, head, known.names)
    found = classifier.embed([torch.randn(n) for n in (900, 2_000, 5_000, 9_000)])
    with torch.no_grad():  # noise is alike wherever it is: part its embeddings
        head.projection.weight.div_(found.std(dim=0)[:, None])
        head.projection.bias.sub_(found.mean(dim=0)).div_(found.std(dim=0))
        if isinstance(head.classifier, torch.nn.Linear):
            found = (found - found.mean(dim=0)) / found.std(dim=0)
            head.classifier.bias.sub_(head.logits(found).mean(dim=0))
    return {"encoder": lobe, "head": head}


def finished_classification(
    folder, *, kind="language", names=NAMES, encoder=None, is_calibrated=False, **head
):
    """Write a run that was best at update 20 of 30; the folder."""
    known = ClassFile(kind, tuple(names), ClassifierConfig(embedding_dim=12, **head))
    (folder / "save").mkdir(parents=True)
    for update, error_rate in ERRORS.items():
        parts = modules(update, known, **encoder or {})
        checkpointer = AtomicCheckpointer(folder / "save", parts)
        checkpointer.save({"update": update, "ERR": error_rate}, num_recent=3)
    known.save(folder)
    write_sizes(folder, parts["encoder"].config)
    append_rows(folder / "results.csv", [result(metric="ERR", group="all")])
    if is_calibrated:
        CALIBRATION.save(folder / "calibration.json")
    return folder
