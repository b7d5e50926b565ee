"""What the folder of a translator says beside its weights."""

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import TranslatorConfig
from xlsr_sb.translation.stored import STORED, StoredTranslator


def test_everything_comes_back(tmp_path):
    """Sizes of the head too, where they are given; the folder is made."""
    head = TranslatorConfig.preset("small", adaptor_dim=384, language_token=7)
    for given in (None, head):
        stored = StoredTranslator({"en": 7, "zh-CN": 8}, {"beam_size": 5}, given)
        stored.save(tmp_path / "new")
        assert StoredTranslator.load(tmp_path / "new") == stored


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"targets": {"en": 7}}', '{"targets": [], "search": {}}'),
        '{"targets": {"en": "x"}, "search": {}}',
        '{"targets": {}, "search": {}, "head": {"size": 3}}',
        '{"targets": {}, "search": {}, "head": {"dim": 7}}',
    ],
)
def test_damaged_file(tmp_path, text):
    """One error that names it."""
    (tmp_path / STORED).write_text(text)
    with pytest.raises(InputError, match=r"translator\.json cannot be used: "):
        StoredTranslator.load(tmp_path)


def test_absent_file(tmp_path):
    """As well."""
    with pytest.raises(InputError, match=r"translator\.json cannot be used: "):
        StoredTranslator.load(tmp_path)
