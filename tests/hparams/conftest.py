"""A leaf with two includes, one inside the other, and callables that count."""

import sys

import pytest

STUBS = """
built = []

class Lobe:
    def __init__(self, *, dim, freeze=False):
        self.dim, self.freeze = dim, freeze
        built.append(self)

def build_lobe(*, dim, freeze=False):
    return Lobe(dim=dim, freeze=freeze)

class Head:
    def __init__(self, lobe, *, dropout=0.0):
        self.lobe, self.dropout = lobe, dropout

TABLE = {"a": 1}
"""

LEAF = """\
# A stub of a leaf.
seed: 1
__built: !apply:stubs.build_lobe {dim: 1}
name: !ref run-<seed>
data_folder: !PLACEHOLDER    # where the corpus is
folders: {}

encoder: !include:shared/encoder.yaml
    freeze: True

head: !include:shared/head.yaml
    dropout: !ref <encoder[dropout]>

model: !new:stubs.Head
    lobe: !ref <encoder[lobe]>
"""

ENCODER = """\
dim: 4
dropout: 1e-4
freeze: False
language: no
betas: [0.9, 0.98]

mask: !include:mask.yaml {}

lobe: !apply:stubs.build_lobe
    dim: !ref <dim>
    freeze: !ref <freeze>
"""

FILES = {
    "leaf.yaml": LEAF,
    "shared/encoder.yaml": ENCODER,
    "shared/mask.yaml": "prob: 0.75\nlength: 10\n",
    "shared/head.yaml": "dropout: 0.0\nclip: !ref <dropout>\n",
}


@pytest.fixture
def stubs(tmp_path_factory, monkeypatch):
    """Module ``stubs``, importable by the names in the YAML, nothing built yet."""
    folder = tmp_path_factory.mktemp("stubs")
    (folder / "stubs.py").write_text(STUBS)
    (folder / "broken.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "stubs", raising=False)
    import stubs

    yield stubs
    sys.modules.pop("stubs", None)


@pytest.fixture
def files(tmp_path, stubs):  # noqa: ARG001 the YAML names what is in stubs
    """Folder with ``leaf.yaml`` and what it includes."""
    (tmp_path / "shared").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def change(files):
    """Function that replaces a passage of one of the files; returns the leaf."""

    def replace(name, old, new):
        text = (files / name).read_text()
        assert text.count(old) == 1
        (files / name).write_text(text.replace(old, new))
        return files / "leaf.yaml"

    return replace
