"""`make figure` refuses bad input before anything runs, and a failed or interrupted run changes nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from matplotlib.figure import Figure

from adage_repro import build, folders, notebooks, records, staging, workers
from adage_repro.__main__ import main, read_set
from adage_repro.folders import FIGURES, RERUNS, ROOT, digest, rerun_folder
from adage_repro.parameters import PARAMETERS, check_all
from adage_repro.staging import staged
from adage_repro.terminal import comparison, word

NAMES = notebooks.figure_names()
FIRST, *_, LAST = notebooks.figure_numbers()
FIG = f"FIG must be a whole number from {FIRST} to {LAST}"
BAD = {"int": ["2.5", "many", "-1", "1e3"], "float": ["much", "nan", "inf", "1e999", "-1", "[0.1]"], "str": ["neither", "1"]}


def child(code, **more):
    """A process that Ctrl-C stops, even where the tests run in the background and it would be born deaf to it."""
    listens = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen([sys.executable, "-c", listens + code], **more)


def tree():
    return {file: file.stat().st_mtime_ns for room in ("figures", "notebooks") for file in (ROOT / room).rglob("*")}


@pytest.mark.parametrize("name", NAMES)
def test_every_bad_value_of_every_parameter_is_refused(name, capsys):
    before = tree()
    for parameter in notebooks.defaults(notebooks.notebook_of(name)):
        many = PARAMETERS[parameter].kind.startswith("list")
        for value in BAD[PARAMETERS[parameter].item]:
            if many and value == "[0.1]":
                continue
            given = f"{parameter}=[{value}]" if many else f"{parameter}={value}"
            assert main("figure", name[3:], given, "") == 2, given
            said = capsys.readouterr()
            assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith(f"{parameter}{': item 1' * many} must"), given
    assert tree() == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("4", "capacity=1.4", ""), "capacity must lie in [1/n_agents, 1], got 1.4"),
        (("4", "capcity=0.4", ""), "capcity is not a parameter here (did you mean capacity?); the parameters are n_agents, "),
        (("2", "leader_lr=0.1", ""), "leader_lr is not a parameter here"),
        (("4", "capacity=0.4 capacity=0.5", ""), "capacity must be given once, got 0.4 and 0.5"),
        (("4", "capacity 0.4", ""), "SET must be name=value pairs separated by spaces, lists as [1,2], got 'capacity 0.4'"),
        ((str(LAST + 1), "", ""), f"{FIG}, got '{LAST + 1}'"),
        (("four", "", ""), f"{FIG}, got 'four'"),
        (("", "", ""), f"{FIG}, got ''"),
        *(
            (("4", "", inside), f"OUT must be a folder outside this project, or one in figures/runs, got '{inside}'")
            for inside in (".", "figures", "figures/mine", "figures/runs", "figures/runs/../x", "notebooks", ".cache/x", "build", "docs/x")
        ),
        (("4", "", "x" * 5000), "OUT must be a folder"),
        (("4", "", "~nobody-of-this-name/x"), "OUT must be a folder"),
        (("4", f"runs={10**30}", ""), f"runs must lie in [2, 10000], got {10**30}"),
        *((("4", f"n_agents={value}", ""), "n_agents must be a whole number") for value in ("1_0", "0x10", "0b11", "١٠", "007", "1e1")),
        *((("4", f"capacity={value}", ""), "capacity must be a number") for value in ("(0.5)", "1j", "True", "0.5.1", "-" * 9000, "'0.5'")),
        (("7", f"capacities={'[' * 9000}", ""), "SET must be name=value pairs"),
        (("7", "capacities=[0.2,[0.4]]", ""), "SET must be name=value pairs"),
        (("7", "capacities=[0.2,0.4,]", ""), "capacities: item 3 must be a number, got ''"),
        (("7", "capacities=[0.2,0.4,1.4]", ""), "capacities: item 3 must lie in [1/n_agents, 1], got 1.4"),
        (("7", "capacities=[]", ""), "capacities must be a list of 1 to 12 numbers, got []"),
        (("4", f"seed={'9' * 9000}", ""), "seed must lie in [0, 4294967295], got 9999"),
        (("4", f"{'x' * 9000}=1", ""), "xxxx"),
        (("4" * 9000, "", ""), f"{FIG}, got '4444"),
        (
            ("2", "n_agents=10000 runs=200", ""),
            "this run asks for 2,510,000 lines in its tables, but at most 2,000,000 are allowed; with the other",
        ),
        (("4", "", "/dev/null/x"), "OUT must be a folder, got '/dev/null/x'"),
    ],
)
def test_refused(arguments, line, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    before = tree()
    assert main("figure", *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1 and len(said.err) < 500
    assert tree() == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("fig04", "capacity=1.4", ""), "capacity must lie in [1/n_agents, 1], got 1.4"),
        (("claims", "n_agents=65", ""), "n_agents must lie in [2, 64] where claims are measured, got 65"),
        (
            ("fig04_policy-Copy1", "", ""),
            "NAME must be a notebook in notebooks/, got 'fig04_policy-Copy1'; the notebooks are beyond_gallery, beyond_own_game, ",
        ),
        (("", "", ""), "NAME must be a notebook in notebooks/, got ''; the notebooks are beyond_gallery, "),
        (("../notebooks/claims", "", ""), "NAME must be a notebook in notebooks/, got '../notebooks/claims'"),
    ],
)
def test_any_notebook_is_checked_as_a_figure_is(arguments, line, capsys, monkeypatch):
    monkeypatch.setattr(notebooks, "execute", None)  # nothing runs
    assert main("notebook", *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1


def test_a_notebook_that_saves_no_record_leaves_itself(tmp_path, capsys, monkeypatch):
    """One that goes beyond the paper, under a name that is no project notebook's."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"tags": ["parameters"]},
        "source": ["runs: int = 7"],
        "outputs": [],
        "execution_count": None,
    }
    text = json.dumps({"cells": [cell], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "My own-Copy1.ipynb").write_text(text, encoding="utf-8")
    monkeypatch.setenv("ADAGE_REPRO_OUT", "")  # put back afterwards
    assert main("notebook", "My own-Copy1", "runs=9", str(tmp_path / "out")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0].startswith("My own-Copy1, parameters that differ")
        and lines[1].split() == ["runs", "9", "7"]
        and f"saved My own-Copy1.ipynb in {tmp_path / 'out'}" in lines
    )


