"""What the charts of all pages share: colors and names of methods, empty figures, styled axes, PNG bytes.

Not here: the charts of one page (``backtest``, ``replay``, ``experiment``).
"""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# The palette of Okabe and Ito is distinguishable with every kind of color vision; the judged method stands out.
JUDGED = "#0072b2"
_BASELINE_COLORS = ("#999999", "#e69f00", "#cc79a7", "#009e73", "#56b4e9")
INK, QUIET, LINE = "#17212b", "#55626f", "#d9dfe5"
DOTS_PER_INCH = 120
NAMES = {"forestock": "Forestock", "nothing": "no shipments", "foresight": "perfect foresight"}


def method_colors(methods: list[str]) -> dict[str, str]:
    """Return the color of each method, the judged one first."""
    baselines = dict(zip(methods[1:], _BASELINE_COLORS * (1 + len(methods) // len(_BASELINE_COLORS)), strict=False))
    return {methods[0]: JUDGED} | baselines


def method_name(method: str) -> str:
    """Return the display name of a method or policy."""
    return NAMES.get(method, method.replace("_", " "))


def blank(width: float, height: float) -> Figure:
    """Return an empty figure; ``width`` and ``height`` are in inches."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def styled(axes: Axes, title: str, x: str = "", y: str = "") -> Axes:
    """Return ``axes`` with a title on the left, axis labels and few lines."""
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
