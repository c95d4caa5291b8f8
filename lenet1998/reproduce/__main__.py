"""``python -m lenet1998.reproduce``: train a variant and set it beside the published result."""

import sys
from pathlib import Path

from lenet1998.cli import entry, late, parse_seeds
from lenet1998.training.flags import recipe_from, run_parser

SUMMARY = "Train a variant on MNIST, pattern by pattern, and set it beside the 1998 result."


@entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then train."""
    flags = run_parser("reproduce", SUMMARY).parse_args(arguments)
    recipe, seeds = recipe_from(flags), parse_seeds(flags.seeds)
    out = flags.out or Path("runs", recipe.name)
    return late("lenet1998.reproduce.run").run(recipe, seeds, out, flags)


if __name__ == "__main__":
    sys.exit(main())
