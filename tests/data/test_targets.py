"""Targets of translations: against transformers, and which ones are too long.

Seen to fail: inputs without the start; targets without the code of their language.
"""

import pytest
import torch

from xlsr_sb.data.pairs import TranslationPairs
from xlsr_sb.data.subwords import train_tokeniser
from xlsr_sb.data.targets import (
    TargetEncoder,
    decoder_inputs,
    translation_of,
    without_long_targets,
)
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

TEXTS = ["où est la gare", "où est le port"]


@pytest.fixture(scope="module")
def tokeniser():
    """With mBART-50's languages."""
    return train_tokeniser(TEXTS, num_pieces=15)


@pytest.fixture
def examples():
    """Two clips into French, one into German as well."""
    texts = [{"fr": TEXTS[0], "de": "gare"}, {"fr": TEXTS[1]}]
    return TranslationPairs.of(
        [
            Utterance(f"{i}", "a.wav", 1.0, language="en", translations=one)
            for i, one in enumerate(texts)
        ]
    )


def test_targets_and_inputs_are_those_of_transformers(tokeniser, examples, tmp_path):
    """Labels of MBart50Tokenizer; inputs as SpeechEncoderDecoderModel shifts them."""
    transformers = pytest.importorskip("transformers")
    from transformers.models.speech_encoder_decoder import (
        modeling_speech_encoder_decoder as peer,
    )

    tokeniser.save(tmp_path)
    theirs = transformers.MBart50Tokenizer.from_pretrained(tmp_path, tgt_lang="fr_XX")
    encode = TargetEncoder(tokeniser, tokeniser.target_ids(["de", "fr"]))
    for one in (examples[1], examples[2]):
        _, text = translation_of(one)
        labels = torch.tensor([theirs(text_target=text)["input_ids"]])
        ours = torch.tensor([encode(one)])
        assert ours.tolist() == labels.tolist()
        shifted = peer.shift_tokens_right(labels, tokeniser.pad, tokeniser.eos)
        assert decoder_inputs(ours, start=tokeniser.eos).tolist() == shifted.tolist()
    assert encode(examples[0])[0] == tokeniser.language_id("de_DE")


def test_inputs_of_a_ragged_batch():
    """Those of a text do not depend on its neighbours."""
    targets = torch.tensor([[7, 5, 4, 2], [8, 2, 0, 0]])
    inputs = decoder_inputs(targets, start=2)
    assert inputs[0].tolist() == [2, 7, 5, 4]
    assert inputs[1, :2].tolist() == [2, 8]


def test_long_targets_are_left_out_and_counted(tokeniser, examples):
    """Code and end count; the limit itself is allowed."""
    encode = TargetEncoder(tokeniser, tokeniser.target_ids(["de", "fr"]))
    lengths = [len(encode(one)) for one in examples]
    assert lengths[0] < min(lengths[1:])
    kept, dropped = without_long_targets(examples, encode, max_target_tokens=lengths[0])
    assert [one.id for one in kept] == ["0:de"]
    assert dropped == {"en_fr": 2}
    kept, dropped = without_long_targets(
        examples, encode, max_target_tokens=max(lengths)
    )
    assert list(kept) == list(examples)
    assert not dropped


def test_nothing_is_short_enough(examples):
    """The shortest length helps to choose another."""
    with pytest.raises(
        InputError, match="all 3 .* 3 tokens; the shortest has 4: raise"
    ):
        without_long_targets(
            examples, lambda one: translation_of(one)[1], max_target_tokens=3
        )
