"""Encoders to be probed: of a checkpoint, or random as a control."""

import torch

from xlsr_sb.encoder import XLSR, XLSRConfig
from xlsr_sb.encoder.config import PRESETS
from xlsr_sb.encoder.pretrained import read

RANDOM = "random:"


def load_model(name: str, *, seed: int) -> XLSR:
    """Encoder, frozen and without dropout.

    Parameters
    ----------
    name : str
        Anything that ``XLSR.from_pretrained`` takes; or ``random:`` and a preset, or
        ``random:`` and such a source, whose sizes it then has: what training brought
        is seen beside random weights of the same sizes.
    seed : int
        Of random weights.

    Example
    -------
    >>> one, other = (load_model("random:tiny", seed=seed) for seed in (1, 2))
    >>> bool((one.mask_embedding == other.mask_embedding).all()), one.training
    (False, False)
    """
    if name.startswith(RANDOM):
        sizes = name.removeprefix(RANDOM)
        config = XLSRConfig.preset(sizes) if sizes in PRESETS else read(sizes, {})[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = XLSR(config)
    else:
        encoder = XLSR.from_pretrained(name)
    return encoder.eval().requires_grad_(False)
