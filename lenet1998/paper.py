"""Every constant and published result of the 1998 paper, each with the place it stands in.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), November 1998. Sections, figures and equations
below are that paper's, pages those of the authors' 46-page preprint; :data:`PLACES` has them for
every value. Rates of error are percentages unless the name says otherwise.

The curves and tables read from the figures are data files in ``paper_data/``; the functions after
the constants read them.
"""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lenet1998 import errors
from lenet1998.errors import BadInput, arrays_in, in_short, read_bytes

__all__ = [
    "BACKGROUND",
    "C3_TABLE",
    "CLASSES",
    "CODE_LENGTH",
    "CODE_SHAPE",
    "CONNECTIONS",
    "CONVERGENCE_PASSES",
    "CURVATURE_PATTERNS",
    "DIGIT_SIZE",
    "DISTORTED_PATTERNS",
    "DISTORTED_TEST_ERROR_PERCENT",
    "ERROR_UNCERTAINTY",
    "ETA_SCHEDULE",
    "FIELD_SIZE",
    "FIG9_ERROR_PERCENT",
    "FIG25_FIELD",
    "INITIAL_WEIGHT_RANGE",
    "INK",
    "INPUT_SIZE",
    "INVARIANT_ROTATION",
    "INVARIANT_SCALE",
    "INVARIANT_VERTICAL_SHIFT",
    "MEMORY",
    "MU",
    "MULTIPLY_ACCUMULATES",
    "NOISE_PROBABILITY",
    "NOT_PRINTED",
    "PARAMETERS",
    "PASSES",
    "PLACES",
    "RATE_RANGE",
    "REJECTION",
    "STRING_GAP",
    "TANH_AMPLITUDE",
    "TANH_SLOPE",
    "TEST_ERROR_PERCENT",
    "TEST_SIZE",
    "TOTAL_CONNECTIONS",
    "TOTAL_PARAMETERS",
    "TRAINING_DAYS",
    "TRAINING_DAYS_PASSES",
    "TRAIN_ERROR_PERCENT",
    "TRAIN_SIZE",
    "AffineFits",
    "Curve",
    "DistortedDigits",
    "LushCurve",
    "Misread",
    "PrintedStates",
    "PrintedString",
    "PrintedStrings",
    "SizePoints",
    "ascii_codes",
    "blank_code",
    "digit_codes",
    "eta",
    "fig5_curve",
    "fig6_points",
    "fig7_affine",
    "fig7_patterns",
    "fig8_errors",
    "fig13_states",
    "fig25_states",
    "lush_curve",
    "printed_strings",
]


# --- The network --------------------------------------------------------------------------------

INPUT_SIZE = 32
CLASSES = 10
CODE_SHAPE = (12, 7)  # rows and columns of the stylized characters
CODE_LENGTH = 84

# f(a) = A tanh(S a): f(1) = 1 and f(-1) = -1. As printed |f''| is largest there; exactly, at
# +-0.988.
TANH_AMPLITUDE = 1.7159
TANH_SLOPE = 2 / 3

# The S2 maps that feed each of the 16 C3 maps.
C3_TABLE = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)

# Trainable parameters and connections by layer. The output's 840 code values are not trained, so
# they count as connections and not as parameters; so counted, both published totals are met.
PARAMETERS = {
    "c1": 156,
    "s2": 12,
    "c3": 1_516,
    "s4": 32,
    "c5": 48_120,
    "f6": 10_164,
    "output": 0,
}
CONNECTIONS = {
    "c1": 122_304,
    "s2": 5_880,
    "c3": 151_600,
    "s4": 2_000,
    "c5": 48_120,
    "f6": 10_164,
    "output": 840,
}
TOTAL_PARAMETERS = 60_000
TOTAL_CONNECTIONS = 340_908

# --- The data -----------------------------------------------------------------------------------

TRAIN_SIZE = 60_000
TEST_SIZE = 10_000
DIGIT_SIZE = 20  # the box digits are size-normalised into, keeping their aspect ratio
FIELD_SIZE = 28  # the field they are then centred in, by centre of mass

