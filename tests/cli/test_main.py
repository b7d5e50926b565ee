"""The command line itself."""

import importlib.metadata
import re

import pytest

from tests.cli.commands import fails
from xlsr_sb import cli
from xlsr_sb.cli import main


@pytest.mark.parametrize(
    "argv", [[], ["results"], ["export", "run"], ["transcribe", "run"], ["convert"]]
)
def test_wrong_calls_end_with_usage(argv, capsys):
    """And exit code 2."""
    code, _, errors = fails(capsys, *argv)
    assert code == 2
    assert errors[0].startswith("usage: xlsr-sb")


def test_help_lists_the_documented_commands(capsys):
    """What the module says is there, and nothing else."""
    documented = set(re.findall(r"^ *xlsr-sb (\w+)", cli.__doc__, re.MULTILINE))
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = set(re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE))
    assert shown == documented
    assert len(shown) >= 7


def test_entry_point_is_this_function():
    """As setup.py installs it."""
    (entry,) = importlib.metadata.entry_points(name="xlsr-sb")
    assert entry.load() is main
