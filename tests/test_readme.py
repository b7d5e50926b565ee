"""Tables of the READMEs come from RESULTS.csv, and what they tell to run is there."""

import re
from pathlib import Path

import pytest

from xlsr_sb.results import check_readme, read_rows

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", *sorted(ROOT.glob("recipes/**/README.md"))]
CARD = ROOT / "xlsr_sb" / "pretrained" / "xlsr-tiny" / "README.md"
WITH_TABLES = [*READMES, CARD, ROOT / "docs" / "benchmarks.md"]
TABLE = re.compile(r"<!-- results:.*?<!-- /results -->", re.DOTALL)
LEAF = re.compile(r"hparams/[a-z0-9_]+\.yaml")


def test_every_table_is_that_of_the_results():
    """A number edited in a README, or a row that moved, fails here."""
    tables = [check_readme(path, ROOT / "RESULTS.csv") for path in WITH_TABLES]
    assert sum(tables) >= 6
    assert all(tables[i] for i in (0, -1))


def test_results_name_leaves_that_exist():
    rows = read_rows(ROOT / "RESULTS.csv")
    assert rows
    for row in rows:
        if row.recipe in ("bench", "probe"):  # a measurement, of no leaf
            continue
        assert (ROOT / "recipes" / row.recipe / "hparams" / row.hparams).is_file(), row


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_leaves_that_a_readme_tells_to_run_exist(path):
    """``hparams/x.yaml`` stands beside the README, or behind the nearest ``cd``."""
    text = TABLE.sub("", path.read_text(encoding="utf-8"))
    places = [path.parent, *(ROOT / name for name in re.findall(r"cd (\S+)", text))]
    for leaf in set(LEAF.findall(text)) - {"hparams/x.yaml"}:
        assert any((place / leaf).is_file() for place in places), leaf


def test_every_recipe_has_a_readme():
    recipes = [path.parent for path in ROOT.glob("recipes/*/*/train.py")]
    assert len(recipes) >= 2
    for recipe in recipes:
        assert (recipe / "README.md").is_file(), recipe
