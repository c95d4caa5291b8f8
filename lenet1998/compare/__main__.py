"""``python -m lenet1998.compare``: variants side by side, of committed runs or trained afresh."""

import sys
from pathlib import Path

from lenet1998.cli import entry, late, parse_seeds, path
from lenet1998.compare import mine
from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES
from lenet1998.training.flags import WHERE, check_source, recipe_from, refuse, run_parser

SUMMARY = "Variants side by side: accuracy, parameters, connections, time."
VARIANTS = ["original", "original-logistic", "modern"]
FRESH_SEEDS, OUT = "0-2", Path("runs", "compare")
OF_COMMITTED = {"variant", "variants", "dataset", "results", "out", "overwrite", "json"}
OF_TWO_RUNS = {"runs", "dataset", "data", "json"}
"""Flags that mean anything there."""


@entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then compare each variant's runs, or two given runs."""
    parser = run_parser("compare", SUMMARY, f"when trained afresh: {FRESH_SEEDS}", str(OUT))
    parser.set_defaults(variant=None, seeds=None)
    add = parser.add_argument
    words = f"default {' '.join(VARIANTS)}"
    add("variants", nargs="*", default=[], metavar="VARIANT", help=words)
    add("--fresh", action="store_true", help="train afresh, as do --seeds, --passes and the like")
    add("--results", type=path, metavar="DIR", help=WHERE)
    add("--runs", nargs=2, type=path, metavar="RUN", help="exact McNemar test of two runs' folders")
    add("--mine", metavar="PERCENT", help="an accuracy of your own beside the committed runs")
    flags = parser.parse_args(arguments)
    given = {name for name, value in vars(flags).items() if value != parser.get_default(name)}
    if flags.runs:
        refuse(given - OF_TWO_RUNS, "does not go with --runs, which compares two given runs")
        return late("lenet1998.compare.run").compare_runs(*flags.runs, flags)
    if flags.variants and flags.variant:
        raise BadInput(f"{flags.variant}: name variants with or without the flag", "variant")
    if flags.mine:
        refuse(given - mine.FLAGS, "does not go with --mine, which is beside committed runs")
    standard = list(RECIPES) if flags.mine else VARIANTS
    variants = flags.variants or ([flags.variant] if flags.variant else standard)
    recipes = [recipe_from(flags, variant) for variant in variants]
    if len({recipe.name for recipe in recipes}) < len(recipes):
        raise BadInput(f"{' '.join(variants)}: a variant is named twice, or made the same by flags")
    if flags.mine:
        return mine.run(recipes, mine.accuracy(flags.mine), flags.out or OUT, flags)
    fresh = check_source(given, flags.dataset, OF_COMMITTED)
    seeds = parse_seeds(flags.seeds or FRESH_SEEDS) if fresh else None
    return late("lenet1998.compare.run").run(recipes, seeds, flags.out or OUT, flags)


if __name__ == "__main__":
    sys.exit(main())
