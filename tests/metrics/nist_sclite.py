"""NIST's ``sclite``, where there is one, and a table that it made."""

import os
import re
import shutil
import subprocess
from pathlib import Path

# A path in SCLITE, a program that is found, or where Debian's package sctk has it.
PLACES = (os.environ.get("SCLITE", ""), "sclite", "/usr/lib/sctk/bin/sclite")
SCLITE = next(filter(None, map(shutil.which, filter(None, PLACES))), None)
MISSING = "no sclite: install the package sctk, or put its path into SCLITE"
GOLDEN = Path(__file__).with_name("sclite.txt")
SCORES = re.compile(
    r"^id: \((.*)\)\n(?:(?:File|Channel): .*\n)*"
    r"Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)$",
    re.M,
)
SUM = re.compile(r"^ *\| *(\S+) +\| +(\d+) +(\d+) +\|((?: +\d+){6}) +\|", re.M)


def run_sclite(folder, *inputs):
    """Errors of each utterance by its name: reference units, S, D and I; and sums.

    Sums are by speaker, with ``Sum`` for all: clips, units, S, D, I.
    """
    outputs = "-o", "pralign", "rsum", "-O", str(folder), "-n", "out"
    command = [SCLITE, "-s", "-e", "utf-8", "-f", "0", *map(str, inputs), *outputs]
    # It asks questions, and has hung on words of a thousand bytes.
    options = {"stdin": subprocess.DEVNULL, "timeout": 60, "capture_output": True}
    ended = subprocess.run(command, **options, check=False)
    assert ended.returncode == 0, ended.stderr
    alignments = (folder / "out.pra").read_text(encoding="utf-8", errors="replace")
    found = {}
    for name, *counts in SCORES.findall(alignments):
        correct, *errors = map(int, counts)
        assert name not in found
        found[name] = [correct + errors[0] + errors[1], *errors]
    table = (folder / "out.raw").read_text(encoding="utf-8", errors="replace")
    sums = {}
    for name, clips, units, counts in SUM.findall(table):
        _, *errors, _, _ = map(int, counts.split())  # without correct, all, clips
        sums[name] = int(clips), int(units), *errors
    return found, sums


def golden_rows():
    """Metric, reference, hypothesis and counts of each line of the table."""
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            metric, reference, hypothesis, *counts = line.split("\t")
            yield metric, reference, hypothesis, [*map(int, counts)]
