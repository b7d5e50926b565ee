"""Tables: what a list of the same manifest holds, at any size, in any process.

Seen to fail: rows found by line in place of by byte; an index of the manifest as it was
before; a repeated ID; a quotation mark that swallows the next row.
"""

import os
import pickle
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.manifest.test_manifest import utterance_of
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import (
    Utterance,
    columns_of,
    durations_of,
    read_manifest,
    read_utterances,
    table,
    write_manifest,
)
from xlsr_sb.manifest.columns import Columns
from xlsr_sb.manifest.table import UtteranceTable, extra_columns_of

HEADER = "ID,duration,wav,start,stop,spk_id,language,wrd\n"


@pytest.fixture
def manifest(tmp_path):
    """A manifest of 500 utterances in three languages and two corpora."""
    random = np.random.default_rng(0)
    clips = [
        Utterance(
            id=f"clip-{number}",
            wav=f"/audio/{number}.flac",
            duration=float(random.uniform(0.1, 30)),
            language=("fr", "ka", "é")[number % 3],
            corpus=("books", "radio, live")[number // 300],
            wrd='"oui",\nnon' if number % 7 == 0 else "",
        )
        for number in range(500)
    ]
    write_manifest(tmp_path / "train.csv", clips)
    return tmp_path / "train.csv"


def index_of(manifest):
    """File beside a manifest."""
    return manifest.with_name(manifest.name + ".columns")


@settings(max_examples=40)
@given(data=st.data(), size=st.integers(1, 5))
def test_a_table_is_the_list(tmp_path_factory, data, size):
    """With commas, quotes and line ends in texts; made anew, and from its index."""
    path = tmp_path_factory.mktemp("manifest") / "train.csv"
    write_manifest(path, [data.draw(utterance_of(number=n)) for n in range(size)])
    for _ in range(2):
        found = UtteranceTable(path)
        assert list(found) == read_manifest(path)
        assert found[-1] == found[size - 1]
        assert found[1:] == read_manifest(path)[1:]
        with pytest.raises(IndexError):
            found[size]
        assert extra_columns_of(found) == extra_columns_of(list(found))


def test_columns_are_those_of_the_list(manifest):
    """Made anew, and from the index; the list's too."""
    expected = read_manifest(manifest)
    first = UtteranceTable(manifest)
    for found in (first, UtteranceTable(manifest), expected):
        columns = columns_of(found)
        assert isinstance(columns, Columns)
        assert columns.durations.tolist() == [one.duration for one in expected]
        assert list(durations_of(found)) == [one.duration for one in expected]
        for names, values in (
            (columns.languages, [one.language for one in expected]),
            (columns.corpora, [one.corpus for one in expected]),
        ):
            assert [names.names[code] for code in names.codes] == values
            assert len(names.names) == len(set(values))


def test_lines_as_others_write_them(tmp_path):
    """A byte-order mark, ends of Windows, blank lines, no end at the end."""
    path = tmp_path / "mine.csv"
    text = "\ufeffwav,ID,duration,language\r\na.wav,a,2,fr\r\n\r\n\r\nb.wav,b,3,é"
    path.write_bytes(text.encode())
    assert list(UtteranceTable(path)) == read_manifest(path)
    assert read_manifest(path)[1].language == "é"
    assert columns_of(UtteranceTable(path)).languages.names == ("fr", "é")


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER,
        "ID,text\na,oui\n",
        "ID,duration,wav,wav\n",
        "ID,duration,wav\na,long,a.wav\n",
        "ID,duration,wav\na,-1,a.wav\n",
        "ID,duration,wav\na,nan,a.wav\n",
        "ID,duration,wav\na,inf,a.wav\n",
        "ID,duration,wav\n ,1,a.wav\n",
        "ID,duration,wav\na,1, \n",
        "ID,duration,wav,wrd\na,1,a.wav,oui, non\n",
        "ID,duration,wav\na,1\n",
        HEADER + "a,1,a.wav,0.5,,,,\n",
        HEADER + "a,1,a.wav,9,9,,,\n",
        HEADER + "b,1,b.wav,,,,,\na,1,a.wav,,0,,,\n",
        'ID,duration,wav\n"a,1,a.wav\n',
    ],
)
def test_mistakes_are_those_of_the_list(tmp_path, text):
    """The same message, with the same line; and no index stays."""
    path = tmp_path / "train.csv"
    path.write_text(text)
    messages = []
    for read in (read_manifest, UtteranceTable):
        with pytest.raises(InputError, match="train.csv") as error:
            read(path)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert os.listdir(tmp_path) == ["train.csv"]


def test_a_repeated_id_is_named_with_both_lines(tmp_path):
    """Whether in quotation marks or not."""
    path = tmp_path / "train.csv"
    path.write_text('ID,duration,wav\na,1,a.wav\n"b\nc",1,a.wav\n"a",1,b.wav\n')
    with pytest.raises(InputError, match="line 5: the ID 'a' stands on line 2 already"):
        UtteranceTable(path)


