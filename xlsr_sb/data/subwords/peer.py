"""Files with which transformers reads a tokeniser of subwords."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xlsr_sb.data.subwords.codes import MBART_CODES, language_tokens
from xlsr_sb.data.subwords.wire import wire_field
from xlsr_sb.errors import InputError

CONFIG, WHOLE = "tokenizer_config.json", "tokenizer.json"
LANGUAGES = "language_codes"  # ours; a folder without it has mBART-50's
MBART, OTHER = "MBart50Tokenizer", "PreTrainedTokenizerFast"
SPECIAL = ("<unk>", "<s>", "</s>")  # sentencepiece's first pieces
CHARACTERS = 3, 2  # number of the field with the table of characters
ROLES = {
    **{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    **{"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"},
    "mask_token": "<mask>",
}
_SPACES = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}


def stored_languages(path: Path) -> tuple[str, ...]:
    """Languages that the configuration of a tokeniser names, or mBART-50's.

    Parameters
    ----------
    path : Path
        ``tokenizer_config.json``, which may be absent.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        If it is damaged, or of another tokeniser.

    Example
    -------
    >>> path = getfixture("tmp_path") / "tokenizer_config.json"
    >>> _ = path.write_text('{"tokenizer_class": "MBartTokenizer"}')
    >>> stored_languages(path)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ...: tokenizer_class is 'MBartTokenizer'; ...
    """
    if not path.exists():
        return MBART_CODES
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        kind = config.get("tokenizer_class", MBART)
        languages = config.get(LANGUAGES)
        if languages is not None:
            return language_tokens(languages)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    if str(kind).removesuffix("Fast") != MBART:
        raise InputError(
            f"{path}: tokenizer_class is {kind!r}; only {MBART} numbers its pieces and "
            "languages as ours"
        )
    return MBART_CODES


def peer_files(
    model: bytes, pieces: Sequence[tuple[str, float]], languages: Sequence[str]
) -> Iterator[tuple[str, Mapping]]:
    """Names of JSON files, and what stands in them.

    Parameters
    ----------
    model : bytes
        Of sentencepiece.
    pieces : sequence of (str, float)
        Each piece behind the special ones, with its log-probability.
    languages : sequence of str

    Example
    -------
    >>> [name for name, _ in peer_files(b"", [("a", -1.0)], ["en_XX"])]
    ['tokenizer_config.json', 'tokenizer.json']
    """
    is_mbart = tuple(languages) == MBART_CODES
    config = {
        **ROLES,
        "tokenizer_class": MBART if is_mbart else OTHER,
        "additional_special_tokens": list(languages),
        LANGUAGES: list(languages),
    }
    yield CONFIG, {**config, "src_lang": "en_XX"} if is_mbart else config
    first = ((token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>"))
    last = ((token, 0.0) for token in (*languages, "<mask>"))
    yield WHOLE, _whole(model, [*first, *pieces, *last], languages)


def _whole(
    model: bytes, vocabulary: Sequence[tuple[str, float]], languages: Sequence[str]
) -> dict[str, object]:
    """The tokeniser in the format of Hugging Face's library in Rust."""
    special = {*ROLES.values(), *languages}
    end = {"id": "</s>", "type_id": 0}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added(number, token)
            for number, (token, _) in enumerate(vocabulary)
            if token in special
        ],
        "normalizer": {"type": "Sequence", "normalizers": _normalisers(model)},
        "pre_tokenizer": {**_SPACES, "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_sequence("A"), {"SpecialToken": end}],
            "pair": [_sequence("A"), _sequence("B"), {"SpecialToken": end}],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}},
        },
        "decoder": {**_SPACES, "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": 3,
            "vocab": [list(row) for row in vocabulary],
            "byte_fallback": False,
        },
    }


def _normalisers(model: bytes) -> list[dict[str, object]]:
    """What happens to a text before it is cut: characters first, then spaces."""
    replaced = [(r"^ +| +$", ""), (r" {2,}", " ")]
    table = wire_field(model, *CHARACTERS, default=b"")
    content = base64.b64encode(table).decode()
    return [
        *([{"type": "Precompiled", "precompiled_charsmap": content}] if table else []),
        *(
            {"type": "Replace", "pattern": {"Regex": pattern}, "content": text}
            for pattern, text in replaced
        ),
    ]


def _added(number: int, token: str) -> dict[str, object]:
    """Token that is never cut."""
    sides = {"single_word": False, "lstrip": token == "<mask>", "rstrip": False}
    return {
        **{"id": number, "content": token, "normalized": False, "special": True},
        **sides,
    }


def _sequence(name: str) -> dict[str, object]:
    """Place of a text in the template."""
    return {"Sequence": {"id": name, "type_id": 0}}
