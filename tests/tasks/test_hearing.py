"""What is found in a clip is the mean over its crops, whoever heard them when."""

from dataclasses import replace

import numpy as np
import pytest

from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks import hearing
from xlsr_sb.tasks.hearing import Crops, heard_of

CLIPS = [Utterance(name, f"{name}.wav", 9.0) for name in "cab"]
STARTS = (0, 700, 90)


@pytest.fixture
def crops():
    """Three crops of each of three clips, with what was found in them."""
    draw = np.random.default_rng(0)
    return [
        (
            replace(clip, start=start, stop=start + 50),
            draw.dirichlet(np.ones(4)).astype(np.float32),
            (draw.normal(size=6) * 10.0 ** draw.integers(-9, 9, 6)).astype(np.float32),
        )
        for clip in CLIPS
        for start in STARTS
    ]


def batched(crops, *sizes):
    """The crops as batches of these sizes, each with a loss of 1 a crop."""
    batches, rest = [], list(crops)
    for size in sizes:
        part, rest = rest[:size], rest[size:]
        batches.append(
            Crops(
                tuple(one for one, _, _ in part),
                np.stack([one for _, one, _ in part]),
                np.stack([one for _, _, one in part]),
                nll=float(size),
                num_known=size,
            )
        )
    return batches


def test_a_clip_is_the_mean_of_its_crops(crops):
    """Probabilities and embeddings, in the order of the ids."""
    heard = heard_of(batched(crops, 9), [])
    assert [one.id for one in heard.clips] == ["a", "b", "c"]
    for place, name in enumerate("abc"):
        own = [one for one in crops if one[0].id == name]
        means = [np.mean([one[part] for one in own], axis=0) for part in (1, 2)]
        np.testing.assert_allclose(heard.probabilities[place], means[0], atol=1e-7)
        np.testing.assert_allclose(heard.embeddings[place], means[1], rtol=1e-5)
    assert heard.nll == 1


@pytest.mark.parametrize("sizes", [(9,), (1,) * 9, (4, 5)])
def test_batches_and_their_order_change_no_bit(crops, sizes):
    """Crops come in any order, as other batches and processes give them."""
    wanted = heard_of(batched(crops, 2, 7), [])
    shuffled = [crops[place] for place in np.random.default_rng(1).permutation(9)]
    found = heard_of(batched(shuffled, *sizes), [])
    assert [one.id for one in found.clips] == [one.id for one in wanted.clips]
    assert np.array_equal(found.probabilities, wanted.probabilities)
    assert np.array_equal(found.embeddings, wanted.embeddings)


def test_processes_are_brought_together(crops, monkeypatch):
    """Each has some crops, perhaps of one clip, and some that it cannot read."""
    lost = [Utterance(name, "no.wav", 0.0) for name in ("z", "y")]
    parts = [(batched(crops[:4], 4), lost[:1]), (batched(crops[4:], 5), lost[1:])]
    monkeypatch.setattr(hearing.distributed, "gather_objects", lambda _: parts)
    found, wanted = heard_of([], []), heard_of(parts[0][0] + parts[1][0], [])
    assert [one.id for one in found.unreadable] == ["y", "z"]
    assert np.array_equal(found.probabilities, wanted.probabilities)
    assert len(found.clips) == 3


def test_a_set_that_nobody_can_read_is_heard_as_nothing():
    """No clip, no loss."""
    heard = heard_of([], [CLIPS[0]])
    assert (heard.clips, heard.unreadable) == ([], [CLIPS[0]])
    assert np.isnan(heard.nll)
