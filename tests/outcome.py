"""What a run has left in its folder, as far as it does not depend on the clock."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import torch
import yaml

PARTS = ("encoder", "head", "optimizer", "progress")


def checkpoints(folder: Path) -> set[str]:
    """Names of the checkpoints that are there, complete."""
    save = folder / "save"
    names = os.listdir(save) if save.is_dir() else []
    return {name for name in names if name.startswith("CKPT+")}


def kept_updates(folder: Path) -> dict[int, Path]:
    """Checkpoints by the number of updates after which they were saved."""
    paths = [folder / "save" / name for name in checkpoints(folder)]
    metas = [yaml.safe_load((path / "CKPT.yaml").read_text()) for path in paths]
    return {meta["update"]: path for meta, path in zip(metas, paths, strict=True)}


def newest_states(folder: Path) -> dict[str, dict]:
    """Weights, optimiser and progress of the newest checkpoint, without the seconds."""
    kept = kept_updates(folder)
    newest = kept[max(kept)]
    states = {
        name: torch.load(newest / f"{name}.ckpt", weights_only=True) for name in PARTS
    }
    states["progress"].pop("seconds")
    for row in states["progress"]["history"]:
        row.pop("seconds")
    return states


def final_state(folder: Path) -> dict:
    """All that a finished run leaves behind, but for the seconds it took."""
    with (folder / "learning_curve.csv").open(newline="") as file:
        curve = [{**row, "seconds": None} for row in csv.DictReader(file)]
    with (folder / "results.csv").open(newline="") as file:
        columns = ("group", "metric", "value", "errors", "total", "low", "updates")
        results = [[row[name] for name in columns] for row in csv.DictReader(file)]
    reports = {path.name: path.read_text() for path in folder.glob("report_*.txt")}
    assert reports
    written = {path.name: path.read_bytes() for path in folder.glob("pretrained/*")}
    return {
        **newest_states(folder),
        "curve": curve,
        "results": results,
        "reports": reports,
        "pretrained": written,
        "kept": sorted(kept_updates(folder)),
        "folders": len(os.listdir(folder / "save")),
    }


def differences(one, other, place: str = "") -> Iterator[str]:
    """Where two nested states differ in any bit."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}/{index}")
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if not torch.equal(one, other):
            yield place
    elif one != other:
        yield f"{place}: {one!r} and {other!r}"
