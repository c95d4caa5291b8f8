"""The exception that commands turn into one line, and bounded reading of what users hand in.

Whoever gets content from here can rely on it: it is bounded in size and depth, its texts can be
printed, its numbers are finite, and every key that the project reads is there with a value of the
right kind. More keys than those are left as they are.
"""

import io
import json
import math
import os
import re
import reprlib
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "AMOUNT",
    "CHECKPOINT",
    "RECIPE",
    "RECORD",
    "VERSIONS",
    "BadInput",
    "Schema",
    "array_in",
    "arrays_in",
    "as_int",
    "check",
    "compare",
    "in_short",
    "lack_of_memory",
    "list_of",
    "object_of",
    "one_line",
    "or_null",
    "parse",
    "parse_text",
    "read",
    "read_bytes",
]


LONGEST_WORD, LONGEST_LINE = 300, 700


class BadInput(Exception):  # noqa: N818
    """Input that cannot be used; the message is one line: what was wrong, what would be right.

    Args:
        message: if one argument is at fault, from its value on: ``gpu: must be auto, cpu ...``.
        argument: that argument's name, which the message of the exception begins with. A command
            says the flag instead, which is called the same.
    """

    def __init__(self, message: str, argument: str | None = None):
        super().__init__(message, argument)  # both, so that it can be sent to another process
        self.message = message
        self.argument = argument

    def __str__(self) -> str:
        return f"{self.argument} {self.message}" if self.argument else self.message

    @property
    def line(self) -> str:
        """The one line for a command to print, with the flag if an argument is at fault."""
        flag = f"--{self.argument.replace('_', '-')} " if self.argument else ""
        return one_line(f"{flag}{self.message}")


def one_line(text: str) -> str:
    """A text as one line that any terminal can print: a value in it may be whatever was typed.

    What is too long loses its middle, since the value stands first and what would be right last;
    what cannot be printed is written as Python escapes it.
    """
    words = " ".join(_shortened(word, LONGEST_WORD) for word in text.split())
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    return _shortened(escaped, LONGEST_LINE)


def lack_of_memory(error: BaseException) -> str | None:
    """Line for an error of too little memory; None if it is another.

    numpy raises a MemoryError, torch a RuntimeError and the loader of libraries an ImportError.
    """
    words = str(error)
    if not isinstance(error, MemoryError) and not any(
        phrase in words for phrase in ("allocate memory", "failed to map segment")
    ):
        return None
    return one_line(f"not enough memory ({words or 'nothing is left'})")


def _shortened(text: str, longest: int) -> str:
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"


def as_int(name: str, value: object, least: int = 1, most: int | None = None) -> int:
    """An argument as Python's int, whatever kind of whole number it came as.

    Raises:
        TypeError: no whole number.
        ValueError: not least <= value <= most.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    number = int(value)
    if number < least or (most is not None and number > most):
        limits = f">= {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {limits}, got {number}")
    return number


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Keep off standard error what C libraries write to its descriptor: refusals are one line."""
    with ExitStack() as after:
        with suppress(OSError):  # it is closed
            kept = os.dup(2)
            after.callback(os.close, kept)
            after.callback(os.dup2, kept, 2)
            nowhere = after.enter_context(open(os.devnull, "w"))
            os.dup2(nowhere.fileno(), 2)
        yield


MAX_BYTES, MAX_DEPTH, MAX_TEXT, MAX_NUMBER = 8 * 2**20, 20, 1000, 2**53


def _is_integer(_, value) -> bool:
    """JSON Schema takes 1.0 for an integer, but ``range`` does not."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, eq=False)
class Schema:
    """A JSON Schema; what checks it is imported when it is asked for, since that takes long."""

    content: dict

    @cached_property
    def validator(self):
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend

        types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
        return extend(Draft202012Validator, type_checker=types)(self.content)


def object_of(optional: dict | None = None, **required: dict) -> dict:
    """The JSON Schema of an object that has some keys, and others if at all."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required)}


def list_of(items: dict, at_least: int = 0, at_most: int | None = None) -> dict:
    """The JSON Schema of a list."""
    limits = {} if at_most is None else {"maxItems": at_most}
    return {"type": "array", "items": items, "minItems": at_least, **limits}


