"""The generated parts of README and docs: which records make which table or figure.

A source is a study, ``STUDY`` or ``STUDY/RECIPE``, or a JSON file, in ``experiments/results``.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from experiments import reproduction
from experiments.ablations import tables as ablations_page
from experiments.claims import ledger
from experiments.claims.statements import CLAIMS
from experiments.coursework import tables as coursework
from experiments.distortions import tables as distortions
from experiments.net_1998 import features_tables as features_1998
from experiments.net_1998 import tables as net_1998
from experiments.pictures import tables as pictures
from experiments.pretrained import tables as pretrained
from experiments.published import tables as results_page
from experiments.readings import departures, search_tests
from experiments.readings import licences_tables as licences_page
from experiments.readings import search_tables as search
from experiments.readings import tables as open_questions
from experiments.reliability import tables as reliability
from experiments.results import (
    ANSWERS,
    BENCHMARK,
    BENCHMARKS_OLDER,
    BLANK_SHARE,
    FAULTS,
    FEATURES,
    FIG6,
    FIG7,
    LICENCES,
    PICTURES,
    READ_STRINGS,
    REJECTION_INVARIANCE,
    RESTORATION,
    RIVALS,
    SEARCH,
    everything,
    read_json,
    runs_in,
)
from experiments.speed.tables import rivals
from experiments.strings import tables as strings
from experiments.tour import functions as tour_functions
from experiments.tour import layers as tour
from experiments.tour import paper_facts
from lenet1998 import paper
from lenet1998.benchmark.tables import benchmark as engines_table
from lenet1998.report import comparison, figures, tables
from lenet1998.report.committed import COMPARED
from lenet1998.training import lines
from lenet1998.training.records import RunRecord

ORIGINAL, MODERN = COMPARED["original"], COMPARED["modern"]
DISTORTIONS = "published/distortions"
BY_SIZE = (
    "published/original,train_size=15000",
    "published/original,train_size=30000",
    ORIGINAL,
    DISTORTIONS,
)
LITERAL = "headline/original-literal"
EQUATION_8 = "readings/original,loss=distance,half_distance=false,f6_curvature=gauss_newton"
READINGS = (
    "readings/original",
    EQUATION_8,
    "readings/original,loss=distance,half_distance=false,f6_curvature=gauss_newton,initialisation=fan_in",
)
FEWER = (
    BY_SIZE[0],
    "published/original,eta=stretched,passes=80,train_size=15000",
    "published/original,passes=80,train_size=15000",
)
COURSEWORK, OPEN, SWEEP = "coursework", "coursework_open", "sweep"
ALL_VARIANTS = {
    **COMPARED,
    "distortions": DISTORTIONS,
    "noise": "published/noise",
    "1998-features": "features/1998-features",
    "strings": "strings/strings",
    "printed": "licences/printed",
    "original-literal": LITERAL,
    "fitted": "fitted/fitted",
    **{
        f"coursework-{report}": f"{COURSEWORK}/coursework-{report}" for report in coursework.REPORTS
    },
}


def _one_run(results: Path, folder: str = ORIGINAL) -> RunRecord:
    """One run of a folder, for what is the same in all."""
    return runs_in(results, folder)[0]


def headline(results: Path) -> pd.DataFrame:
    """The 1998 recipe's runs beside the paper, and the test error of those with distortions."""
    frame = tables.beside_the_paper(tables.summary_of(runs_in(results, ORIGINAL)))
    errors = [run.last["test_error_percent"] for run in runs_in(results, DISTORTIONS)]
    published = str(paper.DISTORTED_TEST_ERROR_PERCENT)
    frame.loc[1.5] = ["test error with distortions, %", tables.spread(errors), published]
    return frame.sort_index()


def readings(results: Path) -> pd.DataFrame:
    """All readings, ranked as docs/protocol.md says."""
    return open_questions.readings(runs_in(results, "readings"))


def finalists(results: Path) -> pd.DataFrame:
    """The readings that were taken to ten seeds."""
    return open_questions.finalists(runs_in(results, "readings"))


