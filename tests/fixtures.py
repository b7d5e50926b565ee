"""Fixtures that tests of several stages share: a tiny corpus, encoder and launcher."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from tests.corpus import TinyCorpus, make_corpus
from xlsr_sb import XLSR, XLSRConfig

ROOT = Path(__file__).parents[1]
OWN_SPEECH = ROOT / "recipes" / "OwnSpeech" / "ASR"
OWN_SPEECH_SSL = ROOT / "recipes" / "OwnSpeech" / "SSL"
ENVIRONMENT = {  # of processes; the same bits are promised on a CPU
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
SIZES = {
    "conv_dims": (8, 8, 8, 8, 8, 8, 16),
    "dim": 32,
    "ffn_dim": 48,
    "num_heads": 2,
    "num_layers": 2,
    "pos_conv_kernel": 16,
    "pos_conv_groups": 4,
}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> TinyCorpus:
    """Twenty clips of tones that spell letters; not to be changed by a test."""
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def encoder_config() -> XLSRConfig:
    """Twenty thousand parameters; dropout, layerdrop and masks as in the paper."""
    return XLSRConfig(**SIZES, mask_channel_length=4, freeze_feature_extractor=False)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory) -> Path:
    """Folder with a very small pretrained encoder, for ``--encoder.source``."""
    folder = tmp_path_factory.mktemp("encoder")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        XLSR(XLSRConfig(**SIZES)).save_pretrained(folder)
    return folder


@dataclass
class Run:
    """A run of a recipe in a process of its own.

    Parameters
    ----------
    launcher : Launcher
    pid : int
    output : Path
        What it prints is in this file with ``.out`` and ``.err`` behind its name.
    """

    launcher: "Launcher"
    pid: int
    output: Path

    def wait(self) -> int:
        """Exit status, once it has ended; minus the signal if one killed it."""
        return self.launcher.ask(wait=self.pid, block=True)["exit"]

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal, by default the one that cannot be caught."""
        os.kill(self.pid, number)

    @property
    def is_over(self) -> bool:
        """Whether it has ended; asks without waiting."""
        return self.launcher.ask(wait=self.pid, block=False)["exit"] is not None

    def wait_until(self, condition: Callable[[], object], *, seconds=60) -> bool:
        """Ask without pause until it holds; False if the run ends before."""
        stop = time.monotonic() + seconds
        while not condition():
            if self.is_over:
                return False
            assert time.monotonic() < stop
        return True

    @property
    def out(self) -> str:
        """What it printed."""
        return self.output.with_name(self.output.name + ".out").read_text()

    @property
    def err(self) -> str:
        """What it printed to stderr."""
        return self.output.with_name(self.output.name + ".err").read_text()


@dataclass
class Launcher:
    """The process of launcher.py, which starts recipes without importing PyTorch.

    Parameters
    ----------
    process : Popen
    folder : Path
        Takes what the runs print.
    """

    process: subprocess.Popen = field(repr=False)
    folder: Path
    count: int = 0

    def ask(self, **command) -> dict:
        """Answer to a command."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, *arguments, folder: Path = OWN_SPEECH, **how) -> Run:
        """Start ``python train.py`` with arguments in a recipe's folder."""
        self.count += 1
        output = self.folder / str(self.count)
        command = {"run": [str(a) for a in arguments], "folder": str(folder)}
        answer = self.ask(**command, output=str(output), **how)
        return Run(self, answer["pid"], output)


@pytest.fixture(scope="session")
def launcher(tmp_path_factory):
    """Start recipes in processes of their own, quickly."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "launcher.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT},
        start_new_session=True,
    ) as process:
        yield Launcher(process, tmp_path_factory.mktemp("printed"))
        os.killpg(process.pid, signal.SIGKILL)  # with runs that hang