def test_an_out_that_cannot_take_the_files_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(notebooks, "execute", None)  # nothing runs
    (tmp_path / "fig06c.csv").mkdir()
    assert main("figure", "6", "", str(tmp_path)) == 2
    assert capsys.readouterr() == ("", f"OUT must not contain a folder named fig06c.csv, got '{tmp_path}'\n")
    assert [file.name for file in tmp_path.iterdir()] == ["fig06c.csv"]

    def read_only(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(staging.tempfile, "mkdtemp", read_only)
    assert main("figure", "6", "", str(tmp_path / "new")) == 2
    line = f"OUT must be a folder that can be written, got '{tmp_path / 'new'}' (Read-only file system)\n"
    assert capsys.readouterr() == ("", line) and len(list(tmp_path.iterdir())) == 1


def test_set_is_read():
    assert read_set(" a=1  b=1e-3 c=[0.2, 0.6] d=zeros ") == {"a": 1, "b": 1e-3, "c": [0.2, 0.6], "d": "zeros"}
    assert read_set("a=+.5 b=2. c=-0 d=\"zeros\" e=['x', 1E2]") == {"a": 0.5, "b": 2.0, "c": 0, "d": "zeros", "e": ["x", 100.0]}


def test_a_folder_is_named_by_what_differs_and_by_hand_likewise(tmp_path, monkeypatch, capsys):
    def named(name, settings):
        return rerun_folder(name, check_all(notebooks.defaults(notebooks.notebook_of(name)) | read_set(settings))).name

    assert named("fig04", "") == named("fig04", "n_agents=10 capacity=0.60") == "fig04" and rerun_folder("fig04", {}).parent == RERUNS
    assert named("fig04", "leader_lr=0.001 capacity=0.8") == named("fig04", "capacity=8e-1 leader_lr=1E-3")
    assert named("fig04", "leader_lr=0.001 capacity=0.8") == "fig04-capacity=0.8,leader_lr=0.001"
    assert named("fig07", "crowd=excluded capacities=[0.2,0.6]") == "fig07-capacities=0.2_0.6,crowd=excluded"
    close = [f"capacities={[0.2 + 1e-5 * item for item in range(11)]}".replace(" ", "")[:-1] + f",{last}]" for last in (0.9, 0.9000000001)]
    long = [named("fig07", settings) for settings in close]
    assert len(set(long)) == 2 and all(len(name) < 130 for name in long)

    monkeypatch.setattr(folders, "RERUNS", tmp_path)
    monkeypatch.delenv("ADAGE_REPRO_OUT", raising=False)
    by_hand = notebooks.defaults(notebooks.notebook_of("fig06")) | {"capacity": 0.8}
    records.save("fig06", Figure(), {"fig06a": pd.DataFrame({"x": [1.0]})}, by_hand, {}, "nothing")
    assert [folder.name for folder in tmp_path.iterdir()] == [named("fig06", "capacity=0.8")]
    assert capsys.readouterr().out == f"saved fig06.png, .pdf, .json, fig06a.csv in {tmp_path / 'fig06-capacity=0.8'}\n"


def test_numbers_stand_beside_those_of_the_paper():
    own = {"gap": 0.25, "row": 51, "tiny": 1.5e-7, "mine": 1.0, "M1": "holds", "M2": "holds"}
    assert comparison("fig04", own, {"gap": 0.5, "row": 51, "tiny": 0.0, "theirs": 2.0, "M1": "holds", "M2": "does not hold"}) == [
        "headline numbers    this run   paper's setting",
        "  gap                 0.2500            0.5000",
        "  row                     51                51",
        "  tiny             1.500e-07            0.0000",
        "  mine                1.0000                 –",
        "  M2                   holds     does not hold",
        "  theirs                   –            2.0000",
        "1 further verdict is the same in both",
        "– marks a number that does not exist in this setting",
    ]


def make(*words, cwd=ROOT, **given):
    unset = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "FIG", "NAME", "SET", "OUT", "ARGS", "GRID", "WORKERS", "POINTS", "SCHEDULER", "A", "B")
    environment = {name: value for name, value in os.environ.items() if name not in unset} | given
    command = ["make", "-o", ".venv/.ready", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "name", "form"),
    [
        ("figure FIG=6 capacity=0.9", "capacity", 'figure FIG=6 SET="capacity=0.9" [OUT=folder]'),
        ("figure FIG=6 SET=runs=3 seed=$(shell) OUT=x", "seed", 'figure FIG=6 SET="runs=3 seed=$(shell)" OUT=x'),
        ("figure FIG=4 set=capacity=0.9", "set", 'figure FIG=4 SET="name=value …" [OUT=folder]'),
        ("figures SET=a=1", "SET", 'figures or make figure FIG=number SET="a=1" [OUT=folder]'),
        ("notebook FIG=4", "FIG", 'notebook NAME=name SET="name=value …" [OUT=folder]'),
        ("notebook NAME=claims runs=3", "runs", 'notebook NAME=claims SET="runs=3" [OUT=folder]'),
        ("claims FIG=4", "FIG", 'claims SET="name=value …" [OUT=folder]'),
        ("claims capacity=0.4", "capacity", 'claims SET="capacity=0.4" [OUT=folder]'),
        ("test lint ARGS=-x", "ARGS", "test"),
        ("sweep FIG=5 capacity=0.4", "capacity", 'sweep FIG=5 GRID="name=value,value name=start:stop:count …" [OUT=folder] [WORKERS=2]'),
        ("sweep FIG=5 SET=seed=1", "SET", 'sweep FIG=5 GRID="name=value,value name=start:stop:count …" [OUT=folder] [WORKERS=2]'),
        ("compare A=a C=b", "C", "compare A=a B=folder [OUT=folder]"),
        ("lab OUT=x", "OUT", 'lab ARGS="--port 9999"'),
    ],
)
def test_a_variable_that_a_command_does_not_take_is_refused(words, name, form):
    done = make(*words.split())
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1
    assert f"*** {name} is not a variable of make {words.split()[0]}: write make {form}.  Stop." in done.stderr


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with the Makefile alone, and a `.venv` whose Python is the one of these tests, or prints what it gets."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)

    def with_python(text):
        (tmp_path / ".venv" / "bin" / "python").write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / ".venv" / "bin" / "python").chmod(0o755)
        return tmp_path

    return with_python


