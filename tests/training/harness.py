"""A Brain on the tiny corpus and the smallest encoder, and ways to look inside."""

from functools import partial
from itertools import accumulate
from pathlib import Path

import torch
from speechbrain.utils.run_opts import RunOptions
from torch import Tensor

from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.data.batching import Batch, EvalLoader, SpeechDataset, UpdateLoader
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.choosing import chosen_settings
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.tasks.recognition import Recognition
from xlsr_sb.tasks.transcripts import Transcripts
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.randomness import seed_update
from xlsr_sb.training.schedules import TriStage

FLAT = {"warmup_ratio": 0.0, "hold_ratio": 1.0, "decay_ratio": 0.0}
GREEDY = {"kind": "greedy", "settings": chosen_settings}
PLAIN = {  # nothing random
    "activation_dropout": 0.0,
    "layerdrop": 0.0,
    "mask_time_prob": 0.0,
    "mask_channel_prob": 0.0,
}


class RecordingSGD(torch.optim.SGD):
    """Plain steps of gradient descent that keep the gradients they were made of."""

    def __init__(self, groups, **options):
        super().__init__(groups, **options)
        self.gradients: list[list[Tensor | None]] = []

    def step(self, closure=None):
        """Keep a copy of every gradient (None where there is none), then step."""
        parameters = [p for group in self.param_groups for p in group["params"]]
        kept = [None if p.grad is None else p.grad.clone() for p in parameters]
        self.gradients.append(kept)
        return super().step(closure)


def settings(num_updates: int = 8, **changes) -> dict:
    """The ``optim`` section: constant rates, no clipping, no freezing by default."""
    return {
        "num_updates": num_updates,
        "encoder_frozen_updates": 0,
        "encoder_lr": 1e-3,
        "head_lr": 1e-2,
        "max_grad_norm": float("inf"),
        "precision": "fp32",
        "validate_every_updates": 1000,
        "checkpoint_every_minutes": 1000,
        "num_bad_updates": 10,
        "optimizer": torch.optim.AdamW,
        "schedule": partial(TriStage, num_updates=num_updates, **FLAT),
        **changes,
    }


def make_brain(
    folder: Path,
    corpus,
    config: XLSRConfig,
    *,
    kind=Recognition,
    run_opts=None,
    decoder=GREEDY,
    **optim,
) -> Recognition:
    """A recogniser that starts from the same weights each time, seed 7."""
    texts = [one.wrd for one in corpus.splits["train"]]
    labels = Transcripts(corpus.splits, Vocabulary.of(texts))
    seed_update(7, 0, part=0)
    modules = {
        "encoder": XLSR(config),
        "head": CTCHead(config.dim, labels.num_classes),
    }
    folder.mkdir(parents=True, exist_ok=True)
    options = {"device": "cpu", "noprogressbar": True, **(run_opts or {})}
    return kind(
        labels=labels,
        modules=modules,
        hparams={
            "seed": 7,
            "output_folder": str(folder),
            "optim": settings(**optim),
            "decoder": decoder,
        },
        run_opts=RunOptions.from_dictionary(options),
        checkpointer=AtomicCheckpointer(folder / "save", modules),
    )


def started(brain: Recognition) -> Recognition:
    """A brain as it is when training starts."""
    brain.on_fit_start()
    brain.modules.train()
    return brain


def dataset(brain: Recognition, corpus, split: str = "train") -> SpeechDataset:
    """A split, with the brain's targets."""
    return SpeechDataset(
        corpus.splits[split], encode_target=lambda one: brain.vocabulary.encode(one.wrd)
    )


def batches(brain: Recognition, corpus, *groups) -> list[Batch]:
    """Micro-batches of some training utterances, given by their indices."""
    source = dataset(brain, corpus)
    return [source[list(group)] for group in groups]


def loaders(brain: Recognition, corpus) -> tuple[UpdateLoader, EvalLoader]:
    """Updates of three seconds, and the development set."""
    plan = UpdatePlan(
        [one.duration for one in corpus.splits["train"]],
        seconds_per_update=3.0,
        seconds_per_device=2.0,
        seed=brain.hparams.seed,
    )
    return (
        UpdateLoader(dataset(brain, corpus), plan),
        EvalLoader(dataset(brain, corpus, "dev"), seconds_per_device=4.0),
    )


def epoch_ends(brain: Recognition, corpus, count: int) -> list[int]:
    """After how many updates each of the first epochs ends."""
    train, _ = loaders(brain, corpus)
    return list(accumulate(train.updates_per_epoch(epoch) for epoch in range(count)))


def fit(brain: Recognition, corpus) -> bool:
    """Train on the tiny corpus to the end."""
    return brain.fit(*loaders(brain, corpus))


def weights(brain: Recognition) -> dict[str, Tensor]:
    """A copy of every parameter by its name."""
    return {name: p.detach().clone() for name, p in brain.modules.named_parameters()}


def of(found: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """The parameters of ``encoder`` or ``head``."""
    return {name: tensor for name, tensor in found.items() if name.startswith(part)}


def differing(first, second) -> list[str]:
    """Names under which two dictionaries of tensors differ in any bit."""
    assert first.keys() == second.keys()
    return [name for name in first if not torch.equal(first[name], second[name])]


def assert_same_gradients(found, wanted) -> None:
    """Equal up to the rounding of sums in another order: about 1e-5 of the largest."""
    largest = max(tensor.abs().max().item() for tensor in wanted if tensor is not None)
    assert largest > 1e-3
    for one, other in zip(found, wanted, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            bound = 1e-5 * other.abs().max().item() + 1e-6 * largest
            torch.testing.assert_close(one, other, rtol=0, atol=bound)
