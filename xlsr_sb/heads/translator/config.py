"""Sizes, regularisation and special tokens of the translation head."""

from dataclasses import dataclass, fields, replace

from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator.layers import ACTIVATIONS

TOKENS = ("bos", "pad", "eos", "start", "language_token")


@dataclass(frozen=True)
class TranslatorConfig:
    """Everything but the width of the encoder; the defaults are XLS-R's with mBART-50.

    Parameters
    ----------
    vocab_size : int
        Subwords, special tokens and language codes included (V).
    dim, ffn_dim, num_heads, num_layers : int
        Of the decoder.
    max_positions : int
        Tokens of the longest text, the start token included.
    activation : str
        ``gelu`` or ``relu``.
    scale_embeddings : bool
        Multiply the embeddings of tokens by the square root of ``dim``.
    tied_embeddings : bool
        The output layer is the embedding itself.
    dropout, attention_dropout, activation_dropout : float
        Behind the embedding, attention and feed-forward; on attention weights; inside
        the feed-forward.
    layerdrop : float
        Probability of skipping a layer of the decoder in training.
    adaptor_dim : int, optional
        Width of the length adaptor: ``dim``, as by default, or the encoder's.
    adaptor_layers, adaptor_stride : int
        Convolutions, and the factor by which each shortens.
    adaptor_layerdrop : float
        Probability of skipping one of them in training; the memory is longer then.
    activation_checkpointing : bool
        Recompute each layer of the decoder in the backward pass.
    bos, pad, eos, start : int
        Special tokens; every text begins with ``start`` and ends with ``eos``.
    language_token : int, optional
        What comes behind ``start`` unless somebody says otherwise.
    force_eos : bool
        Whether ``eos`` is the last token that a translation may have, unless somebody
        says otherwise.

    Example
    -------
    >>> config = TranslatorConfig.preset("mbart", num_layers=6)
    >>> config.num_layers, config.memory_dim
    (6, 1024)
    """

    vocab_size: int = 250_054
    dim: int = 1024
    ffn_dim: int = 4096
    num_heads: int = 16
    num_layers: int = 12
    max_positions: int = 1024
    activation: str = "gelu"
    scale_embeddings: bool = True
    tied_embeddings: bool = True
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layerdrop: float = 0.0
    adaptor_dim: int | None = None
    adaptor_layers: int = 3
    adaptor_stride: int = 2
    adaptor_layerdrop: float = 0.0
    activation_checkpointing: bool = False
    bos: int = 0
    pad: int = 1
    eos: int = 2
    start: int = 2
    language_token: int | None = None
    force_eos: bool = False

    def __post_init__(self):
        """Refuse what cannot work."""
        for field in fields(self):
            value = getattr(self, field.name)
            is_left_open = value is None and field.default is None
            allowed, is_allowed = self._rule(field.name, field.type, value)
            if not (is_left_open or is_allowed):
                raise InputError(
                    f"translation head: {field.name} must be {allowed}, got {value!r}"
                )
        if self.dim % self.num_heads:
            raise InputError(
                f"translation head: dim {self.dim} must be a multiple of num_heads "
                f"{self.num_heads}"
            )

    def _rule(self, name: str, kind: object, value: object) -> tuple[str, bool]:
        """What a field may be, in words, and whether it is."""
        if name in TOKENS:
            is_token = type(value) is int and 0 <= value < self.vocab_size
            return "a token from 0 to vocab_size - 1", is_token
        if kind is str:
            return f"one of {', '.join(ACTIVATIONS)}", value in ACTIVATIONS
        if kind is bool:
            return "true or false", type(value) is bool
        if kind is float:
            return "in [0, 1)", type(value) in (int, float) and 0 <= value < 1
        least = 0 if name == "adaptor_layers" else 1
        is_count = type(value) is int and value >= least
        return f"a whole number from {least} on", is_count

    @classmethod
    def preset(cls, name: str, **overrides) -> "TranslatorConfig":
        """XLS-R's decoder, or a small one for a CPU, with fields overridden.

        Parameters
        ----------
        name : str
            ``mbart`` (12 layers, 459M parameters) or ``small``.
        **overrides
            Fields of the configuration.

        Raises
        ------
        InputError
            If there is no such preset or no such field.
        """
        if name not in PRESETS:
            raise InputError(
                f"translation head: no preset {name!r}; there are {list(PRESETS)}"
            )
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(overrides) - known):
            raise InputError(
                f"translation head: no option {unknown}; there are {sorted(known)}"
            )
        return replace(cls(**PRESETS[name]), **overrides)

    @property
    def memory_dim(self) -> int:
        """Width of the length adaptor."""
        return self.adaptor_dim or self.dim


PRESETS = {
    "mbart": {},
    "small": {
        "vocab_size": 4_000,
        "dim": 256,
        "ffn_dim": 1024,
        "num_heads": 4,
        "num_layers": 3,
        "max_positions": 512,
    },
}