def test_make_hands_over_what_was_typed(elsewhere):
    folder = elsewhere('printf \'%s\\n\' "$PYTHONUTF8" "$@"')
    typed = {"FIG": "$$", "SET": "a=$(shell touch ran)  #'`touch ran`", "OUT": 'do$lar "é"'}
    pairs = [f"{name}={value}" for name, value in typed.items()]
    for done in (make("figure", *pairs, cwd=folder), make("figure", cwd=folder, **typed)):
        assert done.stdout.splitlines() == ["1", "-m", "adage_repro", "figure", *typed.values()], done.stderr
    grid = {"GRID": "a=1:2:3 $(shell touch ran)", "WORKERS": "`touch ran`", "POINTS": "$$", "SCHEDULER": "tcp://$HOME"}
    swept = make("sweep", "FIG=5", "OUT=x", *(f"{name}={value}" for name, value in grid.items()), cwd=folder)
    assert swept.stdout.splitlines()[3:] == ["sweep", "5", grid.pop("GRID"), "x", *grid.values()], swept.stderr
    compared = make("compare", "A=$(shell touch ran)", "B=a b", cwd=folder)
    assert compared.stdout.splitlines()[3:] == ["compare", "$(shell touch ran)", "a b", ""], compared.stderr
    lab = make("lab", 'ARGS=--port 9999 $(shell touch ran) "a b"', cwd=folder)
    assert lab.stdout.splitlines()[1:] == ["-m", "adage_repro", "lab", '--port 9999 $(shell touch ran) "a b"']
    assert not (folder / "ran").exists()


