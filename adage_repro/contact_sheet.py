"""Draws each figure at extreme parameters, one page per figure, for inspection: `make contact-sheet` writes to build/contact-sheet/."""

import io
import sys
import textwrap
import warnings
from contextlib import redirect_stdout
from itertools import combinations
from unittest import mock

from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from adage_repro import notebooks, records, workers
from adage_repro.__main__ import read_set
from adage_repro.folders import ROOT
from adage_repro.parameters import check_all
from adage_repro.style import SCREEN_DPI

SHEETS = ROOT / "build" / "contact-sheet"
COLUMNS, MARGIN, LABEL = 4, 24, 44  # tiles side by side; pixels

# Each line holds for the figures that have any of its parameters; a figure takes those that it has.
EDGES = """
n_agents=2 capacity=0.5 capacities=[0.5,1] agent_counts=[2]
capacity=0.1 capacities=[0.1] follower_lrs=[0.001] leader_lrs=[0.04] agent_counts=[10]
capacity=1 capacities=[0.3,1] follower_lrs=[0.2,1] leader_lrs=[100,0.00123456] agent_counts=[3,1000]
capacities=[0.1,0.15,0.2,0.3,0.4,0.5,0.55,0.6,0.7,0.8,0.9,1] agent_counts=[2,3,5,7,10,20,30,50,70,100,200,300]
follower_lrs=[0,0.0001,0.0005,0.001,0.002,0.005,0.01,0.02,0.05,0.08,0.1,1]
leader_lrs=[0,1e-6,1e-5,0.0001,0.001,0.002,0.005,0.01,0.04,0.4,1,100]
capacities=[0.123456,0.234567,0.345678,0.456789,0.567891,0.678912,0.789123] agent_counts=[11,123,234,345,456,567,678]
follower_lrs=[0.000123456,0.00123456,0.0123456,0.0234567,0.0345678,0.0456789]
leader_lrs=[1.23456e-6,1.23456e-5,0.000123456,0.00123456,0.0123456,0.123456,1.23456]
iterations_per_agent=1 late_entry_share=0 runs=2
late_entry_share=0.99 runs=2
n_agents=50 follower_lr=0.05 iterations_per_agent=5 runs=5
n_agents=5 iterations_per_agent=2000 agent_counts=[5,10] runs=3
runs=1000 order=alternating
follower_start=uniform late_group=frozen order=alternating agent_counts=[10,100]
crowd=excluded follower_lr=1 beside_lr=1
follower_lr=0 beside_lr=0
crowd=excluded capacity=0.123456 follower_start=uniform iterations_per_agent=100 agent_counts=[10,30]
outside_payoff=1000000 beside_payoffs=[999999]
outside_payoff=0 returns_shift=none capacity=0.2
tax_max=100 leader_lr=100
tax_max=0
leader_lr=0 leader_lrs=[0] tax_max=0.123456789
tax_units=literal
tax_units=rate returns_shift=always
"""


def settings(name: str) -> list[dict[str, object]]:
    """The parameters that differ from the default, tile by tile; none at first."""
    standard = notebooks.defaults(notebooks.notebook_of(name))
    edges = [{}]
    for line in EDGES.strip().splitlines():
        edge = {key: value for key, value in read_set(line).items() if key in standard and value != standard[key]}
        if edge not in edges:
            edges.append(edge)
    return edges


def covered(figure: Figure) -> list[str]:
    """Texts that overlap another or leave the page, of a figure that has been drawn."""
    texts = [text for ax in figure.axes for text in (ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts)]
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_visible() and text.get_text()]
    page = figure.bbox.padded(2)
    cut = [text for text, box in boxes if not (page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1)]
    return cut + [f"{text} / {other}" for (text, box), (other, near) in combinations(boxes, 2) if box.padded(-2).overlaps(near.padded(-2))]


def draw(name: str, edge: dict[str, object]) -> tuple[Image.Image, list[str]]:
    """The figure as its notebook shows it under these parameters, and what `covered` says of it; a warning is an error.

    Runs in this process, and nothing is saved.
    """
    shown, faults = io.BytesIO(), []

    def show(figure: Figure, alt: str) -> None:
        figure.savefig(shown, dpi=SCREEN_DPI)
        faults.extend(covered(figure))

    notebook, namespace = notebooks.notebook_of(name), {}
    (parameters,) = notebooks.sources(notebook, "parameters")
    with redirect_stdout(io.StringIO()), mock.patch.multiple(records, show=show, save=mock.DEFAULT), warnings.catch_warnings():
        warnings.simplefilter("error")
        for cell in notebooks.sources(notebook, kind="code"):
            exec(cell, namespace)
            if cell == parameters:
                namespace |= check_all(notebooks.defaults(notebook) | edge)
    return Image.open(shown).convert("RGB"), faults


def sheet(name: str) -> None:
    """The page of one figure; RuntimeError at the end if a setting could not be drawn."""
    tiles, failures = [], []
    for edge in settings(name):
        label = " ".join(f"{key}={value}".replace(" ", "") for key, value in edge.items()) or f"{name}: the paper's parameters"
        try:
            picture, faults = draw(name, edge)
        except Exception as error:  # whatever a cell raised is what the tile says
            picture, faults = Image.new("RGB", (400, 60), "pink"), [workers.one_line(error)]
        if faults:
            failures.append(label)
            label += f"\nfailed: {'; '.join(faults)}"
        tiles.append((label, picture))
    width = max(picture.width for _, picture in tiles) + 2 * MARGIN
    rows = [tiles[first : first + COLUMNS] for first in range(0, len(tiles), COLUMNS)]
    heights = [max(picture.height for _, picture in row) + LABEL + 2 * MARGIN for row in rows]
    page = Image.new("RGB", (COLUMNS * width, sum(heights)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=15)
    for place, (label, picture) in enumerate(tiles):
        left, top = place % COLUMNS * width, sum(heights[: place // COLUMNS])
        pen.rectangle((left, top, left + width, top + heights[place // COLUMNS]), outline="silver")
        lines = [part for line in label.splitlines() for part in textwrap.wrap(line, 95, break_on_hyphens=False)]
        pen.text((left + MARGIN // 2, top + 4), "\n".join(lines[:3]), fill="black", font=font, spacing=1)
        page.paste(picture, (left + MARGIN, top + LABEL + MARGIN // 2))
    SHEETS.mkdir(parents=True, exist_ok=True)
    page.save(SHEETS / f"{name}.png")
    if failures:
        raise RuntimeError(f"could not be drawn: {'; '.join(failures)}")


if __name__ == "__main__":
    sys.exit(not workers.side_by_side(sheet, sys.argv[1:] or notebooks.figure_names()))
