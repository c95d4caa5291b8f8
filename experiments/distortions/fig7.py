"""Ranges of section III-B's distortions: Fig. 7's digits registered with their originals.

Writes ``fig7.json``: the map of each digit (``registration.py`` says what its numbers are), what
was drawn for it, and how sure the ranges are. With ``--affine`` it also writes the maps the other
way round, as :func:`lenet1998.paper.fig7_affine` reads them.
"""

import csv
import io
import itertools
import sys
from typing import NamedTuple

import numpy as np
from scipy import stats

from experiments.distortions.registration import (
    FROM_ORIGIN,
    MAP,
    Registration,
    padded,
    printed,
    register,
    warp,
)
from experiments.results import parser_of
from lenet1998 import paper
from lenet1998.cli import entry, path, writable
from lenet1998.data import load
from lenet1998.errors import BadInput
from lenet1998.report.statistics import CONFIDENCE, holm, uniform_ends, uniform_p
from lenet1998.training.records import write_atomically, write_json

# --- What was drawn -----------------------------------------------------------------------------


class Draws(NamedTuple):
    """The five random numbers of each distortion, each (n,), in the order of the formula.

    The original is shifted, sheared about a row of its own (``shear`` pixels of x per pixel of y),
    then shrunk and squeezed towards a fixed point::

        x = xx (x' - fixed_x) + fixed_x - shear (scaled_y - sheared_about) - shift_x
        y = scaled_y - shift_y        scaled_y = yy (y' - fixed_y) + fixed_y

    where ``xx = shrink * squeeze`` and ``yy = shrink / squeeze``.
    """

    shift_x: np.ndarray
    shift_y: np.ndarray
    shrink: np.ndarray
    squeeze: np.ndarray
    shear: np.ndarray


# The points that stay, in pixels from the origin: round values within what the digits allow.
FIXED_X, FIXED_Y, SHEARED_ABOUT = -0.5, 10.0, 2.0
GRID = {  # over which the digits are asked for them
    "fixed_x": np.arange(-3, 2.001, 0.05),
    "fixed_y": np.arange(8, 12.001, 0.02),
    "sheared_about": np.arange(-4, 8.001, 0.05),
}


def draws(maps: np.ndarray, fixed_x=FIXED_X, fixed_y=FIXED_Y, sheared_about=SHEARED_ABOUT) -> Draws:
    """The draws behind n maps, vertical shear left out; the points may be columns of many."""
    xx, xy, x, _, yy, y = np.asarray(maps).T
    shear = -xy / yy
    scaled_y = fixed_y * (1 - yy)
    return Draws(
        shift_x=fixed_x * (1 - xx) - shear * (scaled_y - sheared_about) - x,
        shift_y=scaled_y - y,
        shrink=np.sqrt(xx * yy),
        squeeze=np.sqrt(xx / yy),
        shear=shear,
    )


def maps_of(drawn: Draws) -> np.ndarray:
    """The maps (n, 6) that draws make: :func:`draws` the other way round."""
    shift_x, shift_y, shrink, squeeze, shear = drawn
    xx, yy = shrink * squeeze, shrink / squeeze
    scaled_y = FIXED_Y * (1 - yy)
    x = FIXED_X * (1 - xx) - shear * (scaled_y - SHEARED_ABOUT) - shift_x
    return np.stack([xx, -shear * yy, x, np.zeros_like(xx), yy, scaled_y - shift_y], axis=1)


# --- The distribution ---------------------------------------------------------------------------

RANGES = Draws((-2.0, 2.0), (-2.0, 2.0), (0.77, 1.4), (0.9, 1.1), (-0.14, 0.14))
REPEATS = 20


