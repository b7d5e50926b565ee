"""An encoder that is no network: noise below, the spectrum of the sound above."""

import numpy as np
import soundfile
import torch

from tests.corpus import LETTER_SECONDS, TONES
from xlsr_sb.encoder.encoded import Encoded
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest import Utterance

HOP = 320
BANDS = 40  # of 50 Hz


class Spectrum:
    """Layer 0 knows nothing of the sound, layer 1 how loud each band is.

    After an utterance's frames there are zeros, as the real encoder promises.
    """

    mask_embedding = torch.zeros(1)

    def encode(self, waveforms, num_samples, *, all_layers=False, up_to_layer=None):
        """Both layers, or one."""
        num_frames = num_samples // HOP
        blocks = waveforms[:, : HOP * int(num_frames.max())].unflatten(1, (-1, HOP))
        heard = (torch.fft.rfft(blocks).abs()[..., :BANDS] + 1e-2).log()
        random = torch.Generator().manual_seed(len(waveforms))
        layers = [torch.randn(heard.shape, generator=random), heard]
        is_frame = torch.arange(heard.shape[1]) < num_frames[:, None]
        layers = tuple(layer * is_frame[..., None] for layer in layers)
        top = 1 if up_to_layer is None else up_to_layer
        return Encoded(layers[top], num_frames, layers[: top + 1] * all_layers)


def tones(folder, language, *, pitch, count, seed):
    """Clips of a language: one tone of its own, in noise, of many lengths."""
    random, made = np.random.default_rng(seed), []
    for i in range(count):
        num_samples = int(random.integers(4_000, 20_000))
        time = np.arange(num_samples) / SAMPLE_RATE
        samples = 0.3 * np.sin(2 * np.pi * pitch * time + random.uniform(0, 6))
        samples += random.normal(0, 0.05, num_samples)
        path = folder / f"{language}-{seed}-{i}.wav"
        soundfile.write(path, samples, SAMPLE_RATE)
        seconds = num_samples / SAMPLE_RATE
        made.append(Utterance(path.stem, str(path), seconds, language=language))
    return made


def spelt(folder, language, *, count, seed):
    """Clips that spell random letters in tones."""
    random, made = np.random.default_rng(seed), []
    steps = round(LETTER_SECONDS * SAMPLE_RATE)
    time = np.arange(steps) / SAMPLE_RATE
    fade = np.sin(np.pi * time / LETTER_SECONDS)
    for i in range(count):
        text = "".join(random.choice(list(TONES), size=random.integers(3, 9)))
        samples = [0.5 * fade * np.sin(2 * np.pi * TONES[x] * time) for x in text]
        samples = np.concatenate(samples)
        samples += random.normal(0, 0.01, len(samples))
        path = folder / f"{language}-{seed}-{i}.wav"
        soundfile.write(path, samples, SAMPLE_RATE)
        seconds = len(samples) / SAMPLE_RATE
        made.append(
            Utterance(path.stem, str(path), seconds, language=language, wrd=text)
        )
    return made
