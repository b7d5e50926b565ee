"""Files, folders, lists and tables: which recordings, in which order, and their names.

Seen to fail: files of another kind taken; hidden ones taken; a name that leads out of
the folder; two of one name.
"""

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.transcription import Recording, check_names, find_recordings


@pytest.fixture
def folder(tmp_path):
    """Audio files, in name at least, and others."""
    names = [
        "b.wav",
        "a.MP3",
        "x/y/a.flac",
        "x/.hidden.wav",
        ".git/c.wav",
        "x/notes.md",
    ]
    names += ["x/a.m4a", "x.wav/z.ogg"]
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def names(*places, **options):
    """Names of what is found."""
    return [
        one.name for one in find_recordings([str(one) for one in places], **options)
    ]


def test_folder(folder):
    """All audio in it, in order, with its folders; not what is hidden."""
    found = find_recordings([str(folder)])
    assert [one.name for one in found] == ["a", "b", "x/a", "x/y/a", "x.wav/z"]
    assert [one.path for one in found] == [one.shown for one in found]
    assert found[3] == Recording(
        f"{folder}/x/y/a.flac", "x/y/a", f"{folder}/x/y/a.flac"
    )


def test_files_and_folders(folder):
    """In the order of the arguments; each comes once."""
    places = [folder / "x.wav", folder / "b.wav", folder / "x.wav", folder / "none.wav"]
    assert names(*places) == ["z", "b", "none"]
    assert names("a.b.wav", "x.tar:512:7000") == ["a.b", "x.tar:512:7000"]


def test_folder_without_audio(tmp_path):
    """It is a mistake."""
    (tmp_path / "a.md").touch()
    with pytest.raises(InputError, match=r"holds no audio: no file of it ends in .wav"):
        names(tmp_path)


@pytest.mark.parametrize("suffix", [".txt", ".lst", ".list"])
def test_list(tmp_path, suffix):
    """Relative paths start at the list's folder; all lead into the output's."""
    path = tmp_path / f"files{suffix}"
    path.write_text("x/a.wav\n\n  ../b.wav \n/c/d e.wav\n./f.wav")
    found = find_recordings([str(path)])
    assert [one.name for one in found] == ["x/a", "b", "c/d e", "f"]
    expected = [f"{tmp_path}/x/a.wav", f"{tmp_path}/../b.wav", "/c/d e.wav"]
    assert [one.path for one in found[:3]] == expected


def test_table(tmp_path):
    """A manifest: segments of files under their IDs, with their texts."""
    path = tmp_path / "a.csv"
    path.write_text(
        "ID,duration,wav,start,stop,wrd\n"
        'x/1,2.5,a.wav,0,40000,"oui, non"\n'
        "../2,1.0,/b/a.wav,,,\n"
    )
    found = find_recordings([str(path)], text_column="wrd")
    first = Recording(f"{tmp_path}/a.wav", "x/1", "x/1", 0, 40_000, "oui, non")
    assert found == [first, Recording("/b/a.wav", "2", "../2", None, None, "")]
    assert [one.text for one in find_recordings([str(path)])] == [None, None]


def test_table_of_paths(tmp_path):
    """What ``--csv`` wrote before is a table as well."""
    path = tmp_path / "a.csv"
    path.write_text("path,text\nx/a.wav,oui\n")
    [found] = find_recordings([str(path)], text_column="text")
    assert found == Recording(
        f"{tmp_path}/x/a.wav", "x/a", f"{tmp_path}/x/a.wav", text="oui"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ID,duration\na,1\n", "line 2: there is no audio file; a column wav or path"),
        ("ID,wav\na,\n", "line 2: there is no audio file"),
        ("wav,start\na.wav,1.5\n", "line 2: start is '1.5'; it must be a whole number"),
        ("wav,stop\na.wav,-1\n", "line 2: stop is '-1'"),
        ("", "is empty"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, content, message):
    """The line is named."""
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        names(tmp_path / "a.csv")


def test_texts_are_in_tables(folder, tmp_path):
    """Not in files, and not in another column."""
    with pytest.raises(InputError, match=r"--text wrd: .*b.wav has no columns"):
        names(folder / "b.wav", text_column="wrd")
    (tmp_path / "a.csv").write_text("wav,words\na.wav,oui\n")
    with pytest.raises(InputError, match="there is no column wrd"):
        names(tmp_path / "a.csv", text_column="wrd")


def test_two_of_one_name(folder):
    """Both are named; in their folders they are two."""
    check_names(find_recordings([str(folder)]))
    places = [str(folder / "x" / "a.m4a"), str(folder / "a.MP3")]
    message = r"x/a.m4a and .*/a.MP3 would both be written to a\.\*"
    with pytest.raises(InputError, match=message):
        check_names(find_recordings(places))
