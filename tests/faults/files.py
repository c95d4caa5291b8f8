"""Damaged files of every kind, read as the commands read them: are they refused in one line?

A very short run and the committed results are the whole files; :func:`attack` damages them in ways
drawn at random, and counts what came of it. It writes into the folder that it is given and nowhere
else.
"""

import json
import logging
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from lenet1998 import paper
from lenet1998.data import load, mnist
from lenet1998.data.pictures import read_picture
from lenet1998.errors import BadInput
from lenet1998.pretrained import load_net
from lenet1998.recipes import ORIGINAL
from lenet1998.restore.recover import read as read_states
from lenet1998.training import lines
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.locks import NOTE, check_free
from lenet1998.training.records import PREDICTIONS, RECORD, WEIGHTS, read_record, write_record
from lenet1998.training.run import Interrupted, fit
from tests.conftest import idx

RESULTS = Path(__file__).parents[2] / "experiments" / "results"
RECIPE = ORIGINAL.changed(passes=2, train_size=20, curvature_patterns=10)
WORDS = ("", "x" * 5000, "../../../evil", "\N{SNOWMAN}", "\ud800", "\x1b[31m", "NaN", "\0")
NUMBERS = (-1, 0, 1, 0.5, 1e308, -1e308, 2**53 + 1, 10**400, float("nan"), float("inf"))
LONGEST = 1000  # of a message, beside the file's name

Damage = Callable[[bytes, np.random.Generator], bytes]


@dataclass(frozen=True)
class Kind:
    """A kind of file: a whole one, what reads it, and what can be done to it."""

    file: Path
    read: Callable[[], object]
    damages: tuple[Damage, ...]


def truncated(content: bytes, draw: np.random.Generator) -> bytes:
    return content[: draw.integers(len(content))]


def emptied(content: bytes, draw: np.random.Generator) -> bytes:
    return b""


def bits_flipped(content: bytes, draw: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for place in draw.integers(len(content), size=draw.integers(1, 4)):
        changed[place] ^= 1 << draw.integers(8)
    return bytes(changed)


def bytes_changed(content: bytes, draw: np.random.Generator) -> bytes:
    changed = bytearray(content)
    # Most headers are at the beginning, and the directory of a zip file at the end.
    reach = min(len(content), int(draw.choice([64, 1024, len(content)])))
    for place in draw.integers(reach, size=draw.integers(1, 9)):
        changed[place if draw.random() < 0.7 else -1 - place] = draw.integers(256)
    return bytes(changed)


def garbage_inserted(content: bytes, draw: np.random.Generator) -> bytes:
    place = draw.integers(len(content) + 1)
    return content[:place] + draw.bytes(draw.integers(1, 200)) + content[place:]


def part_repeated(content: bytes, draw: np.random.Generator) -> bytes:
    first, last = sorted(draw.integers(len(content) + 1, size=2))
    return content[:last] + content[first:last] + content[last:]


RAW = (truncated, emptied, bits_flipped, bytes_changed, garbage_inserted, part_repeated)


def json_changed(content: bytes, draw: np.random.Generator) -> bytes:
    """Keys dropped, added and renamed, values of another type, size or depth."""
    whole = json.loads(content)
    for _ in range(draw.integers(1, 4)):
        _change_somewhere(whole, draw)
    return json.dumps(whole, ensure_ascii=bool(draw.random() < 0.5)).encode(errors="surrogatepass")


def nested_deeply(content: bytes, draw: np.random.Generator) -> bytes:
    """A value in so many lists, or objects, that reading it one in another fills the stack."""
    depth = int(draw.choice([21, 500, 5000, 100_000]))
    opening, closing = (b"[", b"]") if draw.random() < 0.5 else (b'{"a":', b"}")
    place = content.find(b":", draw.integers(len(content))) + 1
    closing = closing if draw.random() < 0.5 else b""
    return content[:place] + opening * depth + b"1" + closing * depth + b"," + content[place:]


def _change_somewhere(whole, draw: np.random.Generator) -> None:
    place = whole
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = keys[draw.integers(len(keys))]
        if not isinstance(place[key], dict | list) or draw.random() < 0.2:
            break
        place = place[key]
    how = draw.integers(5)
    if how == 0:
        del place[key]
    elif how == 1 and isinstance(place, dict):
        place[WORDS[draw.integers(len(WORDS))]] = place.pop(key)
    else:
        place[key] = _another(place[key], draw)


def _another(value, draw: np.random.Generator):
    """A value instead of one, often of its type."""
    others = (None, True, [], {}, [value], {"a": value}, [[value]] * 3, *NUMBERS, *WORDS)
    if isinstance(value, int | float) and draw.random() < 0.5:
        return NUMBERS[draw.integers(len(NUMBERS))]
    if isinstance(value, str) and draw.random() < 0.5:
        return WORDS[draw.integers(len(WORDS))]
    return others[draw.integers(len(others))]


def npy_header(content: bytes, draw: np.random.Generator) -> bytes:
    """A header that claims another shape, type or order."""
    some = 10 ** int(draw.integers(1, 16))
    shapes = (f"({some},)", f"({some}, {some})", "()", "(-1,)", "(500, 1)", "500", f"({'(' * 300}")
    types = ("|u1", "<f8", "|O", "<U9", "|V0", "[('a', '|u1')]", "x" * 500)
    header = str(
        {
            "descr": types[draw.integers(len(types))],
            "fortran_order": bool(draw.random() < 0.5),
            "shape": 0,
        }
    ).replace("'shape': 0", f"'shape': {shapes[draw.integers(len(shapes))]}, ")
    length = struct.pack("<H", len(header) if draw.random() < 0.8 else draw.integers(2**16))
    return b"\x93NUMPY\x01\0" + length + header.encode() + content[128:]


def safetensors_header(content: bytes, draw: np.random.Generator) -> bytes:
    """A header that is changed as JSON is, or a recipe beside the weights that is."""
    length = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + length], content[8 + length :]
    if draw.random() < 0.5:
        whole = json.loads(header)
        recipe = whole["__metadata__"]["recipe"].encode()
        harm = json_changed if draw.random() < 0.8 else nested_deeply
        whole["__metadata__"]["recipe"] = harm(recipe, draw).decode(errors="replace")
        header = json.dumps(whole).encode()
    else:
        header = json_changed(header, draw)
    length = len(header) if draw.random() < 0.9 else int(draw.integers(2**63))
    return length.to_bytes(8, "little") + header + rest