# Grey levels, said to make the mean input roughly 0 and its variance roughly 1; on MNIST, padded
# to 32x32, the mean is 0.028 and the variance 0.123. That levels between are linear is not said.
BACKGROUND = -0.1
INK = 1.175

# --- Training -----------------------------------------------------------------------------------

INITIAL_WEIGHT_RANGE = 2.4  # weights start uniform in +-2.4 / fan-in
MU = 0.02  # added to every curvature
CURVATURE_PATTERNS = 500  # patterns that re-estimate the curvature before each pass
PASSES = 20
ETA_SCHEDULE = ((2, 5e-4), (3, 2e-4), (3, 1e-4), (4, 5e-5), (8, 1e-5))  # (passes, eta)
RATE_RANGE = (7e-5, 0.016)  # smallest and largest eta / (mu + h_kk) during the first pass


def eta(pass_number: int) -> float:
    """The global learning rate of a pass; after the schedule's end its last value goes on.

    Args:
        pass_number: counted from 1.

    Raises:
        ValueError: if ``pass_number`` is less than 1.
    """
    if pass_number < 1:
        raise ValueError(f"passes are counted from 1, got {pass_number}")
    last = 0
    for passes, value in ETA_SCHEDULE:
        last += passes
        if pass_number <= last:
            return value
    return ETA_SCHEDULE[-1][1]


# --- LeNet-5's results --------------------------------------------------------------------------

TEST_ERROR_PERCENT = 0.95
TRAIN_ERROR_PERCENT = 0.35  # after 19 passes; on the fly, if Fig. 5's caption holds for it too
CONVERGENCE_PASSES = (10, 12)
ERROR_UNCERTAINTY = 0.1  # roughly, for every bar of Fig. 9

# Trained on the originals and randomly distorted copies, 20 passes of 60,000 patterns each.
DISTORTED_PATTERNS = 540_000
DISTORTED_TEST_ERROR_PERCENT = 0.8

# 10 to 20 passes took 2 to 3 days of one 200 MHz R10000 of a Silicon Graphics Origin 2000.
TRAINING_DAYS = (2, 3)
TRAINING_DAYS_PASSES = (10, 20)

# --- Comparison with other classifiers ----------------------------------------------------------
# "[dist]" trained with distorted patterns as well, "[deslant]" on the deslanted digits, "[16x16]"
# on the 16x16 ones; no mark: the regular ones.

# Fig. 9: errors on the test set, percent.
FIG9_ERROR_PERCENT = {
    "Linear": 12.0,
    "[deslant] Linear": 8.4,
    "Pairwise": 7.6,
    "K-NN Euclidean": 5.0,
    "[deslant] K-NN Euclidean": 2.4,
    "40 PCA + quadratic": 3.3,
    "1000 RBF + linear": 3.6,
    "[16x16] Tangent Distance": 1.1,
    "SVM poly 4": 1.1,
    "RS-SVM poly 5": 1.0,
    "[dist] V-SVM poly 9": 0.8,
    "28x28-300-10": 4.7,
    "[dist] 28x28-300-10": 3.6,
    "[deslant] 20x20-300-10": 1.6,
    "28x28-1000-10": 4.5,
    "[dist] 28x28-1000-10": 3.8,
    "28x28-300-100-10": 3.05,
    "[dist] 28x28-300-100-10": 2.5,
    "28x28-500-150-10": 2.95,
    "[dist] 28x28-500-150-10": 2.45,
    "[16x16] LeNet-1": 1.7,
    "LeNet-4": 1.1,
    "LeNet-4 / Local": 1.1,
    "LeNet-4 / K-NN": 1.1,
    "LeNet-5": 0.95,
    "[dist] LeNet-5": 0.8,
    "[dist] Boosted LeNet-4": 0.7,
}

