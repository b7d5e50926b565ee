"""Greedy decoding: by hand, against SpeechBrain, and one copy to the host."""

from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from xlsr_sb.decoders.greedy import blank_fraction, greedy_decode

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

paths_of_tokens = st.lists(
    st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=5
)


def log_probs_of(paths, *, padding_token=1):
    """Log-probabilities whose best path is the given one, padding included."""
    width = max(map(len, paths))
    padded = [path + [padding_token] * (width - len(path)) for path in paths]
    tokens = torch.tensor(padded, dtype=torch.long).view(len(paths), width)
    log_probs = (9.0 * one_hot(tokens, 4)).log_softmax(-1)
    return log_probs, torch.tensor([len(path) for path in paths])


@settings(max_examples=60, deadline=None)
@given(paths_of_tokens, st.sampled_from([0, 3]))
def test_merges_repeats_then_drops_blanks(paths, blank):
    """Mutation that fails here: blanks dropped before repeats are merged."""
    log_probs, num_frames = log_probs_of(paths)
    expected = [[t for t, _ in groupby(path) if t != blank] for path in paths]
    assert greedy_decode(log_probs, num_frames=num_frames, blank=blank) == expected


@pytest.mark.parametrize("device", DEVICES)
def test_equals_speechbrain(device):
    decoders = pytest.importorskip("speechbrain.decoders")
    torch.manual_seed(0)
    log_probs = torch.randn(6, 50, 5, device=device).log_softmax(-1)
    num_frames = torch.tensor([50, 1, 37, 20, 49, 8], device=device)
    theirs = decoders.ctc_greedy_decode(log_probs, num_frames / 50, blank_id=0)
    assert greedy_decode(log_probs, num_frames=num_frames) == theirs


def test_ids_are_plain_integers():
    log_probs, num_frames = log_probs_of([[1, 2, 2]])
    (ids,) = greedy_decode(log_probs, num_frames=num_frames)
    assert [type(token) for token in ids] == [int, int]


def test_no_frame_no_token():
    log_probs = torch.zeros(2, 0, 4)
    assert greedy_decode(log_probs, num_frames=torch.tensor([0, 0])) == [[], []]
    log_probs, num_frames = log_probs_of([[1, 2], []])
    assert greedy_decode(log_probs, num_frames=num_frames) == [[1, 2], []]


def test_copies_to_the_host_once(monkeypatch):
    copies = []
    to_host = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda x: copies.append(x) or to_host(x))
    for name in ("item", "tolist", "__bool__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, None)
    log_probs, num_frames = log_probs_of([[1, 2], [3], [0, 1, 1]])
    assert greedy_decode(log_probs, num_frames=num_frames) == [[1, 2], [3], [1]]
    assert len(copies) == 1


@settings(max_examples=40, deadline=None)
@given(paths_of_tokens.filter(any))
def test_blank_fraction_counts_real_frames_only(paths):
    """Mutation that fails here: padding (all blank) counted as frames."""
    log_probs, num_frames = log_probs_of(paths, padding_token=0)
    frames = [token for path in paths for token in path]
    share = blank_fraction(log_probs, num_frames=num_frames)
    assert share.item() == pytest.approx(frames.count(0) / len(frames))


def test_blank_fraction_of_no_frame_is_nan():
    share = blank_fraction(torch.zeros(1, 0, 4), num_frames=torch.tensor([0]))
    assert share.isnan()
