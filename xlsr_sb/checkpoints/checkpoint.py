"""What a checkpoint of any layout holds: an encoder, its sizes, and heads on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from xlsr_sb.checkpoints.shapes import check_tensors
from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.errors import InputError

PRETRAINING, CTC, CLASSIFIER = "pretraining", "ctc", "classifier"
HEADS = {  # what each is called in messages
    PRETRAINING: "quantizer and projections of pretraining",
    CTC: "CTC head",
    CLASSIFIER: "classification head",
}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, whatever layout it came in.

    Parameters
    ----------
    source : str
        Where it came from, for messages.
    layout : str
    sizes : mapping
        Of the encoder: fields of ``XLSRConfig``.
    encoder : mapping of str to Tensor
        All its parameters under our names; ``mask_embedding`` may be absent.
    heads : mapping of str to Tensor
        ``pretraining.*``, ``ctc.*`` and ``classifier.*``, as far as there are any.
    vocabulary : PeerVocabulary, optional
        What the rows of the CTC head write.
    labels : tuple of str
        What the rows of the classification head mean; empty if nothing says it.
    activation : str
        Of the classification head, between its two layers.
    options : mapping
        Other fields of ``XLSRConfig``, where the layout holds them.
    left_out : tuple of str
        Tensors of the file that belong to neither.

    Example
    -------
    >>> heads = {"ctc.projection.weight": torch.ones(3, 4)}
    >>> checkpoint = Checkpoint("a.pt", "fairseq", {"dim": 4}, {}, heads)
    >>> checkpoint.head_names
    ('ctc',)
    >>> checkpoint.head("ctc")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pt is no complete CTC head: missing: projection.bias
    """

    source: str
    layout: str
    sizes: Mapping[str, object]
    encoder: Mapping[str, Tensor]
    heads: Mapping[str, Tensor] = field(default_factory=dict)
    vocabulary: PeerVocabulary | None = None
    labels: tuple[str, ...] = ()
    activation: str = "identity"
    options: Mapping[str, object] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def head_names(self) -> tuple[str, ...]:
        """Heads that there are tensors of."""
        parts = {name.partition(".")[0] for name in self.heads}
        return tuple(name for name in HEADS if name in parts)

    @property
    def num_parameters(self) -> int:
        """Of the encoder and all heads."""
        both = (*self.encoder.values(), *self.heads.values())
        return sum(tensor.numel() for tensor in both)

    def rounded(self, dtype: torch.dtype) -> "Checkpoint":
        """The same with every number in another type, to be stored in less space.

        Raises
        ------
        InputError
            If a number is too large for the type.

        Example
        -------
        >>> checkpoint = Checkpoint("a.pt", "fairseq", {}, {"b": torch.tensor([0.1])})
        >>> checkpoint.rounded(torch.float16).encoder["b"]
        tensor([0.1000], dtype=torch.float16)
        """
        both = {name: dict(getattr(self, name)) for name in ("encoder", "heads")}
        for tensors in both.values():
            for name, tensor in tensors.items():
                tensors[name] = tensor.to(dtype)
                if not tensors[name].isfinite().all():
                    raise InputError(
                        f"{self.source}: {name} holds numbers up to "
                        f"{tensor.abs().max():.3g}, too large for {dtype}; use bf16 or "
                        "fp32"
                    )
        return replace(self, **both)

    @property
    def class_labels(self) -> tuple[str, ...]:
        """Labels of the classification head, ``LABEL_0`` and so on if it has none."""
        count = len(self.head(CLASSIFIER)["classifier.bias"])
        numbered = tuple(f"LABEL_{number}" for number in range(count))
        return self.labels if len(self.labels) == count else numbered

    def head(self, name: str) -> dict[str, Tensor]:
        """Tensors of a head, without its name in front.

        Raises
        ------
        InputError
            If there is none, or it is not complete.
        """
        found = {
            full.removeprefix(f"{name}."): tensor
            for full, tensor in self.heads.items()
            if full.startswith(f"{name}.")
        }
        if not found:
            left = (
                f"; left out: {', '.join(self.left_out[:5])}" if self.left_out else ""
            )
            raise InputError(f"{self.source} has no {HEADS[name]}{left}")
        wanted = {
            tensor: torch.empty(shape, device="meta")
            for tensor, shape in _shapes(name, found, self.sizes).items()
        }
        optional = {"layer_weights"}
        check_tensors(
            found, wanted, source=self.source, what=HEADS[name], optional=optional
        )
        return found


Shapes = dict[str, tuple[int, ...]]


def _shapes(
    name: str, found: Mapping[str, Tensor], sizes: Mapping[str, object]
) -> Shapes:
    """Shapes that a head's tensors must have, beside the sizes that are its own."""
    dim = sizes["dim"]
    if name == CTC:
        return _linear("projection", _rows(found, "projection.weight"), dim)
    if name == CLASSIFIER:
        hidden = _rows(found, "projection.weight")
        return {
            **_linear("projection", hidden, dim),
            **_linear("classifier", _rows(found, "classifier.weight"), hidden),
            "layer_weights": (sizes["num_layers"] + 1,),
        }
    entries = _rows(found, "quantizer.projection.weight")
    codes = found.get("quantizer.codevectors", torch.empty(1, 0, 1))
    target = found.get("target_projection.weight", torch.empty(0, 0))
    return {
        "quantizer.codevectors": (1, entries, codes.shape[-1]),
        **_linear("quantizer.projection", entries, sizes["conv_dims"][-1]),
        **_linear("target_projection", target.shape[0], target.shape[-1]),
        **_linear("context_projection", target.shape[0], dim),
    }


def _rows(found: Mapping[str, Tensor], name: str) -> int:
    """Size of the first axis; none if the tensor is missing."""
    tensor = found.get(name)
    return 0 if tensor is None or not tensor.dim() else tensor.shape[0]


def _linear(name: str, rows: int, columns: int) -> Shapes:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
