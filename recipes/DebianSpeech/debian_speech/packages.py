"""The ``.deb`` files a corpus is made of: found in a folder or fetched, and checked."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from debian_speech.apt import Apt, Offer
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic

ROOM = 4  # times the size of the packages: unpacked and decoded


def find(packages: Iterable[str], folder: Path) -> dict[str, Path]:
    """Package name to its ``.deb`` in a folder that the user filled.

    Raises
    ------
    InputError
        If the folder lacks one; the message lists all that are missing.
    """
    if not folder.is_dir():
        raise InputError(f"debs: {folder} is not a folder")
    packages = list(packages)
    found = {name: sorted(folder.glob(f"{name}_*.deb")) for name in packages}
    if missing := [name for name in packages if not found[name]]:
        raise InputError(
            f"debs: {folder} lacks {', '.join(missing)}; fetch them with "
            f"`apt-get download {' '.join(missing)}` in that folder"
        )
    return {name: found[name][-1] for name in packages}


def fetch(packages: Iterable[str], folder: Path) -> dict[str, Path]:
    """Package name to its ``.deb`` in ``folder``, downloading what is not there.

    A package that is complete (size and checksum as the mirror lists them) is kept, so
    an interrupted fetch goes on where it was, and a finished one needs no network.
    """
    packages = list(packages)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "partial", ignore_errors=True)
    offers = _remembered(folder)
    missing = [name for name in packages if not _complete(offers.get(name), folder)]
    if missing:
        apt = Apt(folder / "apt")
        offers |= {offer.package: offer for offer in apt.offers(missing)}
        _remember(offers, folder)
        wanted = [offers[name] for name in missing]
        _download([x for x in wanted if not _complete(x, folder)], folder, apt)
    return {name: folder / offers[name].file for name in packages}


def _download(offers: list[Offer], folder: Path, apt: Apt) -> None:
    """Download, check, and only then put into ``folder``."""
    total = sum(offer.size for offer in offers)
    check_room(folder, (1 + ROOM) * total)
    partial = folder / "partial"
    with tqdm(total=total, unit="B", unit_scale=True, desc="fetch") as bar:
        for done, offer in enumerate(offers):
            before = sum(x.size for x in offers[:done])
            partial.mkdir()

            def show(count: int, before: int = before, bar: tqdm = bar) -> None:
                bar.update(before + count - bar.n)

            bar.set_postfix_str(offer.package)
            apt.download(offer.package, partial, show)
            _check(partial / offer.file, offer)
            (partial / offer.file).replace(folder / offer.file)
            shutil.rmtree(partial)
            show(offer.size)


def check_room(folder: Path, num_bytes: int) -> None:
    """Raise if the disk of ``folder`` has not ``num_bytes`` left."""
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise InputError(
            f"{folder}: {free / 1e6:.0f} MB free on this disk, about "
            f"{num_bytes / 1e6:.0f} MB needed; choose another folder or fewer languages"
        )


def _check(deb: Path, offer: Offer) -> None:
    """Raise if a download is not what was offered."""
    if not deb.is_file():
        raise InputError(f"apt-get download made no {deb.name}; run again")
    size = deb.stat().st_size
    if size != offer.size or not _complete(offer, deb.parent):
        deb.unlink()
        raise InputError(
            f"{offer.file}: {size} bytes came, {offer.size} with checksum "
            f"{offer.checksum} were offered; run again, what is complete is kept"
        )


def _complete(offer: Offer | None, folder: Path) -> bool:
    """Whether the file of an offer is there, with its size and checksum."""
    if offer is None or not (path := folder / offer.file).is_file():
        return False
    if path.stat().st_size != offer.size:
        return False
    algorithm, _, digest = offer.checksum.lower().partition(":")
    algorithm = {"md5sum": "md5"}.get(algorithm, algorithm)
    with path.open("rb") as file:
        found = hashlib.new(algorithm)
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest() == digest


def _remembered(folder: Path) -> dict[str, Offer]:
    """Offers of an earlier run by package."""
    try:
        rows = json.loads((folder / "offers.json").read_text(encoding="utf-8"))
        return {row["package"]: Offer(**row) for row in rows}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _remember(offers: dict[str, Offer], folder: Path) -> None:
    """Write offers for the next run."""
    rows = [asdict(offer) for offer in offers.values()]
    with open_atomic(folder / "offers.json") as file:
        json.dump(rows, file, indent=1)
