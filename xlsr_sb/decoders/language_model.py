"""Files of n-gram language models as they are published: looked at before use."""

import gzip
import mmap
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.errors import InputError

MAX_ORDER = 6  # that the wheels' KenLM was compiled for
BINARY = b"mmap lm http://kheafield.com/code"
GZIP = b"\x1f\x8b"
PACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}
BINARY_KIND = "binary"
NO_WORDS = frozenset(("<s>", "</s>", "<unk>", "<UNK>"))
MAX_COMMENTS = 100  # lines before the beginning
TAIL = 4096  # bytes in which the mark of a file's end must stand


@dataclass(frozen=True)
class LanguageModelFile:
    """What the head of a language model says.

    Parameters
    ----------
    path : Path
    kind : str
        ``arpa`` or ``binary``.
    counts : tuple of int
        N-grams of each order; of a binary file unknown, so empty.
    """

    path: Path
    kind: str
    counts: tuple[int, ...] = ()

    def words(self) -> Iterator[str]:
        """Words that the model knows, without marks such as ``<s>``.

        Raises
        ------
        InputError
            If there are fewer than the head says, a line is none of a word, or a
            binary file was built without its words.
        """
        if self.kind == BINARY_KIND:
            yield from self._binary_words()
            return
        left = self.counts[0]
        with _lines(self.path) as lines:
            for line in lines:
                if line.strip() == r"\1-grams:":
                    break
            for line in lines:
                if left == 0:
                    return
                yield from self._word(line)
                left -= 1
        if left:
            raise _bad(self.path, f"it ends {left} words before the number in its head")

    def _binary_words(self) -> Iterator[str]:
        """Words at the end of a binary file; the first one is ``<unk>``."""
        first = b"<unk>\0"
        with self.path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            with data:
                start = data.rfind(first)
                words = data[start:].split(b"\0")[:-1] if start >= 0 else []
        if not words:
            raise InputError(
                f"{self.path} was built without its words; give a lexicon as well, or "
                "the ARPA file that it was built from"
            )
        yield from (one.decode() for one in words if one.decode() not in NO_WORDS)

    def _word(self, line: str) -> Iterator[str]:
        """Word of a line, unless it is a mark."""
        cells = line.split()
        if len(cells) not in (2, 3):
            raise _bad(self.path, f"{line.strip()!r} stands where a word should")
        if cells[1] not in NO_WORDS:
            yield cells[1]


def check_language_model(path: str | Path) -> LanguageModelFile:
    r"""Look at the head and the end of a language model.

    Parameters
    ----------
    path : str or Path
        ARPA file, plain or gzipped, or KenLM's binary.

    Returns
    -------
    LanguageModelFile

    Raises
    ------
    InputError
        If it is empty, cut, packed otherwise, of too high an order, or something else.

    Example
    -------
    >>> path = getfixture("tmp_path") / "lm.arpa"
    >>> text = "\\data\\\nngram 1=1\n\n\\1-grams:\n-0.3 oui\n\n\\end\\\n"
    >>> _ = path.write_text(text)
    >>> check_language_model(path).counts, list(check_language_model(path).words())
    ((1,), ['oui'])
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(512)
            file.seek(max(0, path.stat().st_size - TAIL))
            tail = file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        raise _bad(path, "it is empty")
    if packing := [name for mark, name in PACKED.items() if head.startswith(mark)]:
        raise InputError(f"{path} is packed with {packing[0]}; unpack it, or use gzip")
    if head.startswith(BINARY):
        return LanguageModelFile(path, BINARY_KIND)
    counts = _counts(path)
    if not head.startswith(GZIP) and rb"\end" not in tail:
        raise _bad(path, r"it is cut: \end\ is missing at its end")
    return LanguageModelFile(path, "arpa", counts)


def _counts(path: Path) -> tuple[int, ...]:
    """Numbers in the head of an ARPA file."""
    counts: list[int] = []
    with _lines(path) as lines:
        _begin(path, lines)
        for line in lines:
            if not line.startswith("ngram"):
                break
            order, _, count = line.removeprefix("ngram").partition("=")
            if not count.strip().isdecimal() or order.strip() != str(len(counts) + 1):
                raise _bad(path, f"{line.strip()!r} stands in its head")
            counts.append(int(count))
    if not counts:
        raise _bad(path, "its head names no n-grams")
    if len(counts) > MAX_ORDER:
        raise InputError(
            f"{path} is of order {len(counts)}; orders up to {MAX_ORDER} can be read: "
            f"take a smaller one, or build one with --order {MAX_ORDER}"
        )
    return tuple(counts)


def _begin(path: Path, lines: Iterator[str]) -> None:
    """Go to the line that begins an ARPA file; what stands before it is a comment."""
    for number, line in enumerate(lines):
        if line.strip() == r"\data" + "\\":
            return
        if "\0" in line:
            raise _bad(
                path, "it is an archive; unpack it and give one of the files in it"
            )
        if number > MAX_COMMENTS:
            break
    raise _bad(path, "it does not start with \\data\\, as ARPA files do")


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """Lines of a file, gzipped or not."""
    with path.open("rb") as file:
        opened = gzip.open if file.read(len(GZIP)) == GZIP else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise _bad(path, f"it is not UTF-8 text ({error.reason})") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _bad(path, f"it is damaged or cut ({error})") from error


def _bad(path: Path, reason: str) -> InputError:
    """Error of a file that is no language model."""
    return InputError(
        f"{path} is no language model that can be used: {reason}. It must be an ARPA "
        "file, plain or gzipped, or KenLM's binary"
    )
