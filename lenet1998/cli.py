"""What all commands share: a parser and an ending that say what is wrong in one line."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from lenet1998.errors import BadInput


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def __init__(self, **options):
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (--help lists the flags)\n")


def parse_seeds(spec: str) -> list[int]:
    """Seeds from ``0``, ``0-9`` or ``0,3,7`` (parts may be mixed).

    Raises:
        BadInput: anything else, or a seed named twice.
    """
    seeds: list[int] = []
    for part in spec.split(","):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip())
        if not match:
            raise BadInput(f"--seeds {spec}: write 0, 0-9 or 0,3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 10_000:
            raise BadInput(f"--seeds {spec}: {part} is no range of at most 10,000 seeds")
        seeds += range(first, last + 1)
    if len(set(seeds)) != len(seeds):
        raise BadInput(f"--seeds {spec}: a seed is named twice")
    return seeds


def parse_jobs(text: str | None, runs: int) -> int:
    """How many runs go at once: never more than there are."""
    if text is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return min(cores or 1, runs)
    jobs = int(text) if re.fullmatch(r"\d{1,9}", text) else 0
    if jobs < 1:
        raise BadInput(f"--jobs {text}: must be a whole number >= 1")
    return min(jobs, runs)


def writable(folder: Path, flag: str = "--out") -> Path:
    """The folder, made if need be, after trying to write there: before training, not after.

    Args:
        folder: where results are to go.
        flag: what the complaint names.

    Raises:
        BadInput: it cannot be written to.
    """
    probe = folder / f".writable.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(f"{flag} {folder}: cannot be written to ({error.strerror})") from None
    return folder


def entry(main: Callable[[list[str] | None], int]) -> Callable[[list[str] | None], int]:
    """Decorate a command: bad input becomes one line and 2, an interrupt 130, never a traceback."""

    def guarded(arguments: list[str] | None = None) -> int:
        logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
        try:
            try:
                return main(arguments)
            finally:
                sys.stdout.flush()  # so that a closed pipe is met here, not on the way out
        except BadInput as error:
            print(f"lenet1998: {error.line}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as interrupt:
            hint = f"; {interrupt}" if str(interrupt) else ""
            print(f"lenet1998: interrupted{hint}", file=sys.stderr)
            return 130
        except BrokenPipeError:
            # Whoever read our output (head, say) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:  # a full disk, say; what was written before it stands
            print(f"lenet1998: {error}", file=sys.stderr)
            return 2

    return guarded
