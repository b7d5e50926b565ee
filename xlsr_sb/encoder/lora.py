"""Low-rank adapters (LoRA; Hu et al. 2021, arXiv 2106.09685) on the transformer.

Each adapted matrix W becomes W + alpha / rank * up @ down, of which only ``up`` and
``down`` train; ``up`` starts at zero, so nothing changes at first.

SpeechBrain's ``LoRA`` does the same to a whole ``Linear`` and works on this encoder, as
its other adapters do. It is not used here for three reasons: query, key and value are
one matrix here, of which it cannot adapt a part, and would give all three the same
``down``; it renames the weights that it wraps, so that no checkpoint of the plain
encoder fits any longer; it neither merges nor drops out.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.errors import InputError

TARGETS = {  # name: matrix in a layer, which part of it, out of how many
    "q": ("attention.qkv", 0, 3),
    "k": ("attention.qkv", 1, 3),
    "v": ("attention.qkv", 2, 3),
    "output": ("attention.output", 0, 1),
    "ffn_in": ("ffn_in", 0, 1),
    "ffn_out": ("ffn_out", 0, 1),
}


class LoRALinear(nn.Linear):
    """A linear layer with low-rank adapters on some of the equal parts of its output.

    Parameters
    ----------
    linear : Linear
        Gives its weight and bias, which keep their names.
    parts : sequence of int
        Which parts are adapted.
    num_parts : int
        How many parts there are.
    rank : int
    alpha : float
        The adapters are scaled by ``alpha / rank``.
    dropout : float
        On what the adapters read, in training.

    Example
    -------
    >>> linear, rows = nn.Linear(4, 6), torch.randn(5, 4)
    >>> adapted = LoRALinear(linear, [0, 2], num_parts=3, rank=2, alpha=4.0)
    >>> torch.equal(adapted(rows), linear(rows))
    True
    >>> [name for name, _ in adapted.named_parameters()]
    ['weight', 'bias', 'lora_down', 'lora_up']
    """

    def __init__(
        self,
        linear: nn.Linear,
        parts: Sequence[int],
        *,
        num_parts: int,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
    ):
        super().__init__(linear.in_features, linear.out_features, device="meta")
        self.weight, self.bias = linear.weight, linear.bias
        self.parts, self.num_parts = tuple(parts), num_parts
        self.rank, self.scale, self.dropout = rank, alpha / rank, dropout
        shapes = {
            "lora_down": (len(parts), rank, self.in_features),
            "lora_up": (len(parts), self.out_features // num_parts, rank),
        }
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(self.weight.new_zeros(shape)))
        # The bounds of nn.Linear, as others start their adapters.
        bound = 1 / math.sqrt(self.in_features)
        nn.init.uniform_(self.lora_down, -bound, bound)

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows [..., in_features] to rows [..., out_features]."""
        outputs = super().forward(rows)
        dropped = dropout(rows, self.dropout, training=self.training)
        low = F.linear(dropped, self.lora_down.flatten(0, 1))
        blocks = outputs.unflatten(-1, (self.num_parts, -1))  # a view
        for i, narrow in enumerate(low.split(self.rank, dim=-1)):
            update = F.linear(narrow, self.lora_up[i])
            blocks[..., self.parts[i], :] += self.scale * update
        return outputs

    @torch.no_grad()
    def merged_weight(self) -> Tensor:
        """The matrix that does the same by itself, [out_features, in_features]."""
        pieces = list(self.weight.detach().chunk(self.num_parts))
        for i, part in enumerate(self.parts):
            update = self.lora_up[i].double() @ self.lora_down[i].double()
            merged = pieces[part].double() + self.scale * update
            pieces[part] = merged.to(self.weight.dtype)
        return torch.cat(pieces)


def insert_adapters(transformer: nn.Module, config) -> None:
    """Put the adapters of a configuration into every layer.

    Parameters
    ----------
    transformer : Module
        Of an ``XLSR`` without adapters.
    config : XLSRConfig
        Its ``lora_rank``, ``lora_alpha``, ``lora_targets`` and ``lora_dropout``.
    """
    for layer in transformer.layers:
        for name, parts, num_parts in adapted_matrices(config.lora_targets):
            adapted = LoRALinear(
                layer.get_submodule(name),
                parts,
                num_parts=num_parts,
                rank=config.lora_rank,
                alpha=config.lora_alpha,
                dropout=config.lora_dropout,
            )
            layer.set_submodule(name, adapted)


