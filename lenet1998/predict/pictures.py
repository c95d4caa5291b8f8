"""The digit on any picture, and how sure the net is."""

import json
import math
from argparse import Namespace
from pathlib import Path

import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.cli import say
from lenet1998.data import prepare
from lenet1998.data.lines import read_line
from lenet1998.data.pictures import Picture, read_picture
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import build_criterion
from lenet1998.pretrained import TrainedNet, load_net, load_pretrained
from lenet1998.recipes import Recipe, recipe_named
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
    net = load_net(str(weights))
    if variant not in (None, net.recipe.name):
        raise BadInput(f"--weights {weights}: of {net.recipe.name}, not of --variant {variant}")
    return net


def shares(recipe: Recipe, outputs: Tensor) -> Tensor:
    r"""Posterior of each class, and of rubbish.

    For distances y this is the posterior that eq. 9 makes grow,
    :math:`e^{-y_i} / (e^{-j} + \sum_i e^{-y_i})`, with half the distance if the recipe has it so.
    The rubbish class is always in it: at a code itself the share is :math:`1 / (1 + e^{-j})`.

    Args:
        outputs: (classes,), distances or logits.

    Returns:
        (classes + 1,), the last rubbish's; (classes,) for logits, which know no rubbish.
    """
    if recipe.output == "linear":
        return outputs.softmax(-1)
    factor = build_criterion(recipe).factor
    rubbish = outputs.new_tensor([-recipe.rubbish_j])
    return torch.cat([-factor * outputs, rubbish]).softmax(-1)


@one_thread()
@torch.no_grad()
def answer(net: TrainedNet, file: str, picture: Picture) -> dict:
    """Prediction for a picture, as ``--json`` prints it.

    Raises:
        BadInput: the network's weights are such that its outputs are no numbers.
    """
    recipe, distances = net.recipe, net.model.smallest_wins
    images = prepare(picture.pattern[None], recipe.input_size, recipe.scaling)
    outputs = net.model(images)[0]
    if not outputs.isfinite().all():
        raise BadInput(f"{file}: no answer, the outputs of {net.source} are no numbers")
    share = shares(recipe, outputs).tolist()
    digits = outputs[: paper.CLASSES]
    digit, second = digits.argsort(descending=not distances, stable=True)[:2].tolist()
    return {
        "file": file,
        "digit": digit,
        "confidence": share[digit],
        "confidence_at_most": 1 / (1 + math.exp(-recipe.rubbish_j)) if distances else 1.0,
        "second": second,
        "second_confidence": share[second],
        "blank": share[paper.CLASSES] if len(outputs) > paper.CLASSES else None,
        "rubbish": share[-1] if distances else None,
        "distances" if distances else "logits": outputs.tolist(),
        "ink": "black on white" if picture.dark_ink else "white on black",
        "normalised": picture.normalised,
    }


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
