"""docs/1998-net.md: the layers recovered from Fig. 13, what they show, and how sure they are."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.results import RESTORATION, shows
from lenet1998 import paper
from lenet1998.report.inside_figures import kernels as draw_kernels
from lenet1998.report.tables import brief
from lenet1998.restore.layers import as_pictures

LAYERS = ("c1", "s2", "c3", "s4")
NAMES = dict(zip(LAYERS, ("C1", "S2", "C3", "S4"), strict=True))


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _rms(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


@shows(RESTORATION)
def layers(result: dict) -> pd.DataFrame:
    """Residuals of the printed states by the recovered layers, beside the print's quantisation."""
    held_out = result["held_out"]
    return pd.DataFrame(
        [
            {
                "layer": NAMES[layer],
                "parameters": paper.PARAMETERS[layer],
                "states": f"{row['states']:,}",
                "at the limit": f"{100 * row['at_limit']:.0f} %",
                "left (rms)": _percent(row["rms"]),
                "left (median)": _percent(row["median"]),
                "open in the print (rms)": _percent(row["open"]),
                "left of patterns held out (rms)": _percent(_rms([one[layer] for one in held_out])),
            }
            for layer, row in result["layers"].items()
        ]
    )


@shows(RESTORATION)
def table_one(result: dict) -> pd.DataFrame:
    """The sizes of C3's kernels when every map may see all six maps of S2."""
    rows = []
    for found in result["table_one"]:
        norms, connected = np.array(found["norms"]), found["connected"]
        others = np.setdiff1d(np.arange(6), connected)
        without = norms[others].max() if len(others) else None
        rows.append(
            {
                "map of C3": found["map"],
                "at the limit": f"{100 * found['at_limit']:.0f} %",
                **{
                    f"S2 map {seen}": f"**{size:.2f}**" if seen in connected else f"{size:.2f}"
                    for seen, size in enumerate(norms)
                },
                "least inside / most outside": f"{norms[connected].min() / without:.0f}"
                if without
                else "",
            }
        )
    return pd.DataFrame(rows)


@shows(RESTORATION)
def squashings(result: dict) -> pd.DataFrame:
    """Residuals of the printed states by the function after the subsampling."""
    kinds = result["squashings"]
    return pd.DataFrame(
        [
            {
                "after the subsampling": name,
                **{
                    f"left of {NAMES[layer]} (rms; map by map)": f"{_percent(_rms(by_map))}"
                    f" ({_percent(min(by_map))} to {_percent(max(by_map))})"
                    for layer, by_map in ((layer, kinds[layer][name]) for layer in kinds)
                },
            }
            for name in kinds["s2"]
        ]
    )


@shows(RESTORATION)
def subsampling(result: dict) -> pd.DataFrame:
    """The trained coefficients and biases, and the four places of the window apart."""
    weights, sd = result["weights"], result["bootstrap"]
    rows = []
    for layer in ("s2", "s4"):
        for number, (k, b) in enumerate(
            zip(weights[f"{layer}.weight"], weights[f"{layer}.bias"], strict=True)
        ):
            k_sd, b_sd = sd[f"{layer}.weight"][number], sd[f"{layer}.bias"][number]
            windows = result["window_weights"][number] if layer == "s2" else None
            apart = f"{min(windows):.3f} to {max(windows):.3f}" if windows else ""
            rows.append(
                {
                    "map": f"{NAMES[layer]} {number}",
                    "coefficient of the sum": f"{k:.4f} ± {k_sd:.4f}",
                    "bias": f"{b:.3f} ± {b_sd:.3f}",
                    "each place of the window on its own": apart,
                }
            )
    return pd.DataFrame(rows)


@shows(RESTORATION)
def kernels(result: dict) -> pd.DataFrame:
    """Uncertainty of the kernels: bootstrap, other priors, and known nets recovered."""
    rows = []
    for layer in LAYERS:
        size, sd = (
            np.array(weights[f"{layer}.weight"], float).reshape(
                -1, 25 if layer in ("c1", "c3") else 1
            )
            for weights in (result["weights"], result["bootstrap"])
        )
        norms = np.linalg.norm(size, axis=1)
        shares = np.linalg.norm(sd, axis=1) / norms
        prior = {
            factor: _middle_and_most(moved[layer]) if layer in moved else ""
            for factor, moved in result["prior"].items()
        }
        ours = np.concatenate([run["relative"][layer] for run in result["ours"]])
        rows.append(
            {
                "layer": NAMES[layer],
                "size": f"{norms.min():.2g} to {norms.max():.2g}",
                "bootstrap": _middle_and_most(shares),
                **{f"prior {factor} times as wide": text for factor, text in prior.items()},
                f"error on nets of ours (n = {len(result['ours'])})": _middle_and_most(ours),
            }
        )
    return pd.DataFrame(rows)


def _middle_and_most(shares) -> str:
    return f"{100 * np.median(shares):.1f} %, at most {100 * np.max(shares):.0f} %"


@shows(RESTORATION)
def fig25(result: dict) -> pd.DataFrame:
    """Fig. 25's maps, as the layers recovered from Fig. 13 compute them."""
    return pd.DataFrame(
        [
            {
                "layer of Fig. 25": NAMES[layer],
                "states": f"{row['states']:,}",
                "left (rms)": _percent(row["rms"]),
                "open in the print (rms)": _percent(row["open"]),
                "correlation": f"{row['correlation']:.4f}",
            }
            for layer, row in result["fig25"].items()
        ]
    )


@shows(RESTORATION)
def known_nets(result: dict) -> pd.DataFrame:
    """Residuals of nets of ours, printed as Fig. 13 is, beside the 1998 net's."""
    ours = result["ours"]
    return pd.DataFrame(
        [
            {
                "layer": NAMES[layer],
                "left of the 1998 net (rms)": _percent(result["layers"][layer]["rms"]),
                f"left of ours (rms, n = {len(ours)})": brief(
                    [100 * run["rms"][layer] for run in ours], " %", 2
                ),
                "at the limit in 1998": f"{100 * result['layers'][layer]['at_limit']:.0f} %",
                "at the limit in ours": brief(
                    [100 * run["at_limit"][layer] for run in ours], " %", 0
                ),
            }
            for layer in LAYERS
        ]
    )


@shows(RESTORATION)
def kernel_figure(result: dict) -> Figure:
    """The kernels of 1998 in the places of Table I, above those of a net of ours."""
    nets = [
        (*as_pictures(result["weights"]), "1998, recovered from Fig. 13"),
        (*as_pictures(result["weights_of_ours"]), "ours: noise, seed 100"),
    ]
    return draw_kernels(nets)
