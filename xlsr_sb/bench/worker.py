"""One side in a process of its own: commands come in as lines of JSON, answers go out.

A process a side keeps allocators and memory peaks apart. Only one works at a time.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import torch
from safetensors.torch import save_file

from xlsr_sb.bench import floor
from xlsr_sb.bench.cases import Case
from xlsr_sb.bench.peaks import release_memory
from xlsr_sb.bench.sides import NotInstalledError
from xlsr_sb.bench.task import Task, task_of
from xlsr_sb.errors import InputError
from xlsr_sb.training.heap import return_large_blocks


class Server:
    """Answers the commands of the process that measures.

    Parameters
    ----------
    side : str
    threads : int
    device : str

    Example
    -------
    >>> server = Server("ours", torch.get_num_threads(), "cpu")
    >>> server.answer({"do": "forget"})
    {}
    """

    def __init__(self, side: str, threads: int, device: str):
        torch.set_num_threads(threads)
        self.name, self.device = side, torch.device(device)
        self.task: Task | None = None
        self.commands: dict[str, Callable[..., dict]] = {
            "build": self._build,
            "step": self._step,
            "features": self._features,
            "first_update": self._first_update,
            "forget": self._forget,
            "floor": self._floor,
            "settle": self._settle,
            "loading": _loading,
            "decoding": _decoding,
            "greedy_texts": _greedy_texts,
            "lexicon_decoding": _lexicon_decoding,
            "translating": self._translating,
        }

    def answer(self, command: dict) -> dict:
        """Do what a command says; ``absent`` in the answer says what is missing."""
        arguments = dict(command)
        try:
            return self.commands[arguments.pop("do")](**arguments)
        except NotInstalledError as error:
            return {"absent": str(error)}
        except InputError as error:
            return {"error": str(error)}

    def _build(self, folder: str, case: dict) -> dict:
        self._forget()
        self.task = task_of(self.name, Path(folder), Case(**case), self.device)
        if self.name == "ours" and self.task.work.trains:  # as our training does
            size = sum(one.numel() for one in self.task.trained)
            return_large_blocks(num_parameters=size, device=self.device)
        return {}

    def _forget(self) -> dict:
        self.task = None
        release_memory()
        return {}

    def _step(self) -> dict:
        return asdict(self.task.step())

    def _features(self, path: str) -> dict:
        save_file({"features": self.task.features()}, path)
        return {}

    def _first_update(self) -> dict:
        loss, norm = self.task.first_update()
        return {"loss": loss, "norm": norm}

    def _settle(self) -> dict:
        return {"resident_bytes": self.task.settle()}

    def _floor(self, **question) -> dict:
        return floor.measure(device=self.device, **question)

    def _translating(self, **question) -> dict:
        from xlsr_sb.bench import translating  # slow to import; peers do without

        return translating.measure(device=self.device, **question)


def _loading(**question) -> dict:
    from xlsr_sb.bench import loading  # likewise

    return loading.measure(**question)


def _decoding(**question) -> dict:
    from xlsr_sb.bench import decoding  # likewise

    return decoding.measure(**question)


def _greedy_texts(**question) -> dict:
    from xlsr_sb.bench import decoding

    return decoding.measure_texts(**question)


def _lexicon_decoding(**question) -> dict:
    from xlsr_sb.bench import lexicon_decoding

    return lexicon_decoding.measure(**question)


def serve(server: Server, commands: TextIO, answers: TextIO) -> None:
    """Answer line by line until there are no more.

    Example
    -------
    >>> from io import StringIO
    >>> server = Server("ours", torch.get_num_threads(), "cpu")
    >>> answers = StringIO()
    >>> serve(server, StringIO('{"do": "forget"}'), answers)
    >>> answers.getvalue().strip()
    '{}'
    """
    for line in commands:
        answers.write(json.dumps(server.answer(json.loads(line))) + "\n")
        answers.flush()


def main(side: str, threads: str, device: str) -> None:
    """Serve on standard input and output; what libraries print goes to stderr."""
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32, for all sides
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(Server(side, int(threads), device), sys.stdin, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
