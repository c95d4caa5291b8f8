"""A hostile day: killed runs, full disks, two writers, damaged files, and flags that cannot be.

Writes ``faults.json``, what docs/reliability.md is made of; a part of it alone leaves the others as
they stand. Nothing else is written but in a temporary folder.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from experiments.results import FAULTS, read_json
from lenet1998.cli import Parser, entry, path, say, writable
from lenet1998.training.environment import project_state
from lenet1998.training.flags import RESULTS
from lenet1998.training.records import write_json
from tests.faults import files, flags, runs

MOMENTS, FILES = 50, 100_000
PARTS = {
    "runs": lambda place: runs.attack(place, MOMENTS, np.random.default_rng(0)),
    "files": lambda place: files.attack(place, FILES, np.random.default_rng(0)),
    "flags": lambda place: flags.try_all(place),
}


@entry
def main(arguments=None):
    parser = Parser(prog="faults", description=__doc__)
    parser.add_argument("--results", default=RESULTS, type=path, metavar="DIR")
    parser.add_argument(
        "--only", choices=PARTS, help="one part; the others stay as they were measured"
    )
    asked = parser.parse_args(arguments)
    file = writable(asked.results, "--results") / FAULTS
    kept = read_json(file) if asked.only else {}
    torch.set_num_threads(1)  # processes are made by forking, which threads do not survive
    for part in [asked.only] if asked.only else PARTS:
        with tempfile.TemporaryDirectory() as folder:
            kept[part] = PARTS[part](Path(folder))
        say(f"{part} done", "faults")
    write_json(file, {**kept, **project_state()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
