"""The flags that all commands that train understand, and recipes from them. Imports no torch."""

import argparse
import re
from collections.abc import Callable, Set
from pathlib import Path

from lenet1998.cli import Parser, path, some_text, whole_number
from lenet1998.errors import BadInput
from lenet1998.recipes import DATASETS, DESCRIPTIONS, ENGINES, Recipe, recipe_named

RESULTS = Path("experiments", "results")
DATA = "where MNIST is (default $LENET1998_DATA, else ./data)"
QUICK = ["passes=2", "train_size=1000"]


class ListVariants(argparse.Action):
    """``--list``: the named variants with one line each, and exit."""

    def __call__(self, parser, namespace, values, option_string=None):
        width = max(map(len, DESCRIPTIONS))
        for name, description in DESCRIPTIONS.items():
            print(f"{name:<{width}}  {description}")
        parser.exit()


def run_parser(
    command: str,
    description: str,
    seeds: str = "0",
    out: str = "runs/<name>",
    listing: type[argparse.Action] = ListVariants,
) -> Parser:
    """A parser with the flags that every command that trains understands; few of them vary."""
    parser = Parser(prog=f"lenet1998.{command}", description=description)
    add = parser.add_argument
    add("--variant", default="original", metavar="NAME", help="a named variant (see --list)")
    add("--list", action=listing, nargs=0, help="list what there is to name, and exit")
    add("--seeds", default="0", metavar="SPEC", help=f"0 | 0-9 | 0,3,7 (default {seeds})")
    add("--passes", metavar="N", help="passes over the training set (default: the recipe's)")
    add("--train-size", metavar="N", help="first N patterns of the random order (default all)")
    add("--distortions", action="store_true", help="add the 540,000 patterns of section III-B")
    add_data(add, "MNIST if to be had")
    add_where(add)
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="override one switch")
    add("--out", type=path, metavar="DIR", help=f"default {out}")
    add("--resume", action="store_true", help="go on from the last finished pass in --out")
    add("--overwrite", action="store_true", help="replace other runs that stand in --out")
    add("--quick", action="store_true", help="1,000 patterns, 2 passes: the same path in seconds")
    add("--json", action="store_true", help="print the summary as one JSON object, nothing else")
    return parser


def add_data(add: Callable, auto: str) -> None:
    """The flags that say which data set, by default ``auto`` in words, and where it is."""
    add("--dataset", default="auto", choices=DATASETS, help=f"default auto: {auto}")
    add("--data", type=path, metavar="DIR", help=DATA)


def add_where(add: Callable) -> None:
    """The flags that say where and on what runs go."""
    add("--engine", default="auto", choices=ENGINES, help="default auto: the fastest here")
    add("--device", default="auto", type=device, metavar="NAME", help="auto | cpu | cuda[:i]")
    add("--jobs", type=whole_number, metavar="N", help="runs at once (default: cores)")
    words = "tcp://host:port of a Dask cluster to run on instead"
    add("--scheduler", type=scheduler, metavar="URL", help=words)


def device(text: str) -> str:
    """The type of ``--device``; whether there is such a device is asked where the runs go."""
    if not re.fullmatch("auto|cpu|cuda(:[0-9]{1,3})?", some_text(text)):
        raise argparse.ArgumentTypeError(f"{text}: must be auto, cpu, cuda or cuda:NUMBER")
    return text


def scheduler(text: str) -> str:
    """The type of ``--scheduler``; whether one answers there is asked when the runs go to it."""
    if not re.fullmatch(r"\w+://[^/\s]+:[0-9]{1,5}", some_text(text), re.ASCII):
        raise argparse.ArgumentTypeError(f"{text}: write tcp://host:port")
    return text


def recipe_from(flags: argparse.Namespace, variant: str | None = None) -> Recipe:
    """The recipe that the flags describe, of their own variant unless another is named.

    Flags that change it change its name, so its runs go to a folder of their own.
    """
    return changed_by(flags, recipe_named(variant or flags.variant))


def changed_by(flags: argparse.Namespace, recipe: Recipe) -> Recipe:
    """A recipe as the flags change it."""
    changes = list(QUICK) if flags.quick else []
    changes += [f"passes={flags.passes}"] if flags.passes is not None else []
    changes += [f"train_size={flags.train_size}"] if flags.train_size is not None else []
    changes += ["distortions=true"] if flags.distortions else []
    try:
        return recipe.override(changes + flags.set)
    except BadInput as error:
        if error.argument != "assignment":
            raise
        raise BadInput(error.message, "set") from None


WHERE = "a folder of studies' records (default: the committed runs that come with lenet1998)"
FRESH = ("fresh", "seeds", "passes", "train_size", "distortions", "set", "quick", "resume")
"""Flags that ask for other runs than the committed ones."""


def check_source(given: Set[str], dataset: str, of_committed: Set[str]) -> bool:
    """Decide between runs trained afresh and committed ones, by the flags given.

    Args:
        given: the flags that are not as they are by default.
        dataset: whose runs.
        of_committed: the flags that mean anything for committed runs.

    Raises:
        BadInput: flags that would be ignored.
    """
    if given.intersection(FRESH) or dataset == "digits":
        refuse(given & {"results"}, "is where committed runs are, and these are trained afresh")
        return True
    refuse(given - of_committed, "is for runs that are trained: add --fresh to train them")
    return False


def refuse(given: Set[str], why: str) -> None:
    """Refuse flags that would be ignored.

    Raises:
        BadInput: there is one.
    """
    for name in sorted(given):
        words = "VARIANT" if name == "variants" else f"--{name.replace('_', '-')}"
        raise BadInput(f"{words}: {why}")
