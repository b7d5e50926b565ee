r"""Words and names as they can stand in files for ``sclite``.

``sclite`` takes some characters for its own: ``{ a / b }`` are alternatives, ``@`` is
no word at all, what stands behind a ``;`` or as a final ``*`` is not compared, a ``\``
is left out, ``<`` opens a list of labels, and words of a thousand bytes hang it. Such
characters are written as ``%`` and two hexadecimal digits, and very long words as their
beginning and a checksum: equal words stay equal, different ones different.
"""

import hashlib
import re

_MISREAD = re.compile(
    r"[\x00-\x20\x7f%()*;<>@\\{}]"
    r"|^[Ii](?=(?i:GNORE_TIME_SEGMENT_IN_SCORING)$)"  # alone: its segment is not scored
)
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
MAX_BYTES = 500  # of a word


def escape(word: str) -> str:
    r"""Word or name as it can stand in a file for ``sclite``.

    Example
    -------
    >>> escape("l'été"), escape("a;b"), escape("@"), escape("100%")
    ("l'été", 'a%3Bb', '%40', '100%25')
    """
    safe = _MISREAD.sub(lambda found: f"%{ord(found[0]):02X}", word)
    if len(safe.encode("utf-8")) <= MAX_BYTES:
        return safe
    digest = hashlib.sha256(word.encode("utf-8")).hexdigest()
    return f"{safe[:80]}%{digest}"


def unescape(word: str) -> str:
    """Word that ``escape`` was given, unless it was a very long one.

    Example
    -------
    >>> unescape("a%3Bb")
    'a;b'
    """
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), word)