# Fig. 10: test patterns to reject, percent, for 0.5 % error. Whether that is of all patterns (as
# p.37 counts elsewhere) or of those kept is not said. LeNet-5 has no bar there.
REJECTION = {
    "[deslant] K-NN Euclidean": 8.1,
    "[16x16] Tangent Distance": 1.9,
    "SVM poly 4": 1.8,
    "[deslant] 20x20-300-10": 3.2,
    "[16x16] LeNet-1": 3.7,
    "LeNet-4": 1.8,
    "LeNet-4 / Local": 1.4,
    "LeNet-4 / K-NN": 1.6,
    "[dist] Boosted LeNet-4": 0.5,
}

# Fig. 11: multiply-accumulates to recognise one size-normalised pattern, in thousands.
MULTIPLY_ACCUMULATES = {
    "Linear": 4,
    "Pairwise": 36,
    "K-NN Euclidean": 24_000,
    "40 PCA + quadratic": 39,
    "1000 RBF + linear": 794,
    "[16x16] Tangent Distance": 20_000,
    "SVM poly 4": 14_000,
    "RS-SVM poly 5": 650,
    "[dist] V-SVM poly 9": 28_000,
    "[deslant] 20x20-300-10": 123,
    "28x28-1000-10": 795,
    "28x28-300-100-10": 267,
    "28x28-500-150-10": 469,
    "[16x16] LeNet-1": 100,
    "LeNet-4": 260,
    "LeNet-4 / Local": 20_000,
    "LeNet-4 / K-NN": 10_000,
    "LeNet-5": 401,
    "[dist] Boosted LeNet-4": 460,
}

# Fig. 12: variables to store, in thousands. It has "poly 5" where Fig. 9 has "poly 9".
MEMORY = {
    "Linear": 4,
    "Pairwise": 35,
    "K-NN Euclidean": 24_000,
    "40 PCA + quadratic": 40,
    "1000 RBF + linear": 794,
    "[16x16] Tangent Distance": 25_000,
    "SVM poly 4": 14_000,
    "RS-SVM poly 5": 650,
    "[dist] V-SVM poly 5": 28_000,
    "[deslant] 20x20-300-10": 123,
    "28x28-1000-10": 795,
    "28x28-300-100-10": 267,
    "28x28-500-150-10": 469,
    "[16x16] LeNet-1": 3,
    "LeNet-4": 17,
    "LeNet-4 / Local": 24_000,
    "LeNet-4 / K-NN": 24_000,
    "LeNet-5": 60,
    "[dist] Boosted LeNet-4": 51,
}

# --- Invariance and noise -----------------------------------------------------------------------
# The authors' estimates of how far a character may vary and still be recognised.

INVARIANT_SCALE = 2.0  # factor
INVARIANT_VERTICAL_SHIFT = 0.5  # of the character's height
INVARIANT_ROTATION = 30.0  # degrees, either way
FIG25_FIELD = (
    32,
    64,
)  # rows and columns that the replicated net saw; not printed, found by fitting
NOISE_PROBABILITY = 0.1  # that a pixel is inverted, in the training of that section's network

# --- Strings ------------------------------------------------------------------------------------

STRING_GAP = (-1, 4)  # pixels between the bounding boxes of neighbours, in the training of the SDNN

# --- The data files -----------------------------------------------------------------------------


class Curve(NamedTuple):
    """Errors in percent by pass, the training errors counted on the fly (Fig. 5: its caption)."""

    passes: np.ndarray
    train_error: np.ndarray
    test_error: np.ndarray


class LushCurve(NamedTuple):
    """A :class:`Curve` with the range of effective rates and the mean energy of each pass."""

    passes: np.ndarray
    train_error: np.ndarray
    test_error: np.ndarray
    rate_min: np.ndarray
    rate_max: np.ndarray
    energy: np.ndarray


class SizePoints(NamedTuple):
    """Errors in percent by size of the training set as the figure draws it, and by how many
    distorted patterns were added to it; nan where the figure shows none."""

    train_size: np.ndarray
    distorted: np.ndarray
    train_error: np.ndarray
    test_error: np.ndarray


class DistortedDigits(NamedTuple):
    """Grey levels (digit, variant, 32, 32), 255 the background and 0 full ink, not quite linear
    between; and the place of each digit's original in MNIST's training set."""

    patterns: np.ndarray
    train_index: np.ndarray


