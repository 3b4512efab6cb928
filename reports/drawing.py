"""Drawing: the style of figures, and their SVG and PNG, the same on every run."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

    from reports.table import Table

#: Colours of the Analysis Function (afcharts 1.2.0): dark blue, turquoise, dark pink, orange, dark grey, light purple.
BLUE, TURQUOISE, PINK, ORANGE, GREY, PURPLE = "#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1"
CATEGORICAL = (BLUE, TURQUOISE, PINK, ORANGE)
#: Sequential palette of the same, dark (most) to light (least), and the grey of absent values.
SEQUENTIAL = ("#092135", "#12436D", "#2073BC", "#6BACE6", "#ADD1F1")
ABSENT_FILL = "#F2F2F2"
INK = "#0B0C0C"
RULE = "#B1B4B6"
FAMILIES = ("Arial", "Liberation Sans", "DejaVu Sans")
WIDTH = 7.0  # inches: the text width of an A4 page
RASTER_DPI = 170


@dataclass(frozen=True)
class Figure:
    """A figure with the words that belong to it.

    Parameters
    ----------
    key : str
    title : str
        Headline sentence.
    subtitle : str
        Measure, geography, period, basis and interval.
    alt : str
        Text alternative, long enough to serve instead.
    source : str
    table_key : str
        Table of the report behind the figure.
    drawing : matplotlib.figure.Figure
    data : reports.table.Table, optional
        Table behind a figure that has one of its own.
    """

    key: str
    title: str
    subtitle: str
    alt: str
    source: str
    table_key: str
    drawing: MplFigure
    data: Table | None = None


def settings() -> Any:
    """Matplotlib settings of every figure."""
    from matplotlib import font_manager

    known = set(font_manager.get_font_names())
    return {
        "font.family": [f for f in FAMILIES if f in known] or ["DejaVu Sans"],
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": GREY,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.axisbelow": True,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": RULE,
        "grid.linewidth": 0.8,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "jsna",
        "path.simplify": True,
    }


def blank(height: float, rows: int = 1, columns: int = 1, width: float = WIDTH, **more: Any) -> tuple[MplFigure, Any]:
    """An empty figure in the house style, and its axes (one, or an array)."""
    import matplotlib
    from matplotlib.figure import Figure as MplFigure

    with matplotlib.rc_context(settings()):
        figure = MplFigure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, **more)
    return figure, axes


def thousands(axis: Any) -> None:
    """Tick labels with thousands separated."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=2))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}".replace("-", "\N{MINUS SIGN}")))


def wrapped(text: str, width: int = 30) -> str:
    """A label on several lines: never cut."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width)) or text


def only_grid(axes: Axes, which: Literal["x", "y"]) -> None:
    """A light grid along one axis and no tick marks on the other."""
    axes.grid(axis=which)
    axes.tick_params(length=0)


def svg(figure: Figure) -> str:
    """The figure as an inline SVG element: named, described, with ids that are unique on a page."""
    import matplotlib

    buffer = io.StringIO()
    house_style(figure.drawing)
    with matplotlib.rc_context(settings()):
        figure.drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    prefix = f"fig-{figure.key}-"
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", text)
    text = re.sub(r'(?:xlink:)?href="#([^"]+)"', rf'href="#{prefix}\1"', text)
    text = re.sub(r'\s+xmlns:xlink="[^"]*"', "", text)
    names = f'<title id="{prefix}title">{escape(figure.title)}</title><desc id="{prefix}desc">{escape(figure.alt)}</desc>'
    opening = f'<svg role="img" aria-labelledby="{prefix}title {prefix}desc" focusable="false"'
    head, rest = text.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*pt"', "", head)
    return f"{head.replace('<svg', opening, 1)}>{names}{rest}".strip()


def png(figure: Figure, dpi: int = RASTER_DPI) -> bytes:
    """The figure as PNG bytes."""
    import matplotlib

    buffer = io.BytesIO()
    house_style(figure.drawing)
    with matplotlib.rc_context(settings()):
        figure.drawing.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def house_style(drawing: MplFigure) -> None:
    """Every text in the house font, whenever it was added, and as it is written: a dollar sign in a name is no formula."""
    from matplotlib.text import Text

    families = settings()["font.family"]
    for text in drawing.findobj(Text):
        text.set_fontfamily(families)
        text.set_parse_math(False)


def escape(text: str) -> str:
    """Text safe inside XML and HTML."""
    from html import escape as html_escape

    return html_escape(text, quote=True)
