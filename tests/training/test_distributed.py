"""What processes tell each other: alone, and between two processes over gloo."""

import pytest
import torch

from xlsr_sb.errors import InputError
from xlsr_sb.training.distributed import (
    barrier,
    gather_objects,
    is_main,
    on_main,
    rank,
    sum_over_ranks,
    world_size,
)


def test_alone():
    barrier()
    assert (rank(), world_size(), is_main()) == (0, 1, True)
    assert sum_over_ranks([1.0, 2.0]) == [1.0, 2.0]
    assert sum_over_ranks([]) == []
    assert gather_objects({"a": 1}) == [{"a": 1}]
    assert on_main(lambda: 3) == 3


def test_alone_a_sum_is_a_new_tensor():
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    total = sum_over_ranks(values)
    total += 1
    assert values.tolist() == [1.0, 2.0]
    assert not total.requires_grad


def test_alone_an_error_is_raised_as_it_is():
    with pytest.raises(KeyError, match="key"):
        on_main(lambda: {}["key"])


def test_two_know_who_they_are(two_ranks):
    who = [(s["talk"]["rank"], s["talk"]["is_main"]) for s in two_ranks]
    assert who == [(0, True), (1, False)]
    assert [s["talk"]["world_size"] for s in two_ranks] == [2, 2]


def test_two_sum(two_ranks):
    """By hand: 0.5 + 0.5 and 0 + 1; [1, 2] + [2, 4]; [0, 10] + [1, 10]."""
    for seen in two_ranks:
        assert seen["talk"]["list"] == [1.0, 1.0]
        assert seen["talk"]["tensor"] == [3.0, 6.0]
        assert seen["talk"]["counts"] == [1, 20]
    assert two_ranks[1]["talk"]["argument"] == [2.0, 4.0]


def test_two_gather_in_the_order_of_ranks(two_ranks):
    for seen in two_ranks:
        assert seen["talk"]["gathered"] == [{"rank": 0}, {"rank": 1}]


def test_two_get_the_result_of_the_main_process(two_ranks):
    assert [s["talk"]["on_main"] for s in two_ranks] == ["from rank 0"] * 2


def test_two_get_the_error_of_the_main_process(two_ranks):
    """Users' mistakes as they are; other errors are named on the other process."""
    for seen in two_ranks:
        assert seen["talk"]["refused"] == [InputError.__name__, "a bad value"]
    assert two_ranks[0]["talk"]["crashed"] == ["KeyError", "'key'"]
    kind, message = two_ranks[1]["talk"]["crashed"]
    assert kind == "RuntimeError"
    assert message == "the main process failed: KeyError('key')"
