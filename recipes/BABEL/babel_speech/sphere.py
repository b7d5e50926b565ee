"""SPHERE files that are compressed, which libsndfile cannot read."""

import re
from collections.abc import Iterable
from pathlib import Path

from xlsr_sb.errors import InputError

HEADER_BYTES = 1_024
SHORTEN = re.compile(rb"^sample_coding -s\d+ .*shorten", re.MULTILINE)


def is_shortened(path: Path) -> bool:
    r"""Whether a file is SPHERE compressed with shorten; no, if it is not there.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.sph"
    >>> start, coding = b"NIST_1A\n   1024\n", b"pcm,embedded-shorten-v2.00"
    >>> _ = path.write_bytes(start + b"sample_coding -s26 " + coding)
    >>> is_shortened(path)
    True
    """
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError:
        return False
    return header.startswith(b"NIST_1A") and bool(SHORTEN.search(header))


def refuse_shortened(paths: Iterable[Path]) -> None:
    """Raise if recordings are compressed, with the command that converts them.

    Parameters
    ----------
    paths : iterable of Path
        Those that could not be read.

    Raises
    ------
    InputError
        Naming the first one, and the folders.
    """
    shortened = [path for path in paths if is_shortened(path)]
    if shortened:
        folders = " ".join(f"{one}/*.sph" for one in {x.parent: 0 for x in shortened})
        raise InputError(
            f"{len(shortened)} recordings are SPHERE files compressed with shorten, "
            f"which libsndfile cannot read, such as {shortened[0]}; convert them with "
            "the LDC's sph2pipe, the originals may stay: "
            f'for f in {folders}; do sph2pipe -p -f wav "$f" "${{f%.sph}}.wav"; done'
        )
