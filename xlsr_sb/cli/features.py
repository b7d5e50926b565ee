"""``xlsr-sb features``: the encoder's features of audio files, of any length."""

import argparse
import csv
import hashlib
import json
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

from xlsr_sb.cli.parsing import add_command, one_line
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.recordings import CONTEXTS, Plan, stream_recording
from xlsr_sb.errors import InputError
from xlsr_sb.export import run_encoder
from xlsr_sb.files import open_atomic, read_rows

MANIFEST, SETTINGS = "features.csv", "features.json"
COLUMNS = ["path", "features", "num_frames", "dim"]


def add_to(commands) -> None:
    """Add the command ``features`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> words = ["features", "encoder", "a.wav", "--to", "out", "--layer", "12"]
    >>> parser.parse_args(words).layer
    12
    """
    parser = add_command(commands, "features", _features)
    parser.add_argument(
        "source", help="encoder (folder, hub id), exported model or folder of a run"
    )
    parser.add_argument("audio", nargs="+", help="WAV, FLAC, OGG, Opus or MP3")
    parser.add_argument("--to", required=True, metavar="FOLDER", help="to write into")
    parser.add_argument(
        "--layer", type=int, help="output of this layer, 0 its input; default: the last"
    )
    parser.add_argument(
        "--context",
        choices=CONTEXTS,
        default="recording",
        help="what attention sees: all (exact, slow for hours) or a chunk and its "
        "overlaps (fast, approximate); default: %(default)s",
    )
    for name, default in (("chunk", 30.0), ("overlap", 5.0)):
        parser.add_argument(
            f"--{name}-seconds",
            type=float,
            default=default,
            help="default: %(default)s",
        )


def _features(arguments: argparse.Namespace) -> None:
    """Write an encoder's features of audio files, one .npy file [F, D] each.

    What is there already is left; the exit code is 1 if a file cannot be read.
    """
    folder = Path(arguments.to)
    lobe = _encoder(arguments.source).eval()
    options = {
        "up_to_layer": lobe.config.top_layer(arguments.layer),
        "context": arguments.context,
        "chunk_seconds": arguments.chunk_seconds,
        "overlap_seconds": arguments.overlap_seconds,
    }
    Plan.of(lobe, **options)  # refuses what cannot be done
    _settle(folder, {**_what_matters(options), "weights": _fingerprint(lobe)})
    lobe.to("cuda" if torch.cuda.is_available() else "cpu")
    rows, failed = _known(folder), False
    try:
        for audio in dict.fromkeys(arguments.audio):
            target = folder / _name(audio)
            try:
                if not target.exists():
                    _write(lobe, audio, target, options)
            except InputError as error:
                print(one_line(error), file=sys.stderr)
                failed = True
                continue
            frames, dim = np.load(target, mmap_mode="r").shape
            rows[audio] = [audio, target.name, frames, dim]
            print(f"{audio}\t{target}\t{frames} frames", flush=True)
    finally:
        with open_atomic(folder / MANIFEST) as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows.values()])
    if failed:
        sys.exit(1)


def _encoder(source: str) -> XLSR:
    """Encoder of a run, of an exported model, or by itself."""
    folder = Path(source)
    if (folder / "save").is_dir():
        return run_encoder(folder)
    if (folder / "encoder").is_dir():
        return XLSR.from_pretrained(str(folder / "encoder"))
    return XLSR.from_pretrained(source)


def _what_matters(options: dict) -> dict:
    """Options on which the features depend: with all in sight, chunks do not matter."""
    if options["context"] == "chunk":
        return options
    return {name: options[name] for name in ("up_to_layer", "context")}


def _fingerprint(lobe: XLSR) -> str:
    """Check sum of all weights."""
    total = 0
    for tensor in lobe.state_dict().values():
        total = zlib.crc32(tensor.contiguous().view(torch.uint8).numpy(), total)
    return f"{total:08x}"


def _settle(folder: Path, settings: dict) -> None:
    """Write down what the features of a folder are; refuse to mix two kinds."""
    path = folder / SETTINGS
    if not path.exists():
        with open_atomic(path) as file:
            json.dump(settings, file, indent=2)
        return
    try:
        present = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read: {error}; remove the folder"
        ) from error
    if present != settings:
        raise InputError(
            f"{folder} holds features made with {present}, not with {settings}; give "
            f"another folder"
        )


def _known(folder: Path) -> dict[str, list]:
    """Rows of the manifest by path; those whose features are gone are left out."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    cells = [row for _, row in read_rows(path, required=COLUMNS)]
    present = [row for row in cells if (folder / row["features"]).exists()]
    return {row["path"]: [row[name] for name in COLUMNS] for row in present}


def _name(audio: str) -> str:
    """Name of the features of a file: two of the same name have two."""
    path = Path(audio)
    whole = str(path.absolute()).encode("utf-8", errors="surrogateescape")
    return f"{path.stem}-{hashlib.sha256(whole).hexdigest()[:8]}.npy"


def _write(lobe: XLSR, audio: str, target: Path, options: dict) -> None:
    """Write features as they come; the file appears when it is complete."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            for chunk in stream_recording(lobe, audio, **options):
                values = chunk.features.float().numpy()
                if chunk.first_frame == 0:
                    shape = chunk.num_frames, values.shape[1]
                    kind = {"descr": "<f4", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(file, kind)
                file.write(values.astype("<f4", order="C").tobytes())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error.strerror or error}"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
