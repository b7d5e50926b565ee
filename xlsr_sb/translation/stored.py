"""What the folder of a translator says beside its weights: targets, search, sizes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.heads.translator import TranslatorConfig

STORED = "translator.json"
WRONG = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class StoredTranslator:
    """Into which languages a translator writes, how, and perhaps its head's sizes.

    Parameters
    ----------
    targets : mapping of str to int
        Id that a translation into each language starts with.
    search : mapping
        Options of ``beam_search`` with which it was scored.
    head : TranslatorConfig, optional
        Of a run, whose checkpoints do not tell it.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> stored = StoredTranslator({"en": 7}, {"beam_size": 5})
    >>> stored.save(folder)
    >>> StoredTranslator.load(folder) == stored
    True
    """

    targets: Mapping[str, int]
    search: Mapping[str, object]
    head: TranslatorConfig | None = None

    def save(self, folder: str | Path) -> None:
        """Write the file into a folder, which is made if need be."""
        content = {"targets": dict(self.targets), "search": dict(self.search)}
        if self.head is not None:
            content["head"] = asdict(self.head)
        with open_atomic(Path(folder) / STORED) as file:
            json.dump(content, file, indent=2, ensure_ascii=False)

    @classmethod
    def load(cls, folder: str | Path) -> "StoredTranslator":
        """Read the file of a folder.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        path = Path(folder) / STORED
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            head = content.get("head")
            return cls(
                {str(name): int(code) for name, code in content["targets"].items()},
                dict(content["search"]),
                None if head is None else TranslatorConfig(**head),
            )
        except WRONG as error:
            raise InputError(f"{path} cannot be used: {error}") from error
