"""Speak a list of texts with eSpeak NG into WAV files.

A program of its own: the phase of eSpeak's oscillators survives a restart of the
library, so only a fresh process says the same twice; and should the library crash, it
takes nothing else with it.

    python espeak.py JOB.json FOLDER
"""

import ctypes
import json
import sys
import wave
from pathlib import Path

RETRIEVE = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, synchronously
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
UTF8 = 1  # espeakCHARS_UTF8
CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Speaker:
    """The library, loaded once."""

    def __init__(self):
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = [
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        ]
        data = espeakng_loader.get_data_path()
        self.sample_rate = self._library.espeak_Initialize(
            RETRIEVE, 0, str(data).encode(), DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise SystemExit(f"eSpeak NG cannot use its data in {data}")
        self._pieces: list[bytes] = []
        self._callback = CALLBACK(self._take)  # must live as long as the library
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, samples, count: int, _events) -> int:
        """Keep a piece of speech; 0 asks for more."""
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    def say(self, text: str, *, voice: str) -> bytes:
        """16-bit samples of ``text``."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SystemExit(f"eSpeak NG has no voice {voice}")
        self._pieces.clear()
        content = text.encode()
        if self._library.espeak_Synth(
            content, len(content) + 1, 0, 0, 0, UTF8, None, None
        ):
            raise SystemExit(f"eSpeak NG cannot speak {text!r}")
        self._library.espeak_Synchronize()
        return b"".join(self._pieces)


def main(job: Path, folder: Path) -> None:
    """Write ``<name>.wav`` for each ``[name, voice, text]`` of a job."""
    speaker = Speaker()
    for name, voice, text in json.loads(job.read_text(encoding="utf-8")):
        samples = speaker.say(text, voice=voice)
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(speaker.sample_rate)
            file.writeframes(samples)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