def test_ids_whose_check_sums_are_the_same(tmp_path, monkeypatch):
    """They are compared themselves then."""
    path = tmp_path / "train.csv"
    path.write_text("ID,duration,wav\na,1,a.wav\nb,1,a.wav\n")
    monkeypatch.setattr("xlsr_sb.manifest.indexing.hash", lambda _: 7, raising=False)
    assert len(UtteranceTable(path)) == 2


def test_a_quotation_mark_that_opens_nothing(tmp_path):
    """It must not swallow the rows up to the next one."""
    path = tmp_path / "train.csv"
    row = 'ID,duration,wav,wrd\na,1,a.wav,5" nail\nb,1,b.wav,\nc,1,c.wav,7" nail\n'
    path.write_text(row)
    with pytest.raises(InputError, match="line 4: 3 rows .* mark within a text must"):
        UtteranceTable(path)


def test_text_of_another_encoding(tmp_path):
    """Named, whether in a column of the index or in another."""
    path = tmp_path / "train.csv"
    path.write_bytes("ID,duration,wav,language\na,1,a.wav,é\n".encode("latin1"))
    with pytest.raises(InputError, match="train.csv is not UTF-8 text"):
        UtteranceTable(path)
    path.write_bytes("ID,duration,wav,wrd\na,1,a.wav,é\n".encode("latin1"))
    with pytest.raises(InputError, match="train.csv, at byte 20: this is not UTF-8"):
        UtteranceTable(path)[0]


# The index


def test_an_index_is_read_as_long_as_it_is_of_the_manifest(manifest, monkeypatch):
    """It is made again after any change of the manifest, or when it is damaged."""
    made = []
    from xlsr_sb.manifest import index_files

    index_csv = index_files.index_csv

    def noted(path):
        made.append(path)
        return index_csv(path)

    monkeypatch.setattr(index_files, "index_csv", noted)
    UtteranceTable(manifest)
    UtteranceTable(manifest)
    assert len(made) == 1
    clips = read_manifest(manifest)
    write_manifest(manifest, clips[::-1])  # as long as before
    assert list(UtteranceTable(manifest)) == clips[::-1]
    assert len(made) == 2
    whole = index_of(manifest).read_bytes()
    for damaged in (b"", b"{}\n", whole[:-1], b"[1]\n" + whole, whole[:50]):
        index_of(manifest).write_bytes(damaged)
        assert list(UtteranceTable(manifest)) == clips[::-1]
    assert len(made) == 7
    assert index_of(manifest).read_bytes() == whole


def test_an_index_that_cannot_be_kept(manifest, monkeypatch, caplog):
    """A read-only folder: said, and made each time."""

    def refused(_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", refused)
    assert list(UtteranceTable(manifest)) == read_manifest(manifest)
    assert "Read-only file system; so the manifest will be indexed" in caplog.text
    assert os.listdir(manifest.parent) == ["train.csv"]


def ids(found, rows):
    """Ids of some rows, for another process."""
    return [found[row].id for row in rows]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_other_processes_read_it_too(manifest):
    """Sent to them, it is its path; forked, it reads the same file in peace."""
    found, rows = UtteranceTable(manifest), list(range(0, 500, 3))
    assert len(pickle.dumps(found)) < 500
    assert list(pickle.loads(pickle.dumps(found))) == list(found)
    with get_context("fork").Pool(3) as pool:
        both = pool.starmap(ids, [(found, rows)] * 6, chunksize=1)
    assert both == [ids(found, rows)] * 6


def test_a_manifest_that_changes_under_a_table(manifest):
    """A renamed one does no harm; one written over is an error, not other speech."""
    found = UtteranceTable(manifest)
    expected = list(found)
    write_manifest(manifest, expected[:3])
    assert list(found) == expected
    found = UtteranceTable(manifest)
    manifest.write_text("gone")
    with pytest.raises(InputError, match="train.csv, at byte"):
        found[2]


# Large and small


def test_only_large_manifests_are_tables(manifest, monkeypatch):
    """Small ones are lists, and nothing is written beside them."""
    assert isinstance(read_utterances(manifest), list)
    assert not index_of(manifest).exists()
    monkeypatch.setattr(table, "LARGE", 1_000)
    found = read_utterances(str(manifest))
    assert isinstance(found, UtteranceTable)
    assert list(found) == read_manifest(manifest)


def test_a_folder_is_one_of_shards(manifest, tmp_path):
    """Its index is a manifest; a folder without one is refused."""
    with pytest.raises(InputError, match="is a folder without index.csv; .* shard`"):
        read_utterances(tmp_path)
    manifest.rename(tmp_path / "index.csv")
    assert len(read_utterances(tmp_path)) == 500


def test_nothing_there():
    """As with any manifest."""
    with pytest.raises(InputError, match=r"no/such\.csv cannot be read: No such file"):
        read_utterances("no/such.csv")
    with pytest.raises(InputError, match=r"no/such\.csv cannot be read: No such file"):
        UtteranceTable("no/such.csv")
