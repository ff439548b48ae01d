"""Two runs of a figure side by side: what differs between them, in the terminal and on one page with both pictures."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from adage_repro.folders import digest, place
from adage_repro.refusals import Refused, cut, shown
from adage_repro.terminal import typed, word
from adage_repro.words import title

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Two runs of {{ title }}</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.4 }
body { margin: 1.5rem auto; max-width: 110rem; padding: 0 1rem }
.runs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1.5rem }
figure { margin: 0 } img { width: 100%; height: auto } figcaption { font-size: 0.9rem; overflow-wrap: anywhere }
.table { overflow-x: auto } table { border-collapse: collapse; margin: 1.5rem 0 }
th, td { text-align: left; padding: 0.15rem 2rem 0.15rem 0; border-bottom: 1px solid #8886 }
td + td { font-variant-numeric: tabular-nums }
</style>
<main>
<h1>Two runs of {{ title }}</h1>
<div class="runs">
{% for which, run in runs.items() %}<figure>
<figcaption><strong>{{ which }}</strong> {{ run.place }}</figcaption>
<img alt="{{ run.record.alt }}" src="data:image/png;base64,{{ run.base64 }}">
<figcaption>{{ run.record.alt }}</figcaption>
</figure>
{% endfor %}</div>
{% for heading, rows in tables.items() %}{% if rows %}<div class="table"><table>
<tr><th scope="col">{{ heading }}</th>{% for which in runs %}<th scope="col">{{ which }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% else %}<p>{{ heading }}: none</p>
{% endif %}{% endfor %}</main>
</html>
"""


class Run(NamedTuple):
    """A folder with the record of one figure, what that says, and the picture that belongs to it."""

    folder: Path
    name: str
    record: Mapping[str, Any]
    picture: bytes

    @property
    def place(self) -> str:
        """How the folder is named."""
        return place(self.folder)

    @property
    def base64(self) -> str:
        """The picture as text."""
        return base64.b64encode(self.picture).decode()


def runs(a: str, b: str) -> tuple[Run, Run]:
    """The runs in two folders, of the one figure that both hold. Refused: there is none, or more than one, or its files are not whole."""
    folders = {"A": _folder("A", a), "B": _folder("B", b)}
    found = {which: _records(folder) for which, folder in folders.items()}
    for which, records in found.items():
        if not records:
            raise Refused(f"{which} must be a folder with a figure's record, such as fig04.json, got {shown(str(folders[which]))}")
    both = sorted(found["A"].keys() & found["B"].keys())
    if len(both) != 1:
        held = cut(f"both hold {', '.join(both)}" if both else f"A holds {', '.join(found['A'])}; B holds {', '.join(found['B'])}")
        raise Refused(f"A and B must be folders that have one figure in common, such as reruns of it, but {held}")
    (name,) = both
    return _run("A", folders["A"], name, found["A"][name]), _run("B", folders["B"], name, found["B"][name])


def _folder(which: str, text: str) -> Path:
    try:
        folder = Path(text).expanduser().resolve()
        if text.strip() and folder.is_dir():
            return folder
    except (OSError, RuntimeError, ValueError):
        pass
    raise Refused(f"{which} must be a folder with a figure's record, got {shown(text)}")


def _records(folder: Path) -> dict[str, dict[str, Any]]:
    """The figures' records in a folder, by the name of the figure."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            parts = [record[part] for part in ("parameters", "headline", "pictures", "versions")]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if record.get("figure") == file.stem and all(isinstance(part, dict) for part in parts):
            found[file.stem] = record
    return found


def _run(which: str, folder: Path, name: str, record: Mapping[str, Any]) -> Run:
    file = folder / f"{name}.png"
    try:
        if digest(file) != record["pictures"].get(file.name):
            raise Refused(
                f"{which} must hold the picture that belongs to its record, but {file.name} is another than {name}.json describes"
            )
        return Run(folder, name, record, file.read_bytes())
    except OSError as error:
        raise Refused(f"{which} must hold {file.name}, got {shown(str(folder))} ({error.strerror})") from None


def differences(a: Run, b: Run) -> dict[str, list[tuple[str, str, str]]]:
    """Parameters and versions that differ, and all headline numbers: rows of a name and its value in A and in B, by their heading."""
    rows = {f"{part} that differ": [row for row in _rows(a, b, part) if row[1] != row[2]] for part in ("parameters", "versions")}
    rows = {heading: [(name, *map(typed, values)) for name, *values in found] for heading, found in rows.items()}
    return rows | {"headline numbers": [(name, *map(word, values)) for name, *values in _rows(a, b, "headline")]}


def _rows(a: Run, b: Run, part: str) -> list[tuple[str, object, object]]:
    own, other = a.record[part], b.record[part]
    return [(name, own.get(name), other.get(name)) for name in own | other]


def page(a: Run, b: Run) -> str:
    """The comparison as one HTML file that needs no other."""
    return Environment(autoescape=True).from_string(PAGE).render(title=title(a.name), runs={"A": a, "B": b}, tables=differences(a, b))
