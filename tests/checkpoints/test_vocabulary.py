"""Texts of tokens."""

import json

import pytest
from transformers import Wav2Vec2PhonemeCTCTokenizer

from xlsr_sb.checkpoints import PeerVocabulary
from xlsr_sb.checkpoints.huggingface.tokens import tokenizer_files
from xlsr_sb.data.text import Vocabulary

TOKENS = ("<pad>", "|", "É", "sch", "n't", ".")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "É schÉ . n't"),
        ({"lower_case": True}, "é schÉ . n't".lower()),
        ({"tidy": True}, "É schÉ.n't"),
        ({"shown_space": "_"}, "É_schÉ_._n't"),
        ({"space": None}, "É|schÉ|.|n't"),
        ({"space": None, "separator": "-"}, "É-|-sch-É-|-.-|-n't"),
        ({"silent": frozenset({2})}, "sch . n't"),
        ({"blank": 3}, "É É . n't"),
    ],
)
def test_decoding(fields, shown):
    """What each setting changes."""
    vocabulary = PeerVocabulary(TOKENS, **{"blank": 0, **fields})
    assert vocabulary.decode([2, 1, 3, 2, 1, 5, 1, 4]) == shown


def test_ends_have_no_spaces():
    """As the texts of all peers."""
    assert PeerVocabulary(TOKENS, 0).decode([1, 1, 2, 1]) == "É"
    assert PeerVocabulary(TOKENS, 0).decode([1, 0]) == ""


def test_our_own():
    """Unknown is written as peers write it; everything else is the same."""
    own = Vocabulary.of(["où est-ce"])
    peer = PeerVocabulary.of(own)
    ids = own.encode("où est")
    assert peer.decode(ids) == own.decode(ids) == "où est"
    assert (len(peer), peer.blank) == (len(own), own.blank)
    assert peer.decode([own.unk]) == "<unk>"


def test_symbols_of_our_own(tmp_path):
    """With spaces between, as transformers' tokenizer of phonemes writes them."""
    own = Vocabulary.of(["tʃ a ɔ̃", "w a"], units="tokens")
    peer = PeerVocabulary.of(own)
    ids = own.encode("w a tʃ a ɔ̃")
    assert peer.decode(ids) == own.decode(ids) == "w a tʃ a ɔ̃"
    for name, content in tokenizer_files(peer).items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    with_blanks = [n for id_ in ids for n in (id_, id_, own.blank)]
    theirs = Wav2Vec2PhonemeCTCTokenizer.from_pretrained(tmp_path, do_phonemize=False)
    assert theirs.decode(with_blanks) == "w a tʃ a ɔ̃"


def test_first_ids():
    """Of those that share a token."""
    vocabulary = PeerVocabulary(("a", "<unk>", "b", "<unk>", "a"), blank=2)
    assert vocabulary.first_ids == (0, 1, 2, 1, 0)
