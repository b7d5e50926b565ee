"""Training of tokenisers: repeatable, and clear about what cannot be."""

import random

import pytest

from tests.data.subword_texts import SENTENCES, TRAINING
from xlsr_sb.data.subwords import train_tokeniser
from xlsr_sb.errors import InputError


@pytest.fixture(scope="module")
def language():
    """1,500 sentences of 600 words, some of them frequent."""
    generator = random.Random(0)
    words = [
        "".join(generator.choices("abcdefghijklmno", k=generator.randrange(2, 9)))
        for _ in range(600)
    ]
    weights = [1 / rank for rank in range(1, 601)]
    return [" ".join(generator.choices(words, weights, k=12)) for _ in range(1500)]


def test_texts_decide_and_their_order_does_not(language):
    """Mutation that fails here: texts are not sorted."""
    first = train_tokeniser(language, num_pieces=500)
    mixed = random.Random(1).sample(language, len(language))
    assert train_tokeniser(iter(mixed), num_pieces=500) == first
    assert train_tokeniser([*language, "another"], num_pieces=500) != first


def test_every_character_is_known():
    tokeniser = train_tokeniser(TRAINING, num_pieces=250)
    for text in SENTENCES:
        assert tokeniser.unk not in tokeniser.encode(text)


def test_rare_characters_are_unknown_where_that_is_asked_for():
    texts = ["ab ba"] * 100 + ["xy"]
    tokeniser = train_tokeniser(texts, num_pieces=6, character_coverage=0.98)
    assert tokeniser.unk in tokeniser.encode("x")
    assert tokeniser.unk not in tokeniser.encode("ab")


def test_long_texts_are_learnt_too():
    """By default sentencepiece passes over those above 4,192 bytes."""
    tokeniser = train_tokeniser(["a b " * 2_000 + "ж"], num_pieces=7)
    assert tokeniser.unk not in tokeniser.encode("ж")


def test_message_names_the_largest_number_that_works():
    with pytest.raises(
        InputError, match=r"is 5000; these texts give at most (\d+)$"
    ) as e:
        train_tokeniser(TRAINING, num_pieces=5000)
    largest = int(str(e.value).split()[-1])
    assert train_tokeniser(TRAINING, num_pieces=largest).num_pieces == largest
    with pytest.raises(InputError, match=f"give at most {largest}$"):
        train_tokeniser(TRAINING, num_pieces=largest + 1)


@pytest.mark.parametrize("num_pieces", [-1, 0, 3, 50])
def test_message_names_the_smallest_number_that_works(num_pieces):
    with pytest.raises(
        InputError, match=rf"is {num_pieces}; .* need at least \d+,"
    ) as e:
        train_tokeniser(TRAINING, num_pieces=num_pieces)
    smallest = int(str(e.value).partition("least ")[2].partition(",")[0])
    assert train_tokeniser(TRAINING, num_pieces=smallest).num_pieces == smallest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": []}, "needs texts to be trained on"),
        ({"texts": ["", "  "]}, "needs texts to be trained on"),
        ({"texts": ["\x01"]}, "cannot be trained on these texts: "),
        ({"character_coverage": 0.5}, "is 0.5; it must be from 0.98 to 1"),
        ({"character_coverage": 1.1}, "is 1.1; it must be from 0.98 to 1"),
        ({"normalisation": "nfd"}, "is 'nfd'; it must be one of"),
        ({"languages": ["en", "en"]}, "en_XX stands twice in"),
        ({"languages": []}, "there is none in"),
    ],
)
def test_what_cannot_be_trained(options, message):
    options = {"texts": TRAINING, "num_pieces": 250, **options}
    with pytest.raises(InputError, match=message):
        train_tokeniser(options.pop("texts"), **options)
