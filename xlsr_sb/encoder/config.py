"""Sizes and regularisation of an XLS-R encoder."""

import math
from dataclasses import dataclass, fields, replace

from xlsr_sb.encoder.freezing import check_parts, names_of
from xlsr_sb.encoder.lora import TARGETS
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import KERNELS, STRIDES, receptive_field


@dataclass(frozen=True)
class XLSRConfig:
    """Every size and probability of the encoder; the defaults are XLS-R 300M.

    Parameters
    ----------
    conv_dims, conv_kernels, conv_strides : tuple of int
        One entry for each convolution of the feature extractor.
    dim, ffn_dim, num_heads, num_layers : int
        Width, inner width of the feed-forward, attention heads and depth of the
        transformer.
    pos_conv_kernel, pos_conv_groups : int
        The grouped convolution that stands for positions.
    pos_conv_width : float
        Standard deviation, in frames, of the window under which the taps of that
        convolution are drawn for a random start; 0 draws all alike, as fairseq does.
    dropout, attention_dropout, activation_dropout, input_dropout : float
        After attention and feed-forward; on attention weights; inside the
        feed-forward; before the transformer.
    layerdrop : float
        Probability of skipping a layer in training.
    mask_time_prob, mask_time_length, mask_time_min_spans
        Share of frames masked in training (before overlaps), frames in a span,
        fewest spans in an utterance.
    mask_channel_prob, mask_channel_length
        The same on the channels of an utterance.
    require_same_masks : bool
        Trim every utterance of a batch to the smallest number of masked frames,
        as fairseq does; an utterance's mask then depends on its neighbours.
    feature_grad_scale : float
        Factor on the gradient that enters the convolutions, where they train.
    freeze_feature_extractor : bool
        Never train the convolutions, as in the paper's fine-tuning.
    frozen_parts : tuple of str
        Parts that are never trained either (``xlsr_sb.encoder.freezing``), or one
        string with their names: ``positions layers:0-11``.
    lora_rank : int
        Rank of low-rank adapters, which are then all that is trained
        (``xlsr_sb.encoder.lora``); 0 for none.
    lora_alpha, lora_dropout : float
        Scale of the adapters times their rank; dropout before them.
    lora_targets : tuple of str
        What they adapt, out of ``q k v output ffn_in ffn_out``; or one string.
    activation_checkpointing : bool
        Recompute each layer in the backward pass: less memory, a third more time.
    compile_layers : bool
        Compile the transformer's layers with ``torch.compile``, which takes a minute
        at the first batch and a C++ compiler on a CPU.

    Example
    -------
    >>> XLSRConfig.preset("1b").dim, XLSRConfig.preset("tiny", num_layers=2).num_layers
    (1280, 2)
    """

    conv_dims: tuple[int, ...] = (512,) * 7
    conv_kernels: tuple[int, ...] = KERNELS
    conv_strides: tuple[int, ...] = STRIDES
    dim: int = 1024
    ffn_dim: int = 4096
    num_heads: int = 16
    num_layers: int = 24
    pos_conv_kernel: int = 128
    pos_conv_groups: int = 16
    pos_conv_width: float = 0.0
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.1
    input_dropout: float = 0.0
    layerdrop: float = 0.1
    mask_time_prob: float = 0.75
    mask_time_length: int = 10
    mask_time_min_spans: int = 2
    mask_channel_prob: float = 0.25
    mask_channel_length: int = 64
    require_same_masks: bool = False
    feature_grad_scale: float = 1.0
    freeze_feature_extractor: bool = True
    frozen_parts: tuple[str, ...] = ()
    lora_rank: int = 0
    lora_alpha: float = 16.0
    lora_targets: tuple[str, ...] = ("q", "v")
    lora_dropout: float = 0.0
    activation_checkpointing: bool = False
    compile_layers: bool = False

    def __post_init__(self):
        """Accept lists where YAML gives them, and refuse sizes that cannot work."""
        for name in ("conv_dims", "conv_kernels", "conv_strides"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("frozen_parts", "lora_targets"):
            object.__setattr__(self, name, names_of(getattr(self, name)))
        self._check_counts()
        check_parts(self.frozen_parts, num_layers=self.num_layers)
        for problem, wrong in self._problems().items():
            if wrong:
                raise InputError(f"encoder: {problem}")

    def _check_counts(self) -> None:
        """Raise if a size is below the least that it can be."""
        for field in fields(self):
            value = getattr(self, field.name)
            sizes = value if isinstance(value, tuple) else (value,)
            least = 0 if field.name in ("mask_time_min_spans", "lora_rank") else 1
            if field.type is not float and any(
                type(size) is int and size < least for size in sizes
            ):
                raise InputError(
                    f"encoder: {field.name} must be at least {least}, got {value}"
                )

    def _problems(self) -> dict[str, bool]:
        """Each sentence that would be true of an unusable configuration."""
        dim, heads, groups = self.dim, self.num_heads, self.pos_conv_groups
        depths = len(self.conv_dims), len(self.conv_kernels), len(self.conv_strides)
        targets = self.lora_targets
        are_targets = 0 < len(targets) == len(set(targets) & set(TARGETS))
        problems = {
            f"dim {dim} must be a multiple of num_heads {heads}": dim % heads != 0,
            f"dim {dim} must be a multiple of pos_conv_groups {groups}": dim % groups
            != 0,
            f"conv_dims, conv_kernels and conv_strides must be equally many, got "
            f"{depths}": len(set(depths)) > 1,
            f"lora_alpha must be above 0, got {self.lora_alpha}": self.lora_alpha <= 0,
            f"lora_targets must be some of {', '.join(TARGETS)}, each once, got "
            f"{list(targets)}": not are_targets,
        }
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith(("dropout", "_prob", "layerdrop")):
                sentence = f"{field.name} must be in [0, 1), got {value}"
                problems[sentence] = not 0 <= value < 1
        return problems

    @classmethod
    def preset(cls, name: str, **overrides) -> "XLSRConfig":
        """One of the published sizes, or ``tiny`` for a CPU, with fields overridden.

        Parameters
        ----------
        name : str
            ``300m``, ``1b``, ``2b`` (Babu et al. 2021, table 2; the 1B row printed
            there is a slip, the released model has these sizes) or ``tiny``.
        **overrides
            Fields of the configuration.

        Raises
        ------
        InputError
            If there is no such preset or no such field.
        """
        if name not in PRESETS:
            raise InputError(f"encoder: no preset {name!r}; there are {list(PRESETS)}")
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(overrides) - known):
            raise InputError(f"encoder: no option {unknown}; there are {sorted(known)}")
        return replace(cls(**PRESETS[name]), **overrides)

    @property
    def hop(self) -> int:
        """Samples between two frames (320 for every published size)."""
        return math.prod(self.conv_strides)

    @property
    def receptive_field(self) -> int:
        """Samples that one frame is computed from (400 for every published size)."""
        return receptive_field(self.conv_kernels, self.conv_strides)

    def top_layer(self, up_to_layer: int | None) -> int:
        """Number of the last layer to run; all of them for None."""
        last = self.num_layers
        top = last if up_to_layer is None else up_to_layer
        if not 0 <= top <= last:
            raise InputError(
                f"encoder: there is no layer {top}; its states are 0, the input of the "
                f"first layer, to {last}, the output of the last"
            )
        return top


PRESETS = {
    "300m": {},
    "1b": {"dim": 1280, "ffn_dim": 5120, "num_layers": 48},
    "2b": {"dim": 1920, "ffn_dim": 7680, "num_layers": 48},
    "tiny": {
        "conv_dims": (64,) * 7,
        "dim": 384,
        "ffn_dim": 1536,
        "num_heads": 6,
        "num_layers": 3,
        "pos_conv_width": 3.0,
        "mask_channel_length": 16,
    },
}
