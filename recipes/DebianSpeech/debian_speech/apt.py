"""Download Debian packages with apt, without root, in lists and a cache of our own."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from xlsr_sb.errors import InputError

WHAT_TO_DO = (
    "Run where apt-get reaches a Debian mirror, or give a folder of the packages "
    "(debs, --debs), or make synthetic speech instead (synthetic, --synthetic)."
)
SETTINGS = {
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "",
    "Acquire::Retries": "3",
    "Acquire::http::Timeout": "30",
}


@dataclass(frozen=True)
class Offer:
    """A file that the mirror offers.

    Parameters
    ----------
    package, file : str
        Name of the package, and of the file that apt makes of it.
    size : int
        Bytes.
    checksum : str
        ``<algorithm>:<hexadecimal digest>``.
    """

    package: str
    file: str
    size: int
    checksum: str


class Apt:
    """apt-get as an ordinary user, with its state in ``folder``.

    Parameters
    ----------
    folder : Path
        Takes the package lists and the cache.
    """

    def __init__(self, folder: Path):
        if shutil.which("apt-get") is None:
            raise InputError(f"apt-get is not installed. {WHAT_TO_DO}")
        self.folder = folder.resolve()
        for name in ("lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._places = {
            "Dir::State::lists": f"{self.folder}/lists",
            "Dir::Cache": f"{self.folder}/cache",
        }

    def offers(self, packages: Iterable[str]) -> list[Offer]:
        """What the mirror offers for each package, after a look at its lists."""
        packages = list(packages)
        doubt = self._update()  # perhaps of a source that is not needed
        try:
            printed = self._run(["download", "--print-uris", *packages])
        except InputError as error:
            raise InputError(f"{doubt} {error}".strip()) from None
        pattern = r"^'[^']*' (([^_\s]+)_\S*) (\d+) (\w+:[0-9a-fA-F]+)"
        found = {
            name: Offer(name, file, int(size), checksum)
            for file, name, size, checksum in re.findall(pattern, printed, re.MULTILINE)
        }
        if missing := [name for name in packages if name not in found]:
            raise InputError(
                f"apt-get offers no {', '.join(missing)}: this is no Debian that "
                f"has them. {WHAT_TO_DO}"
            )
        return [found[name] for name in packages]

    def _update(self) -> str:
        """Renew the package lists; the first thing that went wrong, or nothing."""
        shown = {"bar_format": "{desc}: {elapsed}", "mininterval": 1, "miniters": 0}
        try:
            with tqdm(desc="package lists", **shown) as bar:
                printed = self._run(["update"], watch=lambda: bar.update(0))
        except InputError as error:
            return str(error).removesuffix(WHAT_TO_DO).strip()
        return next((line for line in printed.splitlines() if line[:2] == "W:"), "")

    def download(
        self, package: str, into: Path, watch: Callable[[int], None] = lambda _: None
    ) -> None:
        """Download ``package`` into the folder ``into``.

        ``watch`` is called about five times a second with the bytes that are there.
        """
        command = ["download", package]
        self._run(command, into=into, watch=lambda: watch(_bytes_in(into)))

    def _run(
        self,
        command: list[str],
        *,
        into: Path | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> str:
        """Output of an apt-get command."""
        settings = {**SETTINGS, **self._places}
        arguments = [x for pair in settings.items() for x in ("-o", "=".join(pair))]
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                ["apt-get", "-q", "-q", *arguments, *command],
                cwd=into or self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C"},
            )
            try:
                while process.poll() is None:
                    time.sleep(0.2 if into else 0.05)
                    watch()
            finally:  # an interrupted run leaves no download behind
                process.kill()
                process.wait()
            output.seek(0)
            printed = output.read().decode(errors="replace")
        if process.returncode:
            lines = printed.splitlines() or ["no message"]
            reason = next((line for line in lines if line.startswith("E: ")), lines[-1])
            raise InputError(f"apt-get {command[0]} failed: {reason} {WHAT_TO_DO}")
        return printed


def _bytes_in(folder: Path) -> int:
    """Bytes of the files in a folder."""
    total = 0
    with suppress(FileNotFoundError):  # apt has just renamed it
        for path in folder.iterdir():
            total += path.stat().st_size
    return total
