"""A process a side: asked, refused, dead."""

import pytest

from xlsr_sb.bench.processes import Worker, WorkerDiedError
from xlsr_sb.errors import InputError


@pytest.fixture(scope="module")
def worker():
    with Worker("ours", threads=1, device="cpu") as started:
        yield started


def test_answers_come_back(worker):
    assert worker.ask("forget") == {}
    assert worker.is_alive


def test_mistakes_of_the_user_come_back_as_such(worker, tmp_path):
    case = {"size": "tiny", "dtype": "fp32", "batch": "short", "work": "plain"}
    with pytest.raises(InputError, match=r"config\.json"):
        worker.ask("build", folder=str(tmp_path), case=case)
    assert worker.is_alive


def test_a_dead_process_says_its_last_words():
    """And everything asked of it later says so too."""
    with Worker("ours", threads=1, device="cpu") as dying:
        with pytest.raises(WorkerDiedError, match=r"at 'step', status 1: .*NoneType"):
            dying.ask("step")
        assert not dying.is_alive
        with pytest.raises(WorkerDiedError, match="ours ended at 'forget', status 1"):
            dying.ask("forget")


def test_a_killed_process_had_no_memory():
    with Worker("ours", threads=1, device="cpu") as killed:
        killed.ask("forget")
        killed._process.kill()
        with pytest.raises(
            WorkerDiedError, match="status -9; killed, probably for want"
        ):
            killed.ask("forget")


def test_what_libraries_print_is_no_answer(worker, tmp_path):
    """Loading and measuring warn and print; the answers stay whole."""
    found = worker.ask("decoding", pairs=1, quick=True)
    assert found["frames"] > 0
    options = {"folder": str(tmp_path), "workers": [0], "pairs": 1, "quick": True}
    assert len(worker.ask("loading", **options)["rates"]) == 3