class AffineFits(NamedTuple):
    """The maps from MNIST's originals to the distorted digits of Fig. 7. With x to the right and y
    downwards, both from row and column 16 of the 32x32 field, a point (x, y) moves to::

        scale_x * x + shear * y + dx
        vertical_shear * x + scale_y * y + dy

    Fitted by ``experiments/distortions/fig7.py``; standard errors are typically 0.0004 and, of the
    shifts, 0.002 pixels. The vertical shear is no larger than the fits' error."""

    digit: np.ndarray
    train_index: np.ndarray
    variant: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    scale_x: np.ndarray
    scale_y: np.ndarray
    shear: np.ndarray
    vertical_shear: np.ndarray


class PrintedStates(NamedTuple):
    """Nine patterns and what the 1998 net made of them, as Fig. 13 prints it: grey levels.

    0 is black. Inputs (9, 32, 32): background is light, ink dark. States (9, maps, side, side), F6
    (9, 12, 7), C5 (9, 120): white is negative and black positive, and 0 and 255 are whatever lies
    at the display's limit or beyond it. The labels are the net's answers, too: all were read right.
    """

    input: np.ndarray
    c1: np.ndarray
    s2: np.ndarray
    c3: np.ndarray
    s4: np.ndarray
    c5: np.ndarray
    f6: np.ndarray
    labels: np.ndarray


class PrintedString(NamedTuple):
    """Fig. 25's string inside the replicated net, printed as :class:`PrintedStates` are.

    The input (32, 52) is what the figure shows: columns 6 to 57 of the 64 that the net saw. C1 is
    (6, 28, 60), C3 (16, 10, 26), and there are nine columns of C5, (9, 120), and of F6, (9, 12, 7).
    """

    input: np.ndarray
    c1: np.ndarray
    c3: np.ndarray
    c5: np.ndarray
    f6: np.ndarray


class PrintedStrings(NamedTuple):
    """The five strings of Figs. 25 and 26, printed as :class:`PrintedStates` are.

    The inputs (5, 32, 52) are what the figures show: columns 6 to 57 of the 64 that the net saw. F6
    is (5, 9, 12, 7), of the nine positions from left to right; its display ends at another limit
    than the other layers', probably +-1. ``answer`` has what the net read.
    """

    input: np.ndarray
    f6: np.ndarray
    answer: tuple[str, ...]


class Misread(NamedTuple):
    """Test patterns that LeNet-5 got wrong: index in the test set, label, and LeNet-5's answer."""

    index: np.ndarray  # type: ignore[assignment]  # shadows tuple.index, which nobody wants here
    label: np.ndarray
    answer: np.ndarray


def ascii_codes(characters: str | None = None) -> np.ndarray:
    """Codes of characters: (n, 84) int8 of -1 and +1, each glyph's 12 rows of 7 end to end.

    That black is +1 is not printed; Fig. 13, where ink and glyphs are both black, makes it likely.

    Args:
        characters: default: all of Fig. 3, from the space to ``~``, and last its empty cell.

    Raises:
        ValueError: a character that Fig. 3 has not.
    """
    known = "".join(map(chr, range(32, 128)))
    asked = known if characters is None else characters
    if unknown := set(asked) - set(known):
        raise ValueError(f"Fig. 3 has no code for {', '.join(map(repr, sorted(unknown)))}")

    def make(text: str) -> np.ndarray:
        rows = [line for line in text.splitlines() if line and set(line) <= {*"#."}]
        cells = np.array([[1 if cell == "#" else -1 for cell in row] for row in rows], np.int8)
        return cells.reshape(len(known), CODE_LENGTH)

    codes = _text("ascii_bitmaps.txt", make)
    return codes[[known.index(character) for character in asked]]


def digit_codes() -> np.ndarray:
    """The ten output codes, (10, 84): see :func:`ascii_codes`."""
    return ascii_codes("0123456789")


def blank_code() -> np.ndarray:
    """Fig. 3's cell in which nothing is drawn: (84,) int8 of -1."""
    return np.full(CODE_LENGTH, -1, np.int8)


