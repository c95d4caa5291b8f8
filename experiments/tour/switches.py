"""docs/switches.md: every switch of a recipe with its values, its default and its meaning."""

import re

import pandas as pd

from experiments.results import shows
from lenet1998.recipes import LARGEST, ORIGINAL, SWITCHES, valid_values

MEANINGS = {
    "network": {
        "c3": "connections from S2 to C3: Table I (60 kernels) or all (96)",
        "pooling": "S2 and S4: window sum or mean times a trained coefficient plus a bias;"
        " or a plain mean or maximum",
        "squash": "activation function of C1, C3, C5 and F6 (eq. 6)",
        "subsampling_squash": "activation function of S2 and S4 (Q5)",
        "output": "squared distances to codes (eq. 7), or logits",
        "input_size": "side of the input; at 28, C5's kernels are 4×4",
        "blank": "an eleventh class for the space between digits (Q12)",
        "codes": "the codes of F6: Fig. 3, 84 random signs, or one unit for each class",
    },
    "loss": {
        "loss": "eq. 9, eq. 8, or softmax with cross-entropy (Q6)",
        "rubbish_j": "the constant j of eq. 9, the distance of the rubbish class (Q6)",
        "half_distance": "multiply distances in the loss by 1/2 (Q7)",
        "f6_curvature": "second derivative at F6 that starts the recursion: 1, or exact (Q8)",
        "subsampling_curvature": "curvature of a coefficient of S2 or S4: square of the window's"
        " sum, or sum of squares (eq. 23, Q16)",
    },
    "start": {
        "initialisation": "weights from U(-g/√F, g/√F) or U(-g/F, g/F), F the fan-in (Q1)",
        "initial_gain": "g of the line above (Appendix A, p.41)",
        "initial_biases": "biases 0, or drawn as weights (Q2)",
        "fan_in_counts_bias": "count the bias as one more input in F",
        "initial_coefficient": "first value of a coefficient of S2 or S4, v (Q3)",
        "initial_coefficients": "all v, or drawn from U(-v, v) (Q3)",
        "features": "train C1 to S4, or keep the recovered layers of 1998 fixed",
    },
    "optimizer": {
        "optimizer": "SDLM (Appendix C), or torch's SGD or Adam",
        "eta": "global rate: the printed schedule, the same stretched over all passes, or a number",
        "schedule": "keep a number eta constant, or lower it in the printed steps",
        "rates": "SDLM's rate for each parameter or layer; SGD's divided by the fan-in",
        "mu": "the constant μ of eq. 21",
        "mu_subsampling": "another μ for S2 and S4 (Q11)",
        "mu_f6": "another μ for F6 (Q11)",
        "momentum": "momentum of SGD",
        "curvature_patterns": "patterns in the estimate of the curvature (eq. 24)",
        "curvature_draw": "the patterns of the estimate: the first of the order, one draw, or a new"
        " draw each pass (Q9)",
        "curvature_passes": "estimate before each pass, or only before the first",
    },
    "run": {
        "batch_size": "patterns for each update",
        "passes": "passes over the training set",
        "order": "one random order for all passes, or a new one for each (Q10)",
        "train_size": "the first so many patterns of the order; none is all",
        "held_out": "last patterns of the order, tested on instead of the test set",
        "distortions": "add the 540,000 distorted patterns of section III-B",
        "noise": "share of pixels inverted at random (section III-E)",
        "scaling": "grey levels: -0.1 to 1.175, 0 to 1, -1 to 1, or standardised",
        "flanks": "place other digits on both sides (section VII-B)",
        "blank_share": "share of patterns without a digit in the middle (Q13)",
    },
}
"""One line for each switch, by the part of the recipe and in the order of the fields."""

FAR = re.compile(rf"( and)? [<>]= -?{re.escape(f'{LARGEST:,}')}")
"""The limit of numbers that have no nearer one."""


@shows()
def switches(part: str) -> pd.DataFrame:
    """The switches of a part of the recipe."""
    return pd.DataFrame(
        [
            {
                "switch": f"`{name}`",
                "values": FAR.sub("", valid_values(SWITCHES[name])).lower(),
                "default": str(getattr(ORIGINAL, name)).lower(),
                "meaning": meaning,
            }
            for name, meaning in MEANINGS[part].items()
        ]
    )
