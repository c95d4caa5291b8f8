"""The digit on any picture, and how sure the net is."""

import json
import math
from argparse import Namespace
from pathlib import Path

import torch

from lenet1998 import paper
from lenet1998.cli import say
from lenet1998.data.lines import read_line
from lenet1998.data.pictures import Picture, read_picture
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import Reading
from lenet1998.pretrained import TrainedNet, load_net, load_pretrained
from lenet1998.recipes import recipe_named
from lenet1998.strings import check_reads_strings, string_answer, string_in_words


def run(flags: Namespace) -> int:
    """Answer for every picture that can be read; a line on standard error and 2 for the others."""
    net = network(flags.variant, flags.weights, "strings" if flags.string else "original")
    if flags.string:
        check_reads_strings(net.recipe)
    answers, refused = [], []
    for file in flags.pictures:
        try:
            if flags.string:
                line = read_line(file, net.recipe.input_size)
                reading = string_answer(net, file, line, flags.length)
            else:
                reading = answer(net, file, read_picture(file))
        except BadInput as error:
            refused.append(error.line)
            say(error.line)
            continue
        answers.append(reading)
        if not flags.json:
            print(string_in_words(reading) if flags.string else in_words(reading))
    if flags.json:
        print(json.dumps({"net": net.source, "pictures": answers, "refused": refused}))
    return 2 if refused else 0


def network(variant: str | None, weights: Path | None, default: str = "original") -> TrainedNet:
    """The network that the flags name, or else the default variant.

    Raises:
        BadInput: none such, or weights of another variant than the one named.
    """
    recipe = recipe_named(variant or default)
    if weights is None:
        # Not load_net(name), to which a folder of that name would come first.
        source = f"{recipe.name} as it comes with lenet1998"
        return TrainedNet(recipe, load_pretrained(recipe.name), source)
    if not weights.exists():
        raise BadInput(f"--weights {weights}: no such file or folder")
    net = load_net(str(weights), variant)
    if variant not in (None, net.recipe.name):
        raise BadInput(f"--weights {weights}: of {net.recipe.name}, not of --variant {variant}")
    return net


@one_thread()
@torch.no_grad()
def answer(net: TrainedNet, file: str, picture: Picture) -> dict:
    """Prediction for a picture, as ``--json`` prints it.

    Raises:
        BadInput: the network's weights are such that its outputs are no numbers.
    """
    reading = net.model.read(picture)
    if not reading.scores.isfinite().all():
        raise BadInput(f"{file}: no answer, the outputs of {net.source} are no numbers")
    distances, share = reading.distances, reading.posteriors.tolist()
    digits = reading.scores[: paper.CLASSES]
    digit, second = digits.argsort(descending=True, stable=True)[:2].tolist()
    at_most = 1.0 if distances is None else 1 / (1 + math.exp(-net.model.rubbish_j))
    return {
        "file": file,
        "digit": digit,
        "confidence": share[digit],
        "confidence_at_most": at_most,
        "second": second,
        "second_confidence": share[second],
        "blank": share[paper.CLASSES] if len(reading.scores) > paper.CLASSES else None,
        "rubbish": reading.rubbish,
        **_outputs(reading),
        "ink": "black on white" if picture.dark_ink else "white on black",
        "normalised": picture.normalised,
    }


def _outputs(reading: Reading) -> dict[str, list[float]]:
    if reading.distances is None:
        return {"logits": reading.scores.tolist()}
    return {"distances": reading.distances.tolist()}


def in_words(reading: dict) -> str:
    """An answer as a few lines for a reader."""
    # A name may hold line breaks, or bytes that are no text.
    name = reading["file"] if reading["file"].isprintable() else repr(reading["file"])
    rubbish, blank = reading["rubbish"], reading["blank"]
    kind = "logits" if rubbish is None else "distances"
    values = zip((*map(str, range(paper.CLASSES)), "blank"), reading[kind], strict=False)
    outputs = "  ".join(f"{name}: {value:.3g}" for name, value in values)
    made = "scaled and centred" if reading["normalised"] else "taken as it is"
    answered = f"{name}: {reading['digit']}"
    sure = _percent(reading["confidence"])
    others = f"then {reading['second']} with {_percent(reading['second_confidence'])}"
    nothing = [share for share in (rubbish, blank) if share is not None]
    answered += ", or rather no digit" if max(nothing, default=0) > reading["confidence"] else ""
    if blank is not None:
        others += f", a blank with {_percent(blank)}"
    if rubbish is not None:
        sure += f" of {_percent(reading['confidence_at_most'])} at most"
        others += f", no digit with {_percent(rubbish)}"
    return (
        f"{answered}\n"
        f"  confidence  {sure}, {others}\n"
        f"  {kind:<10}  {outputs}\n"
        f"  picture     {reading['ink']}, {made}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
