"""Pickles of plain values, as Python's own unpickler reads them.

Seen to fail: the memory counted from one, ``TUPLE2`` in the wrong order, ``POP`` on a
mark.
"""

import collections
import io
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsr_sb.checkpoints.pickles.names import Stub, UnreadableError, checked_name
from xlsr_sb.checkpoints.pickles.unpickling import unpickle

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
)
KEYS = st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.text()))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.tuples(inner, inner, inner, inner),
        st.dictionaries(KEYS, inner),
        st.sets(st.text()),
        st.frozensets(st.integers()),
    ),
    max_leaves=20,
)


@given(value=VALUES, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values(value, protocol):
    """Of every protocol."""
    assert unpickle(io.BytesIO(pickle.dumps(value, protocol))) == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_values_that_occur_twice(protocol):
    """They stay one and the same."""
    part = ["a"]
    value = {"x": part, "y": [part, part], "z": (part, "a", "a")}
    found = unpickle(io.BytesIO(pickle.dumps(value, protocol)))
    assert found == value
    assert found["x"] is found["y"][0] is found["y"][1] is found["z"][0]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_containers_of_the_standard_library(protocol):
    """An ordered dictionary is a dictionary; others are stubs with their items."""
    content = {
        "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
        "default": collections.defaultdict(list, {"a": [1]}),
        "queue": collections.deque([1, 2]),
    }
    found = unpickle(io.BytesIO(pickle.dumps(content, protocol)))
    assert list(found["ordered"].items()) == [("b", 1), ("a", 2)]
    assert type(found["default"]) is Stub
    assert found["default"].items == {"a": [1]}
    assert found["queue"].kind.name == "deque"


def test_one_pickle_after_the_other():
    """The file is left where the next one begins."""
    file = io.BytesIO(pickle.dumps([1]) + pickle.dumps({"a": 2}) + b"numbers")
    assert (unpickle(file), unpickle(file), file.read()) == ([1], {"a": 2}, b"numbers")


def test_references_and_builders():
    """What the caller gives is called, and nothing else."""
    asked = []
    data = b"(cfairseq\nmake\n(K\x01K\x02tRU\x03refQcfairseq\nother\n)Rt."
    made = unpickle(
        io.BytesIO(data),
        builders={"fairseq.make": lambda a, b: a + b},
        load_persistent=lambda reference: asked.append(reference) or "outside",
    )
    assert made[:2] == (3, "outside")
    assert (asked, str(made[2].kind)) == (["ref"], "fairseq.other")


@pytest.mark.parametrize(
    ("module", "name", "is_allowed"),
    [
        ("fairseq.tasks", "anything", True),
        ("__main__", "Config", True),
        ("numpy.core.multiarray", "scalar", True),
        ("argparse", "Namespace", True),
        ("argparse", "open", False),
        ("collections", "OrderedDict", True),
        ("__builtin__", "long", True),
        ("builtins", "getattr", False),
        ("__builtin__", "eval", False),
        ("copyreg", "_reconstructor", True),
        ("copyreg", "add_extension", False),
        ("nt", "system", False),
        ("os", "system", False),
        ("os.path", "join", False),
        ("torch", "FloatStorage", True),
        ("torch", "bfloat16", True),
        ("torch", "load", False),
        ("torch", "Tensor.map_", False),
        ("torch.serialization", "load", False),
        ("torch._utils", "_rebuild_tensor_v2", True),
        ("torch._utils", "_rebuild_tensor_v2.__globals__", False),
        ("torch.nn.modules.linear", "Linear", True),
        ("webbrowser", "open", False),
        ("", "", True),
    ],
)
def test_names(module, name, is_allowed):
    """Of the standard library and of PyTorch only what checkpoints hold."""
    if is_allowed:
        checked_name(module, name)
    else:
        with pytest.raises(UnreadableError, match="could run code"):
            checked_name(module, name)