def test_a_rerun_where_nothing_can_be_printed_and_the_locale_is_bare(elsewhere):
    folder = elsewhere(f'exec "{sys.executable}" "$@"')
    if compiled := os.environ.get(folders.JAX_CACHE):  # which make would have in that folder
        (folder / ".cache").mkdir()
        (folder / ".cache" / "jax").symlink_to(compiled)
    words = ["bash", "-c", 'make "$@" >&-', "make", "-o", ".venv/.ready", "figure", "FIG=6", "SET=n_agents=6", "OUT=é"]
    done = subprocess.run(words, cwd=folder, env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "MAKEFLAGS": ""}, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert json.loads((folder / "é" / "fig06.json").read_text(encoding="utf-8"))["parameters"]["n_agents"] == 6


def test_work_goes_on_when_nobody_reads_any_more(tmp_path):
    """As behind `| head`."""
    code = f"from adage_repro.terminal import say\nwhile input():\n    say('line')\nopen({str(tmp_path / 'done')!r}, 'w')\n"
    run = child(code, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdout.close()
    said = run.communicate(b"1\n1\n\n")[1]
    assert (run.returncode, said) == (0, b"") and (tmp_path / "done").exists()


def test_arguments_of_lab_are_read_as_by_a_shell(monkeypatch, capsys):
    given = []
    monkeypatch.setattr(os, "execv", lambda program, words: given.append(words))
    assert main("lab", "--allow-root --port 9999 --title='a b'") == 0
    assert given[0][1:3] == ["-m", "jupyterlab"] and given[0][-4:] == ["--allow-root", "--port", "9999", "--title=a b"]
    assert main("lab", "it's") == 2
    assert capsys.readouterr().err == 'ARGS must be options as a shell reads them, got "it\'s"\n'


def test_exit_status_and_no_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "adage_repro", "figure", "4", "capacity=1.4", ""], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "capacity must lie in [1/n_agents, 1], got 1.4\n")


