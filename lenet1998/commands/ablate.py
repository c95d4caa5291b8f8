"""Each historical component's runs beside those without it, and what it is worth."""

import json
from argparse import Namespace
from pathlib import Path

from lenet1998.cli import writable
from lenet1998.commands.committed import Pairs, beside, of_committed, recipes_of
from lenet1998.commands.compare import train
from lenet1998.records import write_atomically, write_json
from lenet1998.report import ablations as report
from lenet1998.report.tables import latex, markdown


def run(pairs: Pairs, seeds: list[int] | None, out: Path, flags: Namespace) -> int:
    """Gather the changes' runs and their bases', write and print what each is worth.

    Args:
        pairs: the changes.
        seeds: to train afresh; None: the committed runs, as they are.
        out: where to write.
        flags: all of them.
    """
    if seeds is not None:
        found = beside(pairs, train(recipes_of(pairs), seeds, out, flags))
    else:
        found = of_committed(pairs, flags.results)
        writable(out)
    return publish(found, out, flags.json)


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
