"""The strict front door: `python -m adage_repro figure 4 "capacity=0.8" ""`. Everything is checked before anything runs."""

import ast
import csv
import hashlib
import re
import sys
from pathlib import Path

from adage_repro import build
from adage_repro.folders import FIGURES, RERUNS, ROOT, staged
from adage_repro.parameters import check_all

KEPT = [FIGURES, *(ROOT / room for room in ("adage_repro", "benchmarks", "notebooks", "tests", ".cache", ".ci", ".git", ".venv"))]

CLAIMS_BEGIN, CLAIMS_END = "<!-- claims: written by make claims -->", "<!-- end of claims -->"


def read_set(text: str) -> dict[str, object]:
    """`name=value` pairs apart: numbers and lists of them as such, anything else as a word."""
    pair = r"\s*(\w+)=(\[[^\]]*\]|[^\s\[]+)(?=\s|$)"
    values = {}
    rest = text.strip()
    while rest:
        found = re.match(pair, rest)
        if not found:
            raise ValueError(f"SET must be name=value pairs apart by spaces, lists as [1,2], got {rest!r}")
        name, value = found.groups()
        if name in values:
            raise ValueError(f"{name} must be given once, got {values[name]!r} and {value}")
        try:
            values[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            values[name] = value
        rest = rest[found.end() :].strip()
    return values


def read_out(text: str, name: str, given: dict[str, object]) -> Path:
    """The folder for a rerun: `text`, or figures/runs/ and a name made of the parameters that were given."""
    if not text:
        label = ",".join(f"{key}={str(value).replace(' ', '')}" for key, value in sorted(given.items()))
        if len(label) > 150:
            label = f"{label[:120]}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"
        return RERUNS / (f"{name}-{label}" if label else name)
    try:
        out = Path(text).expanduser().resolve()
        out.is_dir()
    except (OSError, RuntimeError, ValueError):
        raise ValueError(f"OUT must be a folder, got {text[:80]!r}") from None
    for folder in KEPT:
        free = out.is_relative_to(RERUNS) and out != RERUNS
        if out == ROOT or (out.is_relative_to(folder) and not free):
            raise ValueError(f"OUT must lie outside {ROOT.name}'s own folders (figures/runs/ is free), got {text!r}")
    if any(part.exists() and not part.is_dir() for part in (out, *out.parents)):
        raise ValueError(f"OUT must be a folder, got {text!r}")
    return out


def figure(number: str, settings: str, out: str) -> None:
    """`make figure`: one figure with other parameters, into a folder of its own."""
    if not re.fullmatch(r"0?[0-9]|1[0-9]", number) or int(number) not in build.NUMBERS:
        raise ValueError(f"FIG must be a whole number from {build.NUMBERS[0]} to {build.NUMBERS[-1]}, got {number!r}")
    rerun(f"fig{int(number):02d}", settings, out)


def rerun(name: str, settings: str, out: str) -> None:
    """Check the parameters against those of the notebook, run it, say where the files are."""
    notebook = build.notebook_of(name)
    standard, given = build.defaults(notebook), read_set(settings)
    checked = check_all(standard | given, names=standard)
    if name == "claims":
        from adage_repro.claims import Setup

        Setup(**checked).checked()
    folder = read_out(out, name, given)
    printed = build.execute(notebook, checked, folder, keep_notebook=True)
    for line in dict.fromkeys(line for line in printed if "not below" in line):  # a learning rate past the stability limit
        print(line)
    print("saved in", folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)


def claims(settings: str, out: str) -> None:
    """`make claims`: all claims and readings into figures/ and the README's table; with other parameters, into a folder of its own."""
    if settings.strip() or out:
        return rerun("claims", settings, out)
    build.execute(build.notebook_of("claims"), {}, FIGURES, keep_notebook=False)
    readme = ROOT / "README.md"
    head, rest = readme.read_text(encoding="utf-8").split(CLAIMS_BEGIN)
    with staged(ROOT) as folder:
        (folder / readme.name).write_text(head + CLAIMS_BEGIN + claims_table() + CLAIMS_END + rest.split(CLAIMS_END)[1], encoding="utf-8")
    print("saved claims.csv, readings.csv, claims.png, .pdf, .json in figures, and the README's table")


def claims_table() -> str:
    """figures/claims.csv as the README shows it."""
    with (FIGURES / "claims.csv").open(encoding="utf-8", newline="") as file:
        names, *rows = ([value.replace("|", "\\|") for value in row] for row in csv.reader(file))
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(["", *(f"| {' | '.join(line)} |" for line in lines), ""])


def main(command: str = "", *arguments: str) -> int:
    """0 if all went well, 1 if a notebook failed, 2 if a parameter was refused."""
    if len(arguments) != {"figures": 0, "refresh": 0, "figure": 3, "claims": 2}.get(command, -1):
        print(
            'usage: python -m adage_repro figures | refresh | claims "NAME=VALUE …" OUT | figure NUMBER "NAME=VALUE …" OUT', file=sys.stderr
        )
        return 2
    names = [f"fig{number:02d}" for number in build.NUMBERS]
    if command == "figures":
        return 0 if build.figures(names) else 1
    if command == "refresh":
        return 0 if build.side_by_side(build.refresh, ["claims", *names]) else 1
    try:
        {"figure": figure, "claims": claims}[command](*arguments)
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return 2
    except Exception as failed:  # papermill's, of whatever a cell raised
        print(f"failed, nothing was written: {build.one_line(failed)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
