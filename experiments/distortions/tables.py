"""docs/results.md's distortions: what they gain, and how Fig. 7's were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from experiments.results import ALL_VARIANTS, DISTORTIONS, FIG7, ORIGINAL, shows
from lenet1998 import paper
from lenet1998.report.statistics import (
    difference_verdict,
    one_more_difference,
    welch,
    welch_interval,
)
from lenet1998.report.tables import by_recipe, spread
from lenet1998.training.records import RunRecord

PUBLISHED_GAIN = paper.TEST_ERROR_PERCENT - paper.DISTORTED_TEST_ERROR_PERCENT
GAIN_KNOWN_TO = 0.055  # points: each of the two published errors is rounded
READINGS = {"original": "distortions", "fitted": "fitted,distortions=true"}
"""The names of runs without and with distortions."""
FITTED = ALL_VARIANTS["fitted"]


@dataclass(frozen=True)
class Gain:
    """Gain by distortions, by the errors of runs without and with them."""

    plain: Sequence[float]
    distorted: Sequence[float]

    @property
    def of_means(self) -> str:
        """The difference of the means, in words."""
        gain, p = welch(self.plain, self.distorted)
        return (
            f"{gain:.2f} (95 % {_between(welch_interval(self.plain, self.distorted))}; p = {p:.1g})"
        )

    @property
    def of_one_run(self) -> str:
        """Prediction interval of the difference of one more run of each; it decides nothing."""
        return _between(one_more_difference(self.plain, self.distorted))

    @property
    def verdict(self) -> str:
        """Of the published gain, by docs/protocol.md's rule for differences."""
        return difference_verdict(PUBLISHED_GAIN, self.plain, self.distorted, GAIN_KNOWN_TO)


def _between(ends: tuple[float, float]) -> str:
    return "{:.2f} to {:.2f}".format(*ends)


@shows((ORIGINAL, DISTORTIONS, FITTED, f"{FITTED},distortions=true"))
def distortion_gain(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Gain in test error by training with distortions, then and now (docs/protocol.md)."""
    kinds = by_recipe([run for run in records if not run.diverged])
    rows = [
        {
            "reading": "1998",
            "without distortions, %": f"{paper.TEST_ERROR_PERCENT:g}",
            "with distortions, %": f"{paper.DISTORTED_TEST_ERROR_PERCENT:g}",
            "gain, points": f"{PUBLISHED_GAIN:.2f}",
            "gain of one run over another, 95 %": "",
            "the published gain": "",
        }
    ]
    for name, other in READINGS.items():
        gain = Gain(*([run.last["test_error_percent"] for run in kinds[n]] for n in (name, other)))
        rows.append(
            {
                "reading": name,
                "without distortions, %": spread(gain.plain),
                "with distortions, %": spread(gain.distorted),
                "gain, points": gain.of_means,
                "gain of one run over another, 95 %": gain.of_one_run,
                "the published gain": gain.verdict,
            }
        )
    return pd.DataFrame(rows)


DRAWN = {  # of section III-B's distortions; names as experiments/distortions/fig7.py has them
    "shift_x": ("shift right, pixels of the original", 1),
    "shift_y": ("shift down, pixels of the original", 1),
    "shrink": ("1 / scale", 2),
    "squeeze": ("squeeze, sqrt(scale down / scale across)", 2),
    "shear": ("shear, pixels right per pixel down", 2),
}
POINTS = {  # from the pixel that MNIST puts a digit's centre of mass on, row and column 16 of 32
    "fixed_x": "column that scaling leaves in its place, pixels right of column 16",
    "fixed_y": "row that scaling leaves in its place, pixels below row 16",
    "sheared_about": "row that shear leaves in its place, pixels below row 16",
}


@shows(FIG7)
def fig7_ranges(result: dict) -> pd.DataFrame:
    """Ranges of the distortions' random numbers, estimated from Fig. 7's digits.

    p is Kolmogorov and Smirnov's that the numbers are uniform, whatever the ends.
    """
    rows = []
    for fit in result["parameters"]:
        name, digits = DRAWN[fit["name"]]
        low, high = fit["range"]
        between = [" to ".join(f"{v:.{digits + 1}f}" for v in fit[end]) for end in ("low", "high")]
        rows.append(
            {
                "parameter": name,
                "range": f"{low:.{digits}f} to {high:.{digits}f}",
                "95 % interval of the ends": "; ".join(between),
                "p of uniform": f"{fit['p_uniform']:.2f}",
            }
        )
    return pd.DataFrame(rows)


@shows(FIG7)
def fig7_checks(result: dict) -> pd.DataFrame:
    """Checks of the fit of Fig. 7's digits: residuals, and other ways to draw them.

    Log likelihoods are those of another way below the best, of all hundred digits together.
    """
    rows = {**_fit(result["digits"], result["simulation"]), **_draws(result)}
    for name, point in result["points"].items():
        low, high = point["interval"]
        rows[POINTS[name]] = f"{point['used']:g} (95 % {low:.2f} to {high:.2f})"
    for other in result["compositions"]:
        if other["log_likelihood"] < -1:
            what = f"log likelihood of {other['what']}: {other['way']}"
            rows[what] = f"{other['log_likelihood']:.1f}"
    return pd.DataFrame({"what": list(rows), "found": list(rows.values())})


def _fit(digits: list[dict], simulated: dict) -> dict[str, str]:
    """Fit of the hundred digits, beside digits distorted, printed and fitted here."""
    worst = max(digit["rms"] for digit in digits)
    left, errors, slant = (simulated[k] for k in ("left_over", "draw_errors", "vertical_shear"))
    low, high = left["simulated"]
    none = " to ".join(f"{value:.4f}" for value in slant["if_there_is_none"])
    return {
        "left over, of full ink (rms)": f"{100 * left['seen']:.2f} %; at worst {100 * worst:.2f} %",
        "left over where we distort and print": f"{low:.2%} to {high:.2%}",
        "error of a shift there, pixels": f"{errors['shift_y']:.3f}",
        "error of 1 / scale there": f"{errors['shrink']:.4f}",
        "vertical shear": f"{slant['seen']:.4f}; {none} where there is none (p = {slant['p']:.2f})",
    }


def _draws(result: dict) -> dict[str, str]:
    """Dependence of the hundred draws."""
    nearest = max(result["correlations"], key=lambda pair: abs(pair["rho"]))
    alike = f"{nearest['rho']:.2f} (p = {nearest['p']:.2f} before Holm)"
    lost = [digit["ink_lost"] for digit in result["digits"] if digit["ink_lost"] > 1e-3]
    return {
        "largest of ten rank correlations": alike,
        "digits that lose over 0.1 % of their ink at the field's edge": f"{len(lost)}, up to"
        f" {max(lost, default=0):.0%}",
        "the least that a digit moves": f"{result['least_moved_pixels']:.1f} pixels",
    }
