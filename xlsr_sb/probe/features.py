"""Features of a frozen encoder, computed once."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from xlsr_sb.data.batching import EvalLoader, SpeechDataset
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.encoded import Encoded
from xlsr_sb.manifest import Utterance

SECONDS_PER_BATCH = 60.0


def mean_features(
    encoder: XLSR, utterances: Sequence[Utterance], *, layers: Sequence[int]
) -> Tensor:
    """Means over the frames of each utterance, by layer.

    Parameters
    ----------
    encoder : XLSR
    utterances : sequence of B Utterance
    layers : sequence of L int
        0 is the input of the first layer.

    Returns
    -------
    Tensor [L, B, D], float32, on the host

    Example
    -------
    >>> import numpy, soundfile
    >>> from xlsr_sb.encoder import XLSRConfig
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, numpy.random.randn(8_000) / 9, 16_000)
    >>> lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    >>> mean_features(lobe, [Utterance("a", path, 0.5)], layers=[0, 3]).shape
    torch.Size([2, 1, 384])
    """

    def means(encoded: Encoded) -> Iterator[Tensor]:
        """Means [L, D] of each utterance; after its frames there are zeros."""
        chosen = torch.stack([encoded.layers[layer] for layer in layers], dim=1)
        sums = chosen.float().sum(dim=2)  # [B, L, D]
        counts = encoded.num_frames.to(sums.device)
        yield from (sums / counts[:, None, None]).cpu()

    rows = _computed(
        encoder, utterances, means, up_to_layer=max(layers), all_layers=True
    )
    return torch.stack(rows, dim=1)


def frame_features(
    encoder: XLSR, utterances: Sequence[Utterance], *, layer: int
) -> list[Tensor]:
    """Features [F, D] of each utterance at one layer, float16, on the host.

    Parameters
    ----------
    encoder : XLSR
    utterances : sequence of Utterance
    layer : int

    Example
    -------
    >>> import numpy, soundfile
    >>> from xlsr_sb.encoder import XLSRConfig
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, numpy.random.randn(8_000) / 9, 16_000)
    >>> lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    >>> frame_features(lobe, [Utterance("a", path, 0.5)], layer=2)[0].shape
    torch.Size([24, 384])
    """

    def frames(encoded: Encoded) -> Iterator[Tensor]:
        """Real frames of each utterance."""
        rows = encoded.features.half().cpu()
        for row, count in zip(rows, encoded.num_frames.tolist(), strict=True):
            yield row[:count].clone()  # a view would keep the padding

    return _computed(encoder, utterances, frames, up_to_layer=layer, all_layers=False)


@torch.inference_mode()
def _computed(
    encoder: XLSR,
    utterances: Sequence[Utterance],
    split: Callable[[Encoded], Iterator[Tensor]],
    **options,
) -> list[Tensor]:
    """What ``split`` makes of each utterance's features, in the given order."""
    device = encoder.mask_embedding.device
    dataset = SpeechDataset(utterances, encode_target=lambda _: [])
    loader = EvalLoader(dataset, seconds_per_device=SECONDS_PER_BATCH)
    found: dict[int, Tensor] = {}  # by place: two manifests may share an id
    bar = tqdm(loader, desc="encode", unit="batch", leave=False)
    for places, batch in zip(loader.batches, bar, strict=True):
        waveforms = batch.waveforms.to(device)
        encoded = encoder.encode(waveforms, batch.num_samples, **options)
        found |= dict(zip(places, split(encoded), strict=True))
    return [found[place] for place in range(len(utterances))]
