"""How the pictures of a backtest look: one colour per method, quiet axes, PNG bytes.

Not here: what a picture shows.
"""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe & Ito's palette, told apart by every kind of colour vision; the judged method stands out
JUDGED = "#0072b2"
_RIVALS = ("#999999", "#e69f00", "#cc79a7", "#009e73", "#56b4e9")
INK, QUIET, LINE = "#17212b", "#55626f", "#d9dfe5"
DOTS_PER_INCH = 120
NAMES = {"forestock": "Forestock"}


def method_colours(methods: list[str]) -> dict[str, str]:
    """Return the colour of each method, the judged one first."""
    rivals = dict(zip(methods[1:], _RIVALS * (1 + len(methods) // len(_RIVALS)), strict=False))
    return {methods[0]: JUDGED} | rivals


def method_name(method: str) -> str:
    """Return how a method is written for people."""
    return NAMES.get(method, method.replace("_", " "))


def blank(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def calm(axes: Axes, title: str, x: str = "", y: str = "") -> Axes:
    """Return ``axes`` with a title on the left, labels, and only the lines a reader needs."""
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    axes.set_xlabel(x, color=QUIET)
    axes.set_ylabel(y, color=QUIET)
    axes.tick_params(colors=QUIET, length=0, labelsize=9)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_color(LINE)
        axes.spines[side].set_visible(side in ("left", "bottom"))
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes."""
    buffer = io.BytesIO()
    figure.canvas.print_png(buffer)  # type: ignore[attr-defined] # every figure here has an Agg canvas
    return buffer.getvalue()
