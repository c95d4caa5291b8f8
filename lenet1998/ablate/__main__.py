"""``python -m lenet1998.ablate``: each historical component switched, and what it is worth."""

import argparse
import sys
from pathlib import Path

from lenet1998 import cli  # first: it sees to Ctrl-C while the rest is imported
from lenet1998.ablate.components import COMPONENTS, DIRECTIONS, changes, chosen
from lenet1998.training.flags import WHERE, changed_by, check_source, refuse, run_parser

SUMMARY = "Switch the historical components one by one, and see what each is worth."
OF_COMMITTED = {"only", "direction", "dataset", "results", "out", "overwrite", "json"}
FRESH_SEEDS, OUT = "0-2", Path("runs", "ablate")


class ListChanges(argparse.Action):
    """``--list``: the components with what can become of them, and exit."""

    def __call__(self, parser, namespace, values, option_string=None):
        width = max(map(len, COMPONENTS))
        for key, words in COMPONENTS.items():
            print(f"{key:<{width}}  {words}")
            for change in changes():
                if change.component == key:
                    print(f"{'':<{width}}    {change.direction}: {change.title}")
        parser.exit()


@cli.entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then set the changes' runs beside their bases'."""
    seeds = f"when trained afresh: {FRESH_SEEDS}"
    parser = run_parser("ablate", SUMMARY, seeds, str(OUT), ListChanges)
    parser.set_defaults(variant=None, seeds=None)
    add = parser.add_argument
    add("--only", metavar="KEYS", help="components, as c3,output (default: all)")
    add("--direction", choices=DIRECTIONS, help="default: all")
    add("--fresh", action="store_true", help="train afresh, as do --seeds, --passes and the like")
    add("--results", type=cli.path, metavar="DIR", help=WHERE)
    flags = parser.parse_args(arguments)
    given = {name for name, value in vars(flags).items() if value != parser.get_default(name)}
    refuse(given & {"variant"}, "original and modern are what is switched; see --only")
    asked = chosen(flags.only.split(",") if flags.only else None, flags.direction)
    pairs = {
        change: (changed_by(flags, change.recipe), changed_by(flags, change.base))
        for change in asked
    }
    fresh = check_source(given, flags.dataset, OF_COMMITTED)
    of_seeds = cli.parse_seeds(flags.seeds or FRESH_SEEDS) if fresh else None
    return cli.late("lenet1998.ablate.run").run(pairs, of_seeds, flags.out or OUT, flags)


if __name__ == "__main__":
    sys.exit(main())
