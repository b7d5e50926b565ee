"""Commands that fail."""

import pytest

from xlsr_sb.cli import main


def fails(capsys, *argv) -> tuple[int, str, list[str]]:
    """Exit code, output and lines on the error stream of a command that fails."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in argv])
    out, err = capsys.readouterr()
    return end.value.code, out, err.splitlines()
