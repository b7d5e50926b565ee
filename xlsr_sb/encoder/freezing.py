"""Parts of the encoder that do not train, by name and by layer.

A name stands for a set of parameters:

    feature_extractor    the seven convolutions
    feature_projection   the LayerNorm behind them and the linear layer
    mask_embedding       what masked frames hold
    positions            the positional convolution
    layers               the transformer's layers; layers:3, or layers:0-11 for twelve
    norms                its LayerNorms, the one behind the last layer as well
    attention            query, key, value and output of every layer
    ffn                  both feed-forward matrices of every layer

A module in which nothing trains runs in evaluation mode: no dropout in it, no layerdrop
of it. As long as nothing below it trains either, it saves nothing for the backward pass
(a mask embedding that trains is below everything).
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlsr_sb.encoder.lora import is_adapter
from xlsr_sb.errors import InputError

PARTS = {
    "feature_extractor": r"feature_extractor\.",
    "feature_projection": r"feature_(norm|projection)\.",
    "mask_embedding": r"mask_embedding$",
    "positions": r"positions\.",
    "layers": r"transformer\.layers\.",
    "norms": r"transformer\.(.+_)?norm\.",
    "attention": r"transformer\.layers\.\d+\.attention\.",
    "ffn": r"transformer\.layers\.\d+\.ffn_(in|out)\.",
}
RANGE = re.compile(r"layers:(\d+)(?:-(\d+))?")


def names_of(value: str | Sequence[str]) -> tuple[str, ...]:
    """Names in a list, or in one string with spaces or commas between them.

    Example
    -------
    >>> names_of("positions, layers:0-11"), names_of(["q", "v"]), names_of("")
    (('positions', 'layers:0-11'), ('q', 'v'), ())
    """
    return tuple(re.findall(r"[^\s,]+", value) if isinstance(value, str) else value)


def pattern_of(part: str, *, num_layers: int) -> str:
    """Pattern for the names of a part's parameters.

    Parameters
    ----------
    part : str
        One of ``PARTS``, or ``layers:<first>-<last>``, counted from 0.
    num_layers : int
        Of the transformer.

    Raises
    ------
    InputError
        If there is no such part, or no such layer.

    Example
    -------
    >>> pattern = pattern_of("layers:1-2", num_layers=3)
    >>> re.match(pattern, "transformer.layers.2.ffn_in.bias") is not None
    True
    """
    if part in PARTS:
        return PARTS[part]
    found = RANGE.fullmatch(part)
    if not found:
        raise InputError(
            f"encoder: there is no part {part!r} to freeze; there are "
            f"{', '.join(PARTS)}, and ranges such as layers:0-{num_layers - 1}"
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last < num_layers:
        raise InputError(
            f"encoder: {part!r} cannot be frozen; the layers are 0 to "
            f"{num_layers - 1}, the first and the last of a range included"
        )
    numbers = "|".join(map(str, range(first, last + 1)))
    return rf"transformer\.layers\.({numbers})\."


def check_parts(parts: Sequence[str], *, num_layers: int) -> None:
    """Raise an ``InputError`` if one of them is no part of an encoder.

    Example
    -------
    >>> check_parts(["positions", "layers:0-11"], num_layers=24)
    """
    for part in parts:
        pattern_of(part, num_layers=num_layers)


def freeze_parameters(encoder: nn.Module, parts: Sequence[str]) -> None:
    """Let every parameter train but those of the parts; of adapted encoders, adapters.

    Parameters
    ----------
    encoder : Module
        An ``XLSR``.
    parts : sequence of str

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny"))
    >>> freeze_parameters(lobe, ["feature_extractor", "layers:0-1"])
    >>> [lobe.transformer.layers[i].ffn_in.weight.requires_grad for i in range(3)]
    [False, False, True]
    """
    num_layers = encoder.config.num_layers
    patterns = [pattern_of(part, num_layers=num_layers) for part in parts]
    frozen = re.compile("|".join(patterns) if patterns else r"(?!)")
    for name, parameter in encoder.named_parameters():
        may_train = is_adapter(name) or not encoder.config.lora_rank
        parameter.requires_grad_(may_train and frozen.match(name) is None)


def rest_frozen_modules(module: nn.Module) -> None:
    """Put every module whose parameters are all frozen in evaluation mode.

    Example
    -------
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).train()
    >>> _ = model[0].requires_grad_(False)
    >>> rest_frozen_modules(model)
    >>> model.training, model[0].training, model[1].training
    (True, False, True)
    """
    trains = [parameter.requires_grad for parameter in module.parameters()]
    if trains and not any(trains):
        for part in module.modules():
            part.training = False
    elif not all(trains):
        for child in module.children():
            rest_frozen_modules(child)


def recording(module: nn.Module, *inputs: Tensor) -> torch.set_grad_enabled:
    """Context in which a module records a graph only if something needs a gradient.

    Parameters
    ----------
    module : Module
    *inputs : Tensor
        What it is going to be given.

    Example
    -------
    >>> frozen = nn.Linear(2, 2).requires_grad_(False)
    >>> with recording(frozen, torch.ones(2)):
    ...     torch.is_grad_enabled()
    False
    """
    tensors = (*inputs, *module.parameters())
    is_needed = any(tensor.requires_grad for tensor in tensors)
    return torch.set_grad_enabled(torch.is_grad_enabled() and is_needed)


class Freezable(nn.Module):
    """A module of which all, or parts, can stop training and train again.

    Nothing of this is in its state dictionary.

    Parameters
    ----------
    config : XLSRConfig
        Its ``frozen_parts`` and ``freeze_feature_extractor`` say what never trains.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.is_frozen = False
        self.frozen_parts: tuple[str, ...] = ()
        self._asked_to_train = True  # what it goes back to when it is unfrozen

    def freeze(self) -> None:
        """Stop training: no gradient, and no dropout, layerdrop or mask either."""
        self.is_frozen = True
        self._let_train()

    def unfreeze(self) -> None:
        """Train again, but for the parts that are frozen by themselves."""
        self.is_frozen = False
        self._let_train()

    def freeze_parts(self, *parts: str) -> None:
        """Train all but these parts; without any, all that the configuration allows.

        With adapters, only they train, and of them those outside these parts.

        Parameters
        ----------
        *parts : str
            See ``xlsr_sb.encoder.freezing``. They replace those of
            ``config.frozen_parts`` and of earlier calls; ``frozen_parts`` holds them.

        Raises
        ------
        InputError
            If there is no such part.
        """
        check_parts(parts, num_layers=self.config.num_layers)
        self.frozen_parts = parts
        self._let_train()

    def _let_train(self) -> None:
        """Put every parameter and module in the state that what is frozen calls for."""
        if self.is_frozen:
            self.requires_grad_(False)
        else:
            always = ("feature_extractor",) * self.config.freeze_feature_extractor
            freeze_parameters(self, [*always, *self.frozen_parts])
        self.train(self._asked_to_train)

    def train(self, mode: bool = True):
        """Set training mode; what is frozen takes it when it is unfrozen."""
        self._asked_to_train = mode
        super().train(mode and not self.is_frozen)
        rest_frozen_modules(self)
        return self
