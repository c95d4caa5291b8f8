"""docs/tour.md: the functions of the 1998 network, drawn from the modules that compute them.

What needs torch is imported by the figure that needs it: asking what is stale needs none.
"""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from experiments.results import shows
from experiments.tour.layers import PATTERN, outline
from lenet1998 import paper
from lenet1998.report.style import BLUE, GREEN, ORANGE, PURPLE, STYLE, VERMILION, head
from lenet1998.restore.printing import MIDDLE

TANH = ("TANH_AMPLITUDE", "TANH_SLOPE")
SMALL, LARGE = 0.05, 2.0
"""Coefficients of a subsampling unit that is nearly linear, and of one that is a gate."""
MAP = 5  # of C1: strokes on an even ground
CONSTANTS = (1.0, 5.0, 10.0, 30.0)
"""Values of eq. 9's j to draw: the paper gives none, and `original` has 1."""
RIGHT_CODE = 20.0
"""How far the right code is where a wrong one is pushed away."""


@shows(facts=TANH)
@rc_context(STYLE)
def scaled_tanh() -> Figure:
    """The squashing function with its first and second derivatives."""
    import torch

    from lenet1998.modules import ScaledTanh

    a = torch.linspace(-4, 4, 80_001, dtype=torch.float64, requires_grad=True)
    value = ScaledTanh()(a)
    (first,) = torch.autograd.grad(value.sum(), a, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), a)
    x, y, slope, bend = (tensor.detach().numpy() for tensor in (a, value, first, second))
    figure = Figure(figsize=(6.7, 3.7), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, color=BLUE, label="f")
    axes.plot(x, slope, color=GREEN, ls="--", label="f'")
    axes.plot(x, bend, color=VERMILION, ls="-.", label="f''")
    axes.plot([-1, 1], [-1, 1], "o", color=BLUE, mfc="white", label="f(±1) = ±1")
    sharpest = x[np.abs(bend).argmax()]
    axes.axvline(-abs(sharpest), color=VERMILION, lw=0.8, ls=":")
    axes.axvline(abs(sharpest), color=VERMILION, lw=0.8, ls=":")
    axes.axhline(0, color="black", lw=0.6)
    axes.set(xlabel="total input a", xlim=(-4, 4))
    head(
        figure,
        f"The scaled tanh bends most at ±{abs(sharpest):.3f} (dotted), where |f''| is largest",
    )
    axes.legend()
    return figure


@shows(facts=("fig13_states", *TANH))
@rc_context(STYLE)
def subsampling() -> Figure:
    """A subsampling unit's output by the mean of its window, and for a map of 1998's C1."""
    import torch

    from lenet1998.modules import Subsampling2d

    limit = paper.TANH_AMPLITUDE
    kinds = (  # coefficient, bias, colour, dashes, name
        (SMALL, 0.0, BLUE, "--", "small: a blur"),
        (LARGE, 3 * LARGE * limit, VERMILION, "-", "large, bias > 0: OR"),
        (LARGE, -3 * LARGE * limit, GREEN, "-.", "large, bias < 0: AND"),
    )
    greys = paper.fig13_states().c1[PATTERN, MAP]
    maps = torch.tensor((1 - greys / MIDDLE) * limit, dtype=torch.float64)[None, None]
    mean = torch.linspace(-limit, limit, 401, dtype=torch.float64)
    windows = mean.view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    figure = Figure(figsize=(6.7, 3.6), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=(1.6, 1, 1))
    curve = figure.add_subplot(grid[:, 0])
    places = [figure.add_subplot(grid[row, column]) for row in (0, 1) for column in (1, 2)]
    _map(places[0], maps[0, 0].numpy(), limit, f"C1's map {MAP}", "black")
    for place, (coefficient, bias, colour, dashes, name) in zip(places[1:], kinds, strict=True):
        unit = Subsampling2d(1, dtype=torch.float64).requires_grad_(requires_grad=False)
        unit.weight.fill_(coefficient)
        unit.bias.fill_(bias)
        curve.plot(mean, unit(windows).flatten(), color=colour, ls=dashes, label=name)
        states = unit(maps)[0, 0].numpy()
        _map(place, states, np.abs(states).max(), name, colour)
    curve.set(xlabel="mean of the window's four inputs", ylabel="state of the unit")
    curve.axhline(0, color="black", lw=0.6)
    figure.legend(loc="outside lower center", ncols=3)
    head(
        figure,
        "A small coefficient blurs the map; a large one makes an OR or an AND of each window",
    )
    return figure


def _map(axes: Axes, states: np.ndarray, limit: float, title: str, colour: str) -> None:
    axes.imshow(states, cmap="gray_r", vmin=-limit, vmax=limit, interpolation="nearest")
    outline(axes)
    axes.grid(visible=False)
    axes.set_title(title, color=colour)


@shows()
@rc_context(STYLE)
def push() -> Figure:
    """Push of eq. 9 on a wrong code, by its distance."""
    import torch

    from lenet1998.criteria import DiscriminativeLoss

    far = torch.linspace(0, 35, 701, dtype=torch.float64)
    outputs = torch.stack([torch.full_like(far, RIGHT_CODE), far], 1)
    figure = Figure(figsize=(6.7, 3.7), layout="constrained")
    axes = figure.subplots()
    looks = ((BLUE, "-"), (GREEN, "--"), (ORANGE, "-."), (VERMILION, ":"))
    for j, (colour, dashes) in zip(CONSTANTS, looks, strict=True):
        shares = DiscriminativeLoss(j, half_distance=False).log_posteriors(outputs)[0].exp()
        axes.plot(far, shares[:, 2], color=colour, ls=dashes, label=f"eq. 9, j = {j:g}")
    axes.axhline(0, color=PURPLE, lw=0.8, label="eq. 8")
    axes.set(xlabel="distance to the wrong code", ylabel="push, $-\\partial E/\\partial y$")
    nearer = f"nearer than j or than the right code ({RIGHT_CODE:g})"
    head(figure, f"Eq. 9 pushes a wrong code that is {nearer}; eq. 8 never does")
    axes.legend()
    return figure


@shows(facts=("ETA_SCHEDULE", "MU", "RATE_RANGE"))
@rc_context(STYLE)
def rates() -> Figure:
    """The rate of one parameter by its curvature, at each stage of the printed schedule."""
    curvature = np.logspace(-4, 3, 400)
    looks = zip((VERMILION, ORANGE, GREEN, BLUE, PURPLE), "os^vD", strict=True)
    figure = Figure(figsize=(6.7, 4.3), layout="constrained")
    axes = figure.subplots()
    first = 1
    for (passes, eta), (colour, marker) in zip(paper.ETA_SCHEDULE, looks, strict=True):
        label = f"passes {first} to {first + passes - 1}: η = {eta:.5f}".rstrip("0")
        look = {"color": colour, "marker": marker, "markevery": 50, "ms": 5}
        axes.loglog(curvature, eta / (paper.MU + curvature), label=label, **look)
        first += passes
    published = "pass 1, as published (III-B, p.10)"
    axes.axhspan(*paper.RATE_RANGE, color=VERMILION, alpha=0.12, lw=0, label=published)
    axes.axvline(paper.MU, color="black", lw=0.8, ls=":")
    axes.text(paper.MU * 1.15, 2e-8, f"μ = {paper.MU:g}")
    axes.set(xlabel="curvature h (log scale)", ylabel="learning rate η / (μ + h) (log scale)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_major_formatter("{x:g}")
    figure.legend(loc="outside lower center", ncols=2)
    head(figure, "The larger the curvature, the smaller the learning rate; none exceeds η / μ")
    return figure
