"""Tiny Debian packages laid out as the real ones, and the recipe that reads them."""

import gzip
import importlib.util
import io
import lzma
import struct
import sys
import tarfile
from pathlib import Path

import numpy as np
import soundfile
from G722 import G722

RECIPE = Path(__file__).parents[2] / "recipes" / "DebianSpeech"
if str(RECIPE) not in sys.path:
    sys.path.insert(0, str(RECIPE))

VOICES = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
WORDS = {
    "en": "sentence",
    "es": "frase",
    "fr": "phrase",
    "it": "frasetta",
    "ru": "фраза",
}
SYLLABLES = {"ru": "бавагадажа", "*": "babecedodu"}
NUM_PROMPTS = 40
EXTRA = """\
beep: un bip
tt-monkeys: [des singes]
vm-press: appuyez sur 1
digits/1: un
demo: composez le 500
same: {same}
quiet: silence absolu
short: oui
long: une phrase bien longue"""


def load_prepare():
    """The recipe's ``prepare.py``, loaded by its path as a run does."""
    path = RECIPE / "prepare.py"
    spec = importlib.util.spec_from_file_location("debian_speech_prepare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_deb(folder: Path, package: str, files: dict[str, bytes], *, ending="xz"):
    """``<package>_1.0_all.deb`` with the given files; its path."""
    tarball = io.BytesIO()
    with tarfile.open(fileobj=tarball, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    pack = {"xz": lzma.compress, "gz": gzip.compress, "": bytes}.get(ending, bytes)
    data = f"data.tar.{ending}".rstrip(".")
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": gzip.compress(b""),
        data: pack(tarball.getvalue()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}_1.0_all.deb"
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in members.items():
            header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
            file.write(header.encode() + content + b"\n" * (len(content) % 2))
    return path


def noise(seconds: float, *, seed: int, level: float = 0.1) -> np.ndarray:
    """Noise: int16 [T], 16 kHz."""
    random = np.random.default_rng(seed)
    samples = random.normal(0, level, round(seconds * 16_000))
    return (np.clip(samples, -1, 1) * 32_767).astype(np.int16)


def g722(samples: np.ndarray) -> bytes:
    """Samples as a telephone prompt."""
    return bytes(G722(16_000, 64_000).encode(samples))


def ogg(samples: np.ndarray, *, rate: int = 44_100, channels: int = 2) -> bytes:
    """Samples as a picture's name: Vorbis, stereo, 44.1 kHz."""
    file = io.BytesIO()
    wide = np.repeat(samples[:, None], channels, axis=1)
    soundfile.write(file, wide, rate, format="OGG", subtype="VORBIS")
    return file.getvalue()


def wav(samples: np.ndarray) -> bytes:
    """Samples as they are, which is written much faster than Ogg; the name may lie."""
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


def sentence(language: str, index: int) -> str:
    """A sentence that is its own, in letters only."""
    own = SYLLABLES.get(language, SYLLABLES["*"])
    tens, ones = divmod(index, 5)
    name = own[2 * (tens % 5) :][:2] + own[2 * (tens // 5) :][:2] + own[2 * ones :][:2]
    return f"{WORDS[language].capitalize()} {name}."


def write_prompts(folder: Path, code: str, lines: list[str], sounds: dict) -> None:
    """The two packages of the telephone prompts of one language."""
    content = "\n".join(["; comment", "", *lines]).encode()
    text = f"usr/share/doc/asterisk-core-sounds-{code}/core-sounds-{code}.txt.gz"
    write_deb(folder, f"asterisk-core-sounds-{code}", {text: gzip.compress(content)})
    root = f"usr/share/asterisk/sounds/{VOICES[code]}"
    files = {f"{root}/{key}.g722": g722(sound) for key, sound in sounds.items()}
    files["usr/share/doc/unneeded.txt"] = b"not wanted"
    write_deb(folder, f"asterisk-core-sounds-{code}-g722", files)


def write_all_prompts(folder: Path) -> None:
    """Forty prompts in five languages, and in French one of each kind to drop."""
    for number, code in enumerate(VOICES):
        texts = {f"line-{i:02}": sentence(code, i) for i in range(NUM_PROMPTS)}
        lines = [f"{key}: {text}" for key, text in texts.items()]
        sounds = {
            key: noise(0.2 + 0.07 * len(text), seed=1_000 * number + i)
            for i, (key, text) in enumerate(texts.items())
        }
        if code == "fr":
            lines += EXTRA.format(same=sentence(code, 1)).splitlines()
            keys = ("beep", "tt-monkeys", "vm-press", "digits/1", "demo", "untold")
            sounds |= {key: noise(1.2, seed=5_000 + i) for i, key in enumerate(keys)}
            sounds["same"] = sounds["line-01"]
            sounds["quiet"] = noise(1.0, seed=1, level=1e-4)
            sounds["short"] = noise(0.1, seed=2)
            sounds["long"] = noise(0.25, seed=3)
        write_prompts(folder, code, lines, sounds)


def write_dialogues(folder: Path) -> None:
    """The two packages of the Czech dialogues: one level of three lines."""
    level = "usr/share/games/fillets-ng"
    czech = ("Ryby říkají ano.", "Ryby říkají ne.", 'Ryby \\"mlčí\\".')
    lines = [
        f'dialogId("id{i}", "font_small", "Fish say {word}.")\ndialogStr("{local}")\n'
        for i, (word, local) in enumerate(zip(("yes", "no", "hm"), czech, strict=True))
    ]
    script = {f"{level}/script/cave/dialogs_cs.lua": "\n".join(lines).encode()}
    write_deb(folder, "fillets-ng-data", script)
    spoken = {
        f"{level}/sound/cave/cs/id{i}.ogg": ogg(noise(4.0, seed=i)) for i in range(3)
    }
    write_deb(folder, "fillets-ng-data-cs", spoken)


def write_stamps(folder: Path) -> None:
    """The package of the stamps: a cat in three languages, and a letter."""
    cat = "usr/share/tuxpaint/stamps/animals/cat"
    letter = "usr/share/tuxpaint/stamps/symbols/alphabets/a"
    files = {
        f"{cat}.txt": b"A cat.\nfr.utf8=Un chat.\nes.utf8=Un gato (gris) negro.\n",
        f"{cat}.ogg": b"meow",
        f"{letter}.txt": b"The letter a.\n",
    }
    spoken = (f"{cat}_desc", f"{cat}_desc_fr", f"{cat}_desc_es", f"{letter}_desc")
    files |= {
        f"{name}.ogg": ogg(noise(2.5, seed=i))
        for i, name in enumerate(spoken, start=10)
    }
    write_deb(folder, "tuxpaint-stamps-default", files)


def mp3(samples: np.ndarray) -> bytes:
    """Samples as a line of the adventure: MPEG layer III, mono, 11,025 Hz."""
    file = io.BytesIO()
    wave = samples.astype(np.float32) / 32_768
    soundfile.write(file, wave, 11_025, format="MP3", subtype="MPEG_LAYER_III")
    return file.getvalue()


def write_letters(folder: Path) -> None:
    """The package of the letters: variants of a language, a folder without sounds."""
    root = "usr/share/klettres"
    spoken = (
        "fr/alpha/a",
        "fr/syllab/a",
        "en/alpha/A",
        "en_GB/alpha/A",
        "pt_BR/syllab/a",
    )
    files = {
        f"{root}/{name}.ogg": ogg(noise(1.0, seed=100 + i))
        for i, name in enumerate(spoken)
    }
    # Danish has a rate of its own; Nynorsk is only announced; an icon is no sound.
    rate = {"rate": 128_000, "channels": 1}
    files[f"{root}/da/alpha/a-0.ogg"] = ogg(noise(8.0, seed=110), **rate)
    files[f"{root}/nn/sounds.xml"] = b'<klettres><language code="nn"></klettres>'
    files[f"{root}/icons/hicolor/16x16/a.png"] = b"icon"
    write_deb(folder, "klettres-data", files)


def write_syllables(folder: Path) -> None:
    """The package of the syllables: two voices, one of them too faint once."""
    root = "usr/share/gcin-voice/ogg"
    files = {
        f"{root}/{name}/{voice}.ogg": ogg(noise(1.0, seed=120 + i), channels=1)
        for i, name in enumerate(("ㄅ", "ㄅㄚ1"))
        for voice in ("3", "5")
        if (name, voice) != ("ㄅ", "5")
    }
    files[f"{root}/ㄏㄡ2/5.ogg"] = ogg(noise(1.0, seed=130, level=1e-3), channels=1)
    files |= {f"{root}/ㄅㄚ1/5.ogg": ogg(noise(1.0, seed=131), channels=1)}
    write_deb(folder, "gcin-voice", files)


def write_shouts(folder: Path) -> None:
    """The package of the shouts: packs in three languages, screams, copies, noises."""
    root = "usr/share/games/hedgewars/Data/Sounds"
    names = ("Classic/Hello", "Russian/Hello", "Russian_pl/Hello", "Default_uk/Hello")
    files = {
        f"{root}/voices/{name}.ogg": ogg(noise(1.0, seed=140 + i))
        for i, name in enumerate((*names, "Classic/Ow4", "Default_uk/PoisonCough"))
    }
    files[f"{root}/voices/Default/Hello.ogg"] = files[f"{root}/voices/{names[0]}.ogg"]
    files[f"{root}/Droplet1.ogg"] = ogg(noise(1.0, seed=150))
    write_deb(folder, "hedgewars-data", files)


def game_archive(entries: dict[str, bytes]) -> bytes:
    """A ``queen.1c`` with the given entries."""
    start = b"QTBLCEM10" + bytes((0, 0, 0, 1)) + struct.pack(">H", len(entries))
    offset = len(start) + 21 * len(entries)
    index = b""
    for name, content in entries.items():
        index += name.encode().ljust(12, b"\0") + b"\1"
        index += struct.pack(">II", offset, len(content))
        offset += len(content)
    return start + index + b"".join(entries.values())


def write_adventure(folder: Path, *, cut: int = 0) -> None:
    """The package of the adventure: an archive with three lines, and a picture."""
    names = ("020001P2.SB", "020006J1.SB", "JOE00012.SB", "C00A_001.SB")
    entries = {name: mp3(noise(1.0, seed=160 + i)) for i, name in enumerate(names)}
    entries = {"ACTDATA1.PCX": b"picture", **entries}
    archive = game_archive(entries)
    root = "usr/share/scummvm/flight-of-the-amazon-queen"
    files = {f"{root}/queen.1c": archive[: len(archive) - cut], "usr/games/queen": b""}
    write_deb(folder, "flight-of-the-amazon-queen", files)


def write_heard(folder: Path) -> None:
    """The packages of all sources without texts."""
    write_letters(folder)
    write_syllables(folder)
    write_shouts(folder)
    write_adventure(folder)
