"""A process that imports PyTorch once and forks a fresh run of a recipe a command.

``python launcher.py`` reads commands from its input, one JSON object a line:

- ``{"run": ARGUMENTS, "folder": RECIPE, "output": FILE, ...}`` forks a child that goes
  on as ``python train.py ARGUMENTS`` in the recipe's folder; prints its process id.
- ``{"wait": ID}`` prints the child's exit status (-9 if it was killed), null if it
  still runs and ``"block"`` is false.

No tensor is made before the fork and no thread runs, so a child is what a new process
would be after its imports.
"""

import gc
import json
import os
import resource
import runpy
import sys
import traceback
from collections.abc import Callable

import torch
import torch._dynamo  # what optimisers import when they first step

from xlsr_sb.run import main as run_main
from xlsr_sb.tasks import pretraining, recognition  # noqa: F401 what recipes import


def become(command: dict) -> None:
    """Run a recipe as Python would; ends by SystemExit or another exception."""
    with open(command["output"] + ".out", "wb") as out:
        os.dup2(out.fileno(), 1)
    with open(command["output"] + ".err", "wb") as err:
        os.dup2(err.fileno(), 2)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.chdir(command["folder"])
    os.environ.update(command.get("environment", {}))
    sys.argv = ["train.py", *command["run"]]
    sys.path[0] = command["folder"]
    if "max_file_bytes" in command:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (command["max_file_bytes"], hard))
    if "reads" in command:
        remember_reads(command["reads"])
    runpy.run_path("train.py", run_name="__main__")


def remember_reads(path: str) -> None:
    """Write down, when the run ends, which hyperparameters it read."""
    module = sys.modules[run_main.__module__]
    load, run = module.load_hparams, module.run_recipe
    loaded = []

    def load_and_keep(*arguments):
        loaded.append(load(*arguments))
        return loaded[-1]

    def run_and_write(*arguments):
        run(*arguments)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(sorted(loaded[-1].reads), file)

    module.load_hparams, module.run_recipe = load_and_keep, run_and_write


def status_of(action: Callable[[], None]) -> int:
    """What Python would exit with; it takes a second to do so itself."""
    status = 0
    try:
        action()
    except SystemExit as error:
        status = error.code
        if not isinstance(status, int | None):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status or 0


def exit_status(pid: int, block: bool, ended: dict[int, int]) -> int | None:
    """How a child ended, if it has; each can be asked for more than once."""
    if pid not in ended:
        done, status = os.waitpid(pid, 0 if block else os.WNOHANG)
        if done:
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended.get(pid)


def main() -> None:
    """Obey the commands."""
    assert torch.get_num_threads() == 1
    ended: dict[int, int] = {}
    gc.freeze()  # children share these pages
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            answer = {"exit": exit_status(command["wait"], command["block"], ended)}
        else:
            pid = os.fork()
            if pid == 0:
                os._exit(status_of(lambda: become(command)))  # noqa: B023 now
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
