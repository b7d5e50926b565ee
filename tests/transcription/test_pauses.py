"""Cuts of long recordings: between words, and nothing of the best path changes.

Seen to fail: cuts inside of a letter that lasts; the shorter of two pauses; a pause
inside of a word before one between words; all frames held until the end.
"""

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.transcription.pauses import pieces

VOCABULARY = Vocabulary.of(["ab"])
BLANK, SPACE, A, B = 0, 2, 3, 4
SETTINGS = {"blank": BLANK, "space": SPACE}


def log_probs_of(path):
    """Log-probabilities [F, 5] whose best path this is."""
    return (one_hot(torch.tensor(path), 5).float() + 0.01).log()


def tokens_of(rows):
    """Tokens of the best path."""
    count = torch.tensor([len(rows)])
    [[best]] = GreedyDecoder(VOCABULARY).decode(rows[None], num_frames=count)
    return best.tokens


def lengths(path, longest, block=3, **settings):
    """Frames of each piece."""
    blocks = log_probs_of(path).split(block)
    found = pieces(blocks, longest=longest, **{**SETTINGS, **settings})
    return [len(piece) for piece in found]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("space", [SPACE, None])
def test_no_cut_changes_the_best_path(seed, space):
    """Whatever is said, for how long, and however the frames come."""
    generator = np.random.default_rng(seed)
    runs = generator.integers(1, 5, size=400)
    tokens = generator.choice([BLANK, BLANK, SPACE, A, B], size=400)
    rows = log_probs_of(np.repeat(tokens, runs).tolist())
    longest = int(generator.integers(30, 60))
    found = list(pieces(rows.split(7), longest=longest, blank=BLANK, space=space))
    assert len(found) > 15
    torch.testing.assert_close(torch.cat(found), rows, rtol=0, atol=0)
    together = [token for piece in found for token in tokens_of(piece)]
    assert together == list(tokens_of(rows))
    sizes = [len(piece) for piece in found]
    assert max(sizes) <= longest
    assert min(sizes[:-1]) >= longest // 2


@pytest.mark.parametrize(
    ("path", "longest", "expected"),
    [
        ([A, B], 8, [2]),
        ([A, B] * 4, 8, [8]),  # not one frame too long
        # The longer of two spaces, in its middle.
        ([A] * 5 + [SPACE, A, SPACE, BLANK, BLANK, BLANK] + [A] * 5, 12, [9, 7]),
        # A space before a longer silence without one: there a word may go on.
        ([A] * 6 + [SPACE, A, BLANK, BLANK, BLANK, A, B, B, B], 12, [6, 9]),
        # No space anywhere: the longest silence.
        ([A] * 6 + [BLANK, A, BLANK, BLANK, BLANK, A, B, B, B], 12, [10, 5]),
        # No silence anywhere: where letters change, as late as can be.
        ([A, B, B, B, A, A, A, B, B, B, B, A], 10, [7, 5]),
        # One letter all the time: it is not cut.
        ([A] * 30 + [B] * 3, 10, [30, 3]),
        ([A] * 30, 10, [30]),
        # Silence all the time.
        ([BLANK] * 25, 10, [8, 8, 9]),
        # The space is before the part where a cut is allowed.
        ([A, SPACE] + [BLANK] * 7 + [A] * 9, 12, [8, 10]),
    ],
)
def test_where_cuts_are(path, longest, expected):
    """By hand."""
    assert lengths(path, longest) == expected


def test_cuts_do_not_depend_on_the_blocks():
    """A frame at a time or all at once."""
    generator = np.random.default_rng(3)
    path = generator.choice([BLANK, SPACE, A, B], size=300).tolist()
    expected = lengths(path, 20, block=300)
    assert len(expected) > 15
    for block in (1, 2, 19, 20, 21):
        assert lengths(path, 20, block=block) == expected


def test_three_hours_are_never_held():
    """Blocks are asked for when they are needed, and let go."""
    num_blocks, size, longest = 360, 1500, 1500  # three hours
    taken = 0

    def blocks():
        nonlocal taken
        for number in range(num_blocks):
            taken += 1
            path = torch.full((size,), BLANK)
            path[(number * 37) % size] = A
            yield one_hot(path, 5).float()

    given = 0
    for piece in pieces(blocks(), longest=longest, **SETTINGS):
        given += len(piece)
        assert taken * size - given <= size + longest
    assert given == num_blocks * size


def test_nothing():
    """No block, no piece."""
    assert list(pieces([], longest=10, **SETTINGS)) == []
