"""Saves a figure: picture, tables and provenance."""

import io
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from adage_repro.folders import OUT_VARIABLE, digest, place, rerun_folder
from adage_repro.staging import staged
from adage_repro.style import PRINT_DPI, SCREEN_DPI
from adage_repro.words import ROUNDING

PACKAGES = ("jax", "jaxlib", "numpy", "pandas", "matplotlib", "seaborn")


def save(
    name: str,
    figure: Figure,
    tables: Mapping[str, pd.DataFrame],
    parameters: Mapping[str, object],
    headline: Mapping[str, object],
    alt: str,
    lines: Mapping[str, object] | None = None,
    every: object = 1,
) -> None:
    """Write `name`.png, .pdf, .json and one CSV per table, by its own name, all or nothing.

    lines   what is drawn but is in no table: reference lines, closed forms, bands
    every   k, where a table keeps every k-th iteration only
    They go to the folder that `make figure` chose or, if the notebook is run by hand, to the one that it would choose; never over figures/.
    """
    chosen = os.environ.get(OUT_VARIABLE)
    out = Path(chosen) if chosen else rerun_folder(name, parameters)
    files = write(out, name, figure, tables, parameters, headline=headline, alt=alt, lines=lines or {}, every=every)
    print("saved", f"{name}.png, .pdf, .json,", ", ".join(files), "" if chosen else f"in {place(out)}")


def write(
    out: Path,
    name: str,
    figure: Figure,
    tables: Mapping[str, pd.DataFrame],
    parameters: Mapping[str, object],
    *,
    headline: Mapping[str, object],
    alt: str,
    lines: Mapping[str, object],
    every: object,
) -> list[str]:
    """What `save` writes, into the folder `out`; gives the names of the tables' files."""
    with staged(out) as folder:
        for table, content in tables.items():
            tidied(content).to_csv(folder / f"{table}.csv", index=False, float_format="%.12g", lineterminator="\n")
        figure.savefig(folder / f"{name}.png", dpi=PRINT_DPI, metadata={"Software": None, "Description": alt})
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None, "Subject": alt})
        record = {
            "figure": name,
            "alt": alt,
            "parameters": parameters,
            "headline": headline,
            "lines": lines,
            "every_kth_iteration": every,
            "tables": {f"{table}.csv": digest(folder / f"{table}.csv") for table in tables},
            "pictures": {file: digest(folder / file) for file in (f"{name}.png", f"{name}.pdf")},
            "versions": {package: version(package) for package in PACKAGES},
        }
        text = json.dumps(plain(record), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return list(record["tables"])


class Picture:
    """A figure in a notebook, with its alt text; drawn when the notebook's front end asks for pictures, and not otherwise."""

    def __init__(self, figure: Figure, alt: str):
        self.figure, self.alt = figure, alt

    def _repr_png_(self) -> tuple[str, dict[str, object]]:
        from IPython.display import Image

        buffer = io.BytesIO()
        self.figure.savefig(buffer, dpi=SCREEN_DPI, metadata={"Software": None})
        return Image(buffer.getvalue(), alt=self.alt, width=int(self.figure.get_figwidth() * SCREEN_DPI))._repr_png_()

    def __repr__(self) -> str:
        return "<Picture>"


def show(figure: Figure, alt: str) -> None:
    """Show the figure in a notebook, with its alt text, which is also printed below it as its caption."""
    from IPython.display import display

    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # the layout is found once and kept for what is drawn
    display(Picture(figure, alt))
    print(alt)


def show_table(table: pd.DataFrame) -> None:
    """Show all rows of a table in a notebook, with its texts in full."""
    from IPython.display import HTML, display

    display(HTML(table.to_html(index=False, border=0, justify="left")))


def report(headline: Mapping[str, object]) -> None:
    """Print the headline numbers, rounded, one on each line; never -0."""
    for name, value in headline.items():
        print(f"{name}: {value:z.4f}" if isinstance(value, float) else f"{name}: {value}")


def tidied(table: pd.DataFrame) -> pd.DataFrame:
    """The table with rounding noise around zero taken out, so that 12 digits are the same on every machine; NaN stays NaN."""
    noise = {name: column.mask(column.abs() <= ROUNDING, 0.0) for name, column in table.select_dtypes("floating").items()}
    return table.assign(**noise)


def plain(value: object) -> object:
    """Numbers with 12 significant digits and plain lists, as JSON holds them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | jax.Array | pd.Series | list | tuple | np.generic):
        return plain(value.item()) if np.ndim(value) == 0 else [plain(item) for item in np.asarray(value, object).tolist()]
    if isinstance(value, float):
        return 0.0 if abs(value) <= ROUNDING else float(f"{value:.12g}")
    return value
