"""Two processes of one run, and what they must have in common with a single one."""

import socket
from pathlib import Path

import pytest
import torch

from tests.fixtures import OWN_SPEECH
from tests.outcome import newest_states

TWO = ["--distributed_backend", "gloo", "--device", "cpu"]
TOLERANCE = 1e-5  # of weights; sums are taken in another order


def start_two(launcher, arguments, folder: Path = OWN_SPEECH) -> list:
    """Start them as torchrun does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return [
        launcher.start(
            *[*arguments, *TWO],
            folder=folder,
            environment={
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            },
        )
        for rank in (0, 1)
    ]


def assert_same_training(one: Path, two: Path, *, num_rows: int) -> None:
    """Weights and moments, losses, counts and scores; reports to the letter."""
    states = newest_states(one), newest_states(two)
    for part in ("encoder", "head"):
        assert states[0][part].keys() == states[1][part].keys()
        for name, tensor in states[0][part].items():
            other = states[1][part][name]
            torch.testing.assert_close(other, tensor, rtol=0, atol=TOLERANCE)
    moments = [
        torch.cat([s["exp_avg"].flatten() for s in part["optimizer"]["state"].values()])
        for part in states
    ]
    torch.testing.assert_close(*moments, rtol=1e-4, atol=TOLERANCE)
    rows = [state["progress"].pop("history") for state in states]
    assert len(rows[0]) == num_rows
    for ours, theirs in zip(*rows, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)
    assert states[0]["progress"] == states[1]["progress"]
    reports = [{p.name: p.read_text() for p in f.glob("report_*")} for f in (one, two)]
    assert reports[0] == reports[1] != {}
