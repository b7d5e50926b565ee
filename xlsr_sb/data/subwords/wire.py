"""Fields of a file in protocol buffers' format, as sentencepiece writes its models.

sentencepiece tells everything of a model but its kind and its table of characters.
"""

from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
_WIDTHS = {EIGHT_BYTES: 8, FOUR_BYTES: 4}


def wire_field(message: bytes, *path: int, default: int | bytes) -> int | bytes:
    """Value of a field of a message, or of a message in it.

    Parameters
    ----------
    message : bytes
    *path : int
        Number of the field, after those of the messages that it stands in.
    default : int or bytes
        Where there is none.

    Returns
    -------
    int or bytes
        The last one, where there are several.

    Raises
    ------
    ValueError
        If this is no such message.

    Example
    -------
    >>> message = bytes([0x12, 3, 0x18, 0x96, 0x01])
    >>> wire_field(message, 2, 3, default=0), wire_field(message, 2, 4, default=b"")
    (150, b'')
    """
    found: int | bytes = message
    for number in path:
        values = [value for one, value in _fields(found) if one == number]
        if not values:
            return default
        found = values[-1]
    return found


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if kind == BYTES:
            width, place = _varint(message, place)
        elif kind in _WIDTHS:
            width = _WIDTHS[kind]
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if place + width > len(message):
            raise ValueError("a field that ends behind its message")
        yield tag >> 3, message[place : place + width]
        place += width


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Number of 7 bits a byte at a place, and the place behind it."""
    if place < len(message) and message[place] < 0x80:  # of one byte, as almost all
        return message[place], place + 1
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("a number that ends behind its message")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than 64 bits")
