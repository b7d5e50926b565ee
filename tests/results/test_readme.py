"""README tables: rendered, checked, and refused where they cannot be."""

from dataclasses import replace

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.results import (
    append_rows,
    check_readme,
    markdown_table,
    render_between_markers,
    update_readme,
)
from xlsr_sb.results.readme import choose_rows

from .test_tables import ROWS

NAME = "recipe=Toy/ASR hparams=demo.yaml split=test"
README = f"# Toy\n\n<!-- results:{NAME} -->\n<!-- /results -->\n\nEnd.\n"


@pytest.fixture
def files(tmp_path):
    append_rows(tmp_path / "RESULTS.csv", ROWS)
    (tmp_path / "README.md").write_text(README)
    return tmp_path / "README.md", tmp_path / "RESULTS.csv"


def test_a_rendered_readme_passes_and_an_edited_one_fails(files):
    readme, _ = files
    with pytest.raises(InputError, match=rf"README.md: the block <!-- results:{NAME}"):
        check_readme(*files)
    assert update_readme(*files) == 1
    assert check_readme(*files) == 1
    assert markdown_table(ROWS) in readme.read_text()
    assert readme.read_text().endswith("<!-- /results -->\n\nEnd.\n")
    readme.write_text(readme.read_text().replace("105.5", "15.5"))
    with pytest.raises(InputError, match="differs from .*RESULTS.csv"):
        check_readme(*files)


def test_a_new_run_makes_the_readme_stale(files):
    update_readme(*files)
    append_rows(files[1], [replace(ROWS[0], seed=2)])
    with pytest.raises(InputError, match="differs"):
        check_readme(*files)
    update_readme(*files)
    assert "105.5" not in files[0].read_text()


def test_rendering_twice_is_rendering_once():
    once = render_between_markers(README, NAME, "table")
    assert render_between_markers(once, NAME, "table") == once
    assert "-->\n\ntable\n\n<!--" in once


def test_other_blocks_are_left_alone():
    two = README + README.replace("split=test", "split=dev")
    rendered = render_between_markers(two, NAME, "table")
    assert rendered.count("table") == 1
    assert rendered.endswith(README.replace("split=test", "split=dev"))
    assert render_between_markers(README * 2, NAME, "table").count("table") == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "no block <!-- results:seed=1 -->"),
        ("<!-- results:seed=1 --> a", "seed=1 --> is not closed by <!-- /results -->"),
        (
            "<!-- results:seed=1 --> <!-- results:seed=2 --> <!-- /results -->",
            "seed=1 --> is not closed",
        ),
    ],
)
def test_a_broken_block_is_named(text, message):
    with pytest.raises(InputError, match=message):
        render_between_markers(text, "seed=1", "table")


def test_a_block_without_rows_is_named(files):
    files[0].write_text(README.replace("demo", "none"))
    with pytest.raises(
        InputError, match=r"README.md: results:.*none.yaml .* chooses no row of .*RES"
    ):
        check_readme(*files)


def test_rows_are_chosen_by_columns():
    rows = [ROWS[0], replace(ROWS[0], seed=2), replace(ROWS[0], split="dev")]
    assert choose_rows(rows, "split=test seed=1986") == [rows[0]]
    assert choose_rows(rows, "") == rows


@pytest.mark.parametrize("name", ["sede=1", "seed", "split=test fr"])
def test_a_misspelt_column_lists_the_right_ones(name):
    if name == "seed":
        assert choose_rows(ROWS, name) == []
        return
    with pytest.raises(InputError, match=r"is no column .* recipe, hparams, split"):
        choose_rows(ROWS, name)
