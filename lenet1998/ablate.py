"""``python -m lenet1998.ablate``: each historical component switched, and what it is worth."""

import argparse
import json
import sys
from pathlib import Path

from lenet1998.ablations import COMPONENTS, DIRECTIONS, Change, changes, chosen
from lenet1998.cli import entry, path, writable
from lenet1998.compare import FRESH, ONLY_TRAINED, WHERE, committed, lacking, refuse, train
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe
from lenet1998.records import RunRecord, write_atomically, write_json
from lenet1998.report import ablations as report
from lenet1998.report.tables import latex, markdown
from lenet1998.training.flags import changed_by, run_parser

SUMMARY = "Switch the historical components one by one, and see what each is worth."
OF_COMMITTED = {"only", "direction", "dataset", "results", "out", "json"}
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


@entry
def main(arguments: list[str] | None = None) -> int:
    """Gather the changes' runs and their bases', write and print what each is worth."""
    seeds = f"when trained afresh: {FRESH_SEEDS}"
    parser = run_parser("ablate", SUMMARY, seeds, str(OUT), ListChanges)
    parser.set_defaults(variant=None, seeds=None)
    add = parser.add_argument
    add("--only", metavar="KEYS", help="components, as c3,output (default: all)")
    add("--direction", choices=DIRECTIONS, help="default: all")
    add("--fresh", action="store_true", help="train afresh, as do --seeds, --passes and the like")
    add("--results", type=path, metavar="DIR", help=WHERE)
    flags = parser.parse_args(arguments)
    given = {name for name, value in vars(flags).items() if value != parser.get_default(name)}
    refuse(given & {"variant"}, "original and modern are what is switched; see --only")
    asked = chosen(flags.only.split(",") if flags.only else None, flags.direction)
    pairs = {
        change: (changed_by(flags, change.recipe), changed_by(flags, change.base))
        for change in asked
    }
    if given.intersection(FRESH) or flags.dataset == "digits":
        refuse(given & {"results"}, "is where committed runs are, and these are trained afresh")
        out = flags.out or OUT
        found = beside(pairs, train(recipes_of(pairs), out, flags))
    else:
        refuse(given - OF_COMMITTED, ONLY_TRAINED)
        found = of_committed(pairs, flags.results)
        out = writable(flags.out or OUT)
    return publish(found, out, flags.json)


Pairs = dict[Change, tuple[Recipe, Recipe]]
"""Changes, each with its recipe and its base's, which flags may have changed."""


def recipes_of(pairs: Pairs) -> list[Recipe]:
    """Each recipe once, bases before what is compared with them."""
    return list(dict.fromkeys(recipe for pair in pairs.values() for recipe in reversed(pair)))


def of_committed(pairs: Pairs, results: Path | None) -> dict[str, list[report.Comparison]]:
    """The committed runs of changes beside their bases', by direction.

    Raises:
        BadInput: none of one of the recipes, or some of another data set.
    """
    groups = committed(results, recipes_of(pairs))
    if missing := [name for name, runs in groups.items() if not runs]:
        raise lacking(results, f"{missing[0]} ({len(missing)} lacking)")
    of = {run.dataset["checksum"]: (name, run) for name, runs in groups.items() for run in runs}
    if len(of) > 1:
        told = [f"{name} on {run.dataset['name']}" for name, run in of.values()]
        where = results or "what comes with lenet1998"
        raise BadInput(f"{where}: runs of several data sets: {', '.join(told)}", "results")
    return beside(pairs, groups)


def beside(pairs: Pairs, groups: dict[str, list[RunRecord]]) -> dict[str, list[report.Comparison]]:
    """The changes beside their bases, by direction."""
    found: dict[str, list[report.Comparison]] = {}
    for change, (recipe, base) in pairs.items():
        runs = groups[recipe.name], groups[base.name]
        one = report.Comparison(change.direction, change.component, change.title, *runs)
        found.setdefault(change.direction, []).append(one)
    return found


def publish(found: dict[str, list[report.Comparison]], out: Path, as_json: bool) -> int:
    """Write tables and figure, print the tables; the exit status is 1 if a run diverged."""
    numbers = report.numbers(found)
    tables = {
        report.TITLES[key]: report.effects_table(comparisons) for key, comparisons in found.items()
    }
    every = report.in_one_table(
        {report.TITLES[key]: comparisons for key, comparisons in found.items()}
    )
    figure = out / "figures" / "ablations.png"
    write_json(out / "ablations.json", {"effects": numbers})
    texts = {
        "md": "\n".join(f"## {title}\n\n{markdown(table)}" for title, table in tables.items()),
        "csv": every.to_csv(index=False),
        "tex": latex(every),
    }
    for kind, text in texts.items():
        write_atomically(out / f"ablations.{kind}", text.encode())
    report.forest({report.TITLES[key]: comparisons for key, comparisons in found.items()}, figure)
    if as_json:
        print(json.dumps({"effects": numbers}))
    else:
        for title, table in tables.items():
            print(title, table.to_string(index=False), sep="\n", end="\n\n")
        print("last pass, never the best; p adjusted over each table's rows")
        print(f"written to {out}/ablations.* and {figure}")
    runs = [run for comparisons in found.values() for one in comparisons for run in one.ours]
    return int(any(run.diverged for run in runs))


if __name__ == "__main__":
    sys.exit(main())