def licences(results: Path) -> pd.DataFrame:
    """The readings that the printed words leave, and which of them is taken."""
    return licences_page.licences(read_json(results / LICENCES), runs_in(results, "licences"))


def benchmark(results: Path) -> pd.DataFrame:
    """The engines side by side, on each machine and with each arithmetic that was measured."""
    return engines_table(
        read_json(results / BENCHMARK), *read_json(results / BENCHMARKS_OLDER)["machines"]
    )


def published_errors(results: Path) -> pd.DataFrame:
    """Every error that the paper reports of LeNet-5 on MNIST."""
    return results_page.errors(runs_in(results, *BY_SIZE), everything(results))


def fewer_patterns(results: Path) -> pd.DataFrame:
    """Explanations tried for Fig. 6's errors with 15,000 patterns."""
    runs = runs_in(results, *FEWER)
    return results_page.fewer_patterns(runs, read_json(results / FIG6))


def distortion_gain(results: Path) -> pd.DataFrame:
    """Two readings' runs without and with distortions."""
    fitted = ALL_VARIANTS["fitted"]
    folders = (ORIGINAL, DISTORTIONS, fitted, f"{fitted},distortions=true")
    return distortions.distortion_gain(runs_in(results, *folders))


def fig7_ranges(results: Path) -> pd.DataFrame:
    """Ranges of Fig. 7's distortions."""
    return distortions.fig7_ranges(read_json(results / FIG7))


def fig7_checks(results: Path) -> pd.DataFrame:
    """Checks of those ranges."""
    return distortions.fig7_checks(read_json(results / FIG7))


def fingerprint(results: Path) -> pd.DataFrame:
    """Overlap of our nets' errors with Fig. 8's; the first kind is most likely Fig. 8's."""
    runs = runs_in(results, DISTORTIONS, ORIGINAL, MODERN)
    return results_page.fingerprint(runs, read_json(results / ANSWERS))


def rejection(results: Path) -> pd.DataFrame:
    """Fig. 10, with the bar that it lacks."""
    return results_page.rejection(read_json(results / REJECTION_INVARIANCE))


def cost(results: Path) -> pd.DataFrame:
    """Figs. 11 and 12."""
    return results_page.cost(runs_in(results, ORIGINAL))


def _groups(results: Path, variants: dict[str, str]) -> comparison.Groups:
    return {name: runs_in(results, folder) for name, folder in variants.items()}


def compared(results: Path) -> pd.DataFrame:
    """The named variants side by side."""
    return comparison.side_by_side(_groups(results, COMPARED))


def compared_layers(results: Path) -> pd.DataFrame:
    """The same, layer by layer."""
    return comparison.by_layer(_groups(results, COMPARED))


def compared_all(results: Path) -> pd.DataFrame:
    """Every named variant, a row each."""
    table = comparison.side_by_side(_groups(results, ALL_VARIANTS))
    return table.set_index("").T.rename_axis("variant").reset_index()


def nets(results: Path) -> pd.DataFrame:
    """The nets that come with the package."""
    runs = {name: runs_in(results, ALL_VARIANTS[name]) for name in pretrained.NAMES}
    return pretrained.overview(runs)


def _card(name: str) -> Callable[[Path], pd.DataFrame]:
    """Card of a pretrained net."""
    return lambda results: pretrained.card(runs_in(results, ALL_VARIANTS[name]), name)


def answers(results: Path) -> pd.DataFrame:
    """Nets of two variants on the same patterns."""
    return comparison.answers(read_json(results / ANSWERS))


def _of(source: str, table: Callable[[dict], pd.DataFrame]) -> Callable[[Path], pd.DataFrame]:
    """A table that shows one of the results' JSON files and nothing else."""
    return lambda results: table(read_json(results / source))


def _of_finalists(table: Callable[..., pd.DataFrame], *others: str) -> Callable:
    """A table of the search's last stage, and of other records."""
    return lambda results: table(
        read_json(results / SEARCH),
        [run for run in runs_in(results, search.STUDY) if search.stage_of(run) == 4],
        *(runs_in(results, folder) for folder in others),
    )


