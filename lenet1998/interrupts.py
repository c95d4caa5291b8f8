"""One-line endings of an interrupted command while it starts, works and ends.

Ctrl-C and SIGTERM at any time, and a lack of memory while imports run.

Imports nothing that takes time, for it is there before everything else.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lenet1998.errors import lack_of_memory

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


def is_a_command() -> bool:
    """Test whether this process was started as one of our commands and is importing for it.

    As ``python -m lenet1998...``, where ``sys.argv`` starts with ``-m`` for as long as the package
    itself is imported and no longer. Whoever imports it as a library is never taken for one.
    """
    if sys.argv[:1] != ["-m"]:
        return False
    module = sys.orig_argv[-len(sys.argv)].removeprefix("-m")
    return module.partition(".")[0] == Path(__file__).parent.name


def guard_the_start_of_a_command() -> None:
    """In a process of a command: end in one line until the command itself sees to that.

    Called as the package is imported, for it is all that ``python -m`` passes before the imports
    that take seconds and memory; the console script imports in its ``main``.
    """
    if is_a_command():
        handle(end_at_once)
        sys.excepthook = say_what_is_lacking
