"""fairseq's files: every layer, every head, and what is refused.

Seen to fail: fc1 and fc2 exchanged; the norm before attention taken for the other; the
activation of the classification head before its mean; a golden tensor in half
precision read as it is.
"""

import lzma
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.checkpoints.peers import (
    MODEL_CFG,
    TASK_CFG,
    as_old_args,
    fairseq_model,
    padded,
    pretrained_content,
    tuned_content,
    utterances,
)
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.errors import InputError

GOLDEN = Path(__file__).parent / "golden"
PLAIN = {"mask_time_prob": 0.0, "mask_channel_prob": 0.0}


def assert_same_layers(source, layers_of, waveforms, **given):
    """Ours, loaded from a source, on a ragged batch; each one alone in the peer."""
    lobe = XLSR.from_pretrained(str(source), **given).eval()
    batch, counts = padded(waveforms)
    with torch.no_grad():
        encoded = lobe.encode(batch, counts, all_layers=True)
        for i, waveform in enumerate(waveforms):
            theirs = layers_of(waveform)
            ours = encoded.layers[-len(theirs) :]
            for mine, peer in zip(ours, theirs, strict=True):
                found = mine[i, : encoded.num_frames[i]]
                torch.testing.assert_close(found, peer, atol=1e-4, rtol=1e-4)
    return lobe


def saved(content, folder, *, zipped=True) -> Path:
    path = folder / "xlsr2.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("age", ["cfg", "args"])
def test_pretrained(tmp_path, age, zipped):
    """All layers, with ``cfg`` and with ``args``, in both kinds of files."""
    model = fairseq_model()
    content = pretrained_content(model)
    content = as_old_args(content) if age == "args" else content
    path = saved(content, tmp_path, zipped=zipped)
    assert_same_layers(path, model, utterances((4_000, 2_222, 200)))
    checkpoint = read_checkpoint(path)
    assert checkpoint.layout == "fairseq"
    head = checkpoint.head("pretraining")
    assert torch.equal(head["quantizer.codevectors"], model.quantizer.vars)
    assert torch.equal(
        head["quantizer.projection.bias"], model.quantizer.weight_proj.bias
    )
    assert torch.equal(head["target_projection.weight"], model.project_q.weight)
    assert torch.equal(head["context_projection.weight"], model.final_proj.weight)
    assert checkpoint.num_parameters == sum(p.numel() for p in model.parameters())


def test_half_precision(tmp_path):
    """As files hold it that were written in shards; it is fp32 here."""
    model = fairseq_model()
    content = pretrained_content(model)
    content["model"] = {name: one.half() for name, one in content["model"].items()}
    path = saved(content, tmp_path)
    model.load_state_dict({n: one.float() for n, one in content["model"].items()})
    lobe = assert_same_layers(path, model, utterances((4_000, 2_222)))
    assert {p.dtype for p in lobe.parameters()} == {torch.float32}


@pytest.mark.parametrize("age", ["cfg", "args"])
def test_tuned_with_ctc(tmp_path, age):
    """The encoder, the head, and the dictionary beside the file."""
    model = fairseq_model(pretraining=False)
    head = {
        "w2v_encoder.proj.weight": torch.randn(7, 24),
        "w2v_encoder.proj.bias": torch.randn(7),
    }
    content = tuned_content(model, head)
    content = as_old_args(content) if age == "args" else content
    path = saved(content, tmp_path)
    (tmp_path / "dict.ltr.txt").write_text("| 9\ne 8\nsch 7\n")
    assert_same_layers(path, model, utterances((4_000, 2_222)))
    checkpoint = read_checkpoint(path)
    for name, tensor in checkpoint.head("ctc").items():
        assert torch.equal(tensor, head[f"w2v_encoder.proj.{name.split('.')[1]}"])
    assert checkpoint.vocabulary.tokens[:4] == ("<s>", "<pad>", "</s>", "<unk>")
    assert checkpoint.vocabulary.decode([5, 4, 6, 2]) == "e sch"


def test_tuned_for_classification(tmp_path):
    """Its two layers, what is between them, and its labels."""
    model = fairseq_model(pretraining=False)
    head = {
        "pooling_layer.linear.weight": torch.randn(9, 24),
        "pooling_layer.linear.bias": torch.randn(9),
        "pooling_layer.projection.weight": torch.randn(3, 9),
        "pooling_layer.projection.bias": torch.randn(3),
    }
    content = tuned_content(model, head, pooling="mean", activation_fn="tanh")
    content["cfg"]["task"]["labels"] = "lang"
    (tmp_path / "dict.lang.txt").write_text("en 1\nfr 1\nhaw 1\n")
    checkpoint = read_checkpoint(saved(content, tmp_path))
    found = checkpoint.head("classifier")
    assert torch.equal(found["projection.weight"], head["pooling_layer.linear.weight"])
    assert torch.equal(found["classifier.bias"], head["pooling_layer.projection.bias"])
    assert checkpoint.activation == "tanh"
    assert checkpoint.class_labels == ("en", "fr", "haw")


