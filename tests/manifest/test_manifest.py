"""Manifests: what is written is read back, and each mistake has its own message."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, check_manifest, read_manifest, write_manifest

HEADER = "ID,duration,wav,start,stop,spk_id,language,wrd\n"

# No surrogates: they cannot be written as UTF-8.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
codes = st.sampled_from(["de", "en", "zh-CN"])


@st.composite
def utterance_of(draw, *, number: int) -> Utterance:
    """An utterance with any texts and any segment."""
    start = draw(st.none() | st.integers(0, 1_000))
    return Utterance(
        id=f"{number}{draw(texts)}",
        wav=f"/audio/{number}.wav",
        duration=draw(st.floats(1e-3, 1e5)),
        start=start,
        stop=draw(st.none() | st.integers((start or 0) + 1, 2_000)),
        spk_id=draw(texts),
        language=draw(texts),
        wrd=draw(texts),
        translations=draw(st.dictionaries(codes, texts.filter(bool))),
        corpus=draw(texts),
    )


@settings(max_examples=50, deadline=None)
@given(data=st.data(), size=st.integers(1, 4))
def test_what_is_written_is_read_back(tmp_path_factory, data, size):
    """Texts with commas, quotes and line ends too; durations to the last bit."""
    path = tmp_path_factory.mktemp("manifest") / "train.csv"
    utterances = [data.draw(utterance_of(number=number)) for number in range(size)]
    write_manifest(path, utterances)
    assert read_manifest(path) == utterances


def test_columns_are_speechbrains(tmp_path):
    """Translations follow, sorted; and SpeechBrain reads the file."""
    from speechbrain.dataio.dataset import DynamicItemDataset

    path = tmp_path / "train.csv"
    clip = Utterance(
        "a", "/a.wav", 1.5, wrd="oui", translations={"en": "yes", "de": "ja"}
    )
    write_manifest(path, [clip])
    header, row = path.read_text().splitlines()
    assert header == HEADER.strip() + ",translation_de,translation_en"
    assert row == "a,1.5,/a.wav,,,,,oui,ja,yes"
    data = DynamicItemDataset.from_csv(path).data["a"]
    assert (data["duration"], data["wav"], data["wrd"]) == (1.5, "/a.wav", "oui")


def test_a_corpus_has_a_column_where_there_is_one(tmp_path):
    """Of the others it is empty; without any, manifests are as they always were."""
    path = tmp_path / "train.csv"
    clips = [Utterance("a", "/a.wav", 1.5), Utterance("b", "/b.wav", 1.0, corpus="x")]
    write_manifest(path, clips)
    assert path.read_text() == (
        HEADER.strip() + ",corpus\na,1.5,/a.wav,,,,,,\nb,1.0,/b.wav,,,,,,x\n"
    )
    assert read_manifest(path) == clips
    write_manifest(path, clips[:1])
    assert path.read_text().startswith(HEADER)


def test_columns_that_are_not_needed_may_be_missing(tmp_path):
    """And those that mean nothing are passed over; a byte-order mark too."""
    path = tmp_path / "mine.csv"
    path.write_text("\ufeffwav,accent,ID,duration\n/a.wav,soft,a,2\n\n", "utf-8")
    assert read_manifest(path) == [Utterance("a", "/a.wav", 2.0)]


def test_relative_audio_starts_at_the_manifest(tmp_path, monkeypatch):
    """Wherever the program runs."""
    (tmp_path / "train.csv").write_text("ID,duration,wav\na,2,audio/a.wav\n")
    monkeypatch.chdir(tmp_path)
    (read,) = read_manifest("train.csv")
    assert read.wav == str(tmp_path / "audio" / "a.wav")


def test_a_written_manifest_may_stand_anywhere(tmp_path, monkeypatch):
    """Audio that is relative when it is written means the folder of then."""
    monkeypatch.chdir(tmp_path)
    write_manifest("results/train.csv", [Utterance("a", "audio/a.wav", 1.0)])
    (read,) = read_manifest("results/train.csv")
    assert read.wav == str(tmp_path / "audio" / "a.wav")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line must name the columns"),
        (HEADER, "is empty; it must hold at least one utterance"),
        ("ID,text\na,oui\n", "line 1: there is no column duration, wav; .* ID, text"),
        ("ID;duration;wav\n", "no column ID, duration, wav; .* separated by commas"),
        ("ID,duration,wav,wav\n", "line 1: the column wav comes twice"),
        ("ID,duration,wav\na,long,a.wav\n", "line 2: duration is 'long'; .* seconds"),
        (
            "ID,duration,wav\na,-1,a.wav\n",
            "line 2: duration of 'a' is -1.0; .* positive",
        ),
        ("ID,duration,wav\na,nan,a.wav\n", "line 2: duration of 'a' is nan"),
        ("ID,duration,wav\na,inf,a.wav\n", "line 2: duration of 'a' is inf"),
        ("ID,duration,wav\n ,1,a.wav\n", "line 2: the ID is empty"),
        ("ID,duration,wav\na,1,\n", "line 2: wav of 'a' is empty"),
        ("ID,duration,wav,wrd\na,1,a.wav,oui, non\n", "line 2: 5 values for 4 columns"),
        ("ID,duration,wav\na,1\n", "line 2: 2 values for 3 columns"),
        (HEADER + "a,1,a.wav,0.5,,,,\n", "line 2: start is '0.5'; .* whole number"),
        (HEADER + "a,1,a.wav,-1,,,,\n", "line 2: start of 'a' is -1; .* at least 0"),
        (HEADER + "a,1,a.wav,9,9,,,\n", "segment of 'a' starts at 9 and stops at 9"),
        (HEADER + "a,1,a.wav,,0,,,\n", "segment of 'a' starts at 0 and stops at 0"),
        ('ID,duration,wav\n"a,1,a.wav\n', "line 2: unexpected end of data"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, message):
    """The message holds file, line, value and what is allowed."""
    path = tmp_path / "train.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"train\.csv.*{message}"):
        read_manifest(path)


def test_a_repeated_id_is_named_with_both_lines(tmp_path):
    """Real lines of the file: a text of two lines and a blank line count."""
    path = tmp_path / "train.csv"
    path.write_text('ID,duration,wav,wrd\na,1,a.wav,"oui\nnon"\n\na,1,b.wav,\n')
    with pytest.raises(InputError, match="line 5: the ID 'a' stands on line 3 already"):
        read_manifest(path)


def test_unreadable_files(tmp_path):
    """A missing file, a folder, and a file that is no text."""
    with pytest.raises(InputError, match=r"none\.csv cannot be read: No such file"):
        read_manifest(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_manifest(tmp_path)
    (tmp_path / "latin.csv").write_bytes(
        "ID,duration,wav\né,1,a.wav\n".encode("latin1")
    )
    with pytest.raises(InputError, match=r"latin\.csv is not UTF-8 text"):
        read_manifest(tmp_path / "latin.csv")


def test_records_are_checked_without_a_file():
    """As ``prepare`` returns them."""
    clip = Utterance("a", "a.wav", 1.0)
    check_manifest([clip], source="train")
    with pytest.raises(InputError, match="train, line 3: the ID 'a' .* line 2"):
        check_manifest([clip, clip], source="train")
    with pytest.raises(InputError, match="train is empty"):
        check_manifest([], source="train")


def test_a_failed_write_leaves_the_old_manifest(tmp_path, monkeypatch):
    """Whether the records are wrong or the disk is full; and no other file."""
    path = tmp_path / "train.csv"
    clip = Utterance("a", "/a.wav", 1.0)
    write_manifest(path, [clip])
    with pytest.raises(InputError, match="line 3: the ID 'a'"):
        write_manifest(path, [clip, clip])

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        InputError, match=r"train\.csv cannot be written: No space left"
    ):
        write_manifest(path, [Utterance("b", "/b.wav", 1.0)])
    assert read_manifest(path) == [clip]
    assert os.listdir(tmp_path) == ["train.csv"]


def test_a_record_is_a_value():
    """It cannot be changed, and equal ones are one in a set."""
    clip = Utterance("a", "a.wav", 1.0, translations={"de": "ja"})
    with pytest.raises(AttributeError):
        clip.wrd = "oui"
    assert len({clip, Utterance("a", "a.wav", 1.0, translations={"de": "ja"})}) == 1