def weights_not_finite(content: bytes, draw: np.random.Generator) -> bytes:
    """A weight that is no number, all else whole."""
    length = int.from_bytes(content[:8], "little")
    numbers = np.frombuffer(content, "<f4", offset=8 + length).copy()
    numbers[draw.integers(len(numbers))] = draw.choice([np.nan, np.inf, -np.inf])
    return content[: 8 + length] + numbers.tobytes()


def zip_part_changed(content: bytes, draw: np.random.Generator) -> bytes:
    """A part of a zip file changed, left out or packed, with sums that fit it."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as whole, zipfile.ZipFile(file, "w") as archive:
        parts = whole.infolist()
        # The pickle, which is first, as often as all the tensors.
        struck = parts[0 if draw.random() < 0.5 else draw.integers(len(parts))]
        for part in parts:
            inner = whole.read(part)
            if part is struck:
                if draw.random() < 0.1:
                    continue
                damages = (truncated, bits_flipped, bytes_changed, garbage_inserted)
                if inner and draw.random() < 0.9:
                    inner = damages[draw.integers(len(damages))](inner, draw)
            packed = zipfile.ZIP_DEFLATED if draw.random() < 0.005 else zipfile.ZIP_STORED
            archive.writestr(part.filename, inner, packed)
    return file.getvalue()


def kinds(folder: Path) -> dict[str, Kind]:
    """Whole files of every kind, in a folder, and what reads each."""
    digits, run = load("digits"), folder / "run"
    data = replace(digits, test_images=digits.test_images[:40], test_labels=digits.test_labels[:40])

    def stop(pass_number: int, done: int, errors: float) -> None:
        if pass_number == RECIPE.passes:
            raise Interrupted

    def train(resume: bool = True) -> None:
        with suppress(Interrupted):
            fit(RECIPE, 0, data, engine="eager", folder=folder, resume=resume, progress=stop)

    record = fit(RECIPE, 0, data, engine="eager")
    write_record(run, record)
    train(resume=False)
    text = (*RAW, json_changed, json_changed, nested_deeply)
    weights = (*RAW, safetensors_header, safetensors_header, weights_not_finite)
    found = {
        RECORD: Kind(run / RECORD, lambda: read_record(run), text),
        PREDICTIONS: Kind(run / PREDICTIONS, lambda: read_record(run), (*RAW, npy_header)),
        WEIGHTS: Kind(run / WEIGHTS, lambda: load_net(str(run)), weights),
        CHECKPOINT: Kind(folder / CHECKPOINT, train, (*RAW, zip_part_changed, zip_part_changed)),
    }
    study = folder / "study.jsonl"
    lines.write(study, [record])
    found[study.name] = Kind(study, lambda: lines.read(study), text)
    answers = lines.answers_of(study)
    changed = (*RAW, zip_part_changed, zip_part_changed)
    found[answers.name] = Kind(answers, lambda: lines.read(study), changed)
    packed = folder / "packed.jsonl.gz"
    lines.write(packed, [record])
    found[packed.name] = Kind(packed, lambda: lines.read(packed), RAW)
    note = folder / NOTE
    note.write_text(json.dumps({"table.md": ["original", "0" * 64]}))
    found[NOTE] = Kind(note, lambda: check_free(folder, ["table.md"], "a", False), text)
    return found | _arrays(folder) | _pictures(folder) | _data(folder)


def _arrays(folder: Path) -> dict[str, Kind]:
    """Archives of printed states, and what the package holds of the paper."""
    states, changed = folder / "states.npz", (*RAW, zip_part_changed, zip_part_changed)
    printed = paper.fig13_states()
    names = ("input", "c1", "s2", "c3", "s4")
    np.savez(states, **{name: getattr(printed, name)[:1] for name in names})
    table = folder / "fig5_curve.csv"
    table.write_bytes(paper._data_file(table.name).read_bytes())

    def curve() -> None:
        with patch.object(paper, "_data_file", folder.joinpath):
            paper.fig5_curve()

    return {
        states.name: Kind(states, lambda: read_states(states), changed),
        table.name: Kind(table, curve, RAW),
    }


def _pictures(folder: Path) -> dict[str, Kind]:
    """A digit in each format; what damages a picture may leave a picture."""
    digit = Image.fromarray(255 - load("digits").test_images[0]).resize((60, 60))
    found = {}
    for ending, options in (
        ("png", {}),
        ("jpeg", {}),
        ("gif", {}),
        ("bmp", {}),
        ("webp", {}),
        ("tiff", {"compression": "tiff_lzw"}),
    ):
        file = folder / f"digit.{ending}"
        digit.save(file, **options)
        found[file.name] = Kind(file, partial(read_picture, file), RAW)
    return found


def _data(folder: Path) -> dict[str, Kind]:
    """A very small MNIST, whose sums are known as those of the true one are."""
    few, raw = load("digits"), folder / mnist.RAW
    raw.mkdir(parents=True)
    arrays = few.train_images[:20], few.train_labels[:20], few.test_images[:9], few.test_labels[:9]
    contents = dict(zip(mnist.MNIST_SHA256, map(idx, arrays), strict=True))
    sums = {name: sha256(content).hexdigest() for name, content in contents.items()}
    for name, content in contents.items():
        (raw / name).write_bytes(content)

    def read() -> None:
        sizes = {name: len(content) for name, content in contents.items()}
        with patch.multiple(mnist, MNIST_SHA256=sums, MNIST_BYTES=sizes):
            mnist.read_mnist(folder)

    name = "t10k-images-idx3-ubyte"
    return {name: Kind(raw / name, read, RAW)}


def _taken(number: int) -> bytes:
    """Content of a file, which is empty afterwards."""
    content = os.pread(number, 1000, 0)
    os.ftruncate(number, 0)
    os.lseek(number, 0, os.SEEK_SET)
    return content


@contextmanager
def descriptor(file: Path) -> Iterator[Callable[[], bytes]]:
    """Keep what anybody writes to standard error, C libraries too; a function gives what is new."""
    kept = os.dup(2)
    with file.open("wb+") as told:
        os.dup2(told.fileno(), 2)
        try:
            yield partial(_taken, told.fileno())
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def attack(folder: Path, count: int, draw: np.random.Generator) -> dict[str, dict]:
    """Damage files of each kind in turn, and read them.

    Args:
        folder: an empty one, for the files.
        count: of damaged files, of all kinds together.
        draw: of the damages.

    Returns:
        For each kind of file how many were ``accepted`` (what they hold is as it may be), how many
        ``refused`` by :class:`BadInput` in one line, and ``escaped``: a description of each other
        ending.
    """
    attacked = kinds(folder)
    counts: dict[str, dict] = {
        name: {"accepted": 0, "refused": 0, "escaped": []} for name in attacked
    }
    whole = {name: kind.file.read_bytes() for name, kind in attacked.items()}
    with descriptor(folder / "standard-error") as said, _no_warnings():
        for number in range(count):
            name = list(attacked)[number % len(attacked)]
            kind, told = attacked[name], counts[name]
            damage = kind.damages[draw.integers(len(kind.damages))]
            kind.file.write_bytes(damage(whole[name], draw))
            said()
            ending = _ending(kind, folder)
            if words := said():
                ending = f"on standard error: {words!r}"
            if ending in told:
                told[ending] += 1
            else:
                told["escaped"].append(f"{damage.__name__}: {ending}"[:300])
            kind.file.write_bytes(whole[name])
    return counts


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Log nothing: a whole file of an older version is worth a line, beside that of a refusal."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _ending(kind: Kind, folder: Path) -> str:
    """How the reading of a damaged file ends: accepted, refused, or a description."""
    try:
        kind.read()
    except BadInput as error:
        return _fault_of(str(error), folder) or "refused"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "accepted"


def _fault_of(message: str, folder: Path) -> str | None:
    """What a refusal lacks."""
    if str(folder) not in message:
        return f"names no file: {message[:200]!r}"
    if not message.isprintable() or len(message) > LONGEST + len(str(folder)):
        return f"is no line: {message[:200]!r}"
    return None
