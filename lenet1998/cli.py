"""Parser and one-line endings of all commands."""

import argparse
import errno
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, TextIO

from lenet1998.errors import BadInput, in_short, lack_of_memory, one_line

OURS = __name__.partition(".")[0]
MOST_FOLDERS = 256
"""Depth that a path may have: Python's own functions recurse, and give up at about 1,000."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line, and which takes no empty value."""

    def __init__(self, **options):
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)
        self.register("type", None, some_text)  # of every argument that names no other type

    def error(self, message: str):
        say(f"{message} (--help lists the flags)", self.prog)
        self.exit(2)


def some_text(text: str) -> str:
    """The type of an argument that is any text but none at all."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty value")
    return text


def path(text: str) -> Path:
    """The type of an argument that names a file or folder, which need not be there.

    ``~`` is the home folder even after ``--out=``, where shells leave it as it is.
    """
    try:
        named = Path(some_text(text)).expanduser()
        named.as_posix().encode()  # or it could be written to no record, table or terminal
        if len(named.parts) > MOST_FOLDERS:
            raise argparse.ArgumentTypeError(f"{text}: more than {MOST_FOLDERS} folders deep")
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            named.stat()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text}: a name that is not UTF-8") from None
    except OSError as error:  # a name too long, links in a circle
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    except (RuntimeError, ValueError) as error:  # no such user's home, a null character
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    return named


def whole_number(text: str, least: int = 1, most: int = 999_999) -> int:
    """The type of an argument that counts: ASCII digits, and nothing that ``int`` takes beside."""
    if not re.fullmatch("[0-9]{1,6}", some_text(text)) or not least <= int(text) <= most:
        told = f"{text}: must be a whole number from {least:,} to {most:,}"
        raise argparse.ArgumentTypeError(told)
    return int(text)


number_from_0 = partial(whole_number, least=0)
"""The type of an argument that numbers from 0."""


def parse_seeds(spec: str) -> list[int]:
    """Seeds from ``0``, ``0-9`` or ``0,3,7`` (parts may be mixed).

    Raises:
        BadInput: anything else, or a seed named twice.
    """
    seeds: list[int] = []
    for part in spec.split(","):
        match = re.fullmatch(r" *([0-9]{1,9})(?:-([0-9]{1,9}))? *", part)
        if not match:
            raise BadInput(f"--seeds {spec}: write 0, 0-9 or 0,3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 10_000:
            raise BadInput(f"--seeds {spec}: {part} is no range of at most 10,000 seeds")
        seeds += range(first, last + 1)
    if len(set(seeds)) != len(seeds):
        raise BadInput(f"--seeds {spec}: a seed is named twice")
    return seeds


def jobs_at_once(most: int | None, runs: int) -> int:
    """Number of runs at once: by default the number of cores, at most the number of runs."""
    if most is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        most = cores or 1
    return min(most, runs)


def writable(folder: Path, flag: str = "--out") -> Path:
    """The folder, made if need be, after trying to write there: before training, not after.

    Args:
        folder: where results are to go.
        flag: what the complaint names.

    Raises:
        BadInput: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(f"{flag} {folder}: cannot be written to ({error.strerror})") from None
    return folder


def say(line: str, who: str = "lenet1998") -> None:
    """Print one line to standard error, if anybody can be told there."""
    try:
        print(f"{who}: {one_line(line)}", file=sys.stderr, flush=True)
    except OSError:
        _mute(sys.stderr)


def entry(main: Callable[[list[str] | None], int]) -> Callable[[list[str] | None], int]:
    """Decorate a command: whatever stops it becomes one line and an exit status, no traceback.

    Bad input, a full disk and too little memory are 2, Ctrl-C 130, SIGTERM 143. Our own faults keep
    their traceback.
    """

    def guarded(arguments: list[str] | None = None) -> int:
        with _streams(), handled_by(Stopped()) as stopped:
            try:
                try:
                    return main(arguments)
                finally:
                    sys.stdout.flush()  # so that a closed pipe is met here, not on the way out
            except BadInput as error:
                say(error.line)
                return 2
            except KeyboardInterrupt as interrupt:
                number = stopped.number or signal.SIGINT
                say(f"{WORDS[number]}; {interrupt}" if str(interrupt) else WORDS[number])
                return status_of(number)
            except BrokenPipeError:
                # Whoever read our output (head, say) has seen enough.
                _mute(sys.stdout)
                return 0
            except OSError as error:  # a full disk, say; what was written before it stands
                say(_of_the_system(error))
                return 2
            except (MemoryError, RuntimeError, ImportError) as error:
                if not (line := lack_of_memory(error)):
                    raise
                say(line)
                return 2

    return guarded


LEAST_MEMORY = 2**30
"""Bytes of addresses below which what is imported late cannot fit: torch alone takes more."""


