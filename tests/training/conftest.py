"""Processes of their own: a pair that trains together, and one that gets killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def start(script, *arguments, **environment):
    """Start a script of this folder, with pipes to and from it."""
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        | environment,
    )


@pytest.fixture(scope="session")
def two_ranks(tmp_path_factory):
    """What each of two gloo processes saw: a list with one dictionary a rank."""
    folder = tmp_path_factory.mktemp("two_ranks")
    processes = [start("two_ranks.py", folder, RANK=str(rank)) for rank in (0, 1)]
    try:
        answers = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [json.loads(answer) for answer in answers]


class SavingProcess:
    """Runs the tasks of saving_process.py, one at a time, each in its own process."""

    def __init__(self):
        self.process = start("saving_process.py")
        self.pid = None

    def begin(self, task, **arguments):
        """Start a task."""
        command = json.dumps({"task": task} | {k: str(v) for k, v in arguments.items()})
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def hear(self):
        """Next line that the task or its parent says."""
        said = json.loads(self.process.stdout.readline())
        self.pid = said.get("pid", self.pid)
        return said

    def kill(self):
        """Kill the task as the kernel does when memory runs out."""
        os.kill(self.pid, signal.SIGKILL)

    def finish(self):
        """All that is said until the task has ended, its exit status last."""
        said = [self.hear()]
        while "exit" not in said[-1]:
            said.append(self.hear())
        return said


@pytest.fixture(scope="session")
def saver():
    """The process that imports PyTorch once for all tasks."""
    running = SavingProcess()
    yield running
    running.process.stdin.close()
    running.process.wait(timeout=20)
    running.process.stdout.close()
