"""Names to a peer's and back."""

import pytest
import torch

from tests.encoder.models import PEER_PAIRS, random_lobe
from xlsr_sb.checkpoints.naming import layer_pairs, rename, restore
from xlsr_sb.errors import InputError


@pytest.mark.parametrize("peer", sorted(PEER_PAIRS))
def test_there_and_back(peer):
    """Every weight, each under a name of its own, with more than ten layers."""
    state = random_lobe(num_layers=11, num_heads=2, dim=16, ffn_dim=8).state_dict()
    if peer == "torchaudio":
        del state["mask_embedding"]
    theirs = rename(state, PEER_PAIRS[peer])
    assert len(theirs) == len(state) + 4 * 11  # three of weight and bias for one
    ours = restore(theirs, PEER_PAIRS[peer])
    assert ours.keys() == state.keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in state.items())


def test_query_key_and_value_are_split_in_this_order():
    """Rows of our one matrix."""
    pairs = layer_pairs("layers.{i}", "theirs.{i}")
    qkv = torch.arange(6).reshape(6, 1)
    theirs = rename({"layers.10.attention.qkv.weight": qkv}, pairs)
    assert {name: tensor.flatten().tolist() for name, tensor in theirs.items()} == {
        "theirs.10.attention.q_proj.weight": [0, 1],
        "theirs.10.attention.k_proj.weight": [2, 3],
        "theirs.10.attention.v_proj.weight": [4, 5],
    }


@pytest.mark.parametrize(
    "name", ["fronts.weight", "xfront.weight", "front2", "other.0"]
)
def test_only_whole_parts_of_a_name_match(name):
    """A prefix ends at a dot; anything else is an unknown name."""
    pairs = (("front", "theirs"),)
    assert rename({"front.weight": 1, "front": 2}, pairs) == {
        "theirs.weight": 1,
        "theirs": 2,
    }
    with pytest.raises(InputError, match=f"called '{name}'"):
        rename({name: torch.ones(1)}, pairs)


def test_dots_are_dots():
    """Not any character, as in a regular expression."""
    with pytest.raises(InputError, match="'a_b.weight'"):
        rename({"a_b.weight": torch.ones(1)}, (("a.b", "c"),))


@pytest.mark.parametrize("part", ["q", "k", "v"])
def test_incomplete_attention_is_refused(part):
    """With the name of what is missing."""
    pairs = layer_pairs("layers.{i}", "theirs.{i}")
    theirs = rename({"layers.0.attention.qkv.weight": torch.ones(6, 2)}, pairs)
    del theirs[f"theirs.0.attention.{part}_proj.weight"]
    with pytest.raises(InputError, match=rf"layers\.0\.attention\.{part}\.weight"):
        restore(theirs, pairs)
