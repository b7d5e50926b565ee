"""Small encoders, and the same ones in other libraries."""

import torch
import transformers
from torchaudio.models import wav2vec2_model

from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.checkpoints import huggingface, torchaudio
from xlsr_sb.checkpoints.naming import rename

PLAIN = {
    "activation_dropout": 0.0,
    "layerdrop": 0.0,
    "mask_time_prob": 0.0,
    "mask_channel_prob": 0.0,
    "freeze_feature_extractor": False,
}
ODD_SIZES = [
    {"dim": 48, "ffn_dim": 80, "num_heads": 3, "pos_conv_groups": 4, "num_layers": 2},
    {
        "conv_dims": (12, 20, 16, 16, 24, 8, 28),
        "dim": 40,
        "ffn_dim": 56,
        "num_heads": 5,
        "pos_conv_groups": 2,
        "pos_conv_kernel": 20,
        "num_layers": 3,
    },
    {
        "conv_dims": (8, 16, 24),
        "conv_kernels": (11, 4, 5),
        "conv_strides": (3, 4, 2),
        "dim": 32,
        "ffn_dim": 32,
        "num_heads": 1,
        "pos_conv_groups": 8,
        "num_layers": 1,
    },
]
LENGTHS = [16_000, 7_777, 400, 3_201]


def random_lobe(seed: int = 0, **fields) -> XLSR:
    """Encoder whose every parameter is random (biases and norms too)."""
    torch.manual_seed(seed)
    sizes = {"conv_dims": (16,) * 7, **ODD_SIZES[0]} | PLAIN | fields
    lobe = XLSR(XLSRConfig.preset("tiny", **sizes))
    with torch.no_grad():
        for parameter in lobe.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return lobe


def ragged_batch(lengths=LENGTHS, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Waveforms with noise in the padding as well, and their lengths."""
    torch.manual_seed(seed)
    waveforms = torch.randn(len(lengths), max(lengths)) * 0.3 + 0.05
    return waveforms, torch.tensor(lengths)


def as_transformers(lobe: XLSR, folder) -> transformers.Wav2Vec2Model:
    """The same encoder, loaded by transformers from a folder that ours wrote."""
    lobe.save_pretrained(folder)
    return transformers.Wav2Vec2Model.from_pretrained(
        folder, attn_implementation="eager", apply_spec_augment=False
    )


def as_torchaudio(lobe: XLSR) -> torch.nn.Module:
    """The same encoder, built by torchaudio."""
    c = lobe.config
    shapes = zip(c.conv_dims, c.conv_kernels, c.conv_strides, strict=True)
    model = wav2vec2_model(
        extractor_mode="layer_norm",
        extractor_conv_layer_config=list(shapes),
        extractor_conv_bias=True,
        encoder_embed_dim=c.dim,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=c.pos_conv_kernel,
        encoder_pos_conv_groups=c.pos_conv_groups,
        encoder_num_layers=c.num_layers,
        encoder_num_heads=c.num_heads,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=c.ffn_dim,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=True,
        encoder_layer_drop=0.0,
        aux_num_out=None,
    )
    weights = {k: v for k, v in lobe.state_dict().items() if k != "mask_embedding"}
    model.load_state_dict(rename(weights, torchaudio.PAIRS))
    return model


PEER_PAIRS = {"transformers": huggingface.PAIRS, "torchaudio": torchaudio.PAIRS}