def test_labels_with_rows_for_the_special_ones(tmp_path):
    """As older dictionaries of classes have them."""
    model = fairseq_model(pretraining=False)
    head = {f"pooling_layer.linear.{n}": torch.ones(24) for n in ("weight", "bias")}
    head |= {"pooling_layer.projection.bias": torch.ones(6)}
    content = tuned_content(model, head, pooling="mean_fast", activation_fn="linear")
    (tmp_path / "dict.ltr.txt").write_text("en 1\nfr 1\n")
    checkpoint = read_checkpoint(saved(content, tmp_path))
    assert checkpoint.labels == ("<s>", "<pad>", "</s>", "<unk>", "en", "fr")
    assert checkpoint.activation == "identity"


def test_encoder_of_a_translator(tmp_path):
    """Under a longer prefix; its adaptor and decoder are left out."""
    model = fairseq_model(pretraining=False)
    prefix = "encoder.w2v_encoder.w2v_model."
    weights = {f"{prefix}{name}": one for name, one in model.state_dict().items()}
    others = {"encoder.w2v_encoder.proj.bias": torch.ones(3)}
    others["decoder.embed_positions.weight"] = torch.ones(3, 2)
    content = {"model": {**weights, **others}, "cfg": {"model": {}, "task": {}}}
    given = {"num_heads": 3, "conv_strides": (5, 2, 2, 2)}
    path = saved(content, tmp_path)
    assert_same_layers(path, model, utterances((4_000, 999)), **given)
    checkpoint = read_checkpoint(path, given)
    assert (checkpoint.left_out, checkpoint.head_names) == (tuple(others), ())


@pytest.mark.parametrize(
    "settings", [{"pooling": "max"}, {"pooling": "mean", "activation_fn": "swish"}]
)
def test_other_poolings_are_left_out(tmp_path, settings):
    """The encoder loads; the head would say something else, so there is none."""
    model = fairseq_model(pretraining=False)
    head = {f"pooling_layer.linear.{n}": torch.randn(24) for n in ("weight", "bias")}
    checkpoint = read_checkpoint(
        saved(tuned_content(model, head, **settings), tmp_path)
    )
    assert "pooling_layer.linear.weight" in checkpoint.left_out
    with pytest.raises(
        InputError, match="no classification head; left out: pooling_la"
    ):
        checkpoint.head("classifier")


def test_averages_and_heads_of_others_are_left_out(tmp_path):
    """A dictionary of averaged weights, and a decoder."""
    model = fairseq_model(pretraining=False)
    content = tuned_content(model, {"decoder.embed_out": torch.ones(2)})
    content["model"]["_ema"] = {"mask_emb": torch.ones(3)}
    checkpoint = read_checkpoint(saved(content, tmp_path))
    assert checkpoint.left_out == ("decoder.embed_out",)


# Files that fairseq 0.12.2 itself wrote, from random weights


@pytest.fixture(params=["ctc", "old_args"])
def golden(request, tmp_path):
    """Name and path of a file, and what fairseq computed with it."""
    name = request.param
    packed = (GOLDEN / f"fairseq_{name}.pt.xz").read_bytes()
    (tmp_path / f"{name}.pt").write_bytes(lzma.decompress(packed))
    outputs = load_file(GOLDEN / "fairseq_outputs.safetensors")
    kept = {
        k.removeprefix(f"{name}."): v for k, v in outputs.items() if k.startswith(name)
    }
    return name, tmp_path / f"{name}.pt", kept


def golden_waveforms():
    """What fairseq heard."""
    ticks = [torch.arange(n, dtype=torch.float64) for n in (4_000, 2_345)]
    return [(t**1.3 * 0.05).sin().float() * 0.2 + 0.03 for t in ticks]


def test_golden_layers(golden):
    """Containers of omegaconf; a Namespace, fp16 and the old kind of file."""
    _, path, outputs = golden
    numbers = iter(range(2))

    def layers_of(_):
        i = next(numbers)
        return [outputs[f"{i}.{layer}"] for layer in range(2)]

    assert_same_layers(path, layers_of, golden_waveforms())


def test_golden_ctc_head(golden):
    """Logits; and the dictionary, an object of fairseq inside the file."""
    name, path, outputs = golden
    if name != "ctc":
        assert read_checkpoint(path).head_names == ("pretraining",)
        return
    checkpoint = read_checkpoint(path)
    assert checkpoint.vocabulary.tokens[4:] == ("|", "e", "t", "'")
    head, lobe = checkpoint.head("ctc"), XLSR.from_pretrained(str(path)).eval()
    for i, waveform in enumerate(golden_waveforms()):
        logits = lobe(waveform[None])[0] @ head["projection.weight"].T
        logits = logits + head["projection.bias"]
        torch.testing.assert_close(logits, outputs[f"{i}.logits"], atol=1e-4, rtol=1e-4)


