"""Ids and texts of subwords: sentencepiece's own, transformers', and ours."""

import json
import pickle
import random

import pytest
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from transformers import AutoTokenizer, MBart50Tokenizer

from tests.data.subword_texts import AWKWARD, SENTENCES, TRAINING
from xlsr_sb.data.subwords import MBART_CODES, SubwordTokeniser, train_tokeniser
from xlsr_sb.data.subwords.wire import wire_field
from xlsr_sb.errors import InputError

NUM_PIECES = 260
MODEL = "sentencepiece.bpe.model"


@pytest.fixture(scope="module")
def tokeniser():
    """With mBART-50's languages."""
    return train_tokeniser(TRAINING, num_pieces=NUM_PIECES)


@pytest.fixture(scope="module")
def folder(tokeniser, tmp_path_factory):
    """What ``save`` writes."""
    folder = tmp_path_factory.mktemp("saved")
    tokeniser.save(folder)
    return folder


@pytest.fixture(scope="module")
def peer(folder):
    """What transformers makes of the same folder."""
    return MBart50Tokenizer.from_pretrained(folder)


def mixtures(count=300):
    """Texts drawn from the characters of the sentences, and from unknown ones."""
    generator = random.Random(0)
    letters = sorted(set("".join((*SENTENCES, "  😀ქ漢"))))
    for _ in range(count):
        text = "".join(generator.choices(letters, k=generator.randrange(1, 30)))
        yield " ".join(text.split())


TEXTS = [*SENTENCES, *AWKWARD, *mixtures()]


def test_ids_are_those_of_transformers(tokeniser, peer):
    """Behind the code of a language, which transformers puts first.

    Mutation that fails here: pieces are not shifted.
    """
    for text in TEXTS:
        if text.strip() or not text:  # of spaces alone it makes a piece
            assert peer(text).input_ids[1:] == tokeniser.encode(text), repr(text)


def test_ids_are_those_of_transformers_on_a_released_folder(tokeniser, tmp_path):
    """Which has the model alone; transformers reads it by itself."""
    reason = "transformers reads sentencepiece's models by protobuf"
    pytest.importorskip("google.protobuf", reason=reason)
    (tmp_path / MODEL).write_bytes(tokeniser.model)
    peer = MBart50Tokenizer.from_pretrained(tmp_path)
    released = SubwordTokeniser.load(tmp_path)
    assert released == tokeniser
    assert len(peer) == released.vocab_size
    for text in TEXTS:
        if text.strip() or not text:
            assert peer(text).input_ids[1:] == released.encode(text), repr(text)


def test_ids_are_sentencepieces_with_fairseqs_offset(tokeniser):
    """As fairseq looks the pieces up in its dictionary, those of spaces too."""
    pieces = SentencePieceProcessor(model_proto=tokeniser.model)
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    names += [pieces.id_to_piece(number) for number in range(3, len(pieces))]
    dictionary = {name: number for number, name in enumerate(names)}
    for text in TEXTS:
        cut = pieces.encode(text, out_type=str)
        ids = [dictionary.get(piece, tokeniser.unk) for piece in cut]
        assert tokeniser.encode(text) == [*ids, tokeniser.eos]


def test_texts_are_those_of_transformers(tokeniser, peer):
    """Of what was encoded and of any ids, special ones and codes among them.

    transformers leaves a space where something unknown stood at an end.
    """
    generator = random.Random(1)
    drawn = [generator.choices(range(tokeniser.vocab_size), k=9) for _ in range(300)]
    for ids in [*map(tokeniser.encode, TEXTS), *drawn]:
        theirs = peer.decode(ids, skip_special_tokens=True)
        assert tokeniser.decode(ids) == theirs.strip(), ids


def test_special_ids_are_those_of_transformers(tokeniser, peer):
    special = [tokeniser.bos, tokeniser.pad, tokeniser.eos, tokeniser.unk]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *MBART_CODES]
    codes = [tokeniser.language_id(code) for code in MBART_CODES]
    ours = [*special, tokeniser.mask, *codes]
    assert peer.convert_tokens_to_ids(tokens) == ours
    assert codes == list(range(NUM_PIECES + 1, NUM_PIECES + 53))
    assert len(peer) == tokeniser.vocab_size == NUM_PIECES + 54
    assert tokeniser.num_pieces == NUM_PIECES


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_come_back(tokeniser, text):
    """Full-width punctuation comes back plain, as from mBART."""
    plain = str.maketrans("，！？；", ",!?;")
    assert tokeniser.decode(tokeniser.encode(text)) == text.translate(plain)


def test_spaces_at_the_ends_are_nothing(tokeniser):
    for text in ("a ", " a", "  a   "):
        assert tokeniser.encode(text) == tokeniser.encode("a")
    assert tokeniser.encode("  ") == [tokeniser.eos]


def test_special_tokens_in_a_text_are_text(tokeniser):
    """A transcript cannot end a translation or change its language."""
    for token in ("</s>", "<s>", "<pad>", "<mask>", "fr_XX"):
        ids = tokeniser.encode(f"a {token} b")
        assert ids.count(tokeniser.eos) == 1
        assert not set(ids) & {tokeniser.bos, tokeniser.pad, tokeniser.mask}
        assert max(ids) <= tokeniser.num_pieces


def test_ids_that_do_not_exist(tokeniser):
    for number in (-1, tokeniser.vocab_size):
        with pytest.raises(
            ValueError, match=rf"\[{number}\] are no ids; there are 314"
        ):
            tokeniser.decode([5, number])


