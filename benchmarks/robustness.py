"""What happens to figures when runs are killed, disks are full and machines are strange, into docs/robustness.csv; on Linux, as root.

    python benchmarks/robustness.py [PART …]     then make docs

It works in a clone of the last commit, in a folder whose name has spaces and letters that are not ASCII, set up by its own `make`. There
all runs are those of `make`. To make many runs possible the clone keeps the notebooks of three figures; tests cover the others.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "robustness.csv"
KEPT = ("fig02", "fig06", "fig12")
RERUN = ("figure", "FIG=6", "SET=capacity=0.8")
KILLS = 20


def made(clone, *words, **given):
    """`make` with these words in the clone; another environment, working directory or prefix as given."""
    before, where = given.pop("before", ()), given.pop("where", clone)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "JAX", "PYTHON", "VIRTUAL"))}
    environment |= {"TMPDIR": str(clone.parent / "tmp")} | given.pop("environment", {})
    command = [*before, "make", "-C", str(clone), "--no-print-directory", *words]
    return subprocess.Popen(
        command, cwd=where, env=environment, stdout=-1, stderr=-1, text=True, errors="backslashreplace", start_new_session=True
    )


def ended(process):
    """Its exit status, and the lines that it printed."""
    out, err = process.communicate()
    return process.returncode, out.splitlines(), err.splitlines()


def files(folder):
    """All files of figures, by name; not the executed notebook, which states the time of its run."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file() and file.suffix != ".ipynb"}


def left_behind(clone):
    """Staging folders anywhere in the clone and in the temporary folder."""
    places = (clone / "figures", clone / "notebooks", clone.parent)
    return [str(found) for place in places for found in place.rglob(".staging-*")] + list((clone.parent / "tmp").glob("adage_repro-*"))


def belong(content):
    """The names of the figures whose picture or tables are not those that their JSON names by hash."""
    records = {name: json.loads(text) for name, text in content.items() if name.endswith(".json")}
    hashes = {name: record["tables"] | record["pictures"] for name, record in records.items()}
    return [name for name, named in hashes.items() if {file: sha256(content[file]).hexdigest() for file in named} != named]


def as_from_before(content):
    """The same figures as an earlier version would have made them: other bytes in each file, and hashes that fit."""
    old = {name: text + b"\n" for name, text in content.items() if not name.endswith(".json")}
    for name, text in content.items():
        if name.endswith(".json"):
            record = json.loads(text)
            for kind in ("tables", "pictures"):
                record[kind] = {file: sha256(old[file]).hexdigest() for file in record[kind]}
            old[name] = json.dumps(record).encode()
    return old


