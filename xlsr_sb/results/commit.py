"""Which code a result was made with."""

import os
import subprocess
from pathlib import Path


def git_commit(folder: str | Path) -> str:
    """Short hash of the commit checked out in ``folder``.

    It never fails: a result must not be lost for want of git.

    Parameters
    ----------
    folder : path

    Returns
    -------
    str
        ``1a2b3c4``; ``1a2b3c4-dirty`` if a tracked file other than RESULTS.csv was
        changed since (that file changes with each run); ``unknown`` outside git.

    Example
    -------
    >>> git_commit("no such folder")
    'unknown'
    """
    try:
        commit = _git(folder, "rev-parse", "--short", "HEAD")
        changes = _git(
            folder,
            *("status", "--porcelain", "--untracked-files=no"),
            *("--", ":(top)", ":(top,exclude)RESULTS.csv"),
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{commit}-dirty" if changes else commit


def _git(folder: str | Path, *arguments: str) -> str:
    """Output of one git command run in ``folder``."""
    # Within a git hook GIT_DIR and its kin would point to another repository.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", "--no-optional-locks", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()
