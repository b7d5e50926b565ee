"""Fetching packages with apt-get: complete, interrupted, damaged, absent."""

import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.recipes import debian_packages as fake
from xlsr_sb.errors import InputError

from debian_speech import deb, packages  # isort: skip - needs the path of the line above

APT = """#!{python}
import hashlib, os, pathlib, sys, time
mirror = pathlib.Path({mirror!r})
arguments = sys.argv[1:]
settings = dict(x.split("=", 1) for o, x in zip(arguments, arguments[1:]) if o == "-o")
for name in ("Dir::State::lists", "Dir::Cache"):
    assert pathlib.Path(settings[name]).is_dir(), name
command = [x for o, x in zip(["", *arguments], arguments) if x[0] != "-" and o != "-o"]
with (mirror / "calls.txt").open("a") as log:
    print(*command, "uris" if "--print-uris" in arguments else "", file=log)
mode = (mirror / "mode.txt").read_text().split()
if "offline" in mode:
    print("W: Failed to fetch http://mirror", file=sys.stderr)
    if command[0] == "download":
        print("E: Unable to locate package", command[1], file=sys.stderr)
        sys.exit(100)
for name in command[1:]:
    found = sorted(mirror.glob(name + "_*.deb"))
    if not found:
        continue
    content = found[0].read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if "--print-uris" in arguments:
        print(f"'http://m/{{found[0].name}}' {{found[0].name}} {{len(content)}} "
              f"SHA256:{{digest}}")
    elif "die-at-" + name in mode:
        pathlib.Path(found[0].name).write_bytes(content[:len(content) // 2])
        print("E: Connection reset", file=sys.stderr)
        sys.exit(100)
    elif "hang-at-" + name in mode:
        pathlib.Path(found[0].name).write_bytes(content[:len(content) // 2])
        time.sleep(600)
    elif "cut-" + name in mode:
        pathlib.Path(found[0].name).write_bytes(content[:-1])
    elif "spoil-" + name in mode:
        pathlib.Path(found[0].name).write_bytes(content[:-1] + b"?")
    else:
        pathlib.Path(found[0].name).write_bytes(content)
"""


class Mirror:
    """A folder of packages with an apt-get that copies from it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.digests = {}
        for name in ("alpha", "beta", "gamma"):
            path = fake.write_deb(folder, name, {"usr/x": name.encode() * 9_000})
            self.digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        self.mode("")
        program = folder / "bin" / "apt-get"
        program.parent.mkdir()
        program.write_text(APT.format(python=sys.executable, mirror=str(folder)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def mode(self, text: str) -> None:
        """What goes wrong from now on."""
        (self.folder / "mode.txt").write_text(text)

    def calls(self) -> list[str]:
        """Commands since the last call."""
        log = self.folder / "calls.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.strip() for line in lines]

    def check(self, found: dict[str, Path]) -> None:
        """Assert that every file is the one of the mirror."""
        for name, path in found.items():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digest == self.digests[name]


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror whose apt-get comes first on the path."""
    made = Mirror(tmp_path / "mirror")
    path = f"{made.folder}/bin{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    return made


NAMES = ["alpha", "beta", "gamma"]


def test_packages_come_whole_and_once(mirror, tmp_path, capsys):
    found = packages.fetch(NAMES, tmp_path / "p")
    mirror.check(found)
    assert list(found) == NAMES
    assert mirror.calls() == [
        "update",
        "download alpha beta gamma uris",
        "download alpha",
        "download beta",
        "download gamma",
    ]
    assert "fetch: 100%" in capsys.readouterr().err
    mirror.mode("offline")
    mirror.check(packages.fetch(NAMES, tmp_path / "p"))
    assert mirror.calls() == []  # what is complete needs no network


@pytest.mark.parametrize("fault", ["die-at-beta", "cut-beta", "spoil-beta"])
def test_interrupted_fetch_goes_on(mirror, tmp_path, fault):
    mirror.mode(fault)
    words = {"die": "Connection reset", "cut": "bytes came", "spo": "checksum"}
    with pytest.raises(InputError, match=words[fault[:3]]):
        packages.fetch(NAMES, tmp_path / "p")
    assert [path.name for path in (tmp_path / "p").glob("*.deb")] == [
        "alpha_1.0_all.deb"
    ]
    mirror.calls()
    mirror.mode("")
    mirror.check(packages.fetch(NAMES, tmp_path / "p"))
    assert mirror.calls()[1:] == [
        "download beta gamma uris",
        "download beta",
        "download gamma",
    ]
    assert not (tmp_path / "p" / "partial").exists()


