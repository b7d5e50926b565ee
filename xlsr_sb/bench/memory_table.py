"""The table of docs/memory.md, computed by the memory model.

python -m xlsr_sb.bench.memory_table docs/memory.md
"""

import sys
from itertools import product
from pathlib import Path

from xlsr_sb.encoder import XLSRConfig
from xlsr_sb.encoder.memory import GIB, seconds_that_fit, training_memory
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic

OPENING, CLOSING = "<!-- memory -->", "<!-- /memory -->"
SIZES = {"0.3B": "300m", "1B": "1b", "2B": "2b"}
GPUS = (24, 40, 80)  # GiB
SHARDS = (1, 8)
YES_NO = {True: "yes", False: "no"}


def memory_table() -> str:
    """Markdown: seconds of speech in the batch of one GPU, by size and settings.

    Example
    -------
    >>> print(memory_table().splitlines()[0])
    | encoder | GPUs | checkpointing | fixed GiB | 24 GiB | 40 GiB | 80 GiB |
    """
    gpus = [f"{gpu} GiB" for gpu in GPUS]
    header = ["encoder", "GPUs", "checkpointing", "fixed GiB", *gpus]
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    for name, shards, checkpointing in product(SIZES, SHARDS, (False, True)):
        config = XLSRConfig.preset(SIZES[name], activation_checkpointing=checkpointing)
        fixed = training_memory(config, 0.0, shards=shards).total / GIB
        fitting = [seconds_that_fit(config, gpu, shards=shards) for gpu in GPUS]
        cells = [name, str(shards), YES_NO[checkpointing], f"{fixed:.1f}"]
        lines.append([*cells, *(f"{one:,} s" if one else "—" for one in fitting)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def update_docs(path: str | Path) -> None:
    """Put the table between its markers in a document.

    Raises
    ------
    InputError
        If there is no such document, or it has no markers.

    Example
    -------
    >>> path = getfixture("tmp_path") / "memory.md"
    >>> _ = path.write_text(f"{OPENING}old{CLOSING}")
    >>> update_docs(path)
    >>> memory_table() in path.read_text()
    True
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file")
    text = Path(path).read_text(encoding="utf-8")
    before, opening, rest = text.partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not (opening and closing):
        raise InputError(f"{path}: there is no {OPENING} with {CLOSING} behind it")
    with open_atomic(path) as file:
        file.write(f"{before}{OPENING}\n\n{memory_table()}\n\n{CLOSING}{after}")


if __name__ == "__main__":
    update_docs(*sys.argv[1:])
