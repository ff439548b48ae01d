"""The command line: `python -m adage_repro figure 4 "capacity=0.8" ""`. Everything is checked before anything runs."""

import hashlib
import json
import os
import re
import shlex
import sys
import time
from contextlib import ExitStack
from functools import partial
from operator import attrgetter
from pathlib import Path

from adage_repro import build, cluster, notebooks, parameter_cells, workers
from adage_repro.folders import FIGURES, RERUNS, ROOT, check_cache, labelled, paper_record, place, rerun_folder
from adage_repro.grid import grid_points, read_grid, read_set, swept
from adage_repro.parameters import check_all, check_device
from adage_repro.refusals import shown
from adage_repro.staging import check_writable, only_one, staged
from adage_repro.terminal import aligned, changes, comparison, open_streams, say
from adage_repro.words import title


def read_out(text: str, otherwise: Path) -> Path:
    """The folder that `text` names, or if nothing was typed the one in figures/runs/ that is meant `otherwise`."""
    if not text:
        return otherwise
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


def whole(name: str, text: str, otherwise: int, most: int) -> int:
    """The whole number from 1 to `most` that was typed, or if nothing was, the one that is meant `otherwise`."""
    if text and not (re.fullmatch(r"[1-9][0-9]{0,8}", text) and int(text) <= most):
        raise ValueError(f"{name} must be a whole number from 1 to {most:,}, got {shown(text)}")
    return int(text or otherwise)


def figure_of(number: str) -> Path:
    """The notebook of the figure of this number."""
    numbers = notebooks.figure_numbers()
    if not re.fullmatch(r"0?[0-9]|[1-9][0-9]", number) or int(number) not in numbers:
        raise ValueError(f"FIG must be a whole number from {numbers[0]} to {numbers[-1]}, got {shown(number)}")
    return notebooks.notebook_of(f"fig{int(number):02d}")


def figure(number: str, settings: str, out: str) -> None:
    """`make figure`: one figure with other parameters, into a folder of its own."""
    rerun(figure_of(number), settings, out)


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
    folder = read_out(out, otherwise=rerun_folder(name, checked))
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


FEW, MANY = 200, 100_000  # points of a grid: what is made without asking, and what can be asked for


def sweep(number: str, grid: str, out: str, processes: str, most: str, scheduler: str) -> int:
    """`make sweep`: one figure at each point of a grid, into a folder of its own; gives the exit status."""
    from adage_repro import sweep as made

    begin = time.perf_counter()
    source = figure_of(number)
    name = notebooks.name_of(source.stem)
    given = read_grid(grid, whole("POINTS", most, otherwise=FEW, most=MANY))
    points = grid_points(given, notebooks.defaults(source))
    values = swept(given, points)
    if processes and scheduler:
        raise ValueError("WORKERS counts processes on this machine and must be left out where SCHEDULER is given")
    processes = whole("WORKERS", processes, otherwise=workers.cores(), most=256)
    folder = read_out(out, otherwise=RERUNS / labelled(f"{name}-sweep", values))
    already_in(folder, made.files(name))
    with ExitStack() as held:
        if scheduler:
            run = partial(cluster.on_workers, held.enter_context(cluster.connect(scheduler)))
        else:
            run = partial(workers.in_processes, processes=processes)
        check_cache()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held.enter_context(only_one(folder / f".{name}_sweep.lock"))
        except BlockingIOError:
            raise ValueError(f"OUT must be a folder in which no other sweep is at work, got {shown(place(folder))}") from None
        say(f"{title(name)} at {len(points)} points into {place(folder)}")
        try:
            failed = made.sweep(name, points, values, folder, run)
        except (KeyboardInterrupt, Exception) as stop:  # a full disk, or a scheduler that was lost
            why = "interrupted" if isinstance(stop, KeyboardInterrupt) else f"stopped, since {workers.one_line(stop).rstrip('.')}"
            print(f"{why}: points that are done are kept, and the same command goes on from there", file=sys.stderr)
            return 1
    if len(failed) < len(points):
        say(f"saved {', '.join(made.files(name))} and a folder for each point in {place(folder)}")
    say(took(begin))
    return 1 if failed else 0


def compare(a: str, b: str, out: str) -> None:
    """`make compare`: two runs of a figure side by side, in the terminal and on a page."""
    from adage_repro import compare as pages

    runs = pages.runs(a, b)
    name = runs[0].name
    names, places = ({which: how(run.folder) for which, run in zip("AB", runs, strict=True)} for how in (attrgetter("name"), place))
    other = hashlib.sha256(repr(places).encode()).hexdigest()[:6]  # folders of one name in different places
    folder = read_out(out, otherwise=RERUNS / f"{labelled(f'{name}-compare', names)}-{other}")
    already_in(folder, [f"{name}_compare.html"])
    for heading, rows in pages.differences(*runs).items():
        say(*(aligned([(heading, "A", "B"), *rows], str.rjust) if rows else [f"{heading}: none"]), "")
    with staged(folder) as room:
        (room / f"{name}_compare.html").write_text(pages.page(*runs), encoding="utf-8")
    say(f"saved {name}_compare.html in {place(folder)}")


def claims(settings: str, out: str) -> None:
    """`make claims`: all claims and readings into figures/ and docs/claims.md; with other parameters, into a folder of its own."""
    if settings.strip() or out:
        return rerun(notebooks.notebook_of("claims"), settings, out)
    from adage_repro import docs

    begin = time.perf_counter()
    check_device()
    build.check_figures()
    docs.rendered()  # before the run: a page that cannot be written fails at once
    notebooks.execute(notebooks.notebook_of("claims"), {}, FIGURES, keep_notebook=False, progress=True, warm=True)
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
    longest_first = [*notebooks.figure_names(), *notebooks.beyond_names()][::-1]  # so that none is left running alone at the end
    return 0 if build.figures(longest_first) else 1


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
    "sweep": (sweep, ("NUMBER", '"NAME=VALUE,VALUE,… NAME=START:STOP:COUNT …"', "OUT", "WORKERS", "POINTS", "SCHEDULER")),
    "compare": (compare, ("FOLDER", "FOLDER", "OUT")),
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
