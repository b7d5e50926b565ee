"""Speech of eSpeak NG in place of recordings: the same manifests without packages."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from debian_speech import espeak
from debian_speech.clip import Clip, Reading
from debian_speech.phrases import PHRASES, sentences
from xlsr_sb.errors import InputError

NAME = "synthetic"
LANGUAGES = tuple(sorted(PHRASES))
VOICES = ("f1", "f4", "m1", "m3")  # variants without breath, whose noise is random


def read(folder: Path, languages: Iterable[str]) -> Reading:
    """Every sentence in ``languages``, spoken under ``folder``; each is a unit."""
    if importlib.util.find_spec("espeakng_loader") is None:
        raise InputError(
            "synthetic speech needs eSpeak NG; install it with "
            '`pip install "xlsr-sb[synth]"` or `pip install espeakng-loader`'
        )
    written = {code: sentences(code) for code in LANGUAGES}
    clips = []
    for code in tqdm(list(languages), unit="language", desc="speak"):
        voices = {name: _voice(code, name) for name in written[code]}
        job = [[name, f"{code}+{voices[name]}", x] for name, x in written[code].items()]
        spoken = _speak(job, folder / code)
        clips += [
            Clip(
                id=f"{NAME}-{code}-{name}",
                recording=spoken / f"{name}.wav",
                source=NAME,
                language=code,
                speaker=f"espeak-{code}-{voices[name]}",
                unit=name,
                text=text,
                translations={
                    other: own[name] for other, own in written.items() if other != code
                },
            )
            for name, text in written[code].items()
        ]
    units = {name: [own[name] for own in written.values()] for name in written["en"]}
    return Reading(clips, units)


def _voice(code: str, name: str) -> str:
    """Voice of a sentence: any, but always the same."""
    return VOICES[hashlib.sha256(f"{code} {name}".encode()).digest()[0] % len(VOICES)]


def _speak(job: list, into: Path) -> Path:
    """Folder with a WAV file for each entry of ``job``; made once, or not at all."""
    order = json.dumps(job, ensure_ascii=False)
    done = into / "job.json"
    if done.is_file() and done.read_text(encoding="utf-8") == order:
        return into
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        (partial / "job.json").write_text(order, encoding="utf-8")
        command = [sys.executable, espeak.__file__, partial / "job.json", partial]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            reason = (
                ended.stderr.strip() or f"signal {-ended.returncode}"
            ).splitlines()
            raise InputError(f"eSpeak NG failed: {reason[-1]}")
        shutil.rmtree(into, ignore_errors=True)
        partial.rename(into)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return into
