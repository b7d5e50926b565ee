"""Folders of speech translation models: read strictly, and written as they were."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tests.translation.models import CASES, batch, logits_alone, speech_model, texts
from xlsr_sb import SpeechTranslator
from xlsr_sb.checkpoints.huggingface.translation import read_translator
from xlsr_sb.errors import InputError

WEIGHTS = "model.safetensors"


def changed(folder, name="config.json", **fields):
    """Change fields of a JSON file; a name with a point is a part's and its field."""
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    for key, value in fields.items():
        *parts, last = key.split("__")
        target = content
        for part in parts:
            target = target[part]
        target[last] = value
    path.write_text(json.dumps(content))


def rewritten(folder, change):
    """Change the tensors of a folder."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


@pytest.mark.parametrize("case", CASES)
def test_there_and_back(tmp_path, case):
    """Loaded, written, loaded by transformers: the same tensors, the same logits."""
    model = speech_model(case, forced_bos_token_id=7)
    model.save_pretrained(tmp_path / "theirs")
    SpeechTranslator.from_pretrained(tmp_path / "theirs").save_pretrained(
        tmp_path / "ours"
    )
    theirs, ours = (load_file(tmp_path / n / WEIGHTS) for n in ("theirs", "ours"))
    mask = "encoder.masked_spec_embed"  # which ours always has
    assert ours.keys() - {mask} == theirs.keys() - {mask}
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor), name
    again, info = transformers.SpeechEncoderDecoderModel.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not info.get(problem), (problem, info[problem])
    tokens, num_tokens = texts()
    with torch.no_grad():
        pairs = zip(
            logits_alone(model, tokens, num_tokens),
            logits_alone(again.eval(), tokens, num_tokens),
            strict=True,
        )
        for before, after in pairs:
            torch.testing.assert_close(after, before, atol=1e-6, rtol=1e-6)
    assert again.generation_config.forced_bos_token_id == 7
    said = [read_translator(tmp_path / n).settings for n in ("theirs", "ours")]
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", ["shards", "bin", "bin with both embeddings"])
def test_other_files(tmp_path, kind):
    """Shards of safetensors, and pickled files as the released models have them."""
    model = speech_model("no projection, untied" if kind == "bin" else "odd sizes")
    size = "50KB" if kind == "shards" else "1GB"
    model.save_pretrained(tmp_path, max_shard_size=size)
    if kind == "shards":
        assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    else:
        tensors = load_file(tmp_path / WEIGHTS)
        if "both" in kind:
            tensors = model.state_dict()
            assert "decoder.lm_head.weight" in tensors
        (tmp_path / WEIGHTS).unlink()
        torch.save(tensors, tmp_path / "pytorch_model.bin")
    ours = SpeechTranslator.from_pretrained(tmp_path).eval()
    assert ours.head.config.tied_embeddings == (kind != "bin")
    tokens, num_tokens = texts()
    with torch.no_grad():
        logits = ours(*batch(), tokens, num_tokens)
        wanted = logits_alone(model, tokens, num_tokens)
    for row, peer in zip(logits, wanted, strict=True):
        torch.testing.assert_close(row[: len(peer)], peer, atol=1e-4, rtol=1e-4)


def test_an_output_layer_that_differs_is_not_tied(tmp_path):
    """Whatever the configuration says: as in transformers."""
    speech_model().save_pretrained(tmp_path)
    embedding = "decoder.model.decoder.embed_tokens.weight"
    rewritten(
        tmp_path, lambda t: t.update({"decoder.lm_head.weight": t[embedding] * 2})
    )
    ours = SpeechTranslator.from_pretrained(tmp_path)
    assert not ours.head.config.tied_embeddings
    assert torch.equal(ours.head.output_weight, 2 * ours.head.decoder.embeddings.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.pop("decoder.model.decoder.layers.1.encoder_attn.k_proj.bias"),
            "missing: decoder.model.decoder.layers.1.encoder_attn.k_proj.bias",
        ),
        (lambda t: t.pop("encoder.adapter.proj.weight"), "missing: encoder.adapter.pr"),
        (
            lambda t: t.update({"enc_to_dec_proj.bias": torch.ones(24)}),
            "unexpected: enc_to_dec_proj.bias",
        ),
        (
            lambda t: t.update({"encoder.layer_norm.bias": torch.ones(24)}),
            "unexpected: encoder.layer_norm.bias",
        ),
        (
            lambda t: t.update({"encoder.encoder.layer_norm.bias": torch.ones(7)}),
            r"of another shape: encoder.encoder.layer_norm.bias is \[7\], not \[32\]",
        ),
        (
            lambda t: t.pop("decoder.model.decoder.embed_tokens.weight"),
            "missing: decoder.model.decoder.embed_tokens.weight",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_one_error(tmp_path, change, message):
    """With their names in the file."""
    speech_model().save_pretrained(tmp_path)
    rewritten(tmp_path, change)
    message = f"is no complete speech translation model: {message}"
    with pytest.raises(InputError, match=message):
        SpeechTranslator.from_pretrained(tmp_path)


def test_an_untied_model_needs_its_output_layer(tmp_path):
    """If its configuration says that it has one."""
    speech_model().save_pretrained(tmp_path)
    changed(tmp_path, decoder__tie_word_embeddings=False)
    with pytest.raises(InputError, match=r"missing: decoder\.lm_head\.weight"):
        SpeechTranslator.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "wav2vec2"}, "model_type is 'wav2vec2'"),
        ({"decoder": None}, "has no 'decoder', the configuration of the decoder"),
        ({"decoder__model_type": "bart"}, "decoder.model_type is 'bart'"),
        ({"decoder__activation_function": "silu"}, "activation_function is 'silu'; .*"),
        ({"decoder__d_model": "24"}, "decoder.d_model is '24'; it must be a whole"),
        ({"decoder__decoder_layers": None}, "decoder.decoder_layers is None"),
        ({"decoder__add_cross_attention": False}, "add_cross_attention is False"),
        ({"decoder__decoder_attention_heads": 5}, "dim 24 must be a multiple of num_h"),
        ({"decoder__dropout": 1.5}, r"dropout must be in \[0, 1\), got 1.5"),
        ({"encoder__model_type": "hubert"}, "model_type is 'hubert'"),
        ({"encoder__do_stable_layer_norm": False}, "do_stable_layer_norm is False"),
        ({"encoder__adapter_kernel_size": 5}, "adapter_kernel_size is 5; it must be 3"),
        ({"encoder__num_adapter_layers": -1}, "num_adapter_layers is -1; it must be a"),
        ({"encoder__hidden_size": None}, "dim is None; it must be a whole number"),
        ({"eos_token_id": 50}, "eos must be a token from 0 to vocab_size - 1, got 50"),
    ],
)
def test_a_model_that_is_built_otherwise_is_an_error(tmp_path, fields, message):
    """With the key and its value."""
    speech_model().save_pretrained(tmp_path)
    (tmp_path / "generation_config.json").unlink()
    changed(tmp_path, **fields)
    with pytest.raises(InputError, match=message) as error:
        SpeechTranslator.from_pretrained(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_waveforms_as_they_are_are_an_error(tmp_path):
    """The encoder normalises every one."""
    speech_model().save_pretrained(tmp_path)
    changed(tmp_path, "preprocessor_config.json", do_normalize=False)
    with pytest.raises(InputError, match="do_normalize is False"):
        SpeechTranslator.from_pretrained(tmp_path)


def test_special_tokens_come_from_where_transformers_looks_first(tmp_path):
    """The generation config, the whole's, the decoder's; mBART's rule for the start."""
    model = speech_model(forced_bos_token_id=9)
    model.save_pretrained(tmp_path)
    changed(tmp_path, forced_bos_token_id=8, decoder_start_token_id=3)
    changed(tmp_path, eos_token_id=2, decoder__eos_token_id=5)
    tokens = ("start", "eos", "language_token")

    def told():
        return [read_translator(tmp_path).settings[name] for name in tokens]

    assert told() == [2, 2, 9]
    (tmp_path / "generation_config.json").unlink()
    assert told() == [3, 2, 8]
    changed(tmp_path, forced_bos_token_id=None, eos_token_id=None)
    changed(tmp_path, decoder_start_token_id=None)
    assert told() == [5, 5, None]


def test_a_folder_that_is_none(tmp_path):
    """Or a file."""
    with pytest.raises(InputError, match="is no folder of transformers"):
        read_translator(tmp_path)
    (tmp_path / "a.pt").write_text("")
    with pytest.raises(InputError, match=r"a\.pt is no folder of transformers"):
        read_translator(tmp_path / "a.pt")


def test_no_code_of_a_pickle_runs(tmp_path):
    """The weights of a translation model are read like all others."""
    speech_model().save_pretrained(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    torch.save({"a": Evil()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError):
        read_translator(tmp_path)
    assert not Evil.ran


class Evil:
    """Would run something while it is unpickled."""

    ran = False

    def __reduce__(self):
        return (_run, ())


def _run():
    Evil.ran = True
