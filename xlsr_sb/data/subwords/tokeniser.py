"""Texts as ids of subwords and back, numbered as mBART-50 numbers them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sentencepiece import SentencePieceProcessor

from xlsr_sb.data.subwords.codes import (
    MBART_CODES,
    language_token,
    language_tokens,
    target_token,
)
from xlsr_sb.data.subwords.peer import CONFIG, SPECIAL, peer_files, stored_languages
from xlsr_sb.data.subwords.wire import wire_field
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, open_atomic_binary

MODEL = "sentencepiece.bpe.model"  # its name in every folder, though it is no BPE
TRAINER, MODEL_TYPE, BYTE_FALLBACK = 2, 3, 35  # fields of the file
UNIGRAM = 1
OFFSET = 1  # from sentencepiece's ids to fairseq's, which have <pad> among the first


@dataclass(frozen=True)
class SubwordTokeniser:
    """Pieces of a sentencepiece model and codes of languages, with fairseq's ids.

    0 is ``<s>``, 1 ``<pad>``, 2 ``</s>``, 3 ``<unk>``; then the pieces, the codes of
    the languages, and ``<mask>``. What stands in a text is text: ``</s>`` in it is
    four characters.

    Parameters
    ----------
    model : bytes
        Of sentencepiece; a unigram model with ``<unk>``, ``<s>``, ``</s>`` first.
    languages : tuple of str
        Tokens of the languages, in their order; mBART-50's 52 by default.
    source : str
        Where the model is from, for messages.

    Example
    -------
    >>> from xlsr_sb.data.subwords import train_tokeniser
    >>> texts = ["où est la gare", "où est le port"] * 4
    >>> tokeniser = train_tokeniser(texts, num_pieces=16, languages=["en", "fr"])
    >>> ids = tokeniser.encode("le  port est là")
    >>> ids[-1] == tokeniser.eos, tokeniser.decode([tokeniser.language_id("fr"), *ids])
    (True, 'le port est l')
    >>> tokeniser.vocab_size, tokeniser.language_id("en"), tokeniser.mask
    (20, 17, 19)
    """

    model: bytes
    languages: tuple[str, ...] = MBART_CODES
    source: str = field(default="the sentencepiece model", compare=False)

    bos: ClassVar[int] = 0
    pad: ClassVar[int] = 1
    eos: ClassVar[int] = 2
    unk: ClassVar[int] = 3

    def __post_init__(self) -> None:
        """Check the model."""
        pieces = self._pieces
        first = [pieces.id_to_piece(index) for index in range(min(3, len(pieces)))]
        if first != list(SPECIAL) or pieces.pad_id() != -1:
            raise InputError(
                f"{self.source} starts with {first}; it must start with "
                f"{list(SPECIAL)}, as sentencepiece trains by default, without padding"
            )
        trainer = wire_field(self.model, TRAINER, default=b"")
        kind = wire_field(trainer, MODEL_TYPE, default=UNIGRAM)
        if kind != UNIGRAM or wire_field(trainer, BYTE_FALLBACK, default=0):
            raise InputError(
                f"{self.source} is no unigram model, or one with byte_fallback; "
                "mBART-50's tokeniser is a unigram model without"
            )

    @classmethod
    def load(
        cls, path: str | Path, *, languages: Sequence[str] | None = None
    ) -> "SubwordTokeniser":
        """Read a tokeniser.

        Parameters
        ----------
        path : str or Path
            Folder of mBART-50, of a released translator or one that ``save`` wrote;
            or the file of a sentencepiece model.
        languages : sequence of str, optional
            Its languages; those that the folder names, or mBART-50's, by default.

        Raises
        ------
        InputError
            If a file is missing or damaged, or of a tokeniser with other ids.
        """
        path = Path(path)
        file = path / MODEL if path.is_dir() else path
        try:
            model = file.read_bytes()
        except OSError as error:
            raise InputError(
                f"{file} cannot be read: {error.strerror}; a tokeniser is a "
                f"sentencepiece model, or a folder with {MODEL}"
            ) from error
        tokens = stored_languages(path / CONFIG) if path.is_dir() else MBART_CODES
        return cls(
            model,
            language_tokens(tokens if languages is None else languages),
            str(file),
        )

    def save(self, folder: str | Path) -> None:
        """Write a folder that ``load`` and transformers read.

        With mBART-50's languages transformers has it as ``MBart50Tokenizer``, with
        others as a tokeniser without a class of its own.

        Parameters
        ----------
        folder : str or Path
            Is made if need be; files of these names are replaced.
        """
        folder = Path(folder)
        with open_atomic_binary(folder / MODEL) as file:
            file.write(self.model)
        for name, content in peer_files(
            self.model, self._scored_pieces, self.languages
        ):
            with open_atomic(folder / name) as file:
                json.dump(content, file, ensure_ascii=False, indent=1)
                file.write("\n")

    @property
    def num_pieces(self) -> int:
        """Pieces of the sentencepiece model, its three special ones among them."""
        return len(self._pieces)

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return self.num_pieces + OFFSET + len(self.languages) + 1

    @property
    def mask(self) -> int:
        """Id of what stands for hidden text in mBART's pretraining; the last one."""
        return self.vocab_size - 1

    def encode(self, text: str) -> list[int]:
        """Ids of a text's subwords, then ``</s>``; no code of a language.

        Spaces at its ends are nothing, and several of them are one.
        """
        ids = [one + OFFSET if one else self.unk for one in self._pieces.encode(text)]
        return [*ids, self.eos]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; special tokens, codes and what is unknown are left out."""
        ids = list(ids)
        if strange := [one for one in ids if not 0 <= one < self.vocab_size]:
            raise ValueError(f"{strange} are no ids; there are {self.vocab_size}")
        last = self.num_pieces
        pieces = [one - OFFSET for one in ids if self.unk < one <= last]
        return self._pieces.decode(pieces).strip()

    def language_id(self, language: str) -> int:
        """Id of the code of a language.

        Parameters
        ----------
        language : str
            ``sv``, ``sv-SE`` or ``sv_SE``.

        Raises
        ------
        InputError
            If the tokeniser does not have it, with those that it has.
        """
        return self._code_id(language_token(language), language)

    def target_id(self, language: str, *, released: bool = False) -> int:
        """Id that a translation into a language starts with.

        A tokeniser with its own languages has one for each. mBART-50's lends two of its
        codes to languages that it does not have, and ``released`` translators know one
        language by another's; see ``target_token``.

        Raises
        ------
        InputError
            If there is none, with those that there are.
        """
        if self.languages != MBART_CODES:
            return self.language_id(language)
        return self._code_id(target_token(language, released=released), language)

    def target_ids(
        self, languages: Iterable[str], *, released: bool = False
    ) -> dict[str, int]:
        """Id that translations into each of several languages start with.

        Raises
        ------
        InputError
            If a language has none, or two would have the same: one of them borrows it.
        """
        ids: dict[str, int] = {}
        for language in languages:
            number = self.target_id(language, released=released)
            other = next((one for one, taken in ids.items() if taken == number), None)
            if other not in (None, language):
                raise InputError(
                    f"{other!r} and {language!r} would both start with {number}, and a "
                    "model could not tell which one is wanted; train a tokeniser with "
                    "its own languages"
                )
            ids[language] = number
        return ids

    def _code_id(self, token: str, language: str) -> int:
        if token not in self.languages:
            raise InputError(
                f"this tokeniser has no language {language!r}; it has "
                f"{', '.join(self.languages)}"
            )
        return self.num_pieces + OFFSET + self.languages.index(token)

    @property
    def _scored_pieces(self) -> list[tuple[str, float]]:
        """Each piece that a text can be cut into, with its log-probability."""
        inner, numbers = self._pieces, range(len(SPECIAL), self.num_pieces)
        return [(inner.id_to_piece(one), inner.get_score(one)) for one in numbers]

    @cached_property
    def _pieces(self) -> SentencePieceProcessor:
        pieces = SentencePieceProcessor()
        try:
            pieces.LoadFromSerializedProto(self.model)
        except RuntimeError as error:
            raise InputError(
                f"{self.source} is no sentencepiece model, or damaged"
            ) from error
        return pieces