def adapted_matrices(targets: Sequence[str]) -> list[tuple[str, list[int], int]]:
    """Matrices of a layer, the parts of each that are adapted, and how many there are.

    Example
    -------
    >>> adapted_matrices(["v", "q", "ffn_in"])
    [('attention.qkv', [0, 2], 3), ('ffn_in', [0], 1)]
    """
    found: dict[tuple[str, int], list[int]] = {}
    for target, (name, part, num_parts) in TARGETS.items():
        if target in targets:
            found.setdefault((name, num_parts), []).append(part)
    return [(name, parts, num_parts) for (name, num_parts), parts in found.items()]


def add_lora(
    encoder: nn.Module,
    *,
    rank: int = 8,
    alpha: float = 16.0,
    targets: Sequence[str] = ("q", "v"),
    dropout: float = 0.0,
) -> None:
    """Add adapters to an encoder, in place; from then on nothing else trains.

    Parameters
    ----------
    encoder : Module
        An ``XLSR``.
    rank : int
        Of each adapter.
    alpha : float
        The adapters are scaled by ``alpha / rank``.
    targets : sequence of str
        Out of ``q``, ``k``, ``v``, ``output``, ``ffn_in`` and ``ffn_out``.
    dropout : float
        On what the adapters read, in training.

    Raises
    ------
    InputError
        If a value cannot be used, or the encoder has adapters already.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny"))
    >>> add_lora(lobe, rank=4, targets=["q", "v"])
    >>> sum(p.numel() for p in lobe.parameters() if p.requires_grad)
    18432
    """
    if encoder.config.lora_rank:
        raise InputError(
            "encoder: it has adapters already; merge them with merge_lora first"
        )
    values = {"rank": rank, "alpha": alpha, "targets": targets, "dropout": dropout}
    fields = {f"lora_{name}": value for name, value in values.items()}
    config = replace(encoder.config, **fields)
    if not config.lora_rank:
        raise InputError("encoder: lora_rank must be at least 1, got 0")
    insert_adapters(encoder.transformer, config)
    encoder.config = config
    encoder.freeze_parts(*encoder.frozen_parts)


def merge_lora(encoder: nn.Module) -> None:
    """Fold the adapters into the weights, in place; everything trains again.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny", lora_rank=4))
    >>> merge_lora(lobe)
    >>> lobe.config.lora_rank, type(lobe.transformer.layers[0].attention.qkv).__name__
    (0, 'Linear')
    """
    for layer in encoder.transformer.layers:
        for name, module in list(layer.named_modules()):
            if isinstance(module, LoRALinear):
                linear = nn.Linear(
                    module.in_features, module.out_features, device="meta"
                )
                linear.weight = nn.Parameter(module.merged_weight())
                linear.bias = module.bias
                linear.train(module.training)
                layer.set_submodule(name, linear)
    encoder.config = replace(encoder.config, lora_rank=0)
    encoder.freeze_parts(*encoder.frozen_parts)


def merged_state(encoder: nn.Module) -> dict[str, Tensor]:
    """State dictionary of the encoder with its adapters merged; it stays as it is.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> plain = XLSR(XLSRConfig.preset("tiny"))
    >>> adapted = XLSR(XLSRConfig.preset("tiny", lora_rank=4))
    >>> merged_state(adapted).keys() == plain.state_dict().keys()
    True
    """
    state = encoder.state_dict()
    for name, module in encoder.named_modules():
        if isinstance(module, LoRALinear):
            state[f"{name}.weight"] = module.merged_weight()
    return {name: state[name] for name in state if not is_adapter(name)}


def is_adapter(name: str) -> bool:
    """Whether a parameter of that name belongs to an adapter.

    Example
    -------
    >>> is_adapter("transformer.layers.0.ffn_in.lora_up"), is_adapter("positions.bias")
    (True, False)
    """
    return name.endswith((".lora_down", ".lora_up"))