def coursework_claims(results: Path) -> pd.DataFrame:
    """Accuracies that the coursework reports claim."""
    return coursework.claims(runs_in(results, COURSEWORK), everything(results))


def coursework_best_epoch(results: Path) -> pd.DataFrame:
    """Gap between the best of many test scores and the last."""
    return coursework.best_epoch(runs_in(results, COURSEWORK))


def coursework_open(results: Path) -> pd.DataFrame:
    """Points that the reports leave open."""
    return coursework.open_choices(runs_in(results, COURSEWORK, OPEN))


def coursework_by_class(results: Path) -> pd.DataFrame:
    """One report's accuracy by digit."""
    return coursework.by_class(read_json(results / ANSWERS))


TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    "headline": headline,
    "readings": readings,
    "finalists": finalists,
    "benchmark": benchmark,
    "licences": licences,
    "departures": lambda _: departures.table(departures.variants()),
    "rivals": _of(RIVALS, rivals),
    "published-errors": published_errors,
    "distortion-gain": distortion_gain,
    "fewer-patterns": fewer_patterns,
    "fig7-ranges": fig7_ranges,
    "fig7-checks": fig7_checks,
    "fingerprint": fingerprint,
    "rejection": rejection,
    "cost": cost,
    "comparison": compared,
    "comparison-layers": compared_layers,
    "comparison-all": compared_all,
    "mcnemar": answers,
    "studies": reproduction.studies,
    "measures": reproduction.measures,
    "pretrained": nets,
    **{f"card-{name}": _card(name) for name in pretrained.NAMES},
    "1998-layers": _of(RESTORATION, net_1998.layers),
    "1998-table-one": _of(RESTORATION, net_1998.table_one),
    "1998-squashings": _of(RESTORATION, net_1998.squashings),
    "1998-subsampling": _of(RESTORATION, net_1998.subsampling),
    "1998-kernels": _of(RESTORATION, net_1998.kernels),
    "1998-fig25": _of(RESTORATION, net_1998.fig25),
    "1998-known-nets": _of(RESTORATION, net_1998.known_nets),
    "1998-at-work": _of(FEATURES, features_1998.features),
    "1998-told": _of(FEATURES, features_1998.told),
    "1998-training-sets": _of(FEATURES, features_1998.training_sets),
    "1998-patterns": _of(FEATURES, features_1998.patterns),
    "1998-fig13": _of(FEATURES, features_1998.fig13),
    "1998-strings": _of(FEATURES, features_1998.strings),
    "1998-card": _of(FEATURES, features_1998.card),
    "1998-between-digits": lambda _: strings.f6_between_digits(),
    "strings-1998": _of(READ_STRINGS, strings.published),
    "strings-usual": _of(READ_STRINGS, strings.usual),
    "strings-speed": _of(READ_STRINGS, strings.speed),
    "pictures": _of(PICTURES, pictures.kinds),
    "blank-share": _of(BLANK_SHARE, strings.blank_share),
    "search-stages": lambda results: search.stages(runs_in(results, search.STUDY)),
    "search-best": lambda results: search.best(runs_in(results, search.STUDY)),
    "search-finalists": _of_finalists(search.finalists),
    "search-nets": _of_finalists(search.nets),
    "search-rates": _of_finalists(search.rates_by_layer),
    "search-held-back": _of_finalists(search_tests.held_back, "fitted"),
    "faults-runs": _of(FAULTS, reliability.runs),
    "faults-files": _of(FAULTS, reliability.files),
    "faults-flags": _of(FAULTS, reliability.flags),
    **ablations_page.TABLES,
    "claims": partial(ledger.table, CLAIMS),
    "claims-summary": partial(ledger.summary, CLAIMS),
    "coursework-claims": coursework_claims,
    "coursework-best-epoch": coursework_best_epoch,
    "coursework-open": coursework_open,
    "coursework-by-class": coursework_by_class,
    "tour-layers": lambda results: tour.layers(_one_run(results)),
    **{
        f"tour-{name}": lambda results, name=name: tour.layer(name, _one_run(results))
        for name in paper.PARAMETERS
    },
    "paper-constants": lambda _: paper_facts.constants(),
    "why-parameters": lambda results: tour.parameters_apart(
        _one_run(results), _one_run(results, MODERN)
    ),
}


