"""The 1998 net's C1 to S4, recovered from its printed states."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save as weights_to_bytes

from lenet1998 import paper
from lenet1998.errors import BadInput, arrays_in
from lenet1998.report.inside_figures import kernels
from lenet1998.report.style import plain, save
from lenet1998.restore.__main__ import FIELDS
from lenet1998.restore.layers import LAYERS, as_pictures
from lenet1998.restore.printing import Reading, Scale
from lenet1998.restore.refine import Restored, read_fig13, restore
from lenet1998.training.locks import claimed, replacing
from lenet1998.training.records import write_atomically

MOST = 64 * 2**20
"""Bytes of a file of states: some thousand patterns."""


FILES = ("c1-s4.safetensors", "kernels.png")


def run(states_file: Path | None, out: Path, overwrite: bool, as_json: bool) -> int:
    """Recover the layers, write weights and figure, and print what is left of each layer.

    Args:
        states_file: an .npz; None: what Fig. 13 prints.
        out: where to write.
        overwrite: replace what stands there of other states.
        as_json: what to print.

    Raises:
        BadInput: a file that cannot be used, or a folder that cannot be written to.
    """
    scale, pixels, states = read_fig13() if states_file is None else read(states_file)
    source = "Fig. 13" if states_file is None else str(states_file)
    with claimed(out), replacing(out, FILES, source, overwrite):
        restored = restore(pixels, states)
        weights = weights_to_bytes(restored.weights, metadata={"source": source})
        write_atomically(out / FILES[0], weights)
        drawn = kernels([(*as_pictures(restored.weights), plain(f"recovered from {source}"))])
        save(drawn, out / FILES[1])
    return publish(restored, states, len(scale.levels), out, as_json)


def read(file: Path) -> tuple[Scale, Reading, dict[str, Reading]]:
    """Printed states of a file, as :func:`~lenet1998.restore.refine.read_fig13` gives them.

    Raises:
        BadInput: no such file, or arrays that are not what the flag's help says.
    """
    try:
        arrays = arrays_in(file, MOST)
    except BadInput as error:
        raise BadInput(error.message, "states") from None
    if missing := FIELDS.keys() - arrays.keys():
        raise BadInput(f"{file}: has no {', '.join(sorted(missing))}", "states")
    n = len(arrays["input"]) if arrays["input"].ndim else 0
    for name, size in FIELDS.items():
        found = arrays[name]
        if found.shape != (n, *size) or not n:
            wanted = f"uint8 (N, {', '.join(map(str, size))}) with the same N >= 1 in all"
            raise BadInput(f"{file}: {name} is {found.shape}, not {wanted}", "states")
    scale = Scale.of(arrays[layer] for layer in (*LAYERS, "input"))
    states = {layer: scale.states(arrays[layer]) for layer in LAYERS}
    return scale, scale.inputs(arrays["input"]), states


def publish(
    restored: Restored, states: dict[str, Reading], greys: int, out: Path, as_json: bool
) -> int:
    """Print what is left of each layer beside what its greys leave open."""
    layers = {
        layer: {
            "parameters": paper.PARAMETERS[layer],
            "states": int(read.value.size),
            "left": restored.rms(layer),
            "open": float(np.sqrt(np.mean(read.deviation**2))),
        }
        for layer, read in states.items()
    }
    if as_json:
        print(json.dumps({"limit": restored.limit, "greys": greys, "layers": layers}))
        return 0
    print(
        f"{greys} greys; the display's limit is {restored.limit:.3f}, and errors are shares of it"
    )
    print("layer  parameters  states  left (rms)  open in the print (rms)")
    for layer, row in layers.items():
        print(
            f"{layer:<5}  {row['parameters']:>10,}  {row['states']:>6,}  {row['left']:>10.2%}"
            f"  {row['open']:>23.2%}"
        )
    print(f"written to {out}: {', '.join(FILES)}")
    return 0
