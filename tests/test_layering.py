"""A stage imports only earlier stages, and no stage knows a corpus."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "xlsr_sb"
STAGES = [
    *["errors", "files", "lengths", "manifest", "data", "checkpoints", "encoder"],
    *["losses", "heads", "decoders", "translation", "metrics", "training", "report"],
    *["tasks", "results", "export", "transcription", "identification", "hparams"],
    *["run", "probe", "bench", "cli"],
]
CORPORA = re.compile(
    r"(?<![a-z])(aishell|ami|asterisk|babel|common[ -]?voice|co ?vo ?st|cv[ -]?corpus"
    r"|debian|fillets|fleurs|giga ?speech|hedgewars|klettres|libri ?(?:light|speech)"
    r"|mls|switchboard|timit|tuxpaint|vox ?(?:celeb|lingua|populi))(?![a-z])",
    re.IGNORECASE,
)


def modules(package):
    """All files of the package with the stage that each belongs to."""
    for path in sorted(package.rglob("*.py")):
        stage = path.relative_to(package).parts[0].removesuffix(".py")
        if stage != "__init__":  # the public names, made of all stages
            yield path, stage


def imported(path, package):
    """Stages that a file imports, with the line of each."""
    inside = path.relative_to(package.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(inside[: -node.level]) if node.level else ""
            base = ".".join(part for part in (base, node.module) if part)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            if top == package.name:
                yield node.lineno, rest.partition(".")[0]


def wrong_imports(package):
    """Sentences about imports of later stages, and of the package as a whole."""
    for path, stage in modules(package):
        for line, other in imported(path, package):
            where = f"{path.relative_to(package)}:{line}"
            if stage not in STAGES:
                yield f"{where}: {stage} is no stage; put it into {STAGES}"
            elif other not in STAGES:
                yield f"{where}: imports {package.name} itself ({other})"
            elif STAGES.index(other) > STAGES.index(stage):
                yield f"{where}: {stage} imports {other}, a later stage"


def named_corpora(package):
    """Sentences about names of corpora: in code, strings and comments."""
    for path, _ in modules(package):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            words = re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", line)
            if found := CORPORA.search(words):
                yield f"{path.relative_to(package)}:{number}: names {found.group()}"


def test_stages_import_earlier_stages_only():
    """Of all files of the package; the count guards against walking none."""
    package = ROOT / PACKAGE
    files = list(modules(package))
    assert len(files) >= 45
    assert {stage for _, stage in files} <= set(STAGES)
    assert list(wrong_imports(package)) == []


def test_no_stage_names_a_corpus():
    """Corpora live in ``recipes/``."""
    assert list(named_corpora(ROOT / PACKAGE)) == []


def test_no_recipe_defines_a_brain():
    """Tasks live in ``xlsr_sb/tasks``."""
    files = sorted((ROOT / "recipes").rglob("*.py"))
    assert len(files) >= 3
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = node.bases if isinstance(node, ast.ClassDef) else []
            assert "Brain" not in "".join(map(ast.unparse, bases)), path


@pytest.mark.parametrize(
    "line",
    [
        "from xlsr_sb.encoder import XLSR",
        "import xlsr_sb.tasks.recognition",
        "from ..training import distributed",
        "from .. import run",
        "from xlsr_sb import metrics",
        "from xlsr_sb import XLSR",
        "def f():\n    from xlsr_sb.heads import ctc",
    ],
)
def test_a_planted_import_is_found(tmp_path, line):
    """The test can fail: in ``data``, each of these is an import too far."""
    package = tmp_path / PACKAGE
    (package / "data").mkdir(parents=True)
    (package / "data" / "audio.py").write_text(
        f"from xlsr_sb.errors import InputError\nfrom . import text\n{line}\n"
    )
    assert len(list(wrong_imports(package))) == 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("class CommonVoiceReader: pass", 1),
        ("from recipes import CoVoST2", 1),
        ("common_voice_languages = []", 1),
        ("# as for BABEL", 1),
        ("path = 'mls/train'", 1),
        ("voxCeleb1 = VoxLingua107", 1),
        ("xmls = htmls = familiar = dynamic = 1", 0),
    ],
)
def test_a_planted_name_is_found(tmp_path, line, found):
    """In any spelling, and not inside other words."""
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "losses.py").write_text(line + "\n")
    assert len(list(named_corpora(package))) == found
