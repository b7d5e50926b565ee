"""Vocabularies of transformers' CTC models, as its tokenizers use them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.checkpoints.weights import read_json
from xlsr_sb.errors import InputError

VOCABULARY, CONFIG = "vocab.json", "tokenizer_config.json"
SPECIAL, ADDED = "special_tokens_map.json", "added_tokens.json"  # of older versions
LETTERS, PHONES = "Wav2Vec2CTCTokenizer", "Wav2Vec2PhonemeCTCTokenizer"
DEFAULTS = {  # what these tokenizers use where a folder says nothing
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
}
Settings = Mapping[str, object]


def read_vocabulary(folder: Path, num_rows: int) -> PeerVocabulary | None:
    """Vocabulary of a folder; None if it has none.

    Parameters
    ----------
    folder : Path
        With ``vocab.json``, and the tokenizer's configuration if there is one.
    num_rows : int
        Rows of the CTC head; ids without a token are unknown, as in transformers.

    Raises
    ------
    InputError
        If a file is damaged, there is no blank, or the tokenizer is of another kind.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "vocab.json").write_text('{"<pad>": 0, "|": 1, "a": 2}')
    >>> read_vocabulary(folder, 4).tokens
    ('<pad>', '|', 'a', '<s>')
    """
    if not (folder / VOCABULARY).exists():
        return None
    settings = _settings(folder)
    kind = str(settings.get("tokenizer_class", LETTERS)).removesuffix("Fast")
    if kind not in (LETTERS, PHONES):
        raise InputError(
            f"{folder / CONFIG}: tokenizer_class is {kind!r}; {LETTERS} and {PHONES} "
            "are known"
        )
    ids = _ids(folder, settings)
    blank = ids.get(_text(settings["pad_token"]))
    if blank is None or blank >= num_rows:
        raise InputError(
            f"{folder / VOCABULARY} has no {settings['pad_token']!r} among the "
            f"{num_rows} rows of the CTC head; it is the blank"
        )
    unknown = _text(settings["unk_token"])
    tokens = {index: token for token, index in ids.items()}
    vocabulary = PeerVocabulary(
        tuple(tokens.get(index, unknown) for index in range(num_rows)), blank
    )
    return (
        _with_phones(vocabulary, settings)
        if kind == PHONES
        else replace(
            vocabulary,
            space=_text(settings.get("word_delimiter_token", "|")),
            shown_space=_text(settings.get("replace_word_delimiter_char")) or " ",
            lower_case=bool(settings.get("do_lower_case")),
            tidy=bool(settings.get("clean_up_tokenization_spaces")),
        )
    )


def _with_phones(vocabulary: PeerVocabulary, settings: Settings) -> PeerVocabulary:
    """Vocabulary of phones: spaces between tokens, none for the ends of words."""
    word_end = _text(settings.get("word_delimiter_token"))
    ends = [i for i, token in enumerate(vocabulary.tokens) if token == word_end]
    return replace(vocabulary, space=None, separator=" ", silent=frozenset(ends))


def _settings(folder: Path) -> dict[str, object]:
    """What the files of a tokenizer say, the defaults where they say nothing."""
    config = read_json(folder / CONFIG) if (folder / CONFIG).exists() else {}
    special = {}
    if "added_tokens_decoder" not in config and (folder / SPECIAL).exists():
        special = read_json(folder / SPECIAL)
    return {**DEFAULTS, **config, **special}


def _ids(folder: Path, settings: Settings) -> dict[str, int]:
    """Id of each token: of the vocabulary, then of tokens that were added to it."""
    ids = read_json(folder / VOCABULARY)
    if (language := settings.get("target_lang")) in ids and isinstance(language, str):
        ids = ids[language]
    is_whole = isinstance(ids, dict) and all(type(id_) is int for id_ in ids.values())
    if not is_whole or not ids:
        raise InputError(f"{folder / VOCABULARY} is no dictionary of tokens and ids")
    taken = set(ids.values())
    for token, id_ in _added(folder, settings).items():
        if id_ not in taken:
            ids.setdefault(token, id_)
    for name in DEFAULTS:
        if token := _text(settings[name]):
            ids.setdefault(token, max(len(ids), max(ids.values()) + 1))
    return ids


def _added(folder: Path, settings: Settings) -> dict[str, int]:
    """Tokens beside those of the vocabulary, with their ids."""
    decoder = settings.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        return {_text(token): int(id_) for id_, token in decoder.items()}
    return read_json(folder / ADDED) if (folder / ADDED).exists() else {}


def _text(token: object) -> str | None:
    """Text of a token, which files give as it is or in a dictionary."""
    return token.get("content") if isinstance(token, dict) else token


def tokenizer_files(vocabulary: PeerVocabulary) -> dict[str, dict]:
    """JSON files of a tokenizer that decodes like a vocabulary.

    Parameters
    ----------
    vocabulary : PeerVocabulary

    Returns
    -------
    dict of str to dict
        Content by name of the file.

    Example
    -------
    >>> files = tokenizer_files(PeerVocabulary(("<blank>", " ", "a"), 0, space=" "))
    >>> files["vocab.json"], files["tokenizer_config.json"]["pad_token"]
    ({'<blank>': 0, '|': 1, 'a': 2}, '<blank>')
    """
    tokens, space = list(vocabulary.tokens), vocabulary.space
    if tokens[vocabulary.blank] == "<s>" and "<pad>" in tokens:
        # fairseq's blank; transformers' own converter changes both names as well.
        swapped = {"<s>": "<pad>", "<pad>": "<s>"}
        tokens = [swapped.get(token, token) for token in tokens]
    if space == " ":  # which their tokenizer would strip
        space = "|" if "|" not in tokens else "<space>"
        tokens = [space if token == " " else token for token in tokens]
    ids: dict[str, int] = {}
    for id_, token in enumerate(tokens):
        ids.setdefault(token, id_)
    config = {
        "tokenizer_class": PHONES if vocabulary.separator else LETTERS,
        "processor_class": "Wav2Vec2Processor",
        "pad_token": tokens[vocabulary.blank],
        "unk_token": "[UNK]" if "[UNK]" in ids else "<unk>",
        "bos_token": "<s>" if "<s>" in ids else None,
        "eos_token": "</s>" if "</s>" in ids else None,
        "word_delimiter_token": space,
        "replace_word_delimiter_char": vocabulary.shown_space,
        "do_lower_case": vocabulary.lower_case,
        "clean_up_tokenization_spaces": vocabulary.tidy,
    }
    return {VOCABULARY: ids, CONFIG: config}
