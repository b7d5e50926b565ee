"""A task on prepared splits: build, train, score, write the results."""

import logging
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import torch
from speechbrain.utils.distributed import infer_device

from xlsr_sb.data.batching import EvalLoader, UpdateLoader
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export import RESULTS, write_sizes
from xlsr_sb.report import learning_curve
from xlsr_sb.results import ResultRow, append_rows, git_commit, summary_table
from xlsr_sb.results.command import variant_of
from xlsr_sb.run.experiment import LOG
from xlsr_sb.training import distributed
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.evaluation import Evaluation
from xlsr_sb.training.journal import CURVE
from xlsr_sb.training.randomness import seed_update

logger = logging.getLogger(__name__)
PRECISIONS = ("fp32", "bf16", "fp16")


class TrainingRun:
    """One run of a recipe, from splits to results.

    Parameters
    ----------
    task : type
        An ``UpdateBrain``.
    hparams : mapping
        Built hyperparameters.
    run_opts : mapping
        SpeechBrain's run options.
    folder : Path
        Of the run.
    splits : dict of str to list of Utterance
        ``train``, ``dev`` and any number of test sets.
    """

    def __init__(self, task: type, hparams: Mapping, run_opts, folder: Path, splits):
        if missing := {"train", "dev"} - set(splits):
            raise InputError(f"prepare.py gave no split called {sorted(missing)}")
        self.hparams, self.folder, self.data = hparams, folder, hparams["data"]
        self.labels = task.build_labels(hparams, splits, folder)
        seed_update(hparams["seed"], 0, part=0)  # every rank draws the same weights
        encoder = hparams["encoder"]["lobe"]()
        head = task.build_head(hparams, encoder, self.labels)
        modules = {"encoder": encoder, "head": head}
        if isinstance(encoder, XLSR):  # what checkpoints do not tell an export
            distributed.on_main(lambda: write_sizes(folder, encoder.config))
        self.brain: UpdateBrain = task(
            labels=self.labels,
            modules=modules,
            hparams={
                "seed": hparams["seed"],
                "output_folder": str(folder),
                **{name: hparams[name] for name in task.sections},
            },
            run_opts=_with_precision(run_opts, hparams["optim"]["precision"]),
            checkpointer=AtomicCheckpointer(folder / "save", modules),
        )

    def train(self) -> bool:
        """Train to the end; False if a signal asked to stop before it."""
        finished = self.brain.fit(self._train_loader(), self._eval_loader("dev"))
        if not finished and distributed.is_main():
            print(
                f"stopped at update {self.brain.progress.update}; the same command "
                "goes on from there"
            )
        return finished

    def evaluate(self, recipe: str, leaf: str, command: str) -> None:
        """Score every test set with the best checkpoint and write the results."""
        meta = self.brain.recover_best()
        logger.info("scoring with the checkpoint of update %d", meta["update"])
        names = [name for name in self.labels.splits if name not in ("train", "dev")]
        rows, baselines, evaluations = [], {}, {}
        for name in names or ["dev"]:
            with self.brain.evaluating():
                evaluation = self.brain.score(self._eval_loader(name))
            baselines[name] = evaluation.baseline
            rows += self._rows(evaluation, name, (recipe, leaf, command))
            evaluations[name] = evaluation
        if distributed.is_main():
            for name, evaluation in evaluations.items():
                evaluation.write(self.folder, split=name)
            self._write(rows, baselines)
            self.brain.finish(self.folder)

    def _write(self, rows: list[ResultRow], baselines: dict) -> None:
        """Results file, picture of the learning curve, and a table for the terminal."""
        results = self.folder / RESULTS
        append_rows(results, rows, keep=lambda old: _is_other_decoder(old, rows[0]))
        curve, picture = self.folder / CURVE, self.folder / "learning_curve.png"
        known = {name: one for name, one in baselines.items() if one is not None}
        lowest = min((one.value for one in known.values()), default=None)
        learning_curve(curve, picture, constant_rate=lowest)
        table = summary_table(rows)
        logger.info("results:\n%s", table)
        print(f"\n{table}\n")
        for name, score in known.items():
            value = f"{100 * score.value:.1f} %"
            print(f"best constant output on {name}: {score.name} {value}")
        print(f"results: {results.resolve()}\nlearning curve: {picture.resolve()}")
        print(f"log: {(self.folder / LOG).resolve()}")

    def _rows(self, evaluation: Evaluation, split: str, origin: tuple[str, str, str]):
        """One row of results a group and metric; recipe, leaf and command made it."""
        recipe, leaf, command = origin
        place = Path(recipe).resolve().parent
        return [
            ResultRow(
                recipe="/".join(place.parts[-2:]),
                hparams=Path(leaf).name,
                split=split,
                group=one.group,
                metric=one.score.name,
                value=round(one.score.value, 6),
                errors=one.score.errors,
                total=one.score.total,
                clips=one.clips,
                updates=self.brain.progress.update,
                minutes=round(self.brain.progress.seconds / 60, 1),
                seed=self.hparams["seed"],
                commit=git_commit(place),
                command=command,
                device=_device(self.brain.device),
                date=date.today().isoformat(),
                low=round(one.interval.low, 6) if one.interval else None,
                high=round(one.interval.high, 6) if one.interval else None,
            )
            for one in evaluation.scores
        ]

    def _train_loader(self) -> UpdateLoader:
        """Batches for training."""
        return self.labels.train_loader(
            self.data,
            seed=self.hparams["seed"],
            rank=distributed.rank(),
            world_size=distributed.world_size(),
            pin_memory=torch.device(self.brain.device).type == "cuda",
        )

    def _eval_loader(self, split: str) -> EvalLoader:
        """Batches of a set that is scored."""
        return self.labels.eval_loader(
            split,
            self.data,
            rank=distributed.rank(),
            world_size=distributed.world_size(),
        )


def _is_other_decoder(old: ResultRow, new: ResultRow) -> bool:
    """Tell whether an old row is of the same model, scored by another command."""
    commands = {variant_of(row.command) for row in (old, new)}
    return old.updates == new.updates and len(commands) == 2


def _with_precision(run_opts, precision: str):
    """Run options whose precision is that of the hyperparameters, unless given."""
    is_cpu = (run_opts.device or infer_device()) == "cpu"
    if "precision" in run_opts.overridden_args:
        precision = run_opts.precision
    elif precision == "auto":
        precision = "fp32" if is_cpu else "bf16"
    if precision not in PRECISIONS:
        raise InputError(
            f"optim: precision must be auto or one of {PRECISIONS}, got {precision!r}"
        )
    if is_cpu and "fp16" in (precision, run_opts.eval_precision):
        raise InputError("precision fp16 needs a GPU; on a CPU use bf16 or fp32")
    if is_cpu and precision == "bf16" and not _has_bf16():
        logger.warning(
            "This CPU has no bf16 instructions (AVX512-BF16 or AMX); bf16 is emulated, "
            "so fp32 is likely to be faster."
        )
    given = run_opts.overridden_args | {"precision"}  # a Brain reads only what is given
    return replace(run_opts, precision=precision, overridden_args=given)


def _has_bf16() -> bool:
    """Whether this CPU multiplies in bf16; yes, where it cannot be told."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _device(device) -> str:
    """What the run was made on, for the results."""
    kind = torch.device(device).type
    if kind == "cuda":
        return f"{distributed.world_size()} x {torch.cuda.get_device_name(device)}"
    return f"{kind}, {torch.get_num_threads()} threads"
