"""Flight of the Amazon Queen: the spoken lines of an adventure game, in English.

All are MP3 entries ``NAME.SB`` of one archive, ``queen.1c``. It starts with ``QTBL``
and a version; at byte 13 stands the number of entries, then for each 21 bytes: a name
of 12, filled up with zeros, one byte, the offset and the size, all big-endian. What the
lines say is not in them, so they are for pretraining only.
"""

import re
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech.clip import Clip, Reading
from debian_speech.texts import NO_TEXT
from xlsr_sb.errors import InputError

NAME = "adventure"
LANGUAGES = ("en",)
PACKAGE = "flight-of-the-amazon-queen"
ARCHIVE = f"usr/share/scummvm/{PACKAGE}/queen.1c"
MAGIC = b"QTBL"
COUNT = struct.Struct(">13xH")
ENTRY = struct.Struct(">12sxII")

# Scene, line and who speaks: Joe (the player) or the person of the scene.
_LINE = re.compile(r"(\d\d)\w{4}([JP])\w")


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Package to fetch, with the test of the members that are needed.

    Example
    -------
    >>> packages(["en"])["flight-of-the-amazon-queen"](ARCHIVE), packages([])
    (True, {})
    """
    if not list(languages):
        return {}
    return {PACKAGE: lambda name: name == ARCHIVE}


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Every spoken line; a unit is a line."""
    if not list(languages):
        return Reading([], {})
    paths = sorted(_lines(roots[PACKAGE]).glob("*.mp3"))
    return Reading(
        [
            Clip(
                id=f"{NAME}-en-{path.stem}",
                recording=path,
                source=NAME,
                language="en",
                speaker=speaker_of(path.stem),
                unit=path.stem,
                fault=NO_TEXT,
            )
            for path in paths
        ],
        {},
    )


def speaker_of(name: str) -> str:
    """Who speaks a line, as far as its name tells.

    Example
    -------
    >>> speaker_of("020001P2"), speaker_of("020006J1"), speaker_of("JOE00012")
    ('queen-02', 'queen-joe', 'queen-joe')
    >>> speaker_of("C00A_001")
    'queen-unnamed'
    """
    match = _LINE.fullmatch(name)
    if name.startswith("JOE") or (match and match[2] == "J"):
        return "queen-joe"
    return f"queen-{match[1] if match else 'unnamed'}"


def _lines(root: Path) -> Path:
    """Folder with a file for each line, beside the archive; appears when complete."""
    archive = root / ARCHIVE
    into = archive.parent / "lines"
    if into.is_dir():
        return into
    spoken = parse(archive.read_bytes(), source=archive)
    partial = Path(tempfile.mkdtemp(prefix=".lines-", dir=archive.parent))
    try:
        for name, content in spoken.items():
            (partial / f"{name}.mp3").write_bytes(content)
        partial.rename(into)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return into


def parse(content: bytes, *, source: str | Path) -> dict[str, bytes]:
    r"""MP3 by name of the line, of the content of a ``queen.1c``.

    Example
    -------
    >>> index = ENTRY.pack(b"02A.SB", 57, 3) + ENTRY.pack(b"MAP.PCX", 60, 1)
    >>> start = MAGIC + b"CEM10" + bytes(4) + b"\x00\x02"
    >>> parse(start + index + b"mp3.", source="queen.1c")
    {'02A': b'mp3'}
    """
    if not content.startswith(MAGIC) or len(content) < COUNT.size:
        raise InputError(
            f"{source}: does not start as an archive of the game ({MAGIC.decode()}); "
            f"remove its folder and get the package {PACKAGE} of Debian 12"
        )
    end = COUNT.size + COUNT.unpack_from(content)[0] * ENTRY.size
    found = {}
    for name, offset, size in ENTRY.iter_unpack(content[COUNT.size : end]):
        stem, _, ending = name.partition(b"\0")[0].decode("ascii").partition(".")
        if offset + size > len(content):
            raise InputError(
                f"{source}: ends at byte {len(content)}, before {stem}.{ending} does "
                f"({offset + size}); remove its folder and run again"
            )
        if ending == "SB":
            found[stem] = content[offset : offset + size]
    return found
