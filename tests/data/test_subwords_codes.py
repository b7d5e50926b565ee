"""Codes of languages beside transformers' list and the cards of released models."""

import pytest
from transformers.models.mbart50 import tokenization_mbart50

from tests.data.subword_texts import TRAINING
from xlsr_sb.data.subwords import (
    BORROWED,
    MBART_CODES,
    RELEASED_TARGETS,
    language_token,
    target_token,
    train_tokeniser,
)
from xlsr_sb.errors import InputError

FIRST = 250_001  # id of the first code in mBART-50 and in the released models
FROM_ENGLISH = {  # as the cards of en-to-15 and 22-to-16 give them
    **{"de": 250003, "tr": 250023, "fa": 250029, "sv": 250042, "mn": 250037},
    **{"zh": 250025, "cy": 250007, "ca": 250005, "sl": 250052, "et": 250006},
    **{"id": 250032, "ar": 250001, "ta": 250044, "lv": 250017, "ja": 250012},
}
CARDS = {
    "21-to-en": {"en": 250004},
    "en-to-15": FROM_ENGLISH,
    "22-to-16": {"en": 250004, **FROM_ENGLISH},
}


@pytest.fixture(scope="module")
def mbart():
    """With mBART-50's languages."""
    return train_tokeniser(TRAINING, num_pieces=250)


@pytest.fixture(scope="module")
def own():
    """With three languages of its own."""
    return train_tokeniser(TRAINING, num_pieces=250, languages=["en", "es", "ca"])


def card_id(tokeniser, number):
    """What an id of this tokeniser would be among mBART-50's 250,000 pieces."""
    return number - tokeniser.num_pieces - 1 + FIRST


def test_order_is_that_of_transformers():
    assert list(MBART_CODES) == tokenization_mbart50.FAIRSEQ_LANGUAGE_CODES
    assert len(MBART_CODES) == 52


@pytest.mark.parametrize("direction", CARDS)
def test_released_targets_have_the_ids_of_the_cards(mbart, direction):
    """Mutation that fails here: Latvian has its own code."""
    found = {
        language: FIRST + MBART_CODES.index(code)
        for language, code in RELEASED_TARGETS[direction].items()
    }
    assert found == CARDS[direction]
    for language, number in CARDS[direction].items():
        ours = mbart.target_id(language, released=True)
        assert card_id(mbart, ours) == number


def test_released_models_have_their_languages_by_other_names_too(mbart):
    for name, code in [("sv-SE", "sv_SE"), ("zh-CN", "zh_CN"), ("lv_LV", "my_MM")]:
        assert target_token(name, released=True) == code
    assert mbart.target_id("zh-CN", released=True) == mbart.target_id("zh")


def test_which_codes_are_not_their_languages_own(mbart):
    """Catalan has Spanish's, Welsh Finnish's, and Latvian, if released, Burmese's."""
    targets = RELEASED_TARGETS["22-to-16"]
    odd = {one for one, code in targets.items() if code != language_token(one)}
    assert odd == {"ca", "cy", "lv"}
    for language, other in [("ca", "es"), ("cy", "fi")]:
        for released in (False, True):
            found = mbart.target_id(language, released=released)
            assert found == mbart.language_id(other)
    assert mbart.target_id("lv", released=True) == mbart.language_id("my")
    assert mbart.target_id("lv") == mbart.language_id("lv")
    assert card_id(mbart, mbart.target_id("lv")) == 250016


def test_borrowed_codes_are_of_no_other_target():
    """Else a released model could not tell two targets apart."""
    for targets in RELEASED_TARGETS.values():
        assert len(set(targets.values())) == len(targets)
        assert not {code[:2] for code in BORROWED.values()} & set(targets)


def test_own_languages_need_not_borrow(own):
    assert own.target_id("ca") == own.language_id("ca") == 253
    assert own.target_ids(["es", "ca"]) == {"es": 252, "ca": 253}


def test_two_targets_of_one_code(mbart):
    assert len(mbart.target_ids(CARDS["22-to-16"], released=True)) == 16
    with pytest.raises(InputError, match=r"'es' and 'ca' would both start with 255"):
        mbart.target_ids(["en", "es", "ca"])


@pytest.mark.parametrize("name", ["fr", "fr-FR", "zh-TW", "ca-ES", "xx"])
def test_languages_that_no_released_model_writes(mbart, name):
    with pytest.raises(
        InputError, match=rf"no released model .* '{name}'; known are ar"
    ):
        mbart.target_id(name, released=True)


@pytest.mark.parametrize("name", ["eu", "zh-TW", "ca_ES", "en-GB"])
def test_languages_that_mbart_does_not_have(mbart, own, name):
    with pytest.raises(InputError, match=rf"mBART-50 has no code for '{name}'; known"):
        mbart.target_id(name)
    for tokeniser in (mbart, own):
        with pytest.raises(InputError, match=rf"no language '{name}'; it has .*en_XX"):
            tokeniser.language_id(name)


@pytest.mark.parametrize("name", ["", "-", "e n", "</s>"])
def test_what_is_no_code(name):
    with pytest.raises(InputError, match="is no code of a language"):
        language_token(name)
