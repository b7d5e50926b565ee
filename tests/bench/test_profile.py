"""The time of a step by kind of operation."""

import sys

from xlsr_sb.bench import profile
from xlsr_sb.bench.cases import Case


def test_a_step_is_its_operations_and_what_is_between():
    seconds, by_kind = profile.profile("ours", Case("tiny", "bf16", "short", "plain"))
    assert 0 < by_kind.total() <= seconds
    assert by_kind["matrix products"] > 0
    assert by_kind["optimiser"] > 0
    assert by_kind["random numbers"] == 0
    known = {*profile.KINDS, "all others"}
    assert set(by_kind) <= known


def test_dropout_draws_random_numbers():
    _, by_kind = profile.profile("ours", Case("tiny", "fp32", "short", "training"))
    assert by_kind["random numbers"] > 0


def test_pretraining_has_its_heads():
    """And draws masks, negatives and noise."""
    case = Case("tiny", "bf16", "short", "pretraining")
    seconds, by_kind = profile.profile("ours", case)
    assert 0 < by_kind.total() <= seconds
    assert by_kind["random numbers"] > 0


def test_table(monkeypatch, capsys):
    options = ["--size", "tiny", "--batch", "short", "--work", "inference"]
    monkeypatch.setattr(sys, "argv", ["profile", "ours", *options])
    profile.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| ours: tiny bf16 short inference | s |"
    assert lines[-1].startswith("| the step |")
