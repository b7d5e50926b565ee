"""Vocabularies of several languages as parts of one."""

import json

import pytest

from xlsr_sb.data.text import LanguageVocabularies, Vocabulary
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


def clip(name, language, text):
    """An utterance that is never read."""
    return Utterance(name, f"{name}.wav", 1.0, language=language, wrd=text)


CLIPS = [clip("1", "pl", "być"), clip("2", "fr", "l'été"), clip("3", "pl", "a b")]


@pytest.fixture
def both():
    return LanguageVocabularies.of(CLIPS, units="characters")


def test_parts_are_what_each_language_alone_would_have(both):
    """In the order of the whole, which is what all together have."""
    assert both.whole == Vocabulary.of([one.wrd for one in CLIPS])
    assert both.parts == {
        "fr": Vocabulary.of(["l'été"]),
        "pl": Vocabulary.of(["być", "a b"]),
    }
    for name, ids in both.ids.items():
        assert list(ids) == sorted(ids)
        assert tuple(both.whole.tokens[i] for i in ids) == both.parts[name].tokens


def test_ids_are_of_the_whole_and_unknown_is_what_the_language_lacks(both):
    """As in a run of that language alone."""
    for one in CLIPS:
        assert both.encode(one) == both.whole.encode(one.wrd)
        assert both.whole.unk not in both.encode(one)
    strange = clip("4", "fr", "tab")
    unk = both.whole.unk
    assert both.encode(strange) == [both.whole.tokens.index("t"), unk, unk]
    assert both.unknown([strange, clip("5", "pl", "tab"), *CLIPS]) == {
        "a": 1,
        "b": 1,
        "t": 1,
    }


def test_symbols():
    """Of any length; there is no space."""
    clips = [clip("1", "fr", "ʃ ɔ̃"), clip("2", "zh", "tʰ ʃ")]
    both = LanguageVocabularies.of(clips, units="tokens")
    assert both.whole.tokens[2:] == ("tʰ", "ɔ̃", "ʃ")
    assert both.ids == {"fr": (0, 1, 3, 4), "zh": (0, 1, 2, 4)}
    assert [both.whole.decode(both.encode(one)) for one in clips] == ["ʃ ɔ̃", "tʰ ʃ"]


def test_they_are_read_as_they_were_written(both, tmp_path):
    both.save(tmp_path / "a.json")
    assert LanguageVocabularies.load(tmp_path / "a.json", both.whole) == both
    assert "ć" in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"fr": 3}',
        '{"fr": ["a"]}',
        json.dumps({"fr": ["<blank>", "<unk>", " ", "z"]}),
    ],
)
def test_damaged_files(both, tmp_path, content):
    """The last one is of another vocabulary."""
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json cannot be used: "):
        LanguageVocabularies.load(tmp_path / "a.json", both.whole)
    with pytest.raises(InputError, match=r"b\.json cannot be used: .*No such file"):
        LanguageVocabularies.load(tmp_path / "b.json", both.whole)


def test_utterances_without_a_language():
    with pytest.raises(InputError, match="utterance '9' has no language"):
        LanguageVocabularies.of([*CLIPS, clip("9", "", "oui")], units="characters")


def test_languages_that_are_not_there(both):
    """Of an utterance, and of a user; both are answered with those that are."""
    both.check(CLIPS, source="dev")
    with pytest.raises(
        InputError, match="dev: utterance '9' is of language 'es'.*fr, pl"
    ):
        both.check([*CLIPS, clip("9", "es", "si")], source="dev")
    assert both.part("pl", source="run") is both.parts["pl"]
    for name in ("es", None):
        with pytest.raises(
            InputError, match=rf"language is {name!r}; run has .* for fr, pl: name one"
        ):
            both.part(name, source="run")
