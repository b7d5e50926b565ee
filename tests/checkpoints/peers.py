"""Random models of other libraries, and files as those libraries write them.

``FairseqModel`` is a second implementation, from the description of fairseq's modules
and names; it shares no code with the package.
"""

import math
from argparse import Namespace

import torch
import torch.nn.functional as F
import transformers
from torch import nn

SIZES = {  # of transformers' configuration
    "conv_dim": (12, 16, 16, 16, 16, 16, 16),
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "vocab_size": 11,
    "codevector_dim": 16,
    "num_codevectors_per_group": 4,
    "proj_codevector_dim": 24,
    "classifier_proj_size": 12,
    "layerdrop": 0.0,
}
PLAIN = {"mask_time_prob": 0.0, "mask_channel_prob": 0.0, "layerdrop": 0.0}
LENGTHS = (8_000, 5_555, 400)


def hf_model(kind: str = "Wav2Vec2Model", **fields):
    """Random model of transformers; every parameter is random, norms and biases too."""
    torch.manual_seed(2)
    config = transformers.Wav2Vec2Config(**{**SIZES, **fields})
    return shaken(getattr(transformers, kind)(config))


def shaken(model: nn.Module) -> nn.Module:
    """Model with noise on every parameter, so that none is a one or a zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def utterances(lengths=LENGTHS) -> list[torch.Tensor]:
    """Waveforms, not normalised."""
    generator = torch.Generator().manual_seed(4)
    return [torch.randn(n, generator=generator) * 0.3 + 0.05 for n in lengths]


def padded(waveforms):
    """Batch [B, T] and numbers of samples, with noise in the padding."""
    counts = torch.tensor([len(waveform) for waveform in waveforms])
    batch = torch.randn(len(waveforms), int(counts.max()))
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, counts


def hf_inputs(waveforms):
    """What transformers' feature extractor makes of waveforms."""
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)
    arrays = [waveform.numpy() for waveform in waveforms]
    return extractor(arrays, sampling_rate=16_000, padding=True, return_tensors="pt")


class _Transposed(nn.Module):
    def forward(self, x):
        """Swap the last two axes."""
        return x.transpose(-2, -1)


