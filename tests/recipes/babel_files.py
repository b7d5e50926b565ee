"""Tiny BABEL packages as the LDC lays them out: SPHERE and WAV, marks in the text."""

from pathlib import Path

import numpy as np
import soundfile

from tests.corpus import sing

GEORGIAN = dict(zip("abdeimno", "აბდეიმნო", strict=True))
TONES = {letter: tone for tone, letter in GEORGIAN.items()}
WORDS = ("აბა", "ნინე", "დაო", "მი", "ბეე", "ოდა")
TELEPHONE, MOBILE = 8_000, 48_000  # Hz
SECONDS = 0.8  # of a segment
CALLERS = ("10033", "10187", "11024", "12606")  # of the training part


def conversation(number: str, caller: str, *, release: str = "OP3") -> str:
    """Name of both sides of a conversation, without the side."""
    return f"BABEL_{release}_{number}_{caller}_20131024_205740"


def write_side(part: Path, name: str, texts: list[str], *, audio: str = "ulaw") -> None:
    """A recording and its transcript, one segment a text.

    Parameters
    ----------
    part : Path
        ``training`` or ``dev``.
    name : str
        Of both files.
    texts : list of str
        Marks are heard as silence.
    audio : str
        ``ulaw`` or ``pcm`` (SPHERE at 8 kHz), or ``wav`` (48 kHz).
    """
    lines, samples = ["[0.0]"], []
    for number, text in enumerate(texts):
        letters = "".join(TONES.get(letter, " ") for letter in text)[:8].ljust(8)
        samples.append(
            sing(letters, seed=len(name) + number)[: round(16_000 * SECONDS)]
        )
        lines += [text, f"[{SECONDS * (number + 1):.3f}]"]
    write_transcript(part, name, lines)
    write_audio(part, name, np.concatenate(samples), audio=audio)


def write_transcript(part: Path, name: str, lines: list[str]) -> Path:
    """A transcript as it is given; its path."""
    path = part / "transcription" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def write_audio(part: Path, name: str, samples: np.ndarray, *, audio: str) -> Path:
    """A recording of samples at 16 kHz; its path."""
    folder = part / "audio"
    folder.mkdir(parents=True, exist_ok=True)
    if audio == "wav":
        path = folder / f"{name}.wav"
        soundfile.write(path, np.repeat(samples, 3), MOBILE, subtype="PCM_16")
        return path
    path = folder / f"{name}.sph"
    subtype = {"ulaw": "ULAW", "pcm": "PCM_16"}[audio]
    soundfile.write(path, samples[::2], TELEPHONE, format="NIST", subtype=subtype)
    return path


def shorten(path: Path) -> None:
    """Make a SPHERE file one that says it is compressed."""
    header = path.read_bytes()[:1024].rstrip(b"\0")
    coding = b"sample_coding -s26 ulaw,embedded-shorten-v2.00"
    header = header.replace(b"sample_coding -s4 ulaw", coding)
    path.write_bytes(header.ljust(1_024, b"\0") + b"ajkg" + bytes(500))


def package_of(folder: Path, number: str = "404", *, release: str = "OP3") -> Path:
    """Where the conversations of a package lie."""
    package = folder / f"IARPA_BABEL_{release}_{number}"
    return package / f"BABEL_{release}_{number}" / "conversational"


def write_package(folder: Path, number: str = "404", *, release: str = "OP3") -> Path:
    """A package with four conversations to learn from and one test; its conversations.

    Both sides of each, telephone and mobile, u-law and PCM, and what must not be read:
    ``scripted``, ``transcript_roman``, ``eval``.
    """
    place = package_of(folder, number, release=release)
    for i, caller in enumerate(CALLERS):
        name = conversation(number, caller, release=release)
        texts = [
            f"{WORDS[i]} {WORDS[i + 1]}",
            f"<breath> {WORDS[i + 2]}",
            "<no-speech>",
        ]
        kind = ("ulaw", "pcm", "wav", "ulaw")[i]
        write_side(place / "training", f"{name}_inLine", texts, audio=kind)
        write_side(place / "training", f"{name}_outLine", texts[::-1], audio="pcm")
    name = conversation(number, "99001", release=release)
    texts = ["<no-speech>", f"{WORDS[0]} <hes>", f"(()) {WORDS[2]} {WORDS[3]}-"]
    write_side(place / "dev", f"{name}_inLine", texts)
    write_side(place / "dev", f"{name}_outLine", [WORDS[4], "<int>"], audio="wav")
    write_transcript(place / "eval", f"{name}_inLine", ["[0.0]", "არა", "[0.5]"])
    scripted = place.parent / "scripted"
    for part in ("training", "dev"):
        write_side(scripted / part, f"{name[:-15]}20131024_1_O1_scripted", ["არა"])
    roman = place / "training" / "transcript_roman"
    roman.mkdir()
    name = f"{conversation(number, CALLERS[0], release=release)}_inLine"
    (roman / f"{name}.txt").write_text("[0.0]\nara\n")
    return place


def write_babel(folder: Path) -> None:
    """Packages of Georgian and Assamese side by side."""
    write_package(folder)
    write_package(folder, "102", release="BP")