def interval(sample: np.ndarray) -> list[float]:
    return np.quantile(sample, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()


def log_likelihood(values: np.ndarray, slope: np.ndarray | float = 1.0) -> float:
    """Largest log likelihood if ``values`` are uniform, of what they have that slope against."""
    n = values.shape[-1]
    slopes = np.log(np.broadcast_to(np.abs(slope), (n,))).sum()
    return float(slopes - n * np.log(np.ptp(values, axis=-1)).min())


LAWS = {"log": np.log, "reciprocal": np.reciprocal}


def parameters(maps: np.ndarray, generator: np.random.Generator) -> tuple[list[dict], dict]:
    """Estimates of each parameter's range, and of the points that stay, from the digits."""
    across, about = (g.ravel() for g in np.meshgrid(GRID["fixed_x"], GRID["sheared_about"]))
    choices = {
        "shift_x": draws(maps, across[:, None], FIXED_Y, about[:, None]).shift_x,
        "shift_y": draws(maps, fixed_y=GRID["fixed_y"][:, None]).shift_y,
    }
    rows, chosen = [], {}
    for name, values, (low, high) in zip(Draws._fields, draws(maps), RANGES, strict=True):
        chosen[name], lows, highs = uniform_ends(choices.get(name, values[None]), generator)
        rows.append(
            {
                "name": name,
                "range": [low, high],
                "seen": [values.min(), values.max()],
                "low": interval(lows),
                "high": interval(highs),
                "p_uniform": uniform_p(values),
                "p_uniform_in_range": stats.kstest(values, "uniform", (low, high - low)).pvalue,
                "p_span": stats.beta.cdf(np.ptp(values) / (high - low), len(values) - 1, 2),
                "p_normal": stats.shapiro(values).pvalue,
            }
        )
        if low > 0:
            rows[-1] |= {f"p_{law}_uniform": uniform_p(f(values)) for law, f in LAWS.items()}
    points = {
        "fixed_x": {"used": FIXED_X, "interval": interval(across[chosen["shift_x"]])},
        "fixed_y": {"used": FIXED_Y, "interval": interval(GRID["fixed_y"][chosen["shift_y"]])},
        "sheared_about": {"used": SHEARED_ABOUT, "interval": interval(about[chosen["shift_x"]])},
    }
    return rows, points


def compositions(maps: np.ndarray) -> list[dict]:
    """Ways to compose a map of uniform draws: log likelihood of each, less that of the best."""
    xx, xy, _, _, yy, _ = maps.T
    across, about = (
        g.ravel()[:, None] for g in np.meshgrid(GRID["fixed_x"], GRID["sheared_about"])
    )
    right = draws(maps, across, FIXED_Y, about).shift_x
    down = draws(maps, fixed_y=GRID["fixed_y"][:, None]).shift_y
    _, _, shrink, squeeze, _ = draws(maps)
    answers = {
        "shear": {
            "the original": (xy / yy, 1 / yy),
            "by shrink": (xy / shrink, 1 / shrink),
            "the result": (xy / xx, 1 / xx),
            "after scaling, per pixel before it": (xy / (xx * yy), 1 / (xx * yy)),
            "whatever the scale": (xy, 1.0),
        },
        "shift right": {"the original": (right, 1.0), "the result": (right / xx, 1 / xx)},
        "shift down": {"the original": (down, 1.0), "the result": (down / yy, 1 / yy)},
        "shrink": {
            "uniform": (shrink, 1.0),
            "log uniform": (np.log(shrink), 1 / shrink),
            "reciprocal uniform": (1 / shrink, shrink**-2),
        },
        "squeeze": {
            "uniform": (squeeze, 1.0),
            "log uniform": (np.log(squeeze), 1 / squeeze),
            "reciprocal uniform": (1 / squeeze, squeeze**-2),
            "added to shrink": ((xx - yy) / 2, shrink * (1 + squeeze**-2) / 2),
        },
    }
    rows = []
    for what, ways in answers.items():
        found = {way: log_likelihood(*case) for way, case in ways.items()}
        best = max(found.values())
        rows += [{"what": what, "way": way, "log_likelihood": f - best} for way, f in found.items()]
    return rows


def independence(drawn: Draws) -> list[dict]:
    """Rank correlation of each two parameters; p adjusted by Holm over all of them."""
    pairs = list(itertools.combinations(Draws._fields, 2))
    tests = [stats.spearmanr(getattr(drawn, one), getattr(drawn, two)) for one, two in pairs]
    adjusted = holm([test.pvalue for test in tests])
    return [
        {"pair": pair, "rho": test.statistic, "p": test.pvalue, "p_holm": p}
        for pair, test, p in zip(pairs, tests, adjusted, strict=True)
    ]


def order(drawn: Draws, variants: int) -> list[dict]:
    """Do the draws depend on the digit, the column of the figure, or the one before (Holm)?"""
    rows = []
    for name, values in zip(Draws._fields, drawn, strict=True):
        table = values.reshape(-1, variants)
        rows += [
            {"name": name, "by": "digit", "p": stats.kruskal(*table).pvalue},
            {"name": name, "by": "column", "p": stats.kruskal(*table.T).pvalue},
            {"name": name, "by": "neighbour", "p": stats.spearmanr(values[1:], values[:-1]).pvalue},
        ]
    adjusted = holm([row["p"] for row in rows])
    return [row | {"p_holm": p} for row, p in zip(rows, adjusted, strict=True)]


def moved(maps: np.ndarray) -> np.ndarray:
    """Distance that each map moves the 20x20 box of the digit: pixels, root mean square."""
    half = paper.DIGIT_SIZE // 2
    box = FROM_ORIGIN[np.abs(FROM_ORIGIN + 0.5) < half]
    xx, xy, x, yx, yy, y = (number[:, None, None] for number in maps.T)
    right = (xx - 1) * box + xy * box[:, None] + x
    down = yx * box + (yy - 1) * box[:, None] + y
    return np.sqrt((right**2 + down**2).mean(axis=(1, 2)))


def lost(originals: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The share of each digit's ink that the field's edge cuts off."""
    wide = np.arange(-paper.INPUT_SIZE, paper.INPUT_SIZE)
    pairs = list(zip(originals, maps, strict=True))
    whole = [warp(*pair, wide).sum() for pair in pairs]
    return np.clip(1 - np.array([warp(*pair).sum() for pair in pairs]) / whole, 0, 1)


def rms(values: np.ndarray):
    return np.sqrt(np.mean(np.square(values), axis=0))


def simulate(originals: np.ndarray, found: Registration, generator: np.random.Generator) -> dict:
    """Distort the originals by known draws, print them in the figure's greys, register them."""
    off, ratios, off_draws, slants, left = [], [], [], [], []
    for _ in range(REPEATS):
        drawn = Draws(*(generator.uniform(*ends, len(originals)) for ends in RANGES))
        maps = maps_of(drawn)
        pictures = np.stack([warp(*pair) for pair in zip(originals, maps, strict=True)])
        again = register(originals, printed(pictures, found.greys, found.ink))
        off.append(again.maps - maps)
        ratios.append(off[-1] / again.errors)
        off_draws.append(np.subtract(draws(again.maps), drawn))
        slants.append(rms(again.maps[:, 3]))
        left.append(rms(again.rms))
    seen = rms(found.maps[:, 3])
    return {
        "repeats": REPEATS,
        "left_over": {"seen": rms(found.rms), "simulated": [min(left), max(left)]},
        "map_errors": dict(zip(MAP, rms(np.concatenate(off)), strict=True)),
        "in_standard_errors": dict(zip(MAP, rms(np.concatenate(ratios)), strict=True)),
        "draw_errors": dict(zip(Draws._fields, rms(np.hstack(off_draws).T), strict=True)),
        "vertical_shear": {
            "seen": seen,
            "if_there_is_none": [min(slants), max(slants)],
            "p": (1 + sum(slant >= seen for slant in slants)) / (1 + REPEATS),
        },
    }


# --- The study ----------------------------------------------------------------------------------


def study(originals: np.ndarray, figure: paper.DistortedDigits) -> dict:
    """All of ``fig7.json``; ``originals`` (digits, 28, 28) bytes, in the order of the figure."""
    variants = figure.patterns.shape[1]
    ink = np.repeat(padded(originals), variants, axis=0)
    found = register(ink, figure.patterns.reshape(ink.shape))
    drawn = draws(found.maps)
    generator = np.random.default_rng(0)
    ranges, points = parameters(found.maps, generator)
    cut = lost(ink, found.maps)
    fits = zip(found.maps, found.errors, found.rms, cut, np.stack(drawn, 1), strict=True)
    digits = [
        {
            "digit": place // variants,
            "train_index": int(figure.train_index[place // variants]),
            "variant": place % variants,
            "map": dict(zip(MAP, numbers, strict=True)),
            "standard_errors": dict(zip(MAP, errors, strict=True)),
            "rms": rest,
            "ink_lost": away,
            "drawn": dict(zip(Draws._fields, values, strict=True)),
        }
        for place, (numbers, errors, rest, away, values) in enumerate(fits)
    ]
    return {
        "parameters": ranges,
        "points": points,
        "compositions": compositions(found.maps),
        "correlations": independence(drawn),
        "order": order(drawn, variants),
        "least_moved_pixels": moved(found.maps).min(),
        "simulation": simulate(ink, found, generator),
        "greys": dict(zip(map(str, found.greys), found.ink, strict=True)),
        "digits": digits,
    }


def rounded(content):
    """The same with every float to six significant digits, as other machines will find it."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [rounded(value) for value in content]
    return float(f"{content:.6g}") if isinstance(content, float) else content


def forwards(result: dict) -> str:
    """The maps from original to distorted digit, as the data file of the package has them."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(paper.AffineFits._fields)
    for row in result["digits"]:
        xx, xy, x, yx, yy, y = row["map"].values()
        (scale_x, shear), (vertical, scale_y) = there = np.linalg.inv([[xx, xy], [yx, yy]])
        dx, dy = -there @ (x, y)
        numbers = [f"{v:.5f}" for v in (dx, dy, scale_x, scale_y, shear, vertical)]
        table.writerow([row["digit"], row["train_index"], row["variant"], *numbers])
    return file.getvalue()


@entry
def main(arguments=None):
    parser = parser_of("experiments.distortions.fig7", __doc__)
    parser.add_argument("--affine", type=path, metavar="FILE", help="write the maps forwards, too")
    flags = parser.parse_args(arguments)
    results = writable(flags.results, "--results")
    if flags.affine:
        writable(flags.affine.parent, "--affine")
        if flags.affine.exists() and not flags.affine.is_file():
            raise BadInput(f"--affine {flags.affine}: no file, but a folder or a device")
    figure = paper.fig7_patterns()
    originals = load("mnist", flags.data).train_images[figure.train_index]
    result = rounded(study(originals, figure))
    write_json(results / "fig7.json", result)
    if flags.affine:
        write_atomically(flags.affine, forwards(result).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
