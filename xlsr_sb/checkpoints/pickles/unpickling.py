"""Pickles read by a machine of our own, on which nothing in them can run.

A pickle is a program for a small stack machine. Python's own one imports what the
program names and calls it; ours knows numbers, texts, containers and tensors, and makes
a ``Stub`` of everything else. The standard library's ``pickletools`` only cuts the
bytes into instructions.
"""

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

from xlsr_sb.checkpoints.pickles.machine import Builder, Machine, checked_key
from xlsr_sb.checkpoints.pickles.names import Stub, UnreadableError, checked_name

DAMAGE = (  # what wrong bytes, or instructions in a wrong order, end in
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    RecursionError,
)


def unpickle(
    file: BinaryIO,
    *,
    builders: dict[str, Builder] | None = None,
    load_persistent: Builder | None = None,
) -> Any:
    """Object of a pickle, of numbers, texts, containers, and stubs of the rest.

    Parameters
    ----------
    file : binary file
        Is left behind the pickle, where the next one may begin.
    builders : dict of str to callable, optional
        What is called instead of a function that the pickle names.
    load_persistent : callable, optional
        What is called with a reference to something outside the pickle.

    Raises
    ------
    UnreadableError
        If it is damaged, or asks for what no checkpoint needs.

    Example
    -------
    >>> import io, pickle
    >>> from pathlib import PurePosixPath
    >>> found = unpickle(io.BytesIO(pickle.dumps([1, {"a": PurePosixPath("b")}])))
    >>> found[0], str(found[1]["a"].kind).split(".")[-1], found[1]["a"].arguments
    (1, 'PurePosixPath', ('b',))
    """
    machine = Machine(builders or {}, load_persistent or _nothing_outside)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                return machine.stack.pop()
            if opcode.name not in INSTRUCTIONS:
                raise UnreadableError(f"its pickle uses {opcode.name}")
            INSTRUCTIONS[opcode.name](machine, argument)
    except DAMAGE as error:
        raise UnreadableError(f"its pickle is damaged ({error})") from error
    raise UnreadableError("its pickle has no end")


def _nothing_outside(_: object) -> Any:
    raise UnreadableError("its pickle refers to something outside of it")


Instruction = Callable[[Machine, Any], None]


def _new(kind: Callable[[], Any]) -> Instruction:
    return lambda machine, _: machine.stack.append(kind())


def _tuple(count: int) -> Instruction:
    return lambda machine, _: machine.stack.append(machine.take(count))


def _argument(machine: Machine, argument: object) -> None:
    machine.stack.append(argument)


def _nothing(machine: Machine, argument: object) -> None:
    """Version and sizes of frames: pickletools has used them already."""


def _remember(machine: Machine, index: int | None) -> None:
    place = len(machine.memory) if index is None else index
    machine.memory[place] = machine.stack[-1]


def _recall(machine: Machine, index: int) -> None:
    machine.stack.append(machine.memory[index])


def _drop(machine: Machine, _: None) -> None:
    machine.take(1) if machine.stack else machine.since_mark()


def _list_since_mark(machine: Machine, _: None) -> None:
    items = machine.since_mark()
    machine.stack.append(items)


def _tuple_since_mark(machine: Machine, _: None) -> None:
    items = machine.since_mark()
    machine.stack.append(tuple(items))


def _frozen_set_since_mark(machine: Machine, _: None) -> None:
    items = machine.since_mark()
    machine.stack.append(frozenset(map(checked_key, items)))


def _dictionary_since_mark(machine: Machine, _: None) -> None:
    pairs = machine.since_mark()
    machine.stack.append({})
    machine.set_items(pairs)


def _name(machine: Machine, both: str) -> None:
    machine.stack.append(checked_name(*both.split(" ", 1)))


def _name_from_stack(machine: Machine, _: None) -> None:
    machine.stack.append(checked_name(*machine.take(2)))


def _call(machine: Machine, _: None) -> None:
    machine.stack.append(machine.build(*machine.take(2)))


def _call_with_keywords(machine: Machine, _: None) -> None:
    kind, arguments, keywords = machine.take(3)
    machine.stack.append(Stub(kind, (*arguments, keywords)))


def _call_since_mark(machine: Machine, _: None) -> None:
    kind, *arguments = machine.since_mark()
    machine.stack.append(machine.build(kind, tuple(arguments)))


def _call_named_since_mark(machine: Machine, both: str) -> None:
    arguments = machine.since_mark()
    kind = checked_name(*both.split(" ", 1))
    machine.stack.append(machine.build(kind, tuple(arguments)))


def _outside(machine: Machine, reference: str | None) -> None:
    wanted = machine.take(1)[0] if reference is None else reference
    machine.stack.append(machine.load_persistent(wanted))


NUMBERS = "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT"
TEXTS = "STRING BINSTRING SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE"
BYTES = "BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
INSTRUCTIONS: dict[str, Instruction] = {
    **dict.fromkeys(f"{NUMBERS} {TEXTS} {BYTES}".split(), _argument),
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _recall),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _call),
    **dict.fromkeys(("PERSID", "BINPERSID"), _outside),
    "NONE": _new(lambda: None),
    "NEWTRUE": _new(lambda: True),
    "NEWFALSE": _new(lambda: False),
    "EMPTY_LIST": _new(list),
    "EMPTY_TUPLE": _new(tuple),
    "EMPTY_DICT": _new(dict),
    "EMPTY_SET": _new(set),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "MARK": lambda machine, _: machine.mark(),
    "POP": _drop,
    "POP_MARK": lambda machine, _: machine.since_mark() and None,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "LIST": _list_since_mark,
    "TUPLE": _tuple_since_mark,
    "DICT": _dictionary_since_mark,
    "FROZENSET": _frozen_set_since_mark,
    "APPEND": lambda machine, _: machine.add(machine.take(1)),
    "APPENDS": lambda machine, _: machine.add(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.add(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(list(machine.take(2))),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": _name,
    "STACK_GLOBAL": _name_from_stack,
    "NEWOBJ_EX": _call_with_keywords,
    "OBJ": _call_since_mark,
    "INST": _call_named_since_mark,
    "BUILD": lambda machine, _: machine.set_state(),
}
