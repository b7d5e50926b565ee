"""The files under ``hparams/`` and every leaf under ``recipes/``, as they ship."""

from pathlib import Path

import pytest

from xlsr_sb.hparams.checks import PLACEHOLDER, check
from xlsr_sb.hparams.compose import compose
from xlsr_sb.hparams.nodes import walk

ROOT = Path(__file__).parents[2]
SHARED = sorted(ROOT.glob("hparams/*/*.yaml"))
LEAVES = sorted(ROOT.glob("recipes/**/hparams/*.yaml"))


def test_there_are_some():
    """A pattern that finds nothing would pass all tests below."""
    assert len(SHARED) >= 7
    assert len(LEAVES) >= 3


@pytest.mark.parametrize(
    "path", [*SHARED, *LEAVES], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_key_and_name_is_right(path):
    """Required values are filled in; everything else must stand as it is."""
    tree = compose(path)
    for _, node in walk(tree):
        if node.tag == PLACEHOLDER:
            node.tag, node.value = "", "given"
    check(tree, str(path))


@pytest.mark.parametrize(
    "path", [*SHARED, *LEAVES], ids=lambda p: str(p.relative_to(ROOT))
)
def test_files_are_short_and_titled(path):
    """At most 40 lines, the first of them a title."""
    lines = path.read_text().splitlines()
    assert len(lines) <= 40
    assert lines[0].startswith("# ")


RECOGNISERS = [leaf for leaf in LEAVES if leaf.parts[-3] == "ASR"]


@pytest.mark.parametrize("path", RECOGNISERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_recogniser_may_have_outputs_for_each_language(path):
    """The same key on every command line."""
    nodes = dict(walk(compose(path)))
    assert nodes["head.per_language"].value is False