def fig5_curve() -> Curve:
    """Training and test error by pass. Fig. 5 has 21 points, the text 20 passes."""
    return _columns("fig5_curve.csv", Curve)


def fig6_points() -> SizePoints:
    """Fig. 6: errors by size of the training set.

    The last point, with the distortions, is drawn above 60,000 too, not at 600,000.
    """
    return _columns("fig6_points.csv", SizePoints)


def fig7_patterns() -> DistortedDigits:
    """Ten distorted variants of each of ten training digits. Section III-B, Fig. 7."""
    return _arrays("fig7_patterns.npz", lambda found: DistortedDigits(**found))


def fig7_affine() -> AffineFits:
    """Distortion of each digit of :func:`fig7_patterns`, by image registration. Fig. 7."""
    return _columns("fig7_affine.csv", AffineFits)


def fig13_states() -> PrintedStates:
    """Nine distorted or noisy patterns inside the net. Section III-E, Fig. 13."""
    return _arrays("fig13_states.npz", lambda found: PrintedStates(**found))


def fig25_states() -> PrintedString:
    """The string 2345 inside the replicated net. Section VII-B, Fig. 25."""

    def make(arrays: dict) -> PrintedString:
        return PrintedString(*(arrays[f"fig25_{field}"] for field in PrintedString._fields))

    return _arrays("fig25_26_states.npz", make)


def printed_strings() -> PrintedStrings:
    """Five strings, all read right in 1998, and F6's states. Section VII-B, Figs. 25 and 26."""

    def make(arrays: dict) -> PrintedStrings:
        pictures, f6 = (
            np.concatenate([arrays[f"fig25_{what}"][None], arrays[f"fig26_{what}"]])
            for what in ("input", "f6")
        )
        answers = (str(arrays["fig25_label"]), *map(str, arrays["fig26_labels"]))
        return PrintedStrings(pictures, f6, answers)

    return _arrays("fig25_26_states.npz", make)


def fig8_errors() -> Misread:
    """Fig. 8: the 82 test patterns LeNet-5 misclassified.

    They make 0.82 %, so the net was most likely that trained with distortions; p.11 is silent.
    """
    return _columns("fig8_errors.csv", Misread)


def lush_curve() -> LushCurve:
    """One run of the authors' own library, Lush 2.0.1, on MNIST with the printed schedule.

    Not from the paper: started from weights in +-2.4 / sqrt(fan-in). Its energies carry the factor
    1/2 of its distance, so they are half of eq. 8's.
    """
    return _columns("lush_curve.csv", LushCurve)


# --- Where each stands --------------------------------------------------------------------------

NOT_PRINTED = "not the paper's: "

