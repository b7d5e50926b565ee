"""The classes of a run and its head's choices: what its weights do not tell."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from xlsr_sb.data.class_columns import KINDS, LANGUAGE, SPEAKER
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.heads.classifier_config import ClassifierConfig
from xlsr_sb.heads.embedder import EmbeddingHead, build_head

__all__ = ["CLASSES", "LANGUAGE", "SPEAKER", "ClassFile"]
CLASSES = "classes.json"


@dataclass(frozen=True)
class ClassFile:
    """Names of the classes in the order of the logits, and how the head is made.

    Parameters
    ----------
    kind : str
        What the classes are: ``language`` or ``speaker``.
    names : tuple of str
        Each once.
    head : ClassifierConfig

    Raises
    ------
    InputError
        If the kind is another, or there are no classes, or one comes twice.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> ClassFile("language", ("fr", "it"), ClassifierConfig()).save(folder)
    >>> ClassFile.load(folder).names
    ('fr', 'it')
    """

    kind: str
    names: tuple[str, ...]
    head: ClassifierConfig

    def __post_init__(self) -> None:
        """Refuse what cannot be a list of classes."""
        if self.kind not in KINDS:
            raise InputError(
                f"classes are of {self.kind!r}; they must be of one of "
                f"{', '.join(KINDS)}"
            )
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError(
                f"the {len(self.names)} classes have {len(set(self.names))} names; "
                "there must be at least one class, and each must have its own"
            )

    def save(self, folder: Path) -> None:
        """Write the file into the folder of a run."""
        with open_atomic(folder / CLASSES) as file:
            content = {"kind": self.kind, "names": self.names, "head": self.head}
            json.dump(content, file, indent=2, ensure_ascii=False, default=asdict)

    @classmethod
    def load(cls, folder: Path) -> "ClassFile":
        """Read the file from the folder of a run.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        path = folder / CLASSES
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            head = ClassifierConfig.of(**content["head"])
            return cls(content["kind"], tuple(content["names"]), head)
        except (OSError, ValueError, TypeError, KeyError, InputError) as error:
            raise InputError(f"{path} cannot be used: {error}") from error

    def build_head(self, encoder_dim: int, num_layers: int) -> EmbeddingHead:
        """Head with random weights on an encoder of that width and depth.

        Example
        -------
        >>> ClassFile("speaker", ("a", "b"), ClassifierConfig()).build_head(8, 1).config
        ClassifierConfig(pooling='mean', ...)
        """
        options = asdict(self.head)
        return build_head(encoder_dim, num_layers, len(self.names), **options)
