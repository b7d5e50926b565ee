"""What is printed and written of a probe.

Seen to fail: error rate and accuracy mixed up; the best layer chosen on the test set.
"""

from xlsr_sb.metrics import Score
from xlsr_sb.probe import ProbeLine, text_table
from xlsr_sb.probe.lines import best_layers


def lines(name, values):
    """Lines of layers: errors of 10 on test, and the value held out."""
    return [
        ProbeLine("a", layer, group, Score(name, errors, 10), 10, held_out)
        for layer, (errors, held_out) in enumerate(values)
        for group in ("fr", "all")
    ]


def test_best_layer_is_chosen_on_held_out_utterances():
    """The test set says the opposite of what was held out."""
    assert best_layers(lines("accuracy", [(1, 0.5), (9, 0.8), (2, 0.7)])) == {"a": 1}
    assert best_layers(lines("CER", [(1, 0.9), (9, 0.3), (2, 0.4)])) == {"a": 1}


def test_table():
    table = text_table(lines("accuracy", [(1, 0.5), (9, 0.8)])).splitlines()
    assert table[0].split() == [
        "model",
        "layer",
        "accuracy",
        "%",
        "held",
        "out",
        "chance",
    ]
    assert table[1].split() == ["a", "0", "90.0", "50.0"]
    assert table[2].split() == ["a", "1", "10.0", "80.0"]
    assert table[4:] == [
        "accuracy %  a, layer 1",
        "fr                10.0",
        "all               10.0",
    ]
    table = text_table(lines("CER", [(1, 0.2), (9, 0.8)])).splitlines()
    assert table[4:] == ["CER %  a, layer 0", "fr           10.0", "all          10.0"]


def test_two_models_side_by_side():
    """A language that one lacks leaves a hole."""
    one = lines("CER", [(1, 0.5)])
    other = [ProbeLine("b", 4, "all", Score("CER", 5, 10), 10, 0.1)]
    last = text_table([*one, *other]).splitlines()[-3:]
    assert [line.split() for line in last] == [
        ["CER", "%", "a,", "layer", "0", "b,", "layer", "4"],
        ["fr", "10.0"],
        ["all", "10.0", "50.0"],
    ]