PLACES = {
    "INPUT_SIZE": "section II-B, p.7",
    "CLASSES": "eq. 7, section II-B, p.8-9",
    "CODE_SHAPE": "Fig. 3, section II-B, p.8-9",
    "CODE_LENGTH": "section II-B, p.8-9",
    "TANH_AMPLITUDE": "eq. 6; Appendix A, p.41",
    "TANH_SLOPE": "eq. 6; Appendix A, p.41",
    "C3_TABLE": "Table I, section II-B, p.8",
    "PARAMETERS": "section II-B, p.7-8",
    "CONNECTIONS": "section II-B, p.7-8; the output's by the total, section II-A, p.7",
    "TOTAL_PARAMETERS": "end of section II-A, p.7",
    "TOTAL_CONNECTIONS": "end of section II-A, p.7",
    "TRAIN_SIZE": "section III-A, p.9-10",
    "TEST_SIZE": "section III-A, p.9-10",
    "DIGIT_SIZE": "section III-A, p.9-10",
    "FIELD_SIZE": "section III-A, p.9-10",
    "BACKGROUND": "section II-B, p.7-9",
    "INK": "section II-B, p.7-9",
    "INITIAL_WEIGHT_RANGE": "Appendix A, p.41",
    "MU": "section III-B, p.10; eq. 21",
    "CURVATURE_PATTERNS": "section III-B, p.10",
    "PASSES": "section III-B, p.10",
    "ETA_SCHEDULE": "section III-B, p.10",
    "RATE_RANGE": "section III-B, p.10",
    "eta": "section III-B, p.10",
    "TEST_ERROR_PERCENT": "section III-B, p.10",
    "TRAIN_ERROR_PERCENT": "section III-B, p.10",
    "CONVERGENCE_PASSES": "caption of Fig. 5, section III-B, p.10-11",
    "ERROR_UNCERTAINTY": "caption of Fig. 9, sections III-C and III-D, p.11-15",
    "DISTORTED_PATTERNS": "section III-B, p.10-11",
    "DISTORTED_TEST_ERROR_PERCENT": "section III-B, p.10-11",
    "TRAINING_DAYS": "section III-D, p.15",
    "TRAINING_DAYS_PASSES": "section III-D, p.15",
    "FIG9_ERROR_PERCENT": "Fig. 9, sections III-C and III-D, p.11-15",
    "REJECTION": "Fig. 10, section III-D, p.14",
    "MULTIPLY_ACCUMULATES": "Fig. 11, section III-D, p.14-15",
    "MEMORY": "Fig. 12, section III-D, p.14-15",
    "INVARIANT_SCALE": "section III-E, p.16",
    "INVARIANT_VERTICAL_SHIFT": "section III-E, p.16",
    "INVARIANT_ROTATION": "section III-E, p.16",
    "FIG25_FIELD": "Fig. 25, section VII-B, p.28-29",
    "NOISE_PROBABILITY": "section III-E, p.15-16",
    "STRING_GAP": "section VII-B, p.28-29",
    "ascii_codes": "Fig. 3, section II-B, p.8-9",
    "digit_codes": "Fig. 3, section II-B, p.8-9",
    "blank_code": "Fig. 3, section II-B, p.8-9",
    "fig5_curve": "Fig. 5, section III-B, p.10-11",
    "fig6_points": "Fig. 6, section III-B, p.10-11",
    "fig7_affine": "Fig. 7, section III-B, p.10-11",
    "fig7_patterns": "Fig. 7, section III-B, p.10-11",
    "fig13_states": "Fig. 13, section III-E, p.16-17",
    "fig25_states": "Fig. 25, section VII-B, p.28-29",
    "printed_strings": "Figs. 25 and 26, section VII-B, p.28-29",
    "fig8_errors": "Fig. 8, section III-B, p.11",
    "lush_curve": NOT_PRINTED + "one run, made here, of the authors' own library, Lush 2.0.1",
}
"""Where each constant, and what each function reads, stands in the paper.

Several pages mean that it is somewhere on them.

:meta hide-value:
"""


def _data_file(name: str) -> Path:
    """Path of a data file."""
    return Path(__file__).parent / "paper_data" / name


def _made(name: str, read: Callable, make: Callable):
    """Make something of what is read in a data file.

    Raises:
        BadInput: the file is missing or damaged.
    """
    file = _data_file(name)
    try:
        return make(read(file))
    except BadInput:
        raise
    except Exception as error:  # of numbers that are none, too few of them, a name that is gone
        raise BadInput(f"{file}: is damaged ({in_short(error)})") from error


def _text(name: str, make: Callable):
    return _made(name, lambda file: read_bytes(file, errors.MAX_BYTES).decode(), make)


def _arrays(name: str, make: Callable):
    return _made(name, lambda file: arrays_in(file, errors.MAX_BYTES, ("|u1", "<i8", "<U4")), make)


def _columns(name: str, kind: type):
    """Read a data file into the named tuple `kind`, a column to a field: int64 where it can be."""

    def make(text: str):
        rows = list(csv.reader(text.splitlines()))[1:]
        return kind(*(_column(cells) for cells in zip(*rows, strict=True)))

    return _text(name, make)


def _column(cells: tuple[str, ...]) -> np.ndarray:
    # An empty cell is a missing value.
    values = [float(cell or math.nan) for cell in cells]
    return np.array(values, dtype=np.int64 if all(v.is_integer() for v in values) else np.float64)
