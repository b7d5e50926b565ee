"""A classifier on the tiny corpus, of languages or of made-up speakers."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from speechbrain.utils.run_opts import RunOptions

from tests.training.harness import settings
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.heads.embedder import build_head
from xlsr_sb.tasks.classes import Classes
from xlsr_sb.tasks.classification import Classification
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.randomness import seed_update

DATA = {
    "classes": "language",
    "min_utterance_seconds": 0.1,
    "max_crop_seconds": 0.6,
    "sampling_alpha": 0.0,
    "seconds_per_update": 3.0,
    "seconds_per_device": 1.5,
    "num_workers": 0,
}
SCORING = {"crops": 2, "crop_seconds": 0.5, "duration_edges": [0.8], "top": 2}
SPEAKERS = ("ann", "bob", "eva", "ida")


def spoken(splits: dict) -> dict:
    """The splits with speakers, each of one language and some in all splits."""
    return {
        name: [
            replace(
                one,
                spk_id=SPEAKERS[number % len(SPEAKERS)],
                corpus=f"source{number % 2}",
            )
            for number, one in enumerate(part)
        ]
        for name, part in splits.items()
    }


def hparams_of(*, trials=None, augment=None, head=None, scoring=None, **data) -> dict:
    """Sections of the hyperparameters, with changes."""
    hparams = {
        "data": {**DATA, **data},
        "scoring": {**SCORING, **(scoring or {})},
        "augment": {"module": lambda: augment},
        "head": {"module": partial(build_head, **(head or {}))},
    }
    return hparams if trials is None else {**hparams, "trials": trials}


def make_classifier(
    folder: Path, splits: dict, config: XLSRConfig, *, optim=None, **changes
) -> Classification:
    """A classifier that starts from the same weights each time, seed 7."""
    hparams = hparams_of(**changes)
    labels = Classification.build_labels(hparams, splits, folder)
    seed_update(7, 0, part=0)
    encoder = XLSR(config)
    modules = {
        "encoder": encoder,
        "head": Classification.build_head(hparams, encoder, labels),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return Classification(
        labels=labels,
        modules=modules,
        hparams={
            "seed": 7,
            "output_folder": str(folder),
            "optim": settings(label_smoothing=0.0, **(optim or {})),
            "data": hparams["data"],
            "scoring": hparams["scoring"],
        },
        run_opts=RunOptions.from_dictionary({"device": "cpu", "noprogressbar": True}),
        checkpointer=AtomicCheckpointer(folder / "save", modules),
    )


def eval_loader(brain: Classification, split: str = "test", **changes):
    """Crops of a set, with other settings if wanted."""
    labels: Classes = brain.labels
    return labels.eval_loader(split, {**DATA, **changes}, rank=0, world_size=1)


def train_loader(brain: Classification, **changes):
    """Updates of random crops."""
    how = {"seed": 7, "rank": 0, "world_size": 1, "pin_memory": False}
    return brain.labels.train_loader({**DATA, **changes}, **how)
