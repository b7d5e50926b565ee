"""Speech translation beside transformers, which is given each clip alone."""

import logging

import pytest
import torch
import transformers

from tests.checkpoints.peers import hf_inputs
from tests.translation.models import (
    CASES,
    DECODER,
    batch,
    clips,
    generated_alone,
    logits_alone,
    speech_model,
    texts,
)
from xlsr_sb import SpeechTranslator
from xlsr_sb.checkpoints.huggingface.translation_names import to_peer
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.translation import load_text_decoder

LANGUAGE = 7


@pytest.fixture
def saved(tmp_path):
    """Make a model of transformers, and ours of its folder."""

    def make(case="projection, tied", **options):
        model = speech_model(case, **options)
        folder = tmp_path / "theirs"
        model.save_pretrained(folder)
        return model, SpeechTranslator.from_pretrained(folder).eval()

    return make


@pytest.mark.parametrize("case", CASES)
def test_logits_are_those_of_transformers(saved, case):
    """Of a ragged batch with noise in all padding."""
    model, ours = saved(case)
    tokens, num_tokens = texts()
    with torch.no_grad():
        logits = ours(*batch(), tokens, num_tokens)
        wanted = logits_alone(model, tokens, num_tokens)
    assert logits.dtype == torch.float32
    for row, peer in zip(logits, wanted, strict=True):
        assert peer.std() > 0.1
        torch.testing.assert_close(row[: len(peer)], peer, atol=1e-4, rtol=1e-4)
        assert not row[len(peer) :].any()


def test_the_memory_has_as_many_frames_as_transformers_says(saved):
    """Their mask of an adapter's output, in a ragged batch, and ours."""
    for case in ("projection, tied", "odd sizes"):
        model, ours = saved(case)
        inputs = hf_inputs(clips())
        with torch.no_grad():
            memory, num_memory = ours.encode(*batch())
        length = memory.shape[1]
        mask = model.encoder._get_feature_vector_attention_mask(
            length, inputs.attention_mask
        )
        assert num_memory.tolist() == mask.sum(1).tolist()
        assert length == num_memory.max()


@pytest.mark.parametrize("case", ["projection, tied", "no projection, untied"])
def test_gradients_are_those_of_transformers(saved, case):
    """Of every parameter, summed over clips that transformers is given alone."""
    model, ours = saved(case)
    tokens, num_tokens = texts()
    target = torch.randn(len(tokens), tokens.shape[1], 50)
    (ours(*batch(), tokens, num_tokens) * target).sum().backward()
    alone = logits_alone(model, tokens, num_tokens)
    sum(
        (one * row[: len(one)]).sum() for one, row in zip(alone, target, strict=True)
    ).backward()
    parts = [
        {
            name: one.grad
            for name, one in part.named_parameters()
            if one.grad is not None
        }
        for part in (ours.encoder, ours.head)
    ]
    found = to_peer(*parts)
    wanted = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert len(found) > 60
    for name, grad in found.items():
        torch.testing.assert_close(grad, wanted[name], atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("case", ["projection, tied", "no projection, untied"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"force_eos": False}, {"forced_eos_token_id": None}),
        ({"length_penalty": 2.0, "early_stopping": True}, None),
        ({"no_repeat_ngram": 2}, {"no_repeat_ngram_size": 2}),
    ],
)
def test_five_beams_find_what_transformers_finds(saved, case, ours, theirs):
    """The same tokens, with a ragged batch, a forced language and ends at all times."""
    model, translator = saved(case, sure=True)
    assert model.generation_config.forced_eos_token_id == 2
    assert translator.head.config.force_eos
    if "forced_eos_token_id" in (theirs := ours if theirs is None else dict(theirs)):
        model.generation_config.forced_eos_token_id = theirs.pop("forced_eos_token_id")
    shared = {"forced_bos_token_id": LANGUAGE, "max_new_tokens": 12, "num_beams": 5}
    waveforms, num_samples = batch()
    found = translator.generate(
        waveforms,
        num_samples / waveforms.shape[1],
        max_tokens=12,
        prefix_tokens=[LANGUAGE],
        **ours,
    )
    assert found == generated_alone(model, **shared, **theirs)
    assert all(tokens[0] == LANGUAGE for tokens in found)
    assert len({tuple(tokens) for tokens in found}) > 2


def test_the_language_of_the_checkpoint_is_the_default(saved):
    """``forced_bos_token_id`` of its generation config; another can be asked for."""
    model, ours = saved(sure=True, forced_bos_token_id=9)
    assert ours.head.config.language_token == 9
    waveforms, num_samples = batch()
    shares = num_samples / waveforms.shape[1]
    found = ours.generate(waveforms, shares, max_tokens=9)
    assert found == generated_alone(model, num_beams=5, max_new_tokens=9)
    languages = [[11], [12], [13], [14]]
    found = ours.generate(waveforms, shares, max_tokens=5, prefix_tokens=languages)
    assert [tokens[:1] for tokens in found] == languages
    free = ours.generate(waveforms, shares, max_tokens=5, prefix_tokens=[])
    assert [tokens[:1] for tokens in free] != [[9]] * len(free)