# What is refused


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layer_norm_first": False}, "layer_norm_first is False; .* has True"),
        ({"extractor_mode": "default"}, "extractor_mode is 'default'; .* 'layer_norm'"),
        ({"conv_bias": False}, "conv_bias is False"),
        ({"activation_fn": "relu"}, "activation_fn is 'relu'"),
        ({"layer_type": "conformer"}, "layer_type is 'conformer'"),
        ({"conv_feature_layers": "__import__('os')"}, "must be a sum of lists"),
        ({"encoder_attention_heads": "x"}, "does not say num_heads; give num_heads="),
        ({"encoder_attention_heads": 0}, "num_heads is 0; it must be a whole number"),
    ],
)
def test_another_structure(tmp_path, fields, message):
    """With the setting, its value and what XLS-R has."""
    model_cfg = {**MODEL_CFG, **fields}
    content = pretrained_content(fairseq_model(), model_cfg=model_cfg)
    with pytest.raises(InputError, match=f"xlsr2.pt:? .*{message}"):
        read_checkpoint(saved(content, tmp_path))


def test_a_model_of_waveforms_as_they_are(tmp_path):
    """Its features would be wrong: this encoder normalises."""
    content = pretrained_content(fairseq_model(), task={**TASK_CFG, "normalize": False})
    with pytest.raises(InputError, match="normalize is False"):
        read_checkpoint(saved(content, tmp_path))


def test_sizes_that_the_file_does_not_tell(tmp_path):
    """They are given; those that it tells are not."""
    model = fairseq_model()
    content = {**pretrained_content(model), "cfg": None}
    path = saved(content, tmp_path)
    with pytest.raises(InputError, match="does not say conv_strides, num_heads"):
        read_checkpoint(path)
    given = {"num_heads": 3, "conv_strides": (5, 2, 2, 2)}
    assert_same_layers(path, model, utterances((4_000, 999)), **given)
    with pytest.raises(InputError, match=r"\['dim'\] are fixed by"):
        read_checkpoint(path, {**given, "dim": 24})


def spoilt(change):
    """Message of the error of a pretrained file with its tensors changed."""
    content = pretrained_content(fairseq_model())
    content["model"] = dict(content["model"])
    change(content["model"])
    return content


def test_a_renamed_tensor(tmp_path):
    """One error with both names, as the file has them."""

    def rename(model):
        model["encoder.layers.1.fc1.kernel"] = model.pop("encoder.layers.1.fc1.weight")

    with pytest.raises(InputError) as error:
        read_checkpoint(saved(spoilt(rename), tmp_path))
    assert str(error.value) == (
        f"{tmp_path / 'xlsr2.pt'} is no complete XLS-R encoder: missing: "
        "encoder.layers.1.fc1.weight; unexpected: encoder.layers.1.fc1.kernel"
    )


def test_tensors_of_other_shapes(tmp_path):
    """One error with all of them."""

    def reshape(model):
        model["encoder.layers.1.fc2.weight"] = torch.ones(24, 41)
        model["mask_emb"] = torch.ones(2)
        del model["layer_norm.bias"]

    with pytest.raises(InputError) as error:
        read_checkpoint(saved(spoilt(reshape), tmp_path))
    assert str(error.value) == (
        f"{tmp_path / 'xlsr2.pt'} is no complete XLS-R encoder: missing: "
        "layer_norm.bias; of another shape: encoder.layers.1.fc2.weight is [24, 41], "
        "not [24, 40], mask_emb is [2], not [24]"
    )


@pytest.mark.parametrize(
    "name",
    [
        *["encoder.pos_conv.0.weight_v", "encoder.layers.0.fc1.weight"],
        *["feature_extractor.conv_layers.0.0.weight", "post_extract_proj.weight"],
    ],
)
def test_a_missing_tensor_that_tells_a_size(tmp_path, name):
    """Named like any other; a renamed one with what it is called now."""

    def rename(model):
        model[f"{name}x"] = model.pop(name)

    with pytest.raises(InputError, match=rf"missing: {name}.*unexpected: {name}x"):
        read_checkpoint(saved(spoilt(rename), tmp_path))


@pytest.mark.parametrize("shape", [(), (3,), (0, 0, 0)])
def test_a_tensor_without_the_axes_that_tell_sizes(tmp_path, shape):
    """One error."""

    def flatten(model):
        model["encoder.pos_conv.0.weight_v"] = torch.ones(shape)

    with pytest.raises(InputError, match="xlsr2.pt"):
        read_checkpoint(saved(spoilt(flatten), tmp_path))


@pytest.mark.parametrize("model", [{}, {"mask_emb": 3}, {"mask_emb": "text"}])
def test_what_is_no_tensor(tmp_path, model):
    """One error."""
    path = saved({"model": model, "cfg": {}}, tmp_path)
    with pytest.raises(
        InputError, match=r"no tensors with names|mask_emb is no tensor"
    ):
        read_checkpoint(path)
