"""The commit of a result: clean, dirty, unknown, and never an error."""

import os
import shutil
import subprocess

import pytest

from xlsr_sb.results import git_commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "RESULTS.csv").write_text("header")
    git(tmp_path, "add", ".")
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    git(tmp_path, *identity, "commit", "--quiet", "--no-verify", "--message", "first")
    return tmp_path


def git(folder, *arguments):
    """Run git in ``folder``, deaf to the hooks and settings of the user."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_clean_commit_is_its_short_hash(repository):
    assert git_commit(repository) == git(repository, "rev-parse", "--short", "HEAD")


def test_a_changed_file_makes_it_dirty(repository):
    clean = git_commit(repository)
    (repository / "below").mkdir()
    (repository / "code.py").write_text("2")
    assert git_commit(repository) == f"{clean}-dirty"
    assert git_commit(repository / "below") == f"{clean}-dirty"


def test_results_and_new_files_do_not_make_it_dirty(repository):
    clean = git_commit(repository)
    (repository / "RESULTS.csv").write_text("header\nrow")
    (repository / "new.txt").write_text("")
    assert git_commit(repository) == clean


def test_the_repository_of_a_hook_is_not_taken_for_it(repository, monkeypatch):
    clean = git_commit(repository)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert git_commit(repository) == clean


def test_unknown_outside_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / ".git").write_text("gitdir: nowhere")  # stops the search upwards
    assert git_commit(tmp_path) == "unknown"
    assert git_commit(tmp_path / "missing") == "unknown"


def test_unknown_before_the_first_commit(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert git_commit(tmp_path) == "unknown"


def test_unknown_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_commit(repository) == "unknown"
