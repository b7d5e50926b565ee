"""Acoustic units: clusters of short-time spectra, one unit a frame of the encoder.

As in the first round of HuBERT: mel-frequency cepstral coefficients with their first
and second differences, clustered by k-means. The spectrum of a frame is taken over the
very 400 samples that the encoder's frame is computed from.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torchaudio
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.lengths import HOP, RECEPTIVE_FIELD, SAMPLE_RATE

NUM_COEFFICIENTS = 13
SIZE = 3 * NUM_COEFFICIENTS
SMALLEST_SCALE = 1e-3  # of a coefficient that does not vary, as in digital silence
NUM_MELS = 26
ITERATIONS = 50
BUFFERS = ("mean", "scale", "centroids")


class AcousticUnits(nn.Module):
    """Unit of each frame: the nearest of some centroids.

    Parameters
    ----------
    mean, scale : Tensor [39]
        Features are standardised by them.
    centroids : Tensor [K, 39]

    Example
    -------
    >>> _ = torch.manual_seed(0)
    >>> speech = [torch.randn(16_000), torch.randn(8_000)]
    >>> units = AcousticUnits.fit(speech, num_units=4, seed=1)
    >>> units(torch.stack([speech[0], speech[0]]), [16_000, 720]).shape
    torch.Size([51])
    """

    def __init__(self, mean: Tensor, scale: Tensor, centroids: Tensor):
        super().__init__()
        for name, tensor in zip(BUFFERS, (mean, scale, centroids), strict=True):
            self.register_buffer(name, tensor)
        self.spectrum = torchaudio.transforms.MFCC(
            SAMPLE_RATE,
            NUM_COEFFICIENTS,
            melkwargs={
                "n_fft": RECEPTIVE_FIELD,
                "hop_length": HOP,
                "n_mels": NUM_MELS,
                "center": False,
            },
        )
        # Without the limit below the loudest frame, which may be another utterance's.
        self.spectrum.amplitude_to_DB = torchaudio.transforms.AmplitudeToDB("power")

    @classmethod
    def fit(cls, waveforms: list[Tensor], *, num_units: int, seed: int):
        """Cluster the frames of some speech.

        Parameters
        ----------
        waveforms : list of Tensor [T]
            A sample of the training set; a few hours are enough.
        num_units : int
        seed : int

        Raises
        ------
        InputError
            If there are fewer frames than units.
        """
        units = cls(torch.zeros(SIZE), torch.ones(SIZE), torch.zeros(num_units, SIZE))
        rows = torch.cat([units.features(one[None], [len(one)]) for one in waveforms])
        if len(rows) < num_units:
            raise InputError(
                f"data: {len(rows)} frames of speech cannot be clustered into "
                f"num_units {num_units}; give more speech or fewer units"
            )
        units.mean = rows.mean(dim=0)
        units.scale = rows.std(dim=0).clamp(min=SMALLEST_SCALE)
        points = ((rows - units.mean) / units.scale).double().numpy()
        random = np.random.default_rng(seed)
        found, _ = kmeans2(points, num_units, iter=ITERATIONS, minit="++", rng=random)
        units.centroids = torch.from_numpy(found).float()
        return units

    def features(self, waveforms: Tensor, num_samples: list[int]) -> Tensor:
        """Cepstra and their first and second differences [N, 39], not standardised.

        Parameters
        ----------
        waveforms : Tensor [B, T]
        num_samples : list of int
            Samples of each; no frame sees what stands behind them.
        """
        packing = Packing.of(num_samples, XLSRConfig(), waveforms.device)
        with torch.autocast(waveforms.device.type, enabled=False):
            signal = packing.pack(waveforms, RECEPTIVE_FIELD)
            rows = self.spectrum(signal).t().index_select(0, packing.real_slots)
            slopes = _slopes(rows, packing)
            return torch.cat([rows, slopes, _slopes(slopes, packing)], dim=1)

    @torch.no_grad()
    def forward(self, waveforms: Tensor, num_samples: list[int]) -> Tensor:
        """Unit of every frame, utterance after utterance.

        Parameters
        ----------
        waveforms : Tensor [B, T]
        num_samples : list of int

        Returns
        -------
        LongTensor [N]
        """
        rows = (self.features(waveforms, num_samples) - self.mean) / self.scale
        # Squared distances but for |row|^2, which is the same for all centroids.
        far = (self.centroids**2).sum(dim=1) - 2 * rows @ self.centroids.t()
        return far.argmin(dim=1)

    def save(self, path: str | Path) -> None:
        """Write mean, scale and centroids as JSON."""
        with open_atomic(path) as file:
            json.dump({name: getattr(self, name).tolist() for name in BUFFERS}, file)

    @classmethod
    def load(cls, path: str | Path) -> "AcousticUnits":
        """Read what ``save`` wrote.

        Raises
        ------
        InputError
            If the file is not of that kind.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            tensors = [torch.tensor(found[name]) for name in BUFFERS]
            shapes = [tuple(tensor.shape[-2:]) for tensor in tensors]
            if shapes != [(SIZE,), (SIZE,), (len(tensors[2]), SIZE)]:
                raise ValueError(f"shapes {shapes}")
            return cls(*tensors)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{path} holds no acoustic units ({error!r}); remove it, and they are "
                "made anew"
            ) from error


def _slopes(rows: Tensor, packing: Packing) -> Tensor:
    """Half the difference of each row's neighbours within its utterance."""
    number = torch.arange(len(rows), device=rows.device)
    starts = packing.boundaries.long()
    before = torch.maximum(number - 1, starts[packing.utterance])
    after = torch.minimum(number + 1, starts[packing.utterance + 1] - 1)
    return (rows[after] - rows[before]) / 2