class _PositionalConv(nn.Module):
    """Convolution with weight norm over taps, under the names of old PyTorch."""

    def __init__(self, dim, kernel, groups):
        super().__init__()
        self.groups, self.kernel = groups, kernel
        self.bias = nn.Parameter(torch.randn(dim) * 0.1)
        self.weight_g = nn.Parameter(torch.rand(1, 1, kernel) + 0.5)
        self.weight_v = nn.Parameter(torch.randn(dim, dim // groups, kernel))

    def forward(self, x):
        """Positions of x [B, D, F], one frame too many if the kernel is even."""
        norm = self.weight_v.square().sum(dim=(0, 1), keepdim=True).sqrt()
        weight = self.weight_v / norm * self.weight_g
        return F.conv1d(
            x, weight, self.bias, padding=self.kernel // 2, groups=self.groups
        )


class _Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            setattr(self, name, nn.Linear(dim, dim))

    def forward(self, x):
        """Attend x [F, D] to itself."""
        parts = (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (p.reshape(len(x), self.heads, -1).transpose(0, 1) for p in parts)
        weights = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(dim=-1)
        return self.out_proj((weights @ v).transpose(0, 1).reshape(len(x), -1))


class _Layer(nn.Module):
    def __init__(self, dim, ffn_dim, heads):
        super().__init__()
        self.self_attn = _Attention(dim, heads)
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, ffn_dim), nn.Linear(ffn_dim, dim)
        self.final_layer_norm = nn.LayerNorm(dim)

    def forward(self, x):
        """Norms first."""
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class _Quantizer(nn.Module):
    def __init__(self, channels, entries, width):
        super().__init__()
        self.vars = nn.Parameter(torch.rand(1, entries, width))
        self.weight_proj = nn.Linear(channels, entries)


class FairseqModel(nn.Module):
    """fairseq's wav2vec 2.0, pre-norm, for one utterance at a time."""

    CONVS = ((6, 10, 5), (8, 3, 2), (8, 3, 2), (10, 3, 2))
    TEXT = "[(6, 10, 5)] + [(8, 3, 2)] * 2 + [(10, 3, 2)]"

    def __init__(self, *, dim=24, ffn_dim=40, heads=3, layers=2, pretraining=True):
        super().__init__()
        self.feature_extractor = nn.Module()
        self.feature_extractor.conv_layers = nn.ModuleList()
        channels = 1
        for width, kernel, stride in self.CONVS:
            norm = nn.Sequential(_Transposed(), nn.LayerNorm(width), _Transposed())
            conv = nn.Conv1d(channels, width, kernel, stride)
            block = nn.Sequential(conv, nn.Dropout(0.0), norm, nn.GELU())
            self.feature_extractor.conv_layers.append(block)
            channels = width
        self.layer_norm = nn.LayerNorm(channels)
        self.post_extract_proj = nn.Linear(channels, dim)
        self.mask_emb = nn.Parameter(torch.rand(dim))
        self.encoder = nn.Module()
        self.encoder.pos_conv = nn.Sequential(_PositionalConv(dim, 16, 4))
        self.encoder.layers = nn.ModuleList(
            [_Layer(dim, ffn_dim, heads) for _ in range(layers)]
        )
        self.encoder.layer_norm = nn.LayerNorm(dim)
        if pretraining:
            self.quantizer = _Quantizer(channels, 6, 5)
            self.project_q, self.final_proj = nn.Linear(10, 12), nn.Linear(dim, 12)

    def forward(self, waveform):
        """Outputs [F, D] before the first layer and after each one."""
        x = F.layer_norm(waveform, waveform.shape)[None, None]
        for block in self.feature_extractor.conv_layers:
            x = block(x)
        x = self.post_extract_proj(self.layer_norm(x.transpose(1, 2)))
        x = x + F.gelu(
            self.encoder.pos_conv(x.transpose(1, 2))[..., : x.shape[1]]
        ).transpose(1, 2)
        states = [x[0]]
        for layer in self.encoder.layers:
            states.append(layer(states[-1]))
        return [*states[:-1], self.encoder.layer_norm(states[-1])]


def fairseq_model(**sizes) -> FairseqModel:
    """Random model."""
    torch.manual_seed(3)
    return shaken(FairseqModel(**sizes))


MODEL_CFG = {
    "_name": "wav2vec2",
    "extractor_mode": "layer_norm",
    "layer_norm_first": True,
    "conv_bias": True,
    "conv_feature_layers": FairseqModel.TEXT,
    "encoder_layers": 2,
    "encoder_embed_dim": 24,
    "encoder_ffn_embed_dim": 40,
    "encoder_attention_heads": 3,
    "activation_fn": "gelu",
}
TASK_CFG = {"_name": "audio_pretraining", "normalize": True, "data": "/none"}


def pretrained_content(model: FairseqModel, *, model_cfg=None, task=None) -> dict:
    """What a pretraining of fairseq saves: configuration, weights, optimiser."""
    weights = model.state_dict()
    moments = {i: {"exp_avg": one.clone()} for i, one in enumerate(weights.values())}
    return {
        "args": None,
        "cfg": {"model": model_cfg or MODEL_CFG, "task": task or TASK_CFG},
        "model": weights,
        "optimizer_history": [{"num_updates": 5}],
        "extra_state": {"train_iterator": {"epoch": 1}},
        "last_optimizer_state": {"state": moments},
    }


def tuned_content(model: FairseqModel, heads: dict, **settings) -> dict:
    """What a fine-tuning of fairseq saves; ``heads`` are tensors beside the encoder."""
    inner = {"model": MODEL_CFG, "task": TASK_CFG}
    prefixed = {
        f"w2v_encoder.w2v_model.{name}": tensor
        for name, tensor in model.state_dict().items()
    }
    task = {"_name": "audio_finetuning", "labels": "ltr", "normalize": True}
    return {
        "args": None,
        "cfg": {"model": {"w2v_args": inner, **settings}, "task": task},
        "model": {**prefixed, **heads},
        "optimizer_history": [],
    }


def as_old_args(content: dict) -> dict:
    """The same, as before there was ``cfg``: one flat Namespace, another inside."""
    cfg = content["cfg"]
    flat = {**cfg["model"], **cfg["task"]}
    if "w2v_args" in flat:
        inner = flat["w2v_args"]
        flat["w2v_args"] = Namespace(**{**inner["model"], **inner["task"]})
    old = {key: value for key, value in content.items() if key != "cfg"}
    return {**old, "args": Namespace(**flat)}
