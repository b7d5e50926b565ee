"""A process that forks one child a command, to be killed or starved of disk space.

``python saving_process.py`` reads commands from its input, one JSON object a line, and
imports PyTorch once for all of them. It prints the child's number, what the child
prints, and the child's exit status (-9 for one that was killed).
"""

import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

import torch
from speechbrain.utils.checkpoints import (
    Checkpointer,
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)

from xlsr_sb.training.checkpointer import AtomicCheckpointer

KINDS = {"ours": AtomicCheckpointer, "stock": Checkpointer}


@register_checkpoint_hooks
class Note:
    """A number kept by SpeechBrain's hooks; can kill its process while it is saved."""

    def __init__(self, number=0):
        self.number = number
        self.deadly = False

    @mark_as_saver
    def save(self, path):
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        Path(path).write_text(f"{self.number}\n" * 500)

    @mark_as_loader
    def load(self, path, end_of_epoch):
        del end_of_epoch
        (self.number,) = {int(line) for line in Path(path).read_text().split()}


def objects(width=64):
    """A module of many tensors, a second file beside it, and hooks between them."""
    layers = [torch.nn.Linear(width, width) for _ in range(6)]
    return {
        "first": torch.nn.Sequential(*layers),
        "note": Note(),
        "second": torch.nn.Linear(width, width),
    }


def fill(found, number):
    """Give every tensor and the note one number."""
    with torch.no_grad():
        for name in ("first", "second"):
            for tensor in found[name].parameters():
                tensor.fill_(number)
    found["note"].number = number


def say(**message):
    """One line at once: short writes to a pipe are never torn."""
    os.write(1, (json.dumps(message) + "\n").encode())


def count(folder):
    """Save without pause, going on from what is there; say what was saved."""
    found = objects()
    checkpointer = AtomicCheckpointer(folder, found)
    meta = checkpointer.recover()
    number = 0 if meta is None else meta["number"]
    say(started=number, held=found["note"].number)
    while True:
        number += 1
        fill(found, number)
        checkpointer.save({"number": number}, num_recent=2)
        say(saved=number)


def die_while_saving(folder, kind):
    """Save once, then be killed after the first of three files of the second save."""
    found = objects()
    checkpointer = KINDS[kind](folder, found)
    fill(found, 1)
    checkpointer.save_checkpoint({"number": 1})
    fill(found, 2)
    found["note"].deadly = True
    checkpointer.save_checkpoint({"number": 2})


def fill_the_disk(folder, kind):
    """Save once, then once more where files cannot grow beyond 20 kB."""
    found = objects()
    checkpointer = KINDS[kind](folder, found)
    fill(found, 1)
    checkpointer.save_checkpoint({"number": 1})
    fill(found, 2)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        checkpointer.save_checkpoint({"number": 2})
    except Exception as error:
        say(error=type(error).__name__, message=str(error))
    say(files=sorted(path.name for path in Path(folder).iterdir()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    fill(found, 3)
    checkpointer.save_checkpoint({"number": 3})
    say(saved=3)


TASKS = {task.__name__: task for task in (count, die_while_saving, fill_the_disk)}


def main():
    """Fork a child for every line of the input."""
    for line in sys.stdin:
        arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                TASKS[arguments.pop("task")](**arguments)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        say(pid=pid)
        say(exit=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
