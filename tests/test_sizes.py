"""No file passes 250 lines and no function 40 (docstrings not counted)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_FILE, MAX_FUNCTION = 250, 40  # lines
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources(*folders):
    """All Python files under the folders."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def body_length(function):
    """Lines of a function, decorators and docstring left out."""
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return length
    docstring = function.body[0]
    return length - (docstring.end_lineno - docstring.lineno + 1)


def too_long(path):
    """Sentences about what is too long in a file."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    if lines > MAX_FILE:
        yield f"{path}: {lines} lines, at most {MAX_FILE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS) and body_length(node) > MAX_FUNCTION:
            yield (
                f"{path}:{node.lineno}: {node.name} has {body_length(node)} lines, "
                f"at most {MAX_FUNCTION}"
            )


def test_nothing_is_too_long():
    """In the package and in the recipes."""
    files = sources(ROOT / "xlsr_sb", ROOT / "recipes")
    assert len(files) >= 50
    assert [sentence for path in files for sentence in too_long(path)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n" * 250, 0),
        ("x = 1\n" * 251, 1),
        ("def f():\n" + "    x = 1\n" * 39, 0),
        ("def f():\n" + "    x = 1\n" * 40, 1),
        ('def f():\n    """A.\n\n    B.\n    """\n' + "    x = 1\n" * 39, 0),
        ("class A:\n    async def f():\n" + "        x = 1\n" * 40, 1),
    ],
)
def test_the_test_finds_what_is_too_long(tmp_path, text, found):
    """Planted files on both sides of the bounds."""
    (tmp_path / "planted.py").write_text(text)
    assert len(list(too_long(tmp_path / "planted.py"))) == found