def read(results: Path, source: str) -> list[RunRecord] | dict:
    """Read a source, runs or a JSON file."""
    return read_json(results / source) if source.endswith(".json") else runs_in(results, source)


@dataclass(frozen=True)
class Drawing:
    """A figure of the docs: what draws it, and the sources it shows.

    ``draw`` is given what each source holds, in their order, then the file and the digest:
    a folder's records as a list, a JSON file's content. The facts are names in
    :mod:`lenet1998.paper`, where it looks for itself.
    """

    draw: Callable[..., None]
    sources: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    def held(self, results: Path) -> list:
        """Contents of the sources."""
        return [read(results, source) for source in self.sources]

    def remake(self, results: Path, file: Path) -> None:
        self.draw(*self.held(results), file=file, source=self.digest(results))

    def digest(self, results: Path) -> str:
        return digest(*self.held(results), facts=self.facts)


TANH = ("TANH_AMPLITUDE", "TANH_SLOPE")
FIGURES = {
    "fig5.png": Drawing(figures.learning_curve, (ORIGINAL,)),
    "fig6.png": Drawing(figures.error_by_size, BY_SIZE),
    "readings.png": Drawing(open_questions.learning_curves, READINGS),
    "invariance.png": Drawing(figures.invariance, (REJECTION_INVARIANCE,)),
    "comparison.png": Drawing(comparison.learning_curves, tuple(COMPARED.values())),
    "coursework.png": Drawing(coursework.learning_curves, (COURSEWORK,)),
    "1998-kernels.png": Drawing(net_1998.kernel_figure, (RESTORATION,)),
    "1998-f6.png": Drawing(features_1998.f6_figure, (FEATURES,)),
    "strings.png": Drawing(strings.figure, (READ_STRINGS,)),
    "search.png": Drawing(search.figure, (search.STUDY,)),
    **{name: Drawing(*shown) for name, shown in ablations_page.FIGURES.items()},
    "sweep.png": Drawing(coursework.sweep, (SWEEP,)),
    "reliability.png": Drawing(reliability.figure, (FAULTS,)),
    "tour-centring.png": Drawing(tour.centring, facts=("fig13_states",)),
    "tour-c1.png": Drawing(tour.c1, (RESTORATION,), ("fig13_states",)),
    "tour-s4.png": Drawing(tour.s4, facts=("fig13_states",)),
    "tour-c3.png": Drawing(tour.c3, facts=("C3_TABLE",)),
    "tour-c5.png": Drawing(tour.c5, facts=("fig25_states",)),
    "tour-codes.png": Drawing(tour.codes, facts=("digit_codes",)),
    "tour-distances.png": Drawing(tour.distances, facts=("digit_codes", "fig13_states")),
    "tour-tanh.png": Drawing(tour_functions.scaled_tanh, facts=TANH),
    "tour-subsampling.png": Drawing(tour_functions.subsampling, facts=("fig13_states", *TANH)),
    "tour-push.png": Drawing(tour_functions.push),
    "tour-rates.png": Drawing(tour_functions.rates, facts=("ETA_SCHEDULE", "MU", "RATE_RANGE")),
}


def digest(*shown: list[RunRecord] | dict, facts: Iterable[str] = ()) -> str:
    """SHA-256 over what a figure shows: runs with their answers, or a JSON file's content.

    After them come the facts, by their names in :mod:`lenet1998.paper`.
    """
    total = sha256()
    for content in shown:
        if isinstance(content, dict):
            total.update(json.dumps(content, sort_keys=True).encode())
            continue
        total.update(lines.digest(content).encode())
    for name in facts:
        fact = getattr(paper, name)
        value = fact() if callable(fact) else fact
        for part in value if hasattr(value, "_fields") else [value]:
            total.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return total.hexdigest()
