"""A folder of answers that is filled bit by bit and never mixes two kinds."""

from io import StringIO
from pathlib import Path

from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.identification.answer import COLUMNS, Answer
from xlsr_sb.transcription import TranscriptFolder
from xlsr_sb.transcription.formats import json_text, plain_text


def table_text(answer: Answer) -> str:
    """Answer as a table.

    Example
    -------
    >>> from xlsr_sb.identification import Guess
    >>> answer = Answer("a", "a.wav", 1.5, None, (Guess("fr", 0.6),), ())
    >>> print(table_text(answer).rstrip())
    path,part,start,end,label,probability
    a.wav,whole,0.0,1.5,fr,0.6
    """
    file = StringIO()
    csv_writer(file).writerows([COLUMNS, *answer.rows(answer.audio)])
    return file.getvalue()


FORMATS = {"txt": plain_text, "json": json_text, "csv": table_text}


class AnswerFolder(TranscriptFolder):
    """Files of answers, each whole or not there at all.

    Parameters
    ----------
    folder : Path
    kinds : sequence of str
        Of ``FORMATS``.

    Example
    -------
    >>> from xlsr_sb.identification import Guess
    >>> folder = AnswerFolder(getfixture("tmp_path"), ["txt", "csv"])
    >>> folder.write(Answer("x/a", "x/a.wav", 1.0, None, (Guess("fr", 0.6),), ()))
    >>> sorted(path.name for path in (folder.folder / "x").iterdir())
    ['a.csv', 'a.txt']
    """

    def write(self, answer: Answer) -> None:
        """Write an answer in all formats; an InputError if the disk refuses."""
        for kind in self.kinds:
            with open_atomic(self._path(answer.name, kind)) as file:
                file.write(FORMATS[kind](answer))

    def _path(self, name: str, kind: str) -> Path:
        """File of a recording."""
        return self.folder / f"{name}.{kind}"
