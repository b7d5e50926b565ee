"""One recording through an encoder of random weights: time, memory, difference.

    python -m tests.encoder.hour --preset 300m --minutes 60 --context chunk
    python -m tests.encoder.hour --preset 300m --minutes 60 --device cuda --whole

``--whole`` also computes the features at once, and says how far those of
``encode_recording`` are from them: anywhere, and away from the edges of chunks. On a
CPU an hour of the 300M takes hours in the context "recording" and some 100 GB at once.
"""

import argparse
import re
import time
from pathlib import Path

import torch

from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.encoder.recordings import CONTEXTS, encode_recording


def speechlike(minutes: float) -> torch.Tensor:
    """Noise with syllables, pauses and a drift, in pieces that differ."""
    generator = torch.Generator().manual_seed(0)
    pieces = []
    for minute in range(round(minutes)):
        noise = torch.randn(60 * 16_000, generator=generator)
        seconds = torch.linspace(0, 60, len(noise))
        syllables = torch.sin(seconds * (8 + minute % 5)).clamp(min=0)
        pauses = torch.sin(seconds / 3 + minute) > -0.5
        pieces.append(0.2 * noise * syllables * pauses + 0.01 + 1e-4 * minute)
    return torch.cat(pieces)


def held(what: str) -> float:
    """Megabytes of this process, of ``VmRSS`` or ``VmHWM``."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(what + r":\s+(\d+) kB", status)[1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--context", choices=CONTEXTS, default="recording")
    parser.add_argument("--chunk-seconds", type=float, default=30.0)
    parser.add_argument("--overlap-seconds", type=float, default=5.0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="under autocast")
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    torch.manual_seed(0)
    lobe = XLSR(XLSRConfig.preset(given.preset)).to(given.device).eval()
    waveform = speechlike(given.minutes)
    options = {"chunk_seconds": given.chunk_seconds, "context": given.context}
    options["overlap_seconds"] = given.overlap_seconds
    encode_recording(lobe, waveform[: 64 * 16_000], **options)  # warm
    before = held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    begin = time.monotonic()
    with torch.autocast(given.device, torch.bfloat16, enabled=given.bf16):
        features = encode_recording(lobe, waveform, **options)
    seconds = time.monotonic() - begin
    print(
        f"{given.preset}, {given.minutes:g} min, {given.context}: {seconds:.1f} s, "
        f"{60 * given.minutes / seconds:.1f} x real time; "
        f"{held('VmHWM') - before:.0f} MB above {before:.0f} MB at most; the features "
        f"have {features.numel() * 4 / 2**20:.0f} MB"
    )
    if given.device != "cpu":
        print(f"on the device {torch.cuda.max_memory_allocated() / 2**20:.0f} MB")
    if given.whole:
        compare(lobe, waveform.to(given.device), features, given.chunk_seconds)


@torch.no_grad()
def compare(
    lobe: XLSR, waveform: torch.Tensor, features: torch.Tensor, chunk_seconds: float
) -> None:
    """Print how far features are from those that are computed at once."""
    begin = time.monotonic()
    num_samples = torch.tensor([len(waveform)])
    whole = lobe.encode(waveform[None], num_samples).features[0].cpu()
    print(f"at once: {time.monotonic() - begin:.1f} s, peak {held('VmHWM'):.0f} MB")
    size = round(chunk_seconds * 50)
    place = torch.arange(len(whole)) % size
    distance = torch.minimum(place, size - 1 - place)
    error = (features - whole).norm(dim=1) / whole.norm(dim=1)
    for seconds in (0, 1, 2, 5):
        part = error[distance >= 50 * seconds]
        print(
            f"at least {seconds} s from an edge: relative difference {part.mean():.2e} "
            f"in the mean, {part.max():.2e} at most"
        )
    print(f"largest difference of a value: {(features - whole).abs().max():.2e}")


if __name__ == "__main__":
    main()