def test_own_languages(tmp_path):
    tokeniser = train_tokeniser(TRAINING, num_pieces=260, languages=["en", "ca", "be"])
    assert [tokeniser.language_id(code) for code in ("en", "ca", "be")] == [
        *(261, 262, 263)
    ]
    assert tokeniser.vocab_size == 265
    tokeniser.save(tmp_path)
    loaded = SubwordTokeniser.load(tmp_path)
    assert loaded == tokeniser
    peer = AutoTokenizer.from_pretrained(tmp_path)
    tokens = ["<pad>", "en_XX", "ca_XX", "be_XX", "<mask>"]
    assert peer.convert_tokens_to_ids(tokens) == [1, 261, 262, 263, 264]
    assert len(peer) == 265
    for text in TEXTS:  # spaces alone and at the ends too: the file is ours
        assert peer(text).input_ids == tokeniser.encode(text), repr(text)
        ids = [261, *tokeniser.encode(text)]
        theirs = peer.decode(ids, skip_special_tokens=True)
        assert tokeniser.decode(ids) == theirs.strip()


def test_languages_for_a_model_without_a_folder(tokeniser, tmp_path):
    (tmp_path / "a.model").write_bytes(tokeniser.model)
    loaded = SubwordTokeniser.load(tmp_path / "a.model", languages=["fr", "it"])
    assert loaded.languages == ("fr_XX", "it_IT")
    assert SubwordTokeniser.load(tmp_path / "a.model") == tokeniser


def test_unchanged_characters_in_both(tmp_path):
    """Without a table of characters; full-width punctuation stays."""
    tokeniser = train_tokeniser(TRAINING, num_pieces=260, normalisation="identity")
    tokeniser.save(tmp_path)
    peer = MBart50Tokenizer.from_pretrained(tmp_path)
    for text in SENTENCES:
        assert peer(text).input_ids[1:] == tokeniser.encode(text)
        assert tokeniser.decode(tokeniser.encode(text)) == text


def test_a_process_of_its_own_gets_a_copy(tokeniser):
    copy = pickle.loads(pickle.dumps(tokeniser))
    assert copy == tokeniser
    assert copy.encode(SENTENCES[0]) == tokeniser.encode(SENTENCES[0])


# What cannot be used


def test_missing_files(tmp_path):
    for path in (tmp_path, tmp_path / "none.model"):
        with pytest.raises(InputError, match=r"cannot be read: No such file .*model"):
            SubwordTokeniser.load(path)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(100)])
def test_damaged_model(tmp_path, content):
    (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(InputError, match=r"\.model is no sentencepiece model, or dama"):
        SubwordTokeniser.load(tmp_path)


def test_model_that_was_cut_short(folder, tmp_path):
    content = (folder / MODEL).read_bytes()
    (tmp_path / MODEL).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is no sentencepiece model, or damaged"):
        SubwordTokeniser.load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"pad_id": 3},
            r"starts with \['<unk>', '<s>', '</s>'\]; it must .* without p",
        ),
        ({"bos_id": 2, "eos_id": 1}, r"starts with \['<unk>', '</s>', '<s>'\]"),
        ({"model_type": "bpe"}, "is no unigram model"),
        (
            {"byte_fallback": True, "vocab_size": 520},
            "is no unigram model, or one with byte_fallback",
        ),
    ],
)
def test_model_of_another_kind(tmp_path, options, message):
    path = tmp_path / "a.model"
    with path.open("wb") as file:
        SentencePieceTrainer.train(
            sentence_iterator=iter(TRAINING),
            model_writer=file,
            minloglevel=2,
            **{"vocab_size": 260, **options},
        )
    with pytest.raises(InputError, match=message):
        SubwordTokeniser.load(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            '{"tokenizer_class": "MBartTokenizer"}',
            "tokenizer_class is 'MBartTokenizer'",
        ),
        ("[]", "cannot be used"),
        ("{", "cannot be used"),
        ('{"language_codes": []}', "there is none in"),
        ('{"language_codes": ["en", "en_XX"]}', "en_XX stands twice in"),
    ],
)
def test_configuration_of_another_kind(tokeniser, tmp_path, config, message):
    tokeniser.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(config)
    with pytest.raises(InputError, match=rf"tokenizer_config\.json.*{message}"):
        SubwordTokeniser.load(tmp_path)


@pytest.mark.parametrize("kind", ["MBart50Tokenizer", "MBart50TokenizerFast"])
def test_configuration_of_a_released_folder(tokeniser, tmp_path, kind):
    """Names its class, and its codes in a way of its own."""
    (tmp_path / MODEL).write_bytes(tokeniser.model)
    config = {"tokenizer_class": kind, "additional_special_tokens": [*MBART_CODES]}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert SubwordTokeniser.load(tmp_path) == tokeniser


@pytest.mark.parametrize(
    "message", [b"\x0a\x05ab", b"\x0b", b"\x80", b"\x80" * 11, b"\x09\x00"]
)
def test_damaged_fields(message):
    with pytest.raises(ValueError, match=r"^a (field|number) "):
        wire_field(message, 2, default=0)


def test_fields_of_every_kind():
    """The last of several; the others are passed over."""
    message = b"\x09" + bytes(8) + b"\x15" + bytes(4) + b"\x18\x07\x18\xac\x02\x22\x01z"
    assert wire_field(message, 3, default=0) == 300
    assert wire_field(message, 4, default=b"") == b"z"
    assert wire_field(message, 5, default=9) == 9
