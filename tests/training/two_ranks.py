"""What one of two processes sees; ``RANK`` says which. Prints one JSON object.

``python two_ranks.py FOLDER``
"""

import datetime
import json
import os
import resource
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from speechbrain.utils.checkpoints import Checkpointer
from torch.nn.parallel import DistributedDataParallel

from xlsr_sb.errors import InputError
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.distributed import (
    barrier,
    gather_objects,
    is_main,
    on_main,
    rank,
    sum_over_ranks,
    world_size,
)


class OnePerRank:
    """A number that differs between processes, as random states do."""

    def __init__(self, number=0):
        self.number = number

    def state_dict(self):
        return {"numbers": gather_objects(self.number)}

    def load_state_dict(self, state):
        self.number = state["numbers"][rank()]


def join(folder, name, seconds):
    """Meet the other process."""
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/{name}",
        rank=int(os.environ["RANK"]),
        world_size=2,
        timeout=datetime.timedelta(seconds=seconds),
    )


def error_of(action):
    """Type and message of what an action raises."""
    try:
        action()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return ["nothing", ""]


def refuse():
    """Fail as a user's mistake does."""
    raise InputError("a bad value")


def talk():
    """Every function of the module."""
    values = torch.tensor([1.0, 2.0]) * (rank() + 1)
    barrier()
    return {
        "rank": rank(),
        "world_size": world_size(),
        "is_main": is_main(),
        "list": sum_over_ranks([0.5, rank()]),
        "tensor": sum_over_ranks(values).tolist(),
        "argument": values.tolist(),
        "counts": sum_over_ranks(torch.tensor([rank(), 10])).tolist(),
        "gathered": gather_objects({"rank": rank()}),
        "on_main": on_main(lambda: f"from rank {rank()}"),
        "refused": error_of(lambda: on_main(refuse)),
        "crashed": error_of(lambda: on_main(lambda: {}["key"])),
    }


def holding(number):
    """A wrapped module, its optimiser, and a number of this process."""
    module = torch.nn.Linear(30, 30)
    torch.nn.init.constant_(module.weight, number)
    return {
        "module": DistributedDataParallel(module),
        "optimizer": torch.optim.Adam(module.parameters(), lr=0.1),
        "own": OnePerRank(10 * number + rank()),
    }


def recovered(folder):
    """What a new run finds."""
    found = holding(0)
    meta = AtomicCheckpointer(folder, found).recover()
    weight = found["module"].module.weight
    return [meta, weight.min().item(), weight.max().item(), found["own"].number]


def limit(num_bytes):
    """Let no file grow further, as on a full disk; only where files are written."""
    if is_main():
        limit_files(num_bytes)
    barrier()


def limit_files(num_bytes):
    """Set how long a file may become, in this process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes or hard, hard))


def save_and_recover(folder):
    """Save twice, recover; damage the newest, recover; fail to save, save again."""
    seen = {}
    for number in (1, 2):
        checkpointer = AtomicCheckpointer(folder, holding(number))
        path = checkpointer.save({"number": number}, num_recent=2)
    seen["path"] = str(path)
    seen["recovered"] = recovered(folder)
    seen["names"] = sorted(torch.load(path / "module.ckpt", weights_only=True))
    barrier()
    on_main((path / "own.ckpt").unlink)
    seen["after_damage"] = recovered(folder)
    limit(500)
    seen["full_disk"] = error_of(lambda: checkpointer.save({"number": 3}))
    limit(None)
    checkpointer.save({"number": 4}, num_recent=1)
    seen["at_last"] = recovered(folder)
    seen["files"] = on_main(lambda: sorted(p.name for p in Path(folder).iterdir()))
    return seen


def stock_on_a_full_disk(folder):
    """SpeechBrain's Checkpointer where the writing process fails."""
    limit(500)
    checkpointer = Checkpointer(folder, {"module": torch.nn.Linear(30, 30)})
    error = error_of(checkpointer.save_checkpoint)
    if is_main():
        limit_files(None)
    return error


def main(folder):
    """Run all of it and print what was seen."""
    join(folder, "meeting", seconds=60)
    seen = {"talk": talk(), "checkpoints": save_and_recover(f"{folder}/ours")}
    dist.destroy_process_group()
    join(folder, "second_meeting", seconds=2)
    seen["stock"] = stock_on_a_full_disk(f"{folder}/stock")
    print(json.dumps(seen), flush=True)
    os._exit(0)  # The group is broken and would complain.


if __name__ == "__main__":
    main(sys.argv[1])
