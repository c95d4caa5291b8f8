"""Package the weights of committed runs, with what they are in their metadata.

Takes each run's record and the weights beside it, or those that are in the package already, and
writes the package's file of weights anew: nothing is trained. Refused is what does not give the
record's answers on MNIST.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from experiments.pretrained.tables import NAMES, metadata, weights_of
from experiments.results import ALL_VARIANTS, parser_of, runs_in
from experiments.study import SCRATCH
from lenet1998.cli import entry, path
from lenet1998.data import Dataset, prepare
from lenet1998.errors import BadInput
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.recipes import recorded
from lenet1998.training import study
from lenet1998.training.records import WEIGHTS, RunRecord, read_record, write_atomically

SEED = 0
"""Named before the first run, so that no net was chosen for its error."""


def source_of(folder: Path, record: RunRecord) -> Path:
    """File of a run's weights.

    Raises:
        BadInput: nowhere, or the run is of no recipe that has a card.
    """
    name = record.recipe["name"]
    if name not in NAMES:
        raise BadInput(f"{folder}: a run of {name}; packaged are {', '.join(NAMES)}")
    found = [file for file in (folder / WEIGHTS, weights_of(name)) if file.is_file()]
    if not found:
        raise BadInput(
            f"{folder}: its weights are not at hand; they are left by the study that runs it"
        )
    return found[0]


def check(net: TrainedNet, record: RunRecord, folder: Path, data: Dataset) -> None:
    """Refuse a net that is not the run's.

    Raises:
        BadInput: another recipe, other data, or other answers than the record has.
    """
    if net.recipe != recorded(record.recipe, folder):
        raise BadInput(f"{net.source}: the weights of another recipe than {folder}'s")
    if record.dataset["checksum"] != data.checksum:
        raise BadInput(f"{folder}: of other data than MNIST, by its checksum")
    answers = net.model.predict(
        prepare(data.test_images, net.recipe.input_size, net.recipe.scaling)
    ).numpy()
    if odd := int(np.sum(answers != record.predictions)):
        raise BadInput(f"{net.source}: reads {odd} patterns otherwise than {folder} has them")


def packaged(weights: bytes, told: dict[str, str]) -> bytes:
    """A file of weights with other metadata, the same bytes each time.

    ``safetensors`` writes metadata in any order, so they are put in order here.
    """
    content = save(load(weights), metadata=told)
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end]) | {"__metadata__": told}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[end:]


@entry
def main(arguments=None):
    parser = parser_of("experiments.pretrained.package", __doc__)
    add = parser.add_argument
    add("folders", nargs="*", type=path, metavar="RUN", help="default: each net's committed run")
    flags = parser.parse_args(arguments)
    records = {folder: read_record(folder) for folder in flags.folders}
    if not records:
        for name in NAMES:
            record = next(
                run for run in runs_in(flags.results, ALL_VARIANTS[name]) if run.seed == SEED
            )
            records[flags.results / SCRATCH / ALL_VARIANTS[name] / f"seed-{SEED}"] = record
    sources = {folder: source_of(folder, record) for folder, record in records.items()}
    data = study.load_once("mnist", flags.data)
    for folder, record in records.items():
        net = load_net(str(sources[folder]))
        check(net, record, folder, data)
        file = weights_of(record.recipe["name"])
        write_atomically(file, packaged(sources[folder].read_bytes(), metadata(record)))
        print(f"{folder}: {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