def or_null(schema: dict) -> dict:
    """The JSON Schema of null or another."""
    return {"anyOf": [schema, {"type": "null"}]}


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
NAME = {"type": "string", "pattern": r"^[\w .,:;/+=()-]*$"}
"""Text that means nothing to Markdown and HTML, since it reaches tables."""
COUNT, SOME = {"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}
AMOUNT = {"type": "number", "minimum": 0}
PERCENT, SHARE = {**AMOUNT, "maximum": 100}, {**AMOUNT, "maximum": 1}

_RECIPE = {
    # What reports read; the other switches and their values are for Recipe to judge.
    **object_of(
        {"held_out": COUNT, "blank": TEXT},
        name=TEXT,
        pooling=TEXT,
        loss=TEXT,
        optimizer=TEXT,
        eta={"type": ["number", "string"]},
        momentum=AMOUNT,
        passes=SOME,
        train_size={"type": ["integer", "null"], "minimum": 1},
        distortions=FLAG,
    ),
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_DATASET = object_of(
    {"classes": SOME}, name=NAME, checksum=TEXT, train_patterns=SOME, test_patterns=SOME
)
_PER_PASS = list_of(
    object_of(
        **{"pass": SOME},
        loss=NUMBER,
        train_error_percent=PERCENT,
        test_error_percent=PERCENT,
        test_errors=COUNT,
        rate_min=AMOUNT,
        rate_max=AMOUNT,
        seconds=AMOUNT,
    )
)
_RUN = {"recipe": _RECIPE, "seed": COUNT, "dataset": _DATASET}
VERSIONS = {"type": "object", "additionalProperties": TEXT}

RECIPE = Schema(_RECIPE)
"""A recipe in full, as it travels with weights."""
RECORD = Schema(
    object_of(
        **_RUN,
        schema=SOME,
        status={"enum": ["finished", "diverged"]},
        per_pass=_PER_PASS,
        layers=list_of(
            object_of(name=NAME, maps=SOME, size=SOME, parameters=COUNT, connections=COUNT), 1, 100
        ),
        environment=object_of({"versions": VERSIONS}, engine=TEXT, device=TEXT, processor=TEXT),
        parameters=COUNT,
        connections=COUNT,
    )
)
"""``record.json``."""
_MACHINE = dict.fromkeys(("engine", "device", "processor"), or_null(TEXT))
SURROUNDINGS = Schema(
    object_of(
        dataset=_DATASET,
        environment=object_of({**_MACHINE, "seconds": AMOUNT, "arithmetic": or_null(SOME)}),
    )
)
"""The data set and the machine of a run in a file of lines."""
CHECKPOINT = Schema(
    object_of(run=object_of(**_RUN), per_pass=_PER_PASS, engine=TEXT, arithmetic=or_null(SOME))
)
"""Content of a checkpoint beside tensors."""


def read(file: Path, schema: Schema):
    """The content of a JSON file.

    Raises:
        BadInput: no such file, too large a one, no JSON, or not what the schema asks for.
    """
    content = parse(file)
    compare(content, schema, file)
    return content


def parse(file: Path):
    """The content of a JSON file of whatever schema, with all of :func:`read`'s other checks."""
    return parse_text(read_bytes(file, MAX_BYTES), file)


def read_bytes(file: Path, limit: int) -> bytes:
    """Read an ordinary file that does not hold more than the limit.

    Raises:
        BadInput: anything else.
    """
    try:
        if not file.is_file():
            raise BadInput(f"{file}: is missing" if not file.exists() else f"{file}: is no file")
        with file.open("rb") as opened:
            # Not read(limit + 1), which would allocate as much whatever the file holds.
            content = opened.read(min(limit, file.stat().st_size) + 1)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error})") from None
    if len(content) > limit:
        raise BadInput(f"{file}: is larger than {limit:,} bytes, so it is no such file")
    return content


def parse_text(text: str | bytes, source: Path):
    """The content of JSON in UTF-8.

    Raises:
        BadInput: something else; the message begins with the source.
    """
    try:
        text = text if isinstance(text, str) else text.decode()
        content = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise BadInput(f"{source}: no readable JSON (nested too deeply)") from None
    except ValueError as error:
        raise BadInput(f"{source}: no readable JSON ({in_short(error)})") from None
    if fault := _fault(content):
        raise BadInput(f"{source}: holds {fault}")
    return content


def _no_constant(name: str):
    raise ValueError(f"{name} is no number")


def check(content, schema: Schema, source: Path) -> None:
    """Refuse what a schema does not allow, or what JSON cannot hold.

    Raises:
        BadInput: with the first thing that is wrong; the message begins with the source.
    """
    if fault := _fault(content):
        raise BadInput(f"{source}: holds {fault}")
    compare(content, schema, source)