def late(module: str) -> ModuleType:
    """Import what takes seconds, after the flags are read: a mistyped one is told at once.

    What is interrupted meanwhile ends in one line, which an exception would not: whatever is being
    imported may catch it, or end in a traceback of its own.

    Raises:
        BadInput: there cannot be memory enough, or somebody else's package cannot be imported, as
            where it is broken or an environment variable or a file of settings makes it fail.
    """
    _check_memory()
    before = logging.root.manager.disable
    with handled_by(end_at_once), warnings.catch_warnings():
        warnings.filterwarnings("error", "Environment variable")  # Numba's, for what it passes over
        logging.disable()  # whoever raises may have logged why
        try:
            return import_module(module)
        except Exception as error:
            whose = _package_of(error)
            if isinstance(error, BadInput) or lack_of_memory(error) or whose == OURS:
                raise
            told = f"{whose} cannot be imported ({type(error).__name__}: {in_short(error)})"
            where = "it may be broken, or a setting of it in a file or in the environment"
            raise BadInput(f"{told}; {where}") from error
        finally:
            logging.disable(before)


def _package_of(error: Exception) -> str:
    """Package that failed to be imported: the one that is missing, or the last that was at work."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return error.name.partition(".")[0]
    names = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    packages = [name.partition(".")[0] for name in names]
    return [name for name in packages if name not in sys.stdlib_module_names][-1]


def _check_memory() -> None:
    """Refuse a limit of memory that ends in the middle of an import, or in no end at all.

    Raises:
        BadInput: with the limit.
    """
    with suppress(ImportError, OSError):  # there is no such module on Windows
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if 0 <= limit < LEAST_MEMORY and limit != resource.RLIM_INFINITY:
            told = f"{limit:,} bytes are allowed (ulimit -v), at least {LEAST_MEMORY:,} are needed"
            raise BadInput(f"not enough memory: {told}")


@contextmanager
def _streams() -> Iterator[None]:
    """Let everything be printed: what an encoding lacks as "?", to a closed stream nothing."""
    with ExitStack() as after:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed; print would take None for standard output
                after.callback(setattr, sys, name, None)
                setattr(sys, name, after.enter_context(open(os.devnull, "w")))
        if hasattr(sys.stdout, "reconfigure"):  # standard error escapes of itself
            after.callback(sys.stdout.reconfigure, errors=sys.stdout.errors)
            sys.stdout.reconfigure(errors="replace")
        yield
        try:
            sys.stderr.flush()
        except OSError:  # full, or closed at the other end: whatever was said has not been heard
            _mute(sys.stderr)


def _of_the_system(error: OSError) -> str:
    """One line for an error of the operating system, with its file."""
    file = error.filename
    # Whatever writes a file names it, so it is what has no name that could not be written.
    if file is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF):
        _mute(sys.stdout)
        file = "standard output"
    return f"{file}: {error.strerror}" if file else str(error)


def _mute(stream: TextIO) -> None:
    """Send what is still to come to nowhere, or the interpreter would try again when it ends."""
    with suppress(OSError):  # a stream of no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


WORDS: dict[int, str] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
"""The signals that ask a command to stop, and what it says then."""
HASTE = 3.0
"""Seconds after the first signal in which another is the same haste, and changes nothing."""


def status_of(number: int) -> int:
    """The exit status of a command that a signal ended, as shells have it: 130, 143."""
    return 128 + number


def end_at_once(number: int, _frame=None) -> None:
    """A signal handler that says so and ends the process, whatever it is in the middle of.

    Not by an exception: one that is raised in the middle of an import may be turned into another,
    or be swallowed, by whatever is imported.
    """
    with suppress(OSError):  # standard error may be closed
        os.write(2, f"lenet1998: {WORDS[number]}\n".encode())
    os._exit(status_of(number))


class Stopped:
    """A signal handler that interrupts the command once, to be cleaned up after in peace.

    Attributes:
        number: the first signal, None before it.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.since = 0.0

    def __call__(self, number: int, frame=None) -> None:
        if self.number is None:
            self.number, self.since = number, time.monotonic()
            # Of SIGTERM too, so that whoever knows how to go on after the one says so after both.
            raise KeyboardInterrupt
        if time.monotonic() - self.since > HASTE:
            end_at_once(number)


def handle(handler) -> dict[int, Any]:
    """Have signals that ask to stop handled so; what handled them before, by number.

    What is ignored, as Ctrl-C is by a command in the background of a script, stays ignored. Only
    the main thread may say how signals are handled: elsewhere nothing changes.
    """
    former: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in WORDS:
            # None: handled by something that is not Python and cannot be put back.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                former[number] = signal.signal(number, handler)
    return former


@contextmanager
def handled_by(handler) -> Iterator:
    """Have signals that ask to stop handled so, and as before afterwards."""
    former = handle(handler)
    try:
        yield handler
    finally:
        for number, before in former.items():
            signal.signal(number, before)


def say_what_is_lacking(kind: type, error: BaseException, where) -> None:
    """A ``sys.excepthook``: a line and status 2 for a lack of memory, else a traceback."""
    line = lack_of_memory(error)
    if line is None:
        sys.__excepthook__(kind, error, where)
        return
    with suppress(OSError):
        os.write(2, f"lenet1998: {line}\n".encode())
    os._exit(2)


def guard_the_start_of_a_command() -> None:
    """In a process of a command: end in one line until the command itself sees to that.

    ``python -m lenet1998...`` imports this module first of all that takes time. The console script
    imports the rest in its ``main``; whoever imports the package as a library is left alone.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec and spec.name.partition(".")[0] == OURS:
        handle(end_at_once)
        sys.excepthook = say_what_is_lacking


guard_the_start_of_a_command()
