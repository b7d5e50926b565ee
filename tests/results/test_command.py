"""What is recorded of a command, and what makes two commands the same.

Seen to fail: values behind `=` kept, a flag left out without its value, switches kept.
"""

import pytest

from xlsr_sb.results.command import recorded_command, variant_of


@pytest.mark.parametrize(
    "command",
    [
        "python train.py a.yaml --seed 3 --x 1",
        "python train.py a.yaml --seed=3 --x 1",
        "python train.py a.yaml --x 1 --output_folder 'a b' --debs /c --data_folder d",
        "python train.py a.yaml --noprogressbar --x 1 --device cpu",
    ],
)
def test_what_a_variant_is(command):
    """Whatever changes what is measured."""
    assert variant_of(command) == "python train.py a.yaml --x 1"


@pytest.mark.parametrize(
    "words",
    [
        ["a.yaml", "--seed", "3", "--language", "a b"],
        ["a.yaml", "--data_folder", "/home/me/x", "--seed", "3", "--language", "a b"],
        ["a.yaml", "--seed", "3", "--output_folder=/tmp/x", "--language", "a b"],
        ["a.yaml", "--noprogressbar", "--seed", "3", "--language"]
        + ["a b", "--debs", "d"],
        ["a.yaml", "--splits", "/x", "--seed", "3", "--y=/x/y", "--language"] + ["a b"],
    ],
)
def test_folders_stay_on_the_machine(words):
    """Seed and everything that is measured stay in the record."""
    wanted = "python train.py a.yaml --seed 3 --language 'a b'"
    assert recorded_command("python train.py", words) == wanted


def test_flags_without_a_value():
    """Take nothing with them."""
    words = ["bench", "--quick", "--csv", "/tmp/a.csv", "--threads", "-1", "--deep"]
    wanted = "xlsr-sb bench --quick --threads -1 --deep"
    assert recorded_command("xlsr-sb", words) == wanted