def test_a_translation_does_not_depend_on_the_batch(saved):
    """A clip alone, without lengths, and the clip in a batch."""
    _, ours = saved(sure=True)
    waveforms, num_samples = batch()
    found = ours.generate(waveforms, num_samples / waveforms.shape[1], max_tokens=12)
    alone = [ours.generate(clip[None], max_tokens=12)[0] for clip in clips()]
    assert found == alone


def test_generating_in_training_mode_is_an_error(saved):
    """Dropout would make every search another one."""
    _, ours = saved()
    with pytest.raises(InputError, match=r"call \.eval\(\) first"):
        ours.train().generate(clips()[0][None])


def test_what_is_asked_for_beside_the_weights(saved, tmp_path):
    """Dropouts are the checkpoint's unless given; sizes cannot be given."""
    saved()
    load = SpeechTranslator.from_pretrained
    assert load(tmp_path / "theirs").head.config.dropout == 0.1
    asked = load(
        tmp_path / "theirs",
        encoder={"layerdrop": 0.3},
        head={"dropout": 0.2, "language_token": 3},
    )
    assert asked.encoder.config.layerdrop == 0.3
    assert (asked.head.config.dropout, asked.head.config.language_token) == (0.2, 3)
    for wrong in ({"head": {"num_layers": 1}}, {"encoder": {"num_layers": 1}}):
        with pytest.raises(InputError, match=r"\['num_layers'\] cannot be given"):
            load(tmp_path / "theirs", **wrong)
    with pytest.raises(InputError, match="theirs: translation head: dropout must be"):
        load(tmp_path / "theirs", head={"dropout": 1.0})


# The decoder of a text model


def text_model(folder, **fields):
    """Random mBART of transformers, saved in a folder."""
    torch.manual_seed(8)
    config = transformers.MBartConfig(**{**DECODER, **fields})
    model = transformers.MBartForConditionalGeneration(config).eval()
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return model


def small_head(**fields):
    """Head with the sizes of ``DECODER``."""
    sizes = {"vocab_size": 50, "dim": 24, "ffn_dim": 40, "num_heads": 3}
    sizes |= {"num_layers": 2, "max_positions": 30, **fields}
    return TranslationHead(32, TranslatorConfig(**sizes)).eval()


@pytest.mark.parametrize("is_tied", [True, False])
def test_a_text_decoder_begins_the_head(tmp_path, caplog, is_tied):
    """Its logits are those of the text model, whose encoder is said to be left out."""
    model = text_model(tmp_path, tie_word_embeddings=is_tied)
    head = small_head(tied_embeddings=is_tied)
    adaptor = {name: one.clone() for name, one in head.adaptor.state_dict().items()}
    with caplog.at_level(logging.INFO):
        left_out = load_text_decoder(tmp_path, head)
    theirs = {name for name in model.state_dict() if name.startswith("model.encoder.")}
    assert set(left_out) <= theirs <= {*left_out, "model.encoder.embed_tokens.weight"}
    assert f"{len(left_out)} of the text encoder left out" in caplog.text
    for name, tensor in head.adaptor.state_dict().items():
        assert torch.equal(tensor, adaptor[name])
    tokens, num_tokens = texts()
    memory = head.adapt(torch.randn(4, 20, 32), torch.tensor([20, 9, 20, 3]))
    with torch.no_grad():
        logits = head.logits(head.decoder(memory, tokens, num_tokens))
        for i, count in enumerate(num_tokens.tolist()):
            peer = model(
                encoder_outputs=(memory.memory[i : i + 1, : memory.num_memory[i]],),
                decoder_input_ids=tokens[i : i + 1, :count],
            ).logits[0]
            torch.testing.assert_close(logits[i, :count], peer, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("model", "head", "message"),
    [
        ({}, {"num_heads": 4}, "num_heads is 3, not 4"),
        ({}, {"scale_embeddings": False}, "scale_embeddings is True, not False"),
        ({"vocab_size": 51}, {}, "vocab_size is 51, not 50"),
        ({"tie_word_embeddings": False}, {}, "tied_embeddings: false"),
    ],
)
def test_a_text_decoder_of_another_kind_is_an_error(tmp_path, model, head, message):
    """What its weights are made for cannot be changed."""
    text_model(tmp_path, **model)
    with pytest.raises(InputError, match=message):
        load_text_decoder(tmp_path, small_head(**head))


def test_a_text_model_with_a_bias_is_an_error(tmp_path):
    """The decoder has no place for it."""
    model = text_model(tmp_path)
    model.final_logits_bias[0, 4] = 0.5
    model.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="final_logits_bias is not zero"):
        load_text_decoder(tmp_path, small_head())


def test_a_text_model_that_lacks_a_tensor_is_an_error(tmp_path):
    """With the name that it would have behind a speech encoder."""
    model = text_model(tmp_path)
    del model.model.decoder.layer_norm
    model.save_pretrained(tmp_path)
    missing = r"missing: decoder\.model\.decoder\.layer_norm\.bias"
    with pytest.raises(InputError, match=missing):
        load_text_decoder(tmp_path, small_head())
