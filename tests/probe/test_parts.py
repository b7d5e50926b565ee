"""What all probes do with their utterances.

Seen to fail: a constant feature that becomes NaN; another part held out every time.
"""

import torch

from xlsr_sb.probe.letters import BATCH, _batches, _moments
from xlsr_sb.probe.parts import held_out, standardised


def test_standardised_by_hand():
    """Mean 2, deviation 2; a constant feature stays finite."""
    train = torch.tensor([[0.0, 7.0], [4.0, 7.0]])
    ours, other = standardised(train, torch.tensor([[8.0, 8.0]]))
    assert ours.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert other.tolist() == [[3.0, 1.0]]
    mean, scale = _moments([train[:1].half(), train[1:].half()])
    assert (mean.tolist(), scale.tolist()) == ([2.0, 7.0], [2.0, 1.0])


def test_held_out_is_a_tenth_of_each_language():
    languages = ["aa"] * 50 + ["bb"] * 10 + ["cc"] * 9
    found = held_out(languages, seed=3)
    assert [found[:50].sum(), found[50:60].sum(), found[60:].sum()] == [5, 1, 0]
    assert torch.equal(found, held_out(languages, seed=3))
    assert not torch.equal(found, held_out(languages, seed=4))


def test_batches():
    """As many as updates; every utterance once an epoch; neighbours in length."""
    counts = list(range(100, 100 + 3 * BATCH))
    epoch = list(_batches(counts, 3, seed=0))
    assert sorted(sum(epoch, [])) == list(range(3 * BATCH))
    widths = [max(batch) - min(batch) for batch in epoch]
    assert min(widths) < 2 * BATCH
    assert len(list(_batches(counts, 7, seed=0))) == 7
    assert list(_batches([5, 6], 2, seed=0))[1] in ([0, 1], [1, 0])
    assert epoch != list(_batches(counts, 3, seed=1))
