"""What is measured: sizes, precisions, batches, works, and which of them go together.

All sides compute the same: the same weights, utterances, head, loss and optimiser, and
no layerdrop. But in pretraining, the convolutions are frozen and there are no masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch

from xlsr_sb.encoder.config import PRESETS
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE

DTYPES = ("fp32", "bf16")
PEERS = ("transformers", "torchaudio")
PARTS = ("encoder", "loader", "decoding", "translating")
DEVICES = ("cpu", "cuda")
BATCHES = {  # seconds of each utterance
    "short": (0.5, 1.0, 2.0),  # to see that it works
    "ramp": (4.0, 6.0, 8.0, 10.0),
    # Read speech drawn at random: most clips near five seconds, a few much longer.
    "mixed": (1.4, 2.2, 2.9, 3.5, 4.1, 4.6, 5.2, 5.9, 6.8, 8.1, 10.6, 15.3),
    "few": (1.4, 2.9, 4.1, 5.2, 6.8, 15.3),  # of these, where memory is short
}
DEFAULT_BATCHES = {"tiny": "mixed"}  # others have the ramp
# Unless asked for: they would take fifteen minutes.
LEFT_OUT = {("torchaudio", "training"), ("torchaudio", "plain")}
# It has the encoder, no quantiser and no text decoder.
UNKNOWN = {("torchaudio", "pretraining"), ("torchaudio", "translation")}
NUM_TOKENS = 32  # vocabulary of the head
TOKENS_PER_SECOND = 6  # of the targets


@dataclass(frozen=True)
class Work:
    """What one timed call does.

    Parameters
    ----------
    title : str
    objective : str
        ``ctc``, ``contrastive`` or ``translation``: draw what is random, forward, loss,
        backward and optimiser; empty for forward alone.
    activation_dropout : float
        Inside the feed-forward; all other dropouts are 0, as in the paper.
    """

    title: str
    objective: str = ""
    activation_dropout: float = 0.0

    @property
    def trains(self) -> bool:
        """Whether there is a backward pass."""
        return bool(self.objective)

    @property
    def trains_extractor(self) -> bool:
        """Whether the convolutions learn as well."""
        return self.objective == "contrastive"

    @property
    def is_whole_model(self) -> bool:
        """Whether there is a text decoder, which is larger than the encoder."""
        return self.objective == "translation"


WORKS = {
    "inference": Work("inference"),
    "training": Work("training, paper's dropouts", "ctc", activation_dropout=0.1),
    "plain": Work("training, no dropout", "ctc"),
    "pretraining": Work("pretraining", "contrastive"),
    "translation": Work("translation", "translation"),
}
# Unless asked for: the 300m encoder with its decoder needs 18 GB.
DEFAULT_WORKS = tuple(name for name, work in WORKS.items() if not work.is_whole_model)


@dataclass(frozen=True)
class Case:
    """One size in one precision, on one batch, doing one work.

    Example
    -------
    >>> case = Case("tiny", "bf16", "ramp", "training")
    >>> case.title, case.num_samples[0]
    ("bf16 ramp training, paper's dropouts", 64000)
    """

    size: str
    dtype: str
    batch: str
    work: str

    @property
    def title(self) -> str:
        """Everything but the size, in words."""
        return f"{self.dtype} {self.batch} {WORKS[self.work].title}"

    @property
    def num_samples(self) -> list[int]:
        """Samples of each utterance."""
        return [round(seconds * SAMPLE_RATE) for seconds in BATCHES[self.batch]]

    @property
    def num_seconds(self) -> float:
        """Speech in the batch."""
        return sum(BATCHES[self.batch])


@dataclass(frozen=True)
class Settings:
    """What a run of the benchmark is asked for.

    Parameters
    ----------
    sizes, dtypes, works, batches, peers, parts : sequence of str
        Empty ``batches`` means ``mixed`` for the tiny size and ``ramp`` for others;
        empty ``works`` all but ``translation``, and torchaudio ``inference`` only.
    pairs : int
        Times that ours and a peer are measured one after the other.
    threads : int
        Of each side.
    device : str
        ``cpu`` or ``cuda``.
    quick : bool
        Less material for the loader and smaller products: to see that it works.

    Raises
    ------
    InputError
        If a value is none of those that there are.

    Example
    -------
    >>> settings = Settings(sizes=["tiny"], dtypes=["fp32"], works=["inference"])
    >>> [case.batch for case in settings.cases()]
    ['mixed']
    """

    sizes: Sequence[str] = ("tiny", "300m")
    dtypes: Sequence[str] = DTYPES
    works: Sequence[str] = ()
    batches: Sequence[str] = ()
    peers: Sequence[str] = PEERS
    parts: Sequence[str] = PARTS
    pairs: int = 3
    threads: int = torch.get_num_threads()
    device: str = "cuda" if torch.cuda.is_available() else "cpu"
    quick: bool = False

    def __post_init__(self):
        """Refuse what is not there."""
        for name, known in {
            "sizes": PRESETS,
            "dtypes": DTYPES,
            "works": WORKS,
            "batches": BATCHES,
            "peers": PEERS,
            "parts": PARTS,
        }.items():
            _check_names(name, getattr(self, name), tuple(known))
        _check_names("device", [self.device], DEVICES)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError("bench: device is cuda, and PyTorch sees no such device")
        for name in ("pairs", "threads"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"bench: {name} is {getattr(self, name)}; it must be at least 1"
                )

    def cases(self) -> list[Case]:
        """Every combination, in the order in which they are measured."""
        return [
            Case(size, dtype, batch, work)
            for size in self.sizes
            for batch in self.batches or [DEFAULT_BATCHES.get(size, "ramp")]
            for dtype, work in product(self.dtypes, self.works or DEFAULT_WORKS)
        ]

    def compares(self, peer: str, work: str) -> bool:
        """Whether a peer is measured at a work."""
        pair = peer, work
        return pair not in UNKNOWN and (bool(self.works) or pair not in LEFT_OUT)


def _check_names(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Raise for the first name that is not known, or comes twice."""
    for place, name in enumerate(names):
        if name not in known:
            raise InputError(
                f"bench: {option} has {name!r}; there are {', '.join(known)}"
            )
        if name in names[:place]:
            raise InputError(f"bench: {option} has {name!r} twice; give it once")
