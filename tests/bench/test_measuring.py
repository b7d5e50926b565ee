"""Pairs, what is made of them, and what is refused."""

import pytest
import torch
from safetensors.torch import save_file

from xlsr_sb.bench.cases import Case
from xlsr_sb.bench.measuring import (
    Measured,
    Pair,
    compare_features,
    first_updates,
    in_turns,
    lines_of,
)
from xlsr_sb.errors import InputError

CASE = Case("tiny", "fp32", "ramp", "plain")
FLOOR = {"packed": 0.8, "padded": 1.5, "flops": 4e9, "rate": 8e9}


class StandIn:
    """A worker with answers of its own."""

    def __init__(self, side, answers):
        self.side, self.answers = side, answers

    def ask(self, do, path=None):
        answer = self.answers[do]
        if path:
            save_file({"features": answer}, path)
            return {}
        return answer


def step(seconds, peak=None):
    return {"seconds": seconds, "peak_bytes": peak}


def test_both_are_measured_in_changing_order():
    order = []

    def side(name):
        def answer():
            order.append(name)
            return step(len(order))

        return answer

    pairs = in_turns(side("a"), side("b"), 3)
    assert "".join(order) == "abbaab"
    assert [pair.ours["seconds"] for pair in pairs] == [1, 4, 5]
    assert [pair.theirs["seconds"] for pair in pairs] == [2, 3, 6]


def test_ratio_is_the_median_of_the_pairs():
    """Not the ratio of medians, which here would be 3."""
    pairs = [
        Pair(step(1.0, 5_000), step(4.0, 8_000)),
        Pair(step(2.0, 6_000), step(3.0, 7_000)),
        Pair(step(1.0, 4_000), step(2.0, 9_000)),
    ]
    before = Pair({"resident_bytes": 2_000}, {"resident_bytes": 3_000})
    lines = lines_of(CASE, "torchaudio", Measured(before, pairs), FLOOR)
    by_name = {line.quantity: line for line in lines}
    time = by_name["time"]
    assert (time.ours, time.theirs, time.pairs) == (1.0, 3.0, 3)
    assert (time.ratio, time.low, time.high) == (2.0, 1.5, 4.0)
    memory, alone = by_name["peak memory"], by_name["memory of a step"]
    assert (memory.ours, memory.theirs) == (6e-6, 9e-6)
    assert memory.ratio == pytest.approx(6 / 9)
    assert alone.ratio == pytest.approx(4 / 6)
    share = by_name["share of the products' time"]
    assert (share.ours, share.theirs) == (0.8, 0.5)
    assert by_name["products alone"].ratio == 3.0 / 0.8
    assert by_name["rate"].ours == 4.0
    assert "50% of a large product's" in by_name["rate"].note
    assert {line.scene for line in lines} == {"tiny"}


def test_memory_that_is_unknown_is_left_out():
    before = Pair({"resident_bytes": None}, {"resident_bytes": None})
    found = Measured(before, [Pair(step(1.0), step(2.0))])
    quantities = [line.quantity for line in lines_of(CASE, "x", found, FLOOR)]
    assert quantities[0] == "time"
    assert not any("memory" in quantity for quantity in quantities)


def test_different_features_are_not_measured(tmp_path):
    """Nor are NaNs; rounding is let pass."""
    features = torch.randn(2, 5, 8)
    ours = StandIn("ours", {"features": features})

    def compare(theirs):
        peer = StandIn("torchaudio", {"features": theirs})
        return compare_features(ours, peer, tmp_path, CASE)

    assert compare(features + 1e-5).ours == pytest.approx(1e-5, rel=0.1)
    for wrong in (features * 1.01, features.roll(1, 1), features * float("nan")):
        with pytest.raises(InputError, match="features of torchaudio and ours differ"):
            compare(wrong)
    with pytest.raises(InputError, match=r"are \(2, 4, 8\), ours \(2, 5, 8\)"):
        compare(features[:, :4].contiguous())


@pytest.mark.parametrize("name", ["loss", "norm"])
def test_different_updates_are_not_measured(name):
    """Without dropout; with it they differ by nature."""
    same = {"loss": 2.0, "norm": 3.0}
    ours = StandIn("ours", {"first_update": same})
    other = StandIn("torchaudio", {"first_update": {**same, name: 2.5}})
    first_updates(ours, StandIn("torchaudio", {"first_update": same}), CASE)
    with pytest.raises(InputError, match=f"{name} of a step of torchaudio and ours"):
        first_updates(ours, other, CASE)
    first_updates(ours, other, Case("tiny", "fp32", "ramp", "training"))