def test_a_rerun_lands_in_its_own_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ADAGE_REPRO_OUT", "")  # put back afterwards
    out = tmp_path / "new" / "folder"
    out.mkdir(parents=True)
    (out / "fig06a.csv").write_text("old")
    committed = digest(FIGURES / "fig06.json")
    paper = json.loads((FIGURES / "fig06.json").read_text(encoding="utf-8"))["headline"]
    assert main("figure", "6", "capacity=0.8 n_agents=6 crowd=included", str(out)) == 0
    said = capsys.readouterr()
    assert said.err == "" and "\r" not in said.out  # no control characters where this is not a terminal
    lines = said.out.splitlines()
    assert [line.split() for line in lines[1:3]] == [["n_agents", "6", "10"], ["capacity", "0.8", "0.6"]]
    assert lines[3] == "files of the same names will be replaced: fig06a.csv"
    for name, number in json.loads((out / "fig06.json").read_text(encoding="utf-8"))["headline"].items():
        (line,) = (line for line in lines if line.startswith(f"  {name}  "))
        assert line.removeprefix(f"  {name}").split() == [word(number), word(paper[name])]
    made = "fig06.png, fig06.pdf, fig06.json, fig06a.csv, fig06b.csv, fig06c.csv, fig06_gradients.ipynb"
    assert lines[-2] == f"saved {made} in {out}" and re.fullmatch(r"took \d+\.\d s", lines[-1])
    assert ".staging" not in (out / "fig06_gradients.ipynb").read_text(encoding="utf-8")
    first = json.loads((out / "fig06_gradients.ipynb").read_text(encoding="utf-8"))["cells"][0]
    changed = [line for line in first["source"] if line.startswith("| `")]
    assert first["cell_type"] == "markdown" and changed == ["| `n_agents` | 10 | 6 |\n", "| `capacity` | 0.6 | 0.8 |\n"]
    assert sorted(file.name for file in out.iterdir()) == [
        *("fig06.json", "fig06.pdf", "fig06.png", "fig06_gradients.ipynb", "fig06a.csv", "fig06b.csv", "fig06c.csv")
    ]
    record = json.loads((out / "fig06.json").read_text(encoding="utf-8"))
    assert record["parameters"]["capacity"] == 0.8 and record["parameters"]["n_agents"] == 6
    assert record["tables"]["fig06b.csv"] == digest(out / "fig06b.csv")
    own, others, update = pd.read_csv(out / "fig06b.csv").to_numpy().T
    assert abs(update - (2 * (0.8 * 6 - 5 * others) - 4 * own)).max() < 1e-10
    assert digest(FIGURES / "fig06.json") == committed

    before = {file.name: digest(file) for file in out.iterdir()}
    with pytest.raises(Exception, match="capacity must lie") as failed:  # a cell that fails
        notebooks.execute(notebooks.notebook_of("fig06"), {"capacity": 5.0}, out, keep_notebook=True)
    assert workers.one_line(failed.value) == "capacity must lie in [1/n_agents, 1], got 5.0"
    assert workers.one_line(OSError(28, "No space left on device", "a.png", None, "b.png")) == "No space left on device: 'b.png'"
    assert workers.one_line(OSError(28, "No space left on device")) == "No space left on device"
    assert {file.name: digest(file) for file in out.iterdir()} == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_old_files_whole(tmp_path, stop):
    (tmp_path / "old.txt").write_text("old")
    code = (
        "import sys, time, pathlib\nfrom staging import staged\n"
        f"with staged(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    (folder / 'old.txt').write_text('new')\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    run = child(code, cwd=ROOT / "adage_repro", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert run.stdout.readline() == b"ready\n"
    time.sleep(0.1)
    run.send_signal(stop)
    assert run.wait(20) != 0
    run.stdout.close()
    assert (tmp_path / "old.txt").read_text() == "old"


def test_an_interrupted_make_figures_leaves_old_figures_whole(tmp_path):
    """Ctrl-C goes to all processes at once. The copy has no stamps, so that it begins to make all figures."""
    for room in ("adage_repro", "notebooks", "figures"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    before = {file: digest(file) for file in (tmp_path / "figures").iterdir()}
    code = "import sys\nfrom adage_repro.__main__ import main\nsys.exit(main('figures'))\n"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    run = child(code, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list((tmp_path / "figures").glob(".staging-*")) and run.poll() is None:
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 1 and "interrupted" in said
    assert {file: digest(file) for file in (tmp_path / "figures").iterdir()} == before


NAPS = "import sys, time\nfrom adage_repro.workers import side_by_side\nsys.exit(not side_by_side(time.sleep, [0, *range(600, 606)]))\n"
# An exception in what is called when Python collects garbage is ignored.
UNHEARD = """import gc, os, signal, sys, time
from adage_repro.workers import side_by_side
def stop(phase, _):
    gc.callbacks.clear()
    os.kill(os.getpid(), signal.SIGTERM)
class Out:
    flush = sys.stdout.flush
    def write(self, text):
        gc.callbacks.append(stop)
        gc.collect()
if __name__ == "__main__":
    sys.stdout = Out()
    sys.exit(not side_by_side(time.sleep, [0, *range(600, 606)]))
"""


def test_a_stop_that_reaches_the_first_process_alone_stops_all():
    """And nothing new is begun: the second pair of naps would outlast the test."""
    run = child(NAPS, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout.readline().startswith("0  ")
    run.send_signal(signal.SIGTERM)
    assert "interrupted" in run.communicate(timeout=30)[1]
    assert run.returncode == 1


def test_a_stop_that_comes_while_nobody_can_hear_it_stops_all():
    run = child(UNHEARD, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = run.communicate(timeout=30)[1]
    assert "Exception ignored" in said and "interrupted" in said
    assert run.returncode == 1


def test_killing_the_first_process_leaves_no_other_behind():
    """One worker naps, one waits for work. All hold the other end of what is read here, so that it ends when the last of them does."""
    naps = "import time\nfrom adage_repro.workers import side_by_side\nside_by_side(time.sleep, [0, 600])\n"
    run = child(naps, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.stdout.readline().startswith("0  ")
    run.kill()
    assert "Traceback" not in run.communicate(timeout=30)[0]


def test_staged_is_all_or_nothing(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(RuntimeError), staged(out) as folder:
        (folder / "half.csv").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with staged(out) as folder:
        (folder / "whole.csv").write_text("1")
    assert [file.name for file in out.iterdir()] == ["whole.csv"] and [file.name for file in tmp_path.iterdir()] == ["out"]


def test_only_what_changed_is_made(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(build, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(build, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(build, "side_by_side", lambda work, names: [work(name) for name in names])
    monkeypatch.setattr(notebooks, "execute", lambda notebook, *_, **__: made.append(notebook.name))
    for change in ("nothing made yet", "nothing", "a picture", "the notebook", "nothing"):
        if change == "a picture":
            build.FIGURES.mkdir()
            (build.FIGURES / "fig06.png").write_bytes(b"2")
        if change == "the notebook":
            monkeypatch.setattr(notebooks, "sources", lambda *_: ["another text"])
        made.clear()
        build.figures(["fig06"])
        assert bool(made) == (change != "nothing"), change
