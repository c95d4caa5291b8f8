"""Each historical component's runs beside those without it, and what it is worth."""

import json
import sys
from argparse import Namespace
from pathlib import Path

from lenet1998.ablate import effects as report
from lenet1998.ablate.effects import Pairs, beside, of_committed, recipes_of
from lenet1998.report.fresh import in_words, train
from lenet1998.report.style import save
from lenet1998.report.tables import latex, markdown
from lenet1998.training.locks import check_free, claimed, replacing
from lenet1998.training.records import write_atomically, write_json

FIGURE = "figures/ablations.png"
FILES = ("ablations.json", "ablations.md", "ablations.csv", "ablations.tex", FIGURE)


def run(pairs: Pairs, seeds: list[int] | None, out: Path, flags: Namespace) -> int:
    """Gather the changes' runs and their bases', write and print what each is worth.

    The exit status is 1 if a run diverged.

    Args:
        pairs: the changes.
        seeds: to train afresh; None: the committed runs, as they are.
        out: where to write.
        flags: all of them.
    """
    recipes = recipes_of(pairs)
    of = in_words({recipe.name: seeds or () for recipe in recipes}, flags)
    check_free(out, FILES, of, flags.overwrite)
    if seeds is not None:
        found = beside(pairs, train(recipes, seeds, out, flags))
    else:
        found = of_committed(pairs, flags.results)
    asked = {change.key for change in pairs}
    shown, notes = {}, {}
    for direction, comparisons in found.items():
        family, title = report.effects(comparisons), report.TITLES[direction]
        if any(one.key in asked for one in comparisons):
            shown[title] = [effect for effect in family if effect.of.key in asked]
            notes[title] = report.adjusted_over(direction, family)
    compared = [one for comparisons in found.values() for one in comparisons if one.key in asked]
    with claimed(out), replacing(out, FILES, of, flags.overwrite):
        publish(shown, notes, out, flags.json)
    lacking = [change for change in pairs if change.key not in {one.key for one in compared}]
    if lacking:
        told = f"no committed runs of {lacking[0].recipe.name} ({len(lacking)} lacking)"
        print(f"lenet1998: {told}: shown without", file=sys.stderr)
    return int(any(run.diverged for one in compared for run in one.ours))


def publish(
    shown: dict[str, list[report.Effect]], notes: dict[str, str], out: Path, as_json: bool
) -> None:
    """Write tables and figure, print the tables, a note below each."""
    numbers = report.as_json([effect for some in shown.values() for effect in some])
    tables = {title: report.effects_table(some) for title, some in shown.items()}
    every = report.in_one_table(shown)
    figure = out / FIGURE
    write_json(out / "ablations.json", {"effects": numbers})
    texts = {
        "md": "\n".join(
            f"## {title}\n\n{markdown(table)}\n{notes[title]}\n" for title, table in tables.items()
        ),
        "csv": every.to_csv(index=False),
        "tex": latex(every),
    }
    for kind, text in texts.items():
        write_atomically(out / f"ablations.{kind}", text.encode())
    save(report.forest(shown), figure)
    if as_json:
        print(json.dumps({"effects": numbers}))
    else:
        for title, table in tables.items():
            print(title, table.to_string(index=False), notes[title], sep="\n", end="\n\n")
        print("last pass, never the best")
        print(f"written to {out}/ablations.* and {figure}")