def compare(content, schema: Schema, source: Path) -> None:
    """Refuse what a schema does not allow, in content that :func:`parse` has already checked.

    Raises:
        BadInput: as :func:`check` does.
    """
    error = next(schema.validator.iter_errors(content), None)
    if error is None:
        return
    where = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        fault = " ".join(filter(None, (where, f"has no '{missing}'")))
    else:
        rule = f"{error.validator} {reprlib.repr(error.validator_value)}"
        fault = f"{where or 'all of it'} is {reprlib.repr(error.instance)}, against {rule}"
    raise BadInput(f"{source}: {in_short(fault)}")


def _fault(content) -> str | None:
    """Fault that makes content unfit to be worked with, whatever it stands for."""
    pending = [(content, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"more than {MAX_DEPTH} levels"
        kind = type(value)
        if kind in (dict, list):
            inner = [*value, *value.values()] if kind is dict else value
            pending += ((part, depth + 1) for part in inner)
        elif kind is str:
            if len(value) > MAX_TEXT or not value.isprintable():
                return f"a text that is longer than {MAX_TEXT:,} or cannot be printed"
        elif kind is float:
            if not math.isfinite(value):
                return "a number that is not finite"
        elif kind is int:
            if abs(value) > MAX_NUMBER:
                return "a whole number beyond 2^53"
        elif kind is not bool and value is not None:
            return f"a {kind.__name__}"
    return None


def in_short(reason: object) -> str:
    """A reason from elsewhere as part of one line: printable, and of at most 200 characters."""
    words = " ".join(str(reason).split())
    words = "".join(letter if letter.isprintable() else "?" for letter in words)
    return words if len(words) <= 200 else f"{words[:199]}\N{HORIZONTAL ELLIPSIS}"


HEADER_BYTES = 256
_HEADER = re.compile(
    rb"\x93NUMPY\x01\0(..)\{'descr': '([|<][a-zA-Z]\d?)', 'fortran_order': False,"
    rb" 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The ways in which numpy packs an archive."""
LABELS = ("|u1",)
"""The kinds of numbers, as numpy names them, that are taken unless others are asked for."""


def array_in(content: bytes, kinds: tuple[str, ...] = LABELS) -> "np.ndarray":
    """Read the content of an ``.npy``, of kinds of numbers.

    numpy's own reader evaluates a file's header and allocates what the header asks for. This one
    takes what numpy writes, word for word, and refuses all else.

    Raises:
        ValueError: it is no such array.
    """
    import numpy as np  # flags are read without

    header = _HEADER.match(content[:HEADER_BYTES])
    if not header or header.end() != 10 + int.from_bytes(header[1], "little"):
        raise ValueError("no array in numpy's format")
    kind = header[2].decode()
    if kind not in kinds:
        raise ValueError(f"holds {kind}, not {' or '.join(kinds)}")
    shape = [int(length) for length in header[3].decode().split(",") if length.strip()]
    size = (len(content) - header.end()) / np.dtype(kind).itemsize
    if math.prod(shape) != size or max(shape, default=0) > len(content):
        there = in_short(" x ".join(map(str, shape)))
        raise ValueError(f"holds {size:g} numbers, where its header has {there}")
    return np.frombuffer(content, kind, offset=header.end()).reshape(shape).copy()


def arrays_in(file: Path, most: int, kinds: tuple[str, ...] = LABELS) -> "dict[str, np.ndarray]":
    """Read an archive of arrays, ``.npz``, by name.

    Args:
        file: an ordinary file of at most so many bytes.
        most: bytes of all arrays together, too.
        kinds: of numbers.

    Raises:
        BadInput: it is no such archive.
    """
    content = read_bytes(file, most)
    found: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > most:
                raise ValueError(f"its arrays are larger than {most:,} bytes")
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name in found:
                    raise ValueError(f"{name} is there twice")
                if member.flag_bits & 1 or member.compress_type not in _PACKED:
                    raise ValueError(f"{name} is packed otherwise than numpy does")
                with archive.open(member) as opened:
                    numbers = opened.read(member.file_size + 1)  # or it unpacks whatever comes
                try:
                    found[name] = array_in(numbers, kinds)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
    except Exception as error:  # zipfile does not say what a damaged file can make it raise
        raise BadInput(f"{file}: no readable archive ({in_short(error)})") from None
    return found
