"""Names and shapes of all published sizes, in all layouts; no numbers are made.

Seen to fail: dimensions of ``ffn_out`` exchanged, groups forgotten in the positional
convolution, a norm too many.
"""

import pytest
import torch
import transformers
from torchaudio.models import wav2vec2_xlsr_1b, wav2vec2_xlsr_2b, wav2vec2_xlsr_300m

from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.checkpoints import fairseq, huggingface, torchaudio
from xlsr_sb.checkpoints.naming import rename
from xlsr_sb.checkpoints.peers import Parts, told_sizes
from xlsr_sb.checkpoints.shapes import check_tensors, encoder_tensors
from xlsr_sb.checkpoints.sizes import SIZES, completed
from xlsr_sb.errors import InputError

PUBLISHED = {"300m": 315_438_720, "1b": 962_497_408, "2b": 2_159_259_648}
LAYER = [  # fairseq's names, as its files have them
    *[f"self_attn.{name}" for name in ("k_proj", "v_proj", "q_proj", "out_proj")],
    *["self_attn_layer_norm", "fc1", "fc2", "final_layer_norm"],
]


def sizes_of(preset):
    config = XLSRConfig.preset(preset)
    return {name: getattr(config, name) for name in SIZES}


def on_meta(build):
    with torch.device("meta"):
        return build()


def shapes(tensors):
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize("preset", [*PUBLISHED, "tiny"])
def test_encoder(preset):
    """Those of the encoder itself; as many parameters as were published."""
    wanted = encoder_tensors(sizes_of(preset))
    encoder = on_meta(lambda: XLSR(XLSRConfig.preset(preset)))
    assert shapes(wanted) == shapes(encoder.state_dict())
    if preset in PUBLISHED:
        count = sum(tensor.numel() for tensor in wanted.values())
        assert count == PUBLISHED[preset]


@pytest.mark.parametrize("preset", PUBLISHED)
def test_transformers(preset):
    """Every name and shape of a model that transformers builds of our config.json."""
    sizes = sizes_of(preset)
    fields = {theirs: sizes[ours] for ours, theirs in huggingface.SIZES.items()}
    config = transformers.Wav2Vec2Config(**fields, **huggingface.STRUCTURE)
    model = on_meta(lambda: transformers.Wav2Vec2Model(config))
    ours = rename(encoder_tensors(sizes), huggingface.PAIRS)
    assert shapes(ours) == shapes(model.state_dict())


@pytest.mark.parametrize(
    ("preset", "build"),
    [("300m", wav2vec2_xlsr_300m), ("1b", wav2vec2_xlsr_1b), ("2b", wav2vec2_xlsr_2b)],
)
def test_torchaudio(preset, build):
    """Every name and shape of torchaudio's own models of these sizes."""
    ours = encoder_tensors(sizes_of(preset))
    del ours["mask_embedding"]
    found = rename(ours, torchaudio.PAIRS)
    assert shapes(found) == shapes(on_meta(build).state_dict())


@pytest.mark.parametrize("preset", PUBLISHED)
def test_fairseq(preset):
    """Every name that fairseq's files have, written down here once more."""
    sizes = sizes_of(preset)
    names = {"mask_emb", "encoder.pos_conv.0.weight_g", "encoder.pos_conv.0.weight_v"}
    names.add("encoder.pos_conv.0.bias")
    modules = ["layer_norm", "post_extract_proj", "encoder.layer_norm"]
    for i in range(7):
        block = f"feature_extractor.conv_layers.{i}"
        modules += [f"{block}.0", f"{block}.2.1"]
    for i in range(sizes["num_layers"]):
        modules += [f"encoder.layers.{i}.{part}" for part in LAYER]
    names |= {f"{module}.{end}" for module in modules for end in ("weight", "bias")}
    found = shapes(rename(encoder_tensors(sizes), fairseq.PAIRS))
    assert found.keys() == names
    dim, ffn_dim = sizes["dim"], sizes["ffn_dim"]
    assert found["encoder.pos_conv.0.weight_g"] == (1, 1, 128)
    assert found["encoder.pos_conv.0.weight_v"] == (dim, dim // 16, 128)
    assert found[
        "encoder.layers.47.fc1.weight" if dim > 1024 else "encoder.layers.23.fc1.weight"
    ] == (ffn_dim, dim)


@pytest.mark.parametrize("peer", [fairseq, torchaudio], ids=lambda peer: peer.LAYOUT)
@pytest.mark.parametrize("preset", PUBLISHED)
def test_sizes_come_from_shapes(preset, peer):
    """All of them, for models whose files hold nothing else."""
    sizes = sizes_of(preset)
    ours = encoder_tensors(sizes)
    if peer is torchaudio:
        del ours["mask_embedding"]
    parts = Parts(rename(ours, peer.PAIRS), {}, (), "")
    told = told_sizes(parts, peer.NAMES, source="a")
    assert completed(told, {}, source="a") == sizes


def test_errors_are_short_and_in_order():
    """However many tensors are missing; layer 2 before layer 10."""
    wanted = {f"layers.{i}.weight": torch.ones(1) for i in range(300)}
    with pytest.raises(InputError) as error:
        check_tensors({}, wanted, source="a")
    first = ", ".join(f"layers.{i}.weight" for i in range(8))
    assert str(error.value).endswith(f"missing: {first} and 292 more")


def test_what_may_be_missing_must_fit_if_it_is_there():
    """The mask embedding."""
    wanted = {"mask": torch.ones(2)}
    check_tensors({}, wanted, source="a", optional={"mask"})
    with pytest.raises(InputError, match=r"mask is \[3\], not \[2\]"):
        check_tensors({"mask": torch.ones(3)}, wanted, source="a", optional={"mask"})
