"""Sizes and choices of a classification head."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from xlsr_sb.errors import InputError
from xlsr_sb.heads.pooling import POOLINGS
from xlsr_sb.losses import Margin
from xlsr_sb.losses.margin import MARGINS

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": torch.nn.Identity(),
    "gelu": functional.gelu,
    "relu": functional.relu,
    "tanh": torch.tanh,
}
SOFTMAX = "softmax"
LAST, WEIGHTED, NORMALISED = "last", "weighted", "normalised"
CHOICES = {
    "pooling": tuple(POOLINGS),
    "layers": (LAST, WEIGHTED, NORMALISED),
    "activation": tuple(ACTIVATIONS),
    "loss": (SOFTMAX, *MARGINS),
}
UPDATES = ("margin_start_update", "margin_full_update")
NUMBERS = ("margin", "scale")


@dataclass(frozen=True)
class ClassifierConfig:
    """Everything but the sizes of the encoder and the number of classes.

    The defaults are fairseq's ``wav2vec_classification``, as XLS-R identified languages
    and speakers.

    Parameters
    ----------
    pooling : str
        ``mean``, ``statistics``, ``attention`` or ``channel_attention``; see
        ``build_pooling``.
    attention_dim : int
        Of both kinds with attention.
    layers : str
        What is pooled: the ``last`` layer, a ``weighted`` sum of all, or one of all
        ``normalised`` before; see ``LayerMix``.
    pooled_norm : bool
        Whether a LayerNorm stands behind the pooling.
    embedding_dim : int, optional
        Width of the embedding; the encoder's by default.
    loss : str
        ``softmax``, ``am_softmax`` or ``aam_softmax``.
    activation : str
        With softmax, between embedding and classes: ``identity``, ``gelu``, ``relu`` or
        ``tanh``. Where there is a margin, embeddings are compared as they are.
    margin, scale : float
        With a margin; see ``Margin``.
    margin_start_update, margin_full_update : int
        With a margin; see ``Margin``.
    sub_centres : int
        With a margin, centres of each class; see ``CosineClassifier``.

    Raises
    ------
    InputError
        If a value is out of its range.

    Example
    -------
    >>> ClassifierConfig(loss="aam_softmax", margin=0.3).training_margin.size
    0.3
    >>> ClassifierConfig().training_margin is None
    True
    """

    pooling: str = "mean"
    attention_dim: int = 128
    layers: str = LAST
    pooled_norm: bool = False
    embedding_dim: int | None = None
    loss: str = SOFTMAX
    activation: str = "gelu"
    margin: float = 0.2
    scale: float = 30.0
    margin_start_update: int = 0
    margin_full_update: int = 0
    sub_centres: int = 1

    def __post_init__(self):
        """Refuse what cannot work."""
        for field in fields(self):
            value = getattr(self, field.name)
            allowed, is_allowed = _rule(field.name, value)
            if not is_allowed and (value, field.default) != (None, None):
                raise InputError(
                    f"classification head: {field.name} must be {allowed}, got "
                    f"{value!r}"
                )
        _ = self.training_margin  # it checks its own values

    @property
    def training_margin(self) -> Margin | None:
        """What the true class must be nearer by; None with softmax."""
        if self.loss == SOFTMAX:
            return None
        return Margin(
            self.loss,
            self.margin,
            scale=self.scale,
            start_update=self.margin_start_update,
            full_update=self.margin_full_update,
        )

    @classmethod
    def of(cls, **options) -> "ClassifierConfig":
        """A configuration of options by name.

        Raises
        ------
        InputError
            If there is no such option.

        Example
        -------
        >>> ClassifierConfig.of(pooling="statistics").pooling
        'statistics'
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(options) - set(known)):
            raise InputError(
                f"classification head: no option {unknown[0]!r}; there are {known}"
            )
        return cls(**options)


def _rule(name: str, value: object) -> tuple[str, bool]:
    """What a field may be, in words, and whether it is."""
    if name in CHOICES:
        return f"one of {', '.join(CHOICES[name])}", value in CHOICES[name]
    if name == "pooled_norm":
        return "true or false", type(value) is bool
    if name in NUMBERS:
        return "a number", type(value) in (int, float)
    least = 0 if name in UPDATES else 1
    is_count = type(value) is int and value >= least
    return f"a whole number from {least} on", is_count
