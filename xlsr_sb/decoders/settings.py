"""Which decoder a model has, with its numbers; kept in the model's folder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.beam import BeamDecoder
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.hypothesis import Decoder
from xlsr_sb.decoders.lexicon_beam import LexiconDecoder, LexiconWords
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic

GREEDY = "greedy"
KINDS = (GREEDY, "beam", "lexicon")
FILE = "decoder.json"  # in the folder of a run or an exported recogniser
SAMPLED = 1 << 20  # bytes at each end of a file that its fingerprint is made of


@dataclass(frozen=True)
class DecoderSettings:
    """Everything that a decoder is made from, but the vocabulary.

    Parameters
    ----------
    kind : str
        ``greedy``; ``beam``, any text; ``lexicon``, known words only.
    lm : str, optional
        Language model: of words for ``lexicon``, of characters or symbols for ``beam``.
        ARPA, gzipped ARPA or KenLM's binary.
    lexicon : str, optional
        File with a word a line, or a word, a tab and its spelling; by default the words
        of the language model.
    lm_weight : float
        Times the language model's logarithm, to base 10.
    word_score : float
        Added for each word of a lexicon.
    space_score : float
        Added for each frame that says a space.
    beam_size : int
        Hypotheses that are followed.
    beam_tokens : int, optional
        Tokens that are tried in a frame; all by default.
    beam_threshold : float
        Hypotheses that score so much less than the best are dropped.
    num_best : int
        Hypotheses that are given back.
    add_paths : bool
        Whether the paths to a text are added, or the best stands for all.
    beam_min_probability : float
        Tokens that are less probable in a frame are not tried there by ``lexicon``; 0
        tries all.

    Example
    -------
    >>> DecoderSettings(kind="viterbi")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: decoder: kind is 'viterbi'; it must be one of \
('greedy', 'beam', 'lexicon')
    """

    kind: str = GREEDY
    lm: str | None = None
    lexicon: str | None = None
    lm_weight: float = 2.0
    word_score: float = -1.0
    space_score: float = 0.0
    beam_size: int = 100
    beam_tokens: int | None = None
    beam_threshold: float = 20.0
    num_best: int = 1
    add_paths: bool = True
    beam_min_probability: float = 2e-3

    def __post_init__(self):
        """Refuse what no decoder is made from."""
        if self.kind not in KINDS:
            raise InputError(
                f"decoder: kind is {self.kind!r}; it must be one of {KINDS}"
            )
        self._beam()

    def build(self, vocabulary: Vocabulary) -> Decoder:
        """Decoder of a model with these tokens.

        Parameters
        ----------
        vocabulary : Vocabulary
            Ours, or one of another implementation.

        Raises
        ------
        InputError
            If a file cannot be used, or flashlight-text is not installed.

        Example
        -------
        >>> type(DecoderSettings().build(Vocabulary.of(["oui"]))).__name__
        'GreedyDecoder'
        """
        if self.kind == GREEDY:
            return GreedyDecoder(vocabulary)
        weights = Weights(self.lm_weight, self.word_score, self.space_score)
        shared = {"beam": self._beam(), "weights": weights}
        if self.kind == "beam":
            return BeamDecoder(vocabulary, lm=self.lm, **shared)
        words = LexiconWords.load(vocabulary, lm=self.lm, lexicon=self.lexicon)
        return LexiconDecoder(vocabulary, words, **shared)

    def _beam(self) -> Beam:
        """How the search goes."""
        return Beam(
            size=self.beam_size,
            tokens=self.beam_tokens,
            threshold=self.beam_threshold,
            num_best=self.num_best,
            add_paths=self.add_paths,
            min_probability=self.beam_min_probability,
        )

    def save(self, folder: str | Path, *, tuning: Mapping[str, Any]) -> Path:
        """Write the settings into a model's folder, with marks of the files they need.

        Parameters
        ----------
        folder : str or Path
        tuning : mapping
            How they were found: plain values, for people.

        Returns
        -------
        Path
            The file.
        """
        folder = Path(folder)
        known = asdict(self)
        known |= {name: _stored(known[name], folder) for name in ("lm", "lexicon")}
        files = {name: fingerprint(getattr(self, name)) for name in ("lm", "lexicon")}
        content = {"settings": known, "fingerprints": files, "tuning": dict(tuning)}
        path = folder / FILE
        with open_atomic(path) as file:
            json.dump(content, file, indent=2, ensure_ascii=False)
            file.write("\n")
        return path

    @classmethod
    def load(cls, folder: str | Path) -> "DecoderSettings":
        """Settings of a model's folder; greedy, if none were saved.

        Parameters
        ----------
        folder : str or Path

        Raises
        ------
        InputError
            If they cannot be read, or a file they need is gone or another one.

        Example
        -------
        >>> folder = getfixture("tmp_path")
        >>> DecoderSettings.load(folder).kind
        'greedy'
        >>> _ = DecoderSettings(kind="beam", beam_size=7).save(folder, tuning={})
        >>> DecoderSettings.load(folder).beam_size
        7
        """
        folder = Path(folder)
        path = folder / FILE
        if not path.exists():
            return cls()
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = {one.name for one in fields(cls)}
            if unknown := sorted(content["settings"].keys() - known):
                raise KeyError(f"unknown: {', '.join(unknown)}")
            settings = cls(**content["settings"])
            marks = content["fingerprints"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} cannot be used: {error}; remove it, or tune again with "
                "xlsr-sb tune-lm"
            ) from error
        for name, mark in marks.items():
            if mark is not None:
                found = folder / getattr(settings, name)
                settings = replace(settings, **{name: str(found)})
                _check_mark(found, mark, path)
        return settings


def fingerprint(path: str | Path | None) -> str | None:
    """Hash of a file's size and both its ends: language models have gigabytes.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a"
    >>> _ = path.write_text("oui")
    >>> fingerprint(path)[:8], fingerprint(None)
    ('5c69f5f7', None)
    """
    if path is None:
        return None
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            mark = hashlib.sha256(str(size).encode())
            mark.update(file.read(SAMPLED))
            file.seek(max(0, size - SAMPLED))
            mark.update(file.read(SAMPLED))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return mark.hexdigest()


def _stored(path: str | None, folder: Path) -> str | None:
    """Path as it is kept: from the folder on if it is in there, else from the root."""
    if path is None:
        return None
    whole = Path(path).resolve()
    inside = folder.resolve()
    return str(whole.relative_to(inside) if whole.is_relative_to(inside) else whole)


def _check_mark(found: Path, mark: str, place: Path) -> None:
    """Raise unless a file is the one that was tuned with."""
    if not found.is_file():
        raise InputError(f"{place} needs {found}, which is not there")
    if fingerprint(found) != mark:
        raise InputError(
            f"{place} was made with another {found}; its weights do not fit: tune "
            "again with xlsr-sb tune-lm"
        )
