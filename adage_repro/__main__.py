"""The command line: `python -m adage_repro figure 4 "capacity=0.8" ""`. Everything is checked before anything runs."""

import json
import os
import re
import shlex
import sys
import time
from pathlib import Path

from adage_repro import build, notebooks, parameter_cells, workers
from adage_repro.folders import FIGURES, RERUNS, ROOT, paper_record, place, rerun_folder
from adage_repro.parameters import check_all, check_device
from adage_repro.refusals import cut, shown
from adage_repro.staging import check_writable
from adage_repro.terminal import changes, comparison, open_streams, say

NUMBER = r"[+-]?(?:0|[1-9][0-9]*)(\.[0-9]*)?(e[+-]?[0-9]+)?|[+-]?(\.[0-9]+)(e[+-]?[0-9]+)?"  # as in 10, 0.5, .5, 1e-3


def read_set(text: str) -> dict[str, object]:
    """`name=value` pairs: numbers and lists of them as such, anything else as a word."""
    pair = r"\s*(\w+)=(\[[^][]*\]|[^\s[]+)(?=\s|$)"
    values = {}
    rest = text.strip()
    while rest:
        found = re.match(pair, rest)
        if not found:
            raise ValueError(f"SET must be name=value pairs separated by spaces, lists as [1,2], got {shown(rest)}")
        name, value = found.groups()
        if name in values:
            raise ValueError(f"{cut(name)} must be given once, got {shown(values[name])} and {shown(read_value(value))}")
        values[name] = read_value(value)
        rest = rest[found.end() :].strip()
    return values


def read_value(text: str) -> object:
    """A decimal number, a list in brackets, or a word, which may stand in quotation marks."""
    if text.startswith("["):
        return [read_value(item.strip()) for item in text[1:-1].split(",")] if text[1:-1].strip() else []
    number = re.fullmatch(NUMBER, text, re.IGNORECASE)
    if number:
        return float(text) if any(number.groups()) else int(text[:4000])  # Python reads no more digits; no range reaches that far
    quoted = re.fullmatch(r"""(["'])(.*)\1""", text)
    return quoted[2] if quoted else text


def read_out(text: str, name: str, parameters: dict[str, object]) -> Path:
    """The folder for a rerun: `text`, or the one in figures/runs/ that the parameters name."""
    if not text:
        return rerun_folder(name, parameters)
    try:
        out = Path(text).expanduser().resolve()
        places = [folder for folder in (out, *out.parents) if folder.exists()]
        inside = any(folder.samefile(ROOT) for folder in places)
    except (OSError, RuntimeError, ValueError):
        raise ValueError(f"OUT must be a folder, got {shown(text)}") from None
    if inside and not (out.is_relative_to(RERUNS) and out != RERUNS):
        raise ValueError(f"OUT must be a folder outside this project, or one in figures/runs, got {shown(text)}")
    if not all(folder.is_dir() for folder in places):
        raise ValueError(f"OUT must be a folder, got {shown(text)}")
    return out


def already_in(folder: Path, names: list[str]) -> list[str]:
    """The names whose files a rerun will replace; refused if one of them is a folder, or if the folder cannot be written."""
    there = [name for name in names if (folder / name).exists()]
    for name in there:
        if (folder / name).is_dir():
            raise ValueError(f"OUT must not contain a folder named {name}, got {shown(place(folder))}")
    try:
        check_writable(folder)
    except OSError as error:
        raise ValueError(f"OUT must be a folder that can be written, got {shown(place(folder))} ({error.strerror})") from None
    return there


def figure(number: str, settings: str, out: str) -> None:
    """`make figure`: one figure with other parameters, into a folder of its own."""
    numbers = notebooks.figure_numbers()
    if not re.fullmatch(r"0?[0-9]|[1-9][0-9]", number) or int(number) not in numbers:
        raise ValueError(f"FIG must be a whole number from {numbers[0]} to {numbers[-1]}, got {shown(number)}")
    rerun(notebooks.notebook_of(f"fig{int(number):02d}"), settings, out)


def notebook(name: str, settings: str, out: str) -> None:
    """`make notebook`: any notebook with other parameters, into a folder of its own."""
    rerun(notebooks.notebook_of(name), settings, out)


