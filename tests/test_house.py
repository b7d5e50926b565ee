"""Packaging and tools: what setup, make, CI and the documents promise each other."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xlsr_sb

ROOT = Path(__file__).parents[1]
STAND_IN = """#!/bin/sh
# Stands in for Python: writes down how it was called, makes virtual environments.
echo "$@" >> calls
case "$*" in
    "-m venv "*)
        mkdir -p "$3/bin" && cp python "$3/bin/"
        echo "$PWD/$3" > "$3/bin/activate" ;;
    "-m pip "*) test ! -e offline ;;
esac
"""


def run(*command, folder=ROOT, **environment):
    """Finished process of a command, as if no other make had started this one."""
    # A test must never touch the virtual environment that it runs in.
    foreign = ("MAKE", "MFLAGS", "VENV", "PYTHON")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    return subprocess.run(
        command,
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# What is installed


def test_version_is_the_same_everywhere():
    """In the package, as installed, and on top of the changelog."""
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest.group(1) == xlsr_sb.__version__
    assert importlib.metadata.version("xlsr-sb") == xlsr_sb.__version__


def test_every_import_is_a_declared_dependency():
    """Of the package and the recipes; some are brought along by what is declared."""
    brought_along = {"ruamel", "yaml"}  # by hyperpyyaml, in the version it can read
    requirements = importlib.metadata.requires("xlsr-sb")
    declared = {re.match(r"[\w.-]+", line).group().lower() for line in requirements}
    homes = importlib.metadata.packages_distributions()
    files = [*ROOT.glob("xlsr_sb/**/*.py"), *ROOT.glob("recipes/**/*.py")]
    imported = {name for path in files for name in top_level_imports(path)}
    ours = {"xlsr_sb", "prepare"} | {path.name for path in ROOT.glob("recipes/*/*")}
    others = imported - set(sys.stdlib_module_names) - ours - brought_along
    assert {"torch", "speechbrain", "soundfile"} <= others
    for name in sorted(others):
        # Python 3.10 finds no owner where a wheel does not list its modules.
        owners = {owner.lower() for owner in homes.get(name, [])}
        owners.add(name.lower().replace("_", "-"))
        assert owners & declared, f"{name} is imported, but not in setup.py"


def top_level_imports(path):
    """First part of the name of everything a file imports absolutely."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_every_folder_of_the_package_is_installed():
    """``find_packages`` passes by a folder without ``__init__.py``."""
    folders = {path.parent for path in ROOT.glob("xlsr_sb/**/*.py")}
    assert len(folders) >= 9
    assert [f for f in sorted(folders) if not (f / "__init__.py").exists()] == []


# Tests and tools


def test_every_test_file_is_collected():
    """A file with tests whose name pytest does not match would never run."""
    files = sorted(ROOT.glob("tests/**/*.py"))
    with_tests = [f for f in files if re.search(r"^def test_", f.read_text(), re.M)]
    assert len(with_tests) >= 20
    assert [f for f in with_tests if not f.name.startswith("test_")] == []


def test_each_tool_has_one_configuration():
    """A second file would win over the first, or never be read."""
    rivals = "setup.cfg tox.ini pytest.ini .ruff.toml ruff.toml .codespellrc .yamllint"
    assert [name for name in rivals.split() if (ROOT / name).exists()] == []
    assert "[project]" not in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("target", ["help", "setup", "demo", "test", "check"])
def test_make_has_the_target_and_lists_it(target):
    """As the README names them."""
    assert run("make", "--dry-run", target).returncode == 0
    assert f"make {target} " in run("make", "help").stdout


def test_ci_runs_what_the_readme_says():
    """The test command of the README, and nothing else."""
    commands = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands[-1] == "make test"
    assert "make test" in (ROOT / "README.md").read_text()
    assert "make check" in (ROOT / ".github/workflows/check.yml").read_text()


@pytest.mark.parametrize(
    ("recipe", "passes"),
    [
        ('@test -n "$$VENV" && test ! -e "$$VENV" && echo 3 passed', True),
        ("@echo 1 failed; exit 1", False),
        ("@echo no tests ran; exit 5", False),  # what pytest says of an empty run
    ],
)
def test_ci_fails_when_tests_fail_or_none_ran(tmp_path, recipe, passes):
    """In a fresh virtual environment each time."""
    (tmp_path / ".ci" / "venv").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "Makefile").write_text(f"test:\n\t{recipe}\n")
    ended = run("bash", ".ci/run", folder=tmp_path)
    assert (ended.returncode == 0) == passes, ended.stderr
    assert not (tmp_path / ".ci" / "venv").exists()


# make setup


@pytest.fixture
def checkout(tmp_path):
    """Copy of what ``make setup`` reads, with a stand-in for Python."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("Makefile", "setup.py"):
        shutil.copy(ROOT / name, folder)
    (folder / "python").write_text(STAND_IN)
    (folder / "python").chmod(0o755)
    return folder


def setup_calls(folder):
    """What ``make setup`` calls Python for: ``venv`` and ``pip``, in order."""
    (folder / "calls").unlink(missing_ok=True)
    ended = run("make", "setup", "PYTHON=./python", folder=folder)
    calls = folder / "calls"
    lines = calls.read_text().splitlines() if calls.exists() else []
    done = [line.split()[1] for line in lines if line.startswith("-m ")]
    return done if ended.returncode == 0 else [*done, "failed"]


def test_setup_installs_once(checkout):
    """The second time there is nothing to do, until setup.py changes."""
    assert setup_calls(checkout) == ["venv", "pip"]
    assert setup_calls(checkout) == []
    with (checkout / "setup.py").open("a") as file:
        file.write("# changed\n")
    assert setup_calls(checkout) == ["pip"]


def test_setup_goes_on_after_an_interruption(checkout):
    """An install that failed left no stamp."""
    (checkout / "offline").touch()
    assert setup_calls(checkout) == ["venv", "pip", "failed"]
    (checkout / "offline").unlink()
    assert setup_calls(checkout) == ["pip"]
    assert setup_calls(checkout) == []


def test_setup_replaces_a_virtual_environment_that_was_moved(checkout):
    """Its scripts would still start the Python of the old place."""
    assert setup_calls(checkout) == ["venv", "pip"]
    moved = checkout.rename(checkout.with_name("moved"))
    assert setup_calls(moved) == ["venv", "pip"]
    assert setup_calls(moved) == []


def test_setup_replaces_a_virtual_environment_without_python(checkout):
    """The system's Python was upgraded under it."""
    assert setup_calls(checkout) == ["venv", "pip"]
    (checkout / ".venv" / "bin" / "python").unlink()
    assert setup_calls(checkout) == ["venv", "pip"]


# Documents


def test_architecture_names_every_stage():
    """The picture is of what exists."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    files = (ROOT / "xlsr_sb").rglob("*.py")
    stages = {path.relative_to(ROOT / "xlsr_sb").parts[0] for path in files}
    stages = {name.removesuffix(".py") for name in stages} - {"__init__"}
    missing = {stage for stage in stages if f"`{stage}`" not in text}
    assert len(stages) >= 20
    assert missing == set()


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"]
)
def test_links_lead_somewhere(name):
    """Relative links of the documents."""
    path = ROOT / name
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
