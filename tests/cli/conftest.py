"""What tests of several commands share."""

import pytest

from tests.finished_run import finished_run, noise


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a finished run."""
    return finished_run(tmp_path_factory.mktemp("runs") / "toy")


@pytest.fixture
def recordings(tmp_path):
    """Paths of three recordings, the second the longest."""
    lengths = {"b.wav": 9_000, "a.wav": 30_000, "c.wav": 16_000}
    return [str(noise(tmp_path / name, n, seed=n)) for name, n in lengths.items()]
