"""A tiny corpus: tones that spell letters, in two languages that nobody speaks."""

import csv
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile

from xlsr_sb.data.sharding import make_shards
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest import Utterance, write_manifest

LETTER_SECONDS = 0.1
TONES = {letter: 250.0 * 1.25**i for i, letter in enumerate("abdeimno")}  # Hz
WORDS = {
    "aa": ["aba", "nine", "dao", "mi", "bee", "oda"],
    "bb": ["mob", "idea", "noa", "ed", "bom", "amen"],
}
NUM_CLIPS = 20
NUM_TRAIN, NUM_DEV = 12, 4  # the rest is the test set
COLUMNS = ("ID", "wav", "text", "language")


@dataclass(frozen=True)
class TinyCorpus:
    """Twenty clips on disk, and the lists of them.

    Parameters
    ----------
    folder : Path
        Holds the clips, ``train.csv``, ``dev.csv`` and ``test.csv``.
    splits : dict of str to list of Utterance
    """

    folder: Path
    splits: dict[str, list[Utterance]]

    @property
    def options(self) -> list[str]:
        """Options that give the lists to the recipe for one's own speech."""
        return self._options(csv="train", dev_csv="dev", test_csv="test")

    @property
    def options_without_text(self) -> list[str]:
        """The same for pretraining, which needs no test set."""
        return self._options(csv="train", dev_csv="dev")

    def _options(self, **names: str) -> list[str]:
        """Options with the paths of lists."""
        files = {key: str(self.folder / f"{name}.csv") for key, name in names.items()}
        return [word for key, path in files.items() for word in (f"--{key}", path)]


def sing(text: str, *, seed: int) -> np.ndarray:
    """Tones of a text, a tenth of a second a letter, in a little noise.

    Parameters
    ----------
    text : str
        Letters of ``TONES``, and spaces, which are silent.
    seed : int
        Of the noise, and of the number of samples that are left over at the end.

    Returns
    -------
    ndarray [T], in [-1, 1]

    Example
    -------
    >>> 16_000 <= len(sing("abad mibed", seed=1)) < 16_300
    True
    """
    random = np.random.default_rng(seed)
    time = np.arange(round(LETTER_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    fade = np.sin(np.pi * time / LETTER_SECONDS)
    tones = [fade * np.sin(2 * np.pi * TONES.get(x, 0.0) * time) for x in text]
    samples = np.concatenate([*tones, np.zeros(random.integers(300))])
    return 0.5 * samples + random.normal(0, 0.01, len(samples))


def clip(folder: Path, name: str, *, language: str, text: str, seed: int) -> Utterance:
    """One clip written to ``folder`` as a 16-bit WAV file."""
    samples = sing(text, seed=seed)
    path = folder / f"{name}.wav"
    soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    seconds = len(samples) / SAMPLE_RATE
    return Utterance(name, str(path), seconds, language=language, wrd=text)


def make_corpus(folder: Path) -> TinyCorpus:
    """Write the clips (0.4 to 1.5 s) and their lists; the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for number in range(NUM_CLIPS):
        language = sorted(WORDS)[number % 2]
        first, count = number // 2, 2 + number % 3
        text = " ".join(islice(cycle(WORDS[language]), first, first + count))[:14]
        name = f"{language}-{number:02}"
        clips.append(
            clip(folder, name, language=language, text=text.strip(), seed=number)
        )
    stop = NUM_TRAIN + NUM_DEV
    splits = {
        "train": clips[:NUM_TRAIN],
        "dev": clips[NUM_TRAIN:stop],
        "test": clips[stop:],
    }
    for name, utterances in splits.items():
        write_csv(folder / f"{name}.csv", utterances)
    return TinyCorpus(folder, splits)


def write_csv(path: Path, utterances: list[Utterance]) -> None:
    """Write a list as users write them: paths relative to its folder."""
    rows = [(one.id, Path(one.wav).name, one.wrd, one.language) for one in utterances]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def write_tsv(path: Path, utterances: list[Utterance]) -> None:
    """Write a manifest as fairseq has it: a folder, then names and samples."""
    folder = Path(utterances[0].wav).parent
    rows = [
        f"{Path(one.wav).relative_to(folder)}\t{round(one.duration * SAMPLE_RATE)}"
        for one in utterances
    ]
    path.write_text("\n".join([str(folder), *rows, ""]), encoding="utf-8")


def write_unlabelled(folder: Path, corpus: TinyCorpus) -> None:
    """Write the training clips as pretraining may find them.

    ``train.tsv``, ``train.csv`` and ``shards`` have all of them each; ``list.csv``
    names the three. ``dev.csv`` is a manifest as well. Those of ours call the corpus
    ``tones``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tsv(folder / "train.tsv", corpus.splits["train"])
    for name in ("train", "dev"):
        clips = [replace(one, corpus="tones") for one in corpus.splits[name]]
        write_manifest(folder / f"{name}.csv", clips)
    make_shards(
        folder / "train.csv",
        folder / "shards",
        seconds_per_shard=4.0,
        report=lambda _: None,
    )
    (folder / "list.csv").write_text(
        "path,corpus,language\ntrain.tsv,radio,cc\ntrain.csv,books,\nshards,,bb\n"
    )