def rerun(source: Path, settings: str, out: str) -> None:
    """Check the parameters against those of the notebook, run it, and compare its headline numbers with those of the paper's setting."""
    begin = time.perf_counter()
    name = notebooks.name_of(source.stem)
    standard = notebooks.defaults(source)
    checked = check_all(standard | read_set(settings), names=standard)
    if name == "claims":
        from adage_repro.claims import Setup

        Setup(**checked).checked()
    folder = read_out(out, name, checked)
    paper = paper_record(name)
    replaced = already_in(folder, [*paper.get("pictures", ()), f"{name}.json", *paper.get("tables", ()), source.name])
    say(*changes(name, checked, standard))
    if replaced:
        say(f"files of the same names will be replaced: {', '.join(replaced)}")
    done = notebooks.execute(source, checked, folder, keep_notebook=True, progress=True)
    past_limit = dict.fromkeys(line for line in done.printed if "not below" in line)  # a learning rate past the stability limit
    say("", *past_limit)
    first = []
    if f"{name}.json" in done.files:
        record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        first = [*record["pictures"], f"{name}.json", *record["tables"], source.name]
        if paper["headline"]:
            say(*comparison(name, record["headline"], paper["headline"]), "")
    say(f"saved {', '.join(dict.fromkeys([*first, *done.files]))} in {place(folder)}", took(begin))


def claims(settings: str, out: str) -> None:
    """`make claims`: all claims and readings into figures/ and docs/claims.md; with other parameters, into a folder of its own."""
    if settings.strip() or out:
        return rerun(notebooks.notebook_of("claims"), settings, out)
    from adage_repro import docs

    begin = time.perf_counter()
    check_device()
    docs.rendered()  # before the run: a page that cannot be written fails at once
    notebooks.execute(notebooks.notebook_of("claims"), {}, FIGURES, keep_notebook=False, progress=True)
    docs.write()
    say("saved claims and policy_map (.png, .pdf, .json, .csv) and readings.csv in figures, and docs/claims.md", took(begin))


def took(begin: float) -> str:
    """The time that has passed since `begin`, as it is printed."""
    return f"took {time.perf_counter() - begin:.1f} s"


SAVED = "--ContentsManager.pre_save_hook=adage_repro.notebooks.before_save"


def lab(arguments: str) -> None:
    """`make lab`: replace this process by JupyterLab, with arguments read as a shell would read them."""
    try:
        words = shlex.split(arguments)
    except ValueError:
        raise ValueError(f"ARGS must be options as a shell reads them, got {shown(arguments)}") from None
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(notebooks.NOTEBOOKS), SAVED, *words])


def write_docs() -> None:
    """`make docs`: write the notebooks' parameters cells, and whatever in the README and docs/ repeats the code."""
    from adage_repro import docs

    changed = [notebook.name for notebook in parameter_cells.write()] + docs.write()
    say(f"wrote {', '.join(changed)}" if changed else "parameters cells, README and docs/ are up to date")


def gallery() -> None:
    """`make gallery`: the site, from the notebooks, figures and docs as they are stored."""
    from adage_repro import gallery

    begin = time.perf_counter()
    pages = gallery.write()
    say(f"wrote {len(pages)} pages: open {place(gallery.SITE / pages[0])}", took(begin))


def figures() -> int:
    """`make figures`: make the figures of the paper, and those beyond it, that have changed; gives the exit status."""
    return 0 if build.figures([*notebooks.figure_names(), *notebooks.beyond_names()]) else 1


def refresh() -> int:
    """`make refresh`: renew the stored outputs of all notebooks; gives the exit status."""
    return 0 if workers.side_by_side(notebooks.refresh, notebooks.by_name()) else 1


COMMANDS = {
    "figures": (figures, ()),
    "refresh": (refresh, ()),
    "docs": (write_docs, ()),
    "gallery": (gallery, ()),
    "claims": (claims, ('"NAME=VALUE …"', "OUT")),
    "figure": (figure, ("NUMBER", '"NAME=VALUE …"', "OUT")),
    "notebook": (notebook, ("NAME", '"NAME=VALUE …"', "OUT")),
    "lab": (lab, ('"ARGUMENT …"',)),
}


def main(command: str = "", *arguments: str) -> int:
    """Exit status: 0 if all went well, 1 if a notebook failed or was interrupted, 2 if the input was refused."""
    run, takes = COMMANDS.get(command, (None, ()))
    if run is None or len(arguments) != len(takes):
        usage = " | ".join(" ".join([name, *takes]) for name, (_, takes) in COMMANDS.items())
        print("usage: python -m adage_repro", usage, file=sys.stderr)
        return 2
    try:
        return run(*arguments) or 0
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: either all files are new, or none has changed", file=sys.stderr)
        return 1
    except Exception as failed:  # papermill's, of whatever a cell raised
        print(f"failed, and nothing was written: {workers.one_line(failed)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    open_streams()
    sys.exit(main(*sys.argv[1:]))
