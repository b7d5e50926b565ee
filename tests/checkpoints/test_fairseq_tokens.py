"""fairseq's dictionaries: found, read, and written so that fairseq finds them right.

Seen to fail: rows of the head left in their order, the first row taken for the blank.
"""

import pytest
import torch

from xlsr_sb.checkpoints import PeerVocabulary
from xlsr_sb.checkpoints.fairseq.tokens import (
    as_dictionary,
    ctc_vocabulary,
    dictionary_text,
    read_symbols,
)
from xlsr_sb.checkpoints.pickles.names import Name, Stub
from xlsr_sb.errors import InputError

CONFIG = {"task": {"labels": "ltr"}}


def test_where_it_is_looked_for(tmp_path):
    """In the file, beside it, in the folder of the data."""
    data, model = tmp_path / "data", tmp_path / "model"
    data.mkdir()
    model.mkdir()
    config = {"task": {"labels": "phn", "data": str(data)}}
    assert read_symbols({}, config, model / "a.pt") is None
    (data / "dict.phn.txt").write_text("a 1\n")
    assert read_symbols({}, config, model / "a.pt") == ["a"]
    (model / "dict.phn.txt").write_text("b 1\n")
    assert read_symbols({}, config, model / "a.pt") == ["b"]
    kind = Name("fairseq.data.dictionary", "Dictionary")
    stored = {"target_dictionary": Stub(kind, (), {"symbols": ["<s>", "c"]})}
    content = {"task_state": stored}
    assert read_symbols(content, config, model / "a.pt") == ["<s>", "c"]


@pytest.mark.parametrize("labels", [None, 3, "../dict", "a b", "x/y"])
def test_labels_that_are_no_name(tmp_path, labels):
    """No other file is opened for them."""
    (tmp_path / "dict.ltr.txt").write_text("a 1\n")
    config = {"task": {"labels": labels}}
    assert read_symbols({}, config, tmp_path / "a.pt") == ["a"]


def test_lines_of_a_dictionary(tmp_path):
    """Symbols with spaces and signs in them; a flag; empty lines."""
    path = tmp_path / "dict.ltr.txt"
    path.write_text("| 5\r\n' -1\n\na b 2\n<pad> 1 #fairseq:overwrite\n", newline="")
    assert read_symbols({}, CONFIG, tmp_path / "a.pt") == ["|", "'", "a b", "<pad>"]
    path.write_text("| 5\ne\n")
    with pytest.raises(
        InputError, match=r"ltr\.txt, line 2: 'e' is no symbol with its"
    ):
        read_symbols({}, CONFIG, tmp_path / "a.pt")


def test_letters_and_phones():
    """Words have spaces between them, or phones have."""
    letters = ctc_vocabulary(["|", "e", "t"], 7, source="a")
    assert letters.decode([5, 6, 4, 5, 2]) == "et e"
    phones = ctc_vocabulary(["n", "ɑː"], 6, source="a")
    assert phones.decode([4, 5, 4]) == "n ɑː n"
    assert letters.blank == phones.blank == 0
    assert ctc_vocabulary(None, 5, source="a") is None


def test_dictionary_of_another_model():
    """Its symbols would be written for the wrong rows."""
    with pytest.raises(InputError, match="has 6 symbols, .* and the CTC head 9 rows"):
        ctc_vocabulary(["|", "e"], 9, source="a.pt")


def head(count):
    rows = torch.arange(count, dtype=torch.float32)
    return {"projection.weight": rows[:, None].repeat(1, 3), "projection.bias": rows}


@pytest.mark.parametrize(
    ("tokens", "blank", "space", "rows", "symbols"),
    [
        (("<s>", "<pad>", "</s>", "<unk>", "|", "e"), 0, "|", [0, 1, 2, 3, 4, 5], "|e"),
        (("<pad>", "<s>", "</s>", "<unk>", "|", "e"), 0, "|", [0, 1, 2, 3, 4, 5], "|e"),
        (("e", "|", "[UNK]", "[PAD]"), 3, "|", [3, None, None, 2, 0, 1], "e|"),
        (("<blank>", "<unk>", " ", "a"), 0, " ", [0, None, None, 1, 2, 3], "|a"),
        (("a", "<s>", "b", "<pad>"), 3, None, [3, 1, None, None, 0, 2], "ab"),
    ],
)
def test_rows_move_with_their_tokens(tokens, blank, space, rows, symbols):
    """The blank comes first; specials that there are none of can never win."""
    vocabulary = PeerVocabulary(tokens, blank, space=space)
    new, moved = as_dictionary(vocabulary, head(len(tokens)))
    assert new.tokens[:4] == ("<s>", "<pad>", "</s>", "<unk>")
    assert "".join(new.tokens[4:]) == symbols
    for row, origin in enumerate(rows):
        if origin is None:
            assert moved["projection.bias"][row] == -10_000
            assert not moved["projection.weight"][row].any()
        else:
            assert moved["projection.bias"][row] == origin
            assert (moved["projection.weight"][row] == origin).all()
    ids = [i for i in range(4, len(new)) for _ in range(2)]
    assert new.decode(ids) == vocabulary.decode([rows[i] for i in ids])
    again = ctc_vocabulary(
        [line.rpartition(" ")[0] for line in dictionary_text(new).splitlines()],
        len(new),
        source="a",
    )
    assert again.tokens == new.tokens


@pytest.mark.parametrize("tokens", [("a b",), ("",), ("<pad>", "<s>"), ("\u2003",)])
def test_tokens_that_fairseq_cannot_hold(tokens):
    """Spaces part its lines; and its own names come once."""
    vocabulary = PeerVocabulary(("<blank>", *tokens), blank=0, space=None)
    with pytest.raises(InputError, match="cannot stand in a dictionary of fairseq"):
        as_dictionary(vocabulary, head(1 + len(tokens)))