def test_killed_fetch_goes_on(mirror, tmp_path):
    mirror.mode("hang-at-beta")
    script = (
        f"import sys; sys.path.insert(0, {str(fake.RECIPE)!r})\n"
        "from pathlib import Path\nfrom debian_speech import packages\n"
        f"packages.fetch({NAMES}, Path({str(tmp_path / 'p')!r}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(fake.RECIPE.parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    partial = tmp_path / "p" / "partial" / "beta_1.0_all.deb"
    while not partial.exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, 9)
    process.wait()
    mirror.mode("")
    mirror.calls()
    mirror.check(packages.fetch(NAMES, tmp_path / "p"))
    assert "download alpha" not in mirror.calls()


def test_file_damaged_later_is_fetched_again(mirror, tmp_path):
    found = packages.fetch(NAMES, tmp_path / "p")
    found["alpha"].write_bytes(b"!" * found["alpha"].stat().st_size)
    found["beta"].unlink()
    mirror.calls()
    mirror.check(packages.fetch(NAMES, tmp_path / "p"))
    assert mirror.calls()[2:] == ["download alpha", "download beta"]


def test_no_network_says_what_to_do(mirror, tmp_path):
    mirror.mode("offline")
    with pytest.raises(InputError) as caught:
        packages.fetch(NAMES, tmp_path / "p")
    message = str(caught.value)
    assert message.startswith("W: Failed to fetch http://mirror")
    assert "Unable to locate package alpha" in message
    assert "--debs" in message
    assert "--synthetic" in message


def test_unknown_package_is_named(mirror, tmp_path):
    with pytest.raises(InputError, match="offers no delta: .*--debs"):
        packages.fetch(["alpha", "delta"], tmp_path / "p")
    assert mirror.calls()


def test_no_apt_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get is not installed.*--synthetic"):
        packages.fetch(NAMES, tmp_path / "p")


@pytest.mark.parametrize("ending", ["xz", "gz", ""])
def test_unpack(tmp_path, ending):
    files = {"usr/a.txt": b"one", "usr/b.ogg": b"two", "../../c.txt": b"three"}
    path = fake.write_deb(tmp_path, "delta", files, ending=ending)
    root = deb.unpack(path, lambda name: name.endswith(".txt"), tmp_path / "u" / "d")
    found = [path for path in root.rglob("*.*") if path.name != ".made-from"]
    assert [str(path.relative_to(root)) for path in found] == ["usr/a.txt"]
    assert found[0].read_bytes() == b"one"
    assert [path.name for path in (tmp_path / "u").iterdir()] == ["d"]


@pytest.mark.parametrize("keep", [0, 5, 100, -1, -40])
def test_truncated_package(tmp_path, keep):
    path = fake.write_deb(tmp_path, "delta", {"usr/a.txt": os.urandom(500)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="delta_1.0_all.deb: not a complete"):
        deb.unpack(path, lambda _: True, tmp_path / "u")
    assert not (tmp_path / "u").exists()


def test_flipped_bit_in_package(tmp_path):
    path = fake.write_deb(tmp_path, "delta", {"usr/a.txt": os.urandom(50_000)})
    content = bytearray(path.read_bytes())
    content[-20_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a complete"):
        deb.unpack(path, lambda _: True, tmp_path / "u")


def test_compression_that_needs_dpkg(tmp_path, monkeypatch):
    path = fake.write_deb(tmp_path, "delta", {"usr/a.txt": b"one"}, ending="zst")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"data.tar.zst, which needs dpkg-deb"):
        deb.unpack(path, lambda _: True, tmp_path / "u")


@pytest.mark.network
def test_real_mirror(tmp_path):
    name = "asterisk-core-sounds-fr"
    found = packages.fetch([name], tmp_path / "p")
    root = deb.unpack(found[name], lambda x: x.endswith(".txt.gz"), tmp_path / "u")
    assert [path.name for path in root.rglob("*.gz")] == ["core-sounds-fr.txt.gz"]
