"""The named variants, each as the switches in which it differs from the 1998 recipe."""

from typing import Any

from lenet1998 import paper

_PRINTED = {
    "loss": "distance",
    "half_distance": False,
    "f6_curvature": "gauss_newton",
    "subsampling_curvature": "connections",
}
_STRINGS = {
    "blank": "space",
    "flanks": True,
    "blank_share": 0.3,
    "noise": paper.NOISE_PROBABILITY,
}
OF_ORIGINAL: dict[str, dict[str, Any]] = {
    "original": {},
    "original-logistic": {"subsampling_squash": "logistic"},
    "distortions": {"distortions": True},
    "noise": {"noise": paper.NOISE_PROBABILITY},
    "1998-features": {"features": "1998"},
    "strings": _STRINGS,
    "printed": _PRINTED,
    "original-literal": _PRINTED
    | {
        "initialisation": "fan_in",
        "initial_coefficient": paper.INITIAL_WEIGHT_RANGE / 4,
        "initial_coefficients": "uniform",
    },
    "fitted": {
        "pooling": "trainable_average",
        "rubbish_j": 0.44,
        "initial_gain": 1.4,
        "initial_coefficient": 1.36,
        "mu_subsampling": 0.13,
    },
}
"""The variants that are ``original`` but for a few switches, which changes lead to and from."""
RETIRED = {"first-reading": "original"}
"""Names of version 1.0 that are no variants now, and what they are. They are still read, and so are
records of 1.0, whose ``original`` is ``fitted``."""
_MODERN = {
    "c3": "dense",
    "pooling": "average",
    "squash": "tanh",
    "subsampling_squash": "none",
    "output": "linear",
    "loss": "cross_entropy",
    "initial_gain": 1.0,
    "initial_biases": "uniform",
    "optimizer": "sgd",
    "eta": 0.01,
    "momentum": 0.9,
    "batch_size": 128,
    "order": "renewed",
}
"""The tutorials' network; its start is torch's default, U(-1/sqrt F, 1/sqrt F), biases too."""
_COURSEWORK = _MODERN | {"momentum": 0.0, "batch_size": 64, "scaling": "unit"}
"""What is taken where a coursework report is silent: docs/coursework.md says whose defaults."""
_FUNCTIONAL = {"squash": "relu", "pooling": "max"}
"""The hidden layers of PyTorch's own tutorial network."""
_24_EPOCHS = {"eta": 0.001, "momentum": 0.9, "batch_size": 4, "passes": 24, "held_out": 12_000}
VARIANTS = OF_ORIGINAL | {
    "modern": _MODERN,
    "modern-tuned": _MODERN | {"eta": 0.1},
    "coursework-24-epochs": _COURSEWORK | _FUNCTIONAL | _24_EPOCHS,
    "coursework-adam": _COURSEWORK
    | _FUNCTIONAL
    | {"optimizer": "adam", "eta": 0.001, "passes": 15},
    "coursework-tanh-28": _MODERN | {"input_size": 28, "scaling": "half", "passes": 16},
    "coursework-padded": _COURSEWORK,
    "coursework-sweep": _COURSEWORK | {"eta": 0.02, "momentum": 0.9},
}

DESCRIPTIONS = {
    "original": "the 1998 design and recipe: Table I, trainable subsampling, RBF codes, SDLM",
    "original-logistic": "original with a logistic sigmoid in S2 and S4, as many readers take it",
    "distortions": "original with the 540,000 distorted patterns of section III-B",
    "noise": "original with a tenth of the pixels inverted at random, as section III-E has it",
    "1998-features": "original on C1 to S4 of the 1998 net, recovered and frozen",
    "strings": "section VII-B's training to read strings: digits between others, blanks, noise",
    "printed": "nearest to the printed words that trains: eqs. 7 and 8, and sqrt F for F",
    "original-literal": "every printed word, weights from U(-2.4/F, 2.4/F) too: hardly ever trains",
    "fitted": "what was original in 1.0: six constants and readings fitted to 1998's figures",
    "modern": "the simplified LeNet of today: dense C3, average pooling, softmax, SGD in batches",
    "modern-tuned": "modern at the best of twelve rates and schedules on patterns held out",
    "coursework-24-epochs": "24 epochs on 48,000 patterns, tested on the 12,000 held out",
    "coursework-adam": "Adam 0.001, 15 epochs",
    "coursework-tanh-28": "28x28 unpadded, tanh, average pooling, SGD 0.01, momentum 0.9",
    "coursework-padded": "padded to 32x32, average pooling, SGD 0.01",
    "coursework-sweep": "the end of a sweep over SGD's settings: 0.02, momentum 0.9, 20 epochs",
}
"""One line for each named variant."""
