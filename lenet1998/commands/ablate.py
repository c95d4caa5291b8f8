"""Each historical component's runs beside those without it, and what it is worth."""

import json
from argparse import Namespace
from pathlib import Path

from lenet1998.ablations import changes
from lenet1998.cli import writable
from lenet1998.commands.committed import Pairs, beside, of_committed, recipes_of
from lenet1998.commands.compare import train
from lenet1998.records import write_atomically, write_json
from lenet1998.report import ablations as report
from lenet1998.report.tables import latex, markdown


def run(pairs: Pairs, seeds: list[int] | None, out: Path, flags: Namespace) -> int:
    """Gather the changes' runs and their bases', write and print what each is worth.

    Of committed runs p is adjusted over all changes of a direction, as in the docs, and not over
    those that are asked for.

    Args:
        pairs: the changes.
        seeds: to train afresh; None: the committed runs, as they are.
        out: where to write.
        flags: all of them.
    """
    if seeds is not None:
        families = beside(pairs, train(recipes_of(pairs), seeds, out, flags))
    else:
        directions = {change.direction for change in pairs}
        others = {
            change: (change.recipe, change.base)
            for change in changes()
            if change.direction in directions and change not in pairs
        }
        families = of_committed(pairs, flags.results, others)
        writable(out)
    asked = {(change.direction, change.component, change.title) for change in pairs}
    found = {direction: report.effects(family) for direction, family in families.items()}
    shown = {
        direction: [effect for effect in effects if effect.of.key in asked]
        for direction, effects in found.items()
    }
    return publish(shown, {key: len(effects) for key, effects in found.items()}, out, flags.json)


def publish(
    found: dict[str, list[report.Effect]], adjusted: dict[str, int], out: Path, as_json: bool
) -> int:
    """Write tables and figure, print the tables; the exit status is 1 if a run diverged.

    Args:
        found: the effects by direction.
        adjusted: over how many changes of each direction p is adjusted.
        out: where to write.
        as_json: what to print.
    """
    numbers = report.numbers(found)
    titled = {report.TITLES[key]: effects for key, effects in found.items()}
    tables = {title: report.effects_table(effects) for title, effects in titled.items()}
    every = report.in_one_table(titled)
    figure = out / "figures" / "ablations.png"
    write_json(out / "ablations.json", {"effects": numbers})
    texts = {
        "md": "\n".join(f"## {title}\n\n{markdown(table)}" for title, table in tables.items()),
        "csv": every.to_csv(index=False),
        "tex": latex(every),
    }
    for kind, text in texts.items():
        write_atomically(out / f"ablations.{kind}", text.encode())
    report.forest(titled, figure)
    if as_json:
        print(json.dumps({"effects": numbers}))
    else:
        for title, table in tables.items():
            print(title, table.to_string(index=False), sep="\n", end="\n\n")
        over = ", ".join(f"{n} ({report.TITLES[key]})" for key, n in adjusted.items())
        print(
            f"last pass, never the best; p adjusted over all changes that there are runs of: {over}"
        )
        print(f"written to {out}/ablations.* and {figure}")
    runs = [run for effects in found.values() for effect in effects for run in effect.of.ours]
    return int(any(run.diverged for run in runs))
