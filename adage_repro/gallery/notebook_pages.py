"""A stored notebook as HTML: nbconvert with a template of our own, code folded, and its title and its claim apart."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbconvert import TemplateExporter
from nbconvert.filters import Highlight2HTML
from traitlets.config import Config

from adage_repro.gallery import markdown

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = ["image/svg+xml", "image/png", "text/html", "text/markdown", "image/jpeg", "text/plain"]  # no scripts and no widgets


class Notebook(NamedTuple):
    """What a page needs of a notebook: its title, its first paragraph, and all its cells."""

    title: str
    claim: str
    cells: nbformat.NotebookNode
    alts: list[str]

    def html(self, link: markdown.Link, above: str = "") -> str:
        """All cells but the title; a picture whose alt text is `above` is at the head of the page already."""
        return _exporter().from_notebook_node(self.cells, resources={"link": link, "above": above})[0]


def read(file: Path) -> Notebook:
    """ValueError: the first cell is not a title, a blank line and a paragraph."""
    cells = nbformat.read(file, as_version=4)
    found = re.match(r"# ([^\n]+)\n\n(.+?)(?:\n\n|\Z)", cells.cells[0].source, re.DOTALL)
    if not found:
        raise ValueError(f"{file.name} must begin with a line # title, a blank line and a paragraph that says what it shows")
    title, claim = found[1], re.sub(r"\s*The\s+notebook\s+runs\s+in\s+about[^.]*\.", "", found[2])
    cells.cells[0].source = cells.cells[0].source.removeprefix(f"# {title}")
    shown = (output for cell in cells.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {}))
    return Notebook(title, claim, cells, [output.metadata.get("image/png", {}).get("alt", "") for output in shown])


@cache
def _exporter() -> TemplateExporter:
    config = Config({"NbConvertBase": {"display_data_priority": SHOWN}})
    filters = {name: getattr(markdown, name) for name in ("to_html", "scrolling")}
    filters["highlight_code"] = Highlight2HTML(pygments_lexer="ipython3")
    places = {"template_name": "cells", "template_file": "index.html.j2", "extra_template_basedirs": [str(TEMPLATES)]}
    return TemplateExporter(config=config, filters=filters, **places)