def put(folder, content):
    """These files and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in content.items():
        (folder / name).write_bytes(text)


def stale(clone):
    """Makes `make figures` make all of them."""
    shutil.rmtree(clone / ".cache" / "figures", ignore_errors=True)


def tell(**row):
    """Write a line of the table, in place of one on the same matter."""
    known = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=["what", "tried", "outcome"])
    table = pd.concat([known[known["what"] != row["what"]], pd.DataFrame([row])], ignore_index=True)
    table.to_csv(TABLE, index=False, lineterminator="\n")
    print(row, flush=True)


def expect(condition, *said):
    if not condition:
        raise AssertionError(said)


def killed(what, clone, words, folder, new, seed):
    """KILLS runs killed with their process group at a random moment of their course, and what a full run after each makes of the rest."""
    draw, old, cut, alive, seconds = random.Random(seed), as_from_before(new), 0, 0, 10.0
    while alive < KILLS:
        put(folder, old)
        stale(clone)
        run = made(clone, *words)
        time.sleep(draw.uniform(0, seconds))
        if run.poll() is None:
            alive += 1
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        now = files(folder)
        expect(now.keys() == old.keys() and all(now[name] in (old[name], new[name]) for name in now), "whole", alive)
        cut += bool(belong(now))
        stale(clone)
        begin = time.monotonic()
        status, _, err = ended(made(clone, *words))
        seconds = time.monotonic() - begin
        expect((status, err) == (0, []) and files(folder) == new and not left_behind(clone), alive, status, err, left_behind(clone))
        print(f"{alive}: {sum(now[name] == new[name] for name in now)} of {len(now)} files new when it was killed", flush=True)
        after = "each time the next run made all and left nothing behind"
        outcome = f"each file old or new, and whole; {cut} between two files of one figure; {after}"
        tell(what=f"{what} killed at a random moment (the whole process group, `kill -9`)", tried=alive, outcome=outcome)


def kills(clone, new):
    killed("`make figures`", clone, ("figures",), clone / "figures", new, seed=1)


def rerun_kills(clone, new):
    out = clone.parent / "mine"
    words = (*RERUN, f"OUT={out}")
    status, _, err = ended(made(clone, *words))
    expect((status, err) == (0, []), err)
    killed("a rerun by `make figure`", clone, words, out, files(out), seed=2)


@contextmanager
def mounted(folder, *words):
    """A file system mounted on the folder, while the block lasts."""
    subprocess.run(["mount", *words, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def disk(clone, new):
    """`figures/` on disks that hold what is there and ever more besides; the last is large enough."""
    old, lines, tried = as_from_before(new), set(), 0
    needed = sum(map(len, old.values())) // 1024
    for more in (16, 200, 800, 2000):
        with mounted(clone / "figures", "-t", "tmpfs", "-o", f"size={needed + 100 + more}k", "none"):
            for name, text in old.items():
                (clone / "figures" / name).write_bytes(text)
            stale(clone)
            status, out, err = ended(made(clone, "figures"))
            now, tried = files(clone / "figures"), tried + 1
            failed = [line for line in out if "failed" in line]
            lines |= {line.split(": ")[1] for line in failed}  # without the file, which lies in a folder of this run
            expect(now.keys() == old.keys() and all(now[name] in (old[name], new[name]) for name in now) and not belong(now), more)
            expect(bool(failed) == (status != 0) and not left_behind(clone), more, out, err)
            print(more, status, out, err, flush=True)
    stale(clone)
    expect(ended(made(clone, "figures"))[0] == 0 and files(clone / "figures") == new)
    said = " / ".join(sorted(lines))
    tell(
        what="`figures/` on a full disk (tmpfs)",
        tried=tried,
        outcome=f"each figure is wholly old or wholly new; it says `{said}`; then it succeeds",
    )


def read_only(clone, new):
    """`figures/` that cannot be written."""
    with mounted(clone / "figures", "--bind", str(clone / "figures")):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(clone / "figures")], check=True)
        stale(clone)
        whole, rerun = (ended(made(clone, *words)) for words in (("figures",), RERUN))
    print(whole, rerun, flush=True)
    expect(whole[0] == 2 and rerun[0] == 2 and files(clone / "figures") == new)
    tell(
        what="`figures/` mounted read-only",
        tried=2,
        outcome=f"nothing changes; `make figures` says `{whole[2][0]}`, a rerun `{rerun[2][0]}`",
    )


def at_once(clone, new):
    """Two runs into one folder."""
    stale(clone)
    put(clone / "figures", as_from_before(new))
    for found in [ended(run) for run in [made(clone, "figures"), made(clone, "figures")]]:
        expect((found[0], found[2]) == (0, []), found)
    expect(files(clone / "figures") == new and not left_behind(clone))
    out, pairs = clone.parent / "both", 3
    for _ in range(pairs):
        for found in [ended(run) for run in [made(clone, "figure", "FIG=6", f"SET=capacity={c}", f"OUT={out}") for c in (0.7, 0.8)]]:
            expect((found[0], found[2]) == (0, []), found)
        expect(not belong(files(out)) and not left_behind(clone))
    outcome = "all succeed; pictures belong to their tables; where settings differ the folder holds the files of one of the two"
    tell(what="two runs into one folder at once", tried=1 + pairs, outcome=outcome)


def strange(clone, new):
    """Where a clone may find itself."""
    notebook = clone / "notebooks" / "fig06_gradients.ipynb"
    text = notebook.read_text(encoding="utf-8")
    foreign = text.replace('"name": "python3"', '"name": "ir"').replace('"display_name": "Python 3 (ipykernel)"', '"display_name": "R"')
    expect(foreign != text)
    out = clone.parent / "strange ü"
    cases = {
        "a kernel of another name in a notebook's metadata": {},
        "no network after set-up": {"before": ["unshare", "-n"]},
        "another working directory": {"where": "/"},
        "the locale C, and no locale": {"environment": {"LC_ALL": "C", "LANG": "C"}},
    }
    for what, given in cases.items():
        if not given:
            notebook.write_text(foreign, encoding="utf-8")
        status, lines, err = ended(made(clone, *RERUN, f"OUT={out}", **given))
        notebook.write_text(text, encoding="utf-8")
        expect((status, err) == (0, []) and not belong(files(out)), what, status, lines, err)
        tell(what=what, tried=1, outcome="it works")
    tell(what="a path with spaces and letters that are not ASCII", tried=1, outcome="set-up and all runs on this page took place in one")


def refusals(clone, new):
    """Of each notebook one hostile SET of each kind, another for each notebook; all of them are tried without make in the tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    import hostile

    from adage_repro import notebooks

    tried, before = 0, sorted(file.stat().st_mtime_ns for room in ("figures", "notebooks") for file in (clone / room).rglob("*"))
    for place, (name, notebook) in enumerate(notebooks.by_name().items()):
        kinds = {}
        for wrong, given in hostile.settings(notebooks.defaults(notebook)):
            kinds.setdefault(wrong, []).append(given)
        command = ("claims",) if name == "claims" else ("figure", f"FIG={name[3:]}") if name[:3] == "fig" else ("notebook", f"NAME={name}")
        for wrong, given in kinds.items():
            settings = given[7 * place % len(given)]
            status, out, err = ended(made(clone, *command, f"SET={settings}"))
            expect(
                (status, out, len(err)) == (2, [], 2) and err[0].isprintable() and err[1].startswith("make"),
                name,
                wrong,
                settings[:99],
                err,
            )
            tried += 1
    now = sorted(file.stat().st_mtime_ns for room in ("figures", "notebooks") for file in (clone / room).rglob("*"))
    expect(now == before and not list(clone.parent.rglob(hostile.RAN)))
    outcome = "each in one line, with exit status 2; nothing was written and nothing was run"
    tell(
        what="wrong parameters of every notebook refused by `make figure`, `make notebook` and `make claims`", tried=tried, outcome=outcome
    )


PARTS = {made.__name__: made for made in (refusals, strange, read_only, disk, at_once, rerun_kills, kills)}


def main(*names):
    with tempfile.TemporaryDirectory(prefix="robustness ü & ") as place:
        clone = Path(place) / "adage repro é"
        (Path(place) / "tmp").mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        status, _, err = ended(made(clone, "lint"))  # which also sets it up
        expect(status == 0, err)
        for name in [name for name in names or PARTS if name == "refusals"]:
            PARTS[name](clone, {})
        for room in ("figures", "notebooks"):
            for file in (clone / room).iterdir():
                if file.name[:5] not in KEPT:
                    file.unlink()
        committed = files(clone / "figures")
        expect(ended(made(clone, "figures"))[0] == 0)
        new = files(clone / "figures")
        expect(new == committed, "figures/ is not what the clone makes")
        for name in [name for name in names or PARTS if name != "refusals"]:
            PARTS[name](clone, new)


if __name__ == "__main__":
    main(*sys.argv[1:])
