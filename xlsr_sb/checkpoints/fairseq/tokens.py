"""Dictionaries of fairseq's fine-tuned models: found, read and written."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.checkpoints.pickles.names import Stub
from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # ids 0 to 3; the first is CTC's blank
SPACE = "|"
NEVER = -1e4  # bias of a row that must not win


def read_symbols(
    content: Mapping[str, object], config: Mapping[str, object], path: Path
) -> list[str] | None:
    r"""Symbols of a fine-tuned model: from its file, from beside it, or from its data.

    Parameters
    ----------
    content : mapping
        Of the file.
    config : mapping
        Of the model, with the section ``task``.
    path : Path
        The file; ``dict.ltr.txt`` may stand beside it, as ``task.labels`` names it.

    Returns
    -------
    list of str or None
        None if there are none anywhere. Those of a file in text lack the special ones.

    Raises
    ------
    InputError
        If a dictionary cannot be read.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "dict.ltr.txt").write_text("| 90\ne 40\n")
    >>> read_symbols({}, {"task": {"labels": "ltr"}}, folder / "a.pt")
    ['|', 'e']
    """
    stored = content.get("task_state")
    dictionary = stored.get("target_dictionary") if isinstance(stored, dict) else None
    if type(dictionary) is Stub and isinstance(dictionary.state, dict):
        symbols = dictionary.state.get("symbols")
        if isinstance(symbols, list) and all(type(one) is str for one in symbols):
            return symbols
    labels = config["task"].get("labels")
    if not isinstance(labels, str) or not re.fullmatch(r"\w+", labels):
        labels = "ltr"
    folders = [path.parent]
    if isinstance(data := config["task"].get("data"), str):
        folders.append(Path(data))
    for folder in folders:
        if (folder / f"dict.{labels}.txt").is_file():
            return _read_dictionary(folder / f"dict.{labels}.txt")
    return None


def _read_dictionary(path: Path) -> list[str]:
    """Symbols of a text file, each with its count behind it."""
    symbols = []
    for number, line in enumerate(read_lines(path), start=1):
        line = line.rstrip("\r\n").removesuffix(" #fairseq:overwrite")
        if not line:
            continue
        symbol, _, count = line.rpartition(" ")
        if not symbol or not count.lstrip("-").isdecimal():
            raise InputError(
                f"{path}, line {number}: {line!r} is no symbol with its count behind it"
            )
        symbols.append(symbol)
    return symbols


def ctc_vocabulary(
    symbols: list[str] | None, num_rows: int, *, source: str
) -> PeerVocabulary | None:
    """Vocabulary of a CTC head with so many rows.

    Parameters
    ----------
    symbols : list of str, optional
        With or without the four special ones in front.
    num_rows : int
    source : str
        For messages.

    Raises
    ------
    InputError
        If there are not as many symbols as rows.

    Example
    -------
    >>> ctc_vocabulary(["|", "e"], 6, source="a.pt").decode([5, 4, 2, 5])
    'e e'
    """
    if symbols is None:
        return None
    if tuple(symbols[: len(SPECIAL)]) != SPECIAL:
        symbols = [*SPECIAL, *symbols]
    if len(symbols) != num_rows:
        raise InputError(
            f"{source}: the dictionary has {len(symbols)} symbols, the special ones "
            f"included, and the CTC head {num_rows} rows; they must be equally many"
        )
    has_spaces = SPACE in symbols  # else they are phones, written apart
    return PeerVocabulary(
        tuple(symbols),
        blank=0,
        space=SPACE if has_spaces else None,
        silent=frozenset({2}),  # the end of a sentence
        separator="" if has_spaces else " ",
    )


def as_dictionary(
    vocabulary: PeerVocabulary, head: Mapping[str, Tensor]
) -> tuple[PeerVocabulary, dict[str, Tensor]]:
    """Vocabulary and CTC head with fairseq's four special tokens in front.

    What is the blank comes first; specials that there are none of get a row that never
    wins. The other rows keep their order, so a model that came from fairseq stays as it
    is.

    Parameters
    ----------
    vocabulary : PeerVocabulary
    head : mapping of str to Tensor
        ``projection.weight`` [V, D] and ``projection.bias`` [V].

    Raises
    ------
    InputError
        If a token cannot stand in fairseq's dictionary.

    Example
    -------
    >>> vocabulary = PeerVocabulary(("a", "<blank>", " "), blank=1, space=" ")
    >>> head = {"projection.weight": torch.eye(3), "projection.bias": torch.ones(3)}
    >>> vocabulary, head = as_dictionary(vocabulary, head)
    >>> vocabulary.tokens, head["projection.bias"].tolist()
    (('<s>', '<pad>', '</s>', '<unk>', 'a', '|'), [1.0, -10000.0, -10000.0, -10000.0, \
1.0, 1.0])
    """
    tokens = vocabulary.tokens
    special = {0: vocabulary.blank}
    wanted = {1: ("<s>", "<pad>"), 2: ("</s>",), 3: ("<unk>", "[UNK]")}
    for place, names in wanted.items():
        found = [i for i, token in enumerate(tokens) if token in names]
        if found := [i for i in found if i != vocabulary.blank]:
            special[place] = found[0]
    others = [i for i in range(len(tokens)) if i not in special.values()]
    symbols = [SPACE if tokens[i] == vocabulary.space else tokens[i] for i in others]
    _check_symbols(symbols)
    rows = [special.get(place) for place in range(len(SPECIAL))] + others
    weight, bias = head["projection.weight"], head["projection.bias"]
    empty, never = torch.zeros_like(weight[0]), torch.full_like(bias[0], NEVER)
    return (
        replace(
            vocabulary,
            tokens=(*SPECIAL, *symbols),
            blank=0,
            space=SPACE if vocabulary.space else None,
            silent=frozenset({2}),
        ),
        {
            "projection.weight": torch.stack(
                [empty if row is None else weight[row] for row in rows]
            ),
            "projection.bias": torch.stack(
                [never if row is None else bias[row] for row in rows]
            ),
        },
    )


def _check_symbols(symbols: list[str]) -> None:
    """Raise unless a dictionary of fairseq can hold the symbols."""
    counts = Counter((*SPECIAL, *symbols))
    for symbol in symbols:
        if not symbol or symbol.split() != [symbol] or counts[symbol] > 1:
            raise InputError(
                f"the token {symbol!r} cannot stand in a dictionary of fairseq: it "
                "must have no space and come once"
            )


def dictionary_text(vocabulary: PeerVocabulary) -> str:
    r"""Content of ``dict.ltr.txt``.

    Example
    -------
    >>> dictionary_text(PeerVocabulary((*SPECIAL, "|", "e"), blank=0))
    '| 1\ne 1\n'
    """
    return "".join(f"{symbol} 1\n" for symbol in vocabulary.tokens[len(SPECIAL) :])
