"""Letters from the frames of frozen features.

Seen to fail: the linear layer left as it started; features of another layer; texts
that are not normalised.
"""

from dataclasses import replace

import pytest

from tests.probe.spectrum import Spectrum, spelt
from xlsr_sb.errors import InputError
from xlsr_sb.probe import probe_letters
from xlsr_sb.probe.parts import held_out


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Train and test in two languages that spell alike."""
    folder = tmp_path_factory.mktemp("spelt")
    return [
        spelt(folder, "aa", count=count, seed=count)
        + spelt(folder, "bb", count=count // 2, seed=count + 1)
        for count in (60, 20)
    ]


def probed(spoken, **options):
    """Lines by layer and group."""
    options = {"layers": [0, 1], "seed": 0, "updates": 200} | options
    lines = list(probe_letters(Spectrum(), *spoken, model="spectrum", **options))
    return {(line.layer, line.group): line for line in lines}


def test_the_layer_that_carries_the_letters_wins(spoken):
    lines = probed(spoken)
    assert set(lines) == {(i, group) for i in (0, 1) for group in ("aa", "bb", "all")}
    assert lines[1, "all"].value < 0.2
    assert lines[1, "all"].held_out < 0.2
    assert lines[0, "all"].value > lines[0, "all"].chance - 0.05
    assert 0.6 < lines[0, "all"].chance <= 1
    assert [lines[1, group].clips for group in ("aa", "bb", "all")] == [20, 10, 30]
    parts = lines[1, "aa"].score + lines[1, "bb"].score
    assert parts == lines[1, "all"].score
    assert lines[1, "all"].score.total == sum(len(one.wrd) for one in spoken[1])
    assert lines[1, "all"].updates == 200
    is_held_out = held_out([one.language for one in spoken[0]], seed=0)
    parts = zip(spoken[0], is_held_out, strict=True)
    letters = sum(len(one.wrd) for one, is_in in parts if is_in)
    errors = lines[1, "all"].held_out * letters  # of all that was held out
    assert abs(errors - round(errors)) < 1e-6


def test_seed_decides(spoken):
    short = {"layers": [1], "updates": 20}
    one, again = (probed(spoken, **short) for _ in range(2))
    assert one == again
    assert one != probed(spoken, **short, seed=1)


def test_texts_are_normalised_and_empty_ones_left_out(spoken):
    train, test = spoken
    loud = [replace(one, wrd=f"{one.wrd.upper()}!") for one in train]
    mute = replace(train[0], id="mute", wrd="...")
    plain = probed([train, test], layers=[1], updates=30)
    assert probed([[*loud, mute], [*test, mute]], layers=[1], updates=30) == plain


@pytest.mark.parametrize("place", [0, 1])
def test_no_transcripts(spoken, place):
    spoken = list(spoken)
    spoken[place] = [replace(one, wrd="") for one in spoken[place]]
    name = ("train", "test")[place]
    with pytest.raises(InputError, match=f"{name}: none of its .* has a transcript"):
        probed(spoken)
