"""The stack machine that pickles run on; it calls nothing that they name."""

from collections.abc import Callable, Iterable
from typing import Any

from xlsr_sb.checkpoints.pickles.names import CONTAINERS, Name, Stub, UnreadableError

SCALARS = (str, int, float, bool, bytes, type(None))
Builder = Callable[..., Any]


class Machine:
    """Stack, marked stacks below it, and memory of a running pickle.

    Parameters
    ----------
    builders : dict of str to callable
        What is called instead of a function or class that the pickle names; a ``Stub``
        stands for the result of any other call.
    load_persistent : callable
        What is called with a reference to something outside the pickle.

    Example
    -------
    >>> machine = Machine({"builtins.len": len}, print)
    >>> machine.build(Name("builtins", "len"), ([1, 2],))
    2
    >>> machine.build(Name("builtins", "max"), ([1, 2],)).arguments
    ([1, 2],)
    """

    def __init__(self, builders: dict[str, Builder], load_persistent: Builder):
        self.builders = STANDARD_BUILDERS | builders
        self.load_persistent = load_persistent
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memory: dict[int, Any] = {}

    def mark(self) -> None:
        """Begin a new stack on top."""
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        """Everything of the top stack, which is left."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def take(self, count: int) -> tuple[Any, ...]:
        """So many values off the top, the deepest first."""
        first = len(self.stack) - count
        if first < 0:
            raise UnreadableError("its pickle takes more than it gave")
        taken = tuple(self.stack[first:])
        del self.stack[first:]
        return taken

    def build(self, function: object, arguments: object) -> Any:
        """What stands for the result of a call."""
        if type(function) is not Name or type(arguments) is not tuple:
            raise UnreadableError("its pickle calls what is no function")
        builder = self.builders.get(str(function))
        return builder(*arguments) if builder else Stub(function, arguments)

    def set_items(self, pairs: list[Any]) -> None:
        """Put keys and values, in turns, into the dictionary on top."""
        keys = map(checked_key, pairs[::2])
        added = dict(zip(keys, pairs[1::2], strict=True))
        target = self.stack[-1]
        if type(target) is Stub:
            target.items = {**(target.items or {}), **added}
        elif type(target) is dict:
            target.update(added)
        else:
            raise UnreadableError("its pickle puts keys into what is no dictionary")

    def add(self, items: Iterable[Any]) -> None:
        """Put items into the list or set on top."""
        target = self.stack[-1]
        if type(target) is Stub:
            target.items = [*(target.items or []), *items]
        elif type(target) is list:
            target.extend(items)
        elif type(target) is set:
            target.update(map(checked_key, items))
        else:
            raise UnreadableError("its pickle puts items into what is no list")

    def set_state(self) -> None:
        """Keep the state of a stub; other states are hooks and notes of PyTorch."""
        (state,) = self.take(1)
        target = self.stack[-1]
        if type(target) is Stub:
            target.state = state
        elif type(target) is Name:
            raise UnreadableError(f"its pickle would change {target}")


def checked_key(key: object) -> Any:
    """Key of a dictionary or item of a set, if hashing it is safe.

    Example
    -------
    >>> checked_key(("a", 1))
    ('a', 1)
    >>> checked_key(((((),),),))
    Traceback (most recent call last):
    ...
    xlsr_sb.checkpoints.pickles.names.UnreadableError: its pickle has a tuple for a key
    """
    # Hashing tuples thousands deep would end the process.
    parts = key if type(key) is tuple else (key,)
    if not all(type(part) in (*SCALARS, Name, Stub) for part in parts):
        raise UnreadableError(f"its pickle has a {type(key).__name__} for a key")
    return key


def _dictionary(items: Iterable = ()) -> dict:
    """Dictionary, ordered or not, of pairs or of another one."""
    pairs = items.items() if type(items) is dict else items
    return {checked_key(key): value for key, value in pairs}


def _container(kind: type) -> Builder:
    """Builder of a container from the items of another."""

    def build(items: Iterable = ()) -> Any:
        is_set = kind in (set, frozenset)
        return kind(map(checked_key, items) if is_set else items)

    return build


def _encoded(text: str, encoding: str = "utf-8") -> bytes:
    """Bytes, as protocols up to 2 have them."""
    if encoding not in ("latin1", "utf-8"):
        raise UnreadableError("its pickle has bytes in an unknown code")
    return text.encode(encoding)


def _bytes(content: bytes = b"") -> bytes:
    """Bytes of bytes; a number would reserve as much memory as it says."""
    if type(content) is not bytes:
        raise UnreadableError("its pickle makes bytes of what is none")
    return content


STANDARD_BUILDERS: dict[str, Builder] = {
    "_codecs.encode": _encoded,
    "builtins.bytes": _bytes,
    "builtins.dict": _dictionary,
    "collections.OrderedDict": _dictionary,
    **{f"builtins.{name}": _container(kind) for name, kind in CONTAINERS.items()},
}
