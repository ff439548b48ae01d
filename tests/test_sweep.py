"""`make sweep`: a grid is checked whole before its first run, what is done is never done again, and what is stopped goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from functools import cache
from threading import Thread

import hostile
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from adage_repro import grid, notebooks, sweep, workers
from adage_repro.__main__ import FEW, MANY, main
from adage_repro.folders import ROOT, digest
from adage_repro.small_multiples import common_name, small_multiples
from adage_repro.staging import STAGING, only_one

PARAMETERS = "n_agents: int = 10\ncapacity: float = 0.6\nfollower_lr: float = 0.001\nseed: int = 0"
TOY = """import os, time
import pandas as pd
from matplotlib.figure import Figure
from adage_repro import records
with open(os.environ["TOY_LOG"], "a") as log:
    log.write(f"{capacity} {seed}\\n")
time.sleep(float(os.environ.get("TOY_NAP", 0)))
assert capacity < 0.9, "too crowded"
own = {"n_agents": n_agents, "capacity": capacity, "follower_lr": follower_lr, "seed": seed}
numbers = {"places": capacity * n_agents, f"follower_lr {follower_lr:g}, seed": seed, "verdict": "holds"}
records.save("fig90", Figure((1, 1)), {"fig90": pd.DataFrame({"x": [capacity]})}, own, numbers, "a blank")"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder whose copy/ has one notebook, which takes no time, writes down that it ran, and fails where the market is large."""
    rooms = tmp_path / "copy" / "notebooks", tmp_path / "temporary"
    for room in rooms:
        room.mkdir(parents=True)
    cells = [new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}, id="a"), new_code_cell(TOY, id="b")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), rooms[0] / "fig90_toy.ipynb")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", rooms[0])
    monkeypatch.setattr(tempfile, "tempdir", str(rooms[1]))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("ADAGE_REPRO_OUT", "")  # put back afterwards
    return tmp_path


@pytest.fixture
def copy(project, monkeypatch):
    """The library beside that notebook, for processes of their own."""
    copy = project / "copy"
    shutil.copytree(ROOT / "adage_repro", copy / "adage_repro", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", copy)
    monkeypatch.setenv("PYTHONPATH", str(copy))
    monkeypatch.setenv("TMPDIR", str(project / "temporary"))
    return copy


def ran(project):
    return (project / "log").read_text().splitlines() if (project / "log").exists() else []


def here(work, items):
    """The points one after the other in this process."""
    for item in items:
        job = Future()
        try:
            job.set_result(work(item))
        except Exception as error:
            job.set_exception(error)
        yield item, job


def swept(text, out, run=here):
    given = grid.read_grid(text, most=FEW)
    points = grid.grid_points(given, notebooks.defaults(notebooks.notebook_of("fig90")))
    return sweep.sweep("fig90", points, grid.swept(given, points), out, run)


def files(out):
    return {str(file.relative_to(out)): digest(file) for file in out.rglob("*") if file.is_file()}


def test_a_grid_is_read():
    assert grid.read_grid(" capacity=0.2:1.0:5  seed=0,1,2 ", most=15) == {"capacity": [0.2, 0.4, 0.6, 0.8, 1.0], "seed": [0, 1, 2]}
    assert grid.read_grid("a=3:-3:3,7 b=[0.2, 0.4],[] c=x,'y' d=1e-3 e=1:2:3", most=99) == {
        **{"a": [3, 0, -3, 7], "b": [[0.2, 0.4], []], "c": ["x", "y"], "d": [0.001], "e": [1, 1.5, 2]}
    }
    assert [type(value) for value in grid.read_grid("a=1:2:3,1.0:3:3", most=9)["a"]][:3] == [int, float, int]
    assert grid.read_grid("a=0.1:0.3:3", most=3) == {"a": [0.1, 0.2, 0.3]}  # not 0.30000000000000004


WRONG = [
    ("", "GRID must be name=value,value,… or name=start:stop:count, separated by spaces, lists as [1,2], got ''"),
    *((text, "GRID must be name=value,value,… or") for text in ("capacity", "capacity=", "seed=1,,2", "seed=1,", "=1", "capacities=[[1]]")),
    *((f"seed={text}", "a range in GRID must be start:stop:count") for text in ("1:2", "1:2:1", "1:2:2.0", "a:2:2", ":", "1:1e999:2")),
    ("seed=1,1", "seed must not be given a value twice in GRID, got 1,1"),
    ("seed=5:5:2", "seed must not be given a value twice in GRID, got 5:5:2"),
    ("capacity=1,1.0", "GRID must not contain a point twice, got capacity=1.0"),
    ("seed=1 seed=2", "seed must be given once, got 1 and 2"),
    ("capacity=0.2:1.4:5 seed=0,1", "at capacity=1.1 seed=0: capacity must lie in [1/n_agents, 1], got 1.1"),
    ("n_agents=2,4 capacity=0.5,0.3", "at n_agents=2 capacity=0.3: capacity must lie in [1/n_agents, 1], got 0.3"),
    ("n_agents=10:25:3", "at n_agents=17.5: n_agents must be a whole number, got 17.5"),
    ("capcity=0.4", "at capcity=0.4: capcity is not a parameter here (did you mean capacity?)"),
    ("seed=0:200:201", "GRID asks for 201 points, but at most 200 are made unless POINTS allows more"),
    (f"seed=0:1:{10**30}", f"GRID asks for {10**30:,} points, but at most 200"),
    ("seed=1:100:100 capacity=0.2,0.3,0.4", "GRID asks for 300 points"),
    *(
        (f"capacity={value}", "at capacity=")
        for value in ("nan", "-inf", "much", "1e999", "[0.5]", "1_0", "٠", "$(touch$IFS@)", "x" * 9000)
    ),
    ("capacity=0.5 touch ran", "GRID must be"),
    ("capacity=\x1b[31m", "GRID must be"),
    ("capacity=\x1b,2", "at 'capacity=\\x1b': capacity must be a number"),
]


@pytest.mark.parametrize(("text", "line"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_grid_is_refused_before_anything_runs(text, line, project, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "sweep", None)
    before = files(project)
    assert main("sweep", "90", text, str(project / "out"), "", "", "") == 2
    said = capsys.readouterr()
    assert (
        said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1 and said.err[:-1].isprintable() and len(said.err) < 500
    )
    assert files(project) == before and not (project / "out").exists()


@pytest.mark.parametrize("name", notebooks.figure_names())
def test_whatever_a_rerun_refuses_is_refused_at_a_point_of_a_grid(name, tmp_path, monkeypatch, capsys):
    """A comma is the one thing that a grid takes and a rerun does not."""
    monkeypatch.chdir(tmp_path)
    for reads in ("by_name", "defaults", "figure_names", "notebook_of"):
        monkeypatch.setattr(notebooks, reads, cache(getattr(notebooks, reads)))
    monkeypatch.setattr(sweep, "sweep", None)
    tried = [given for _, given in hostile.settings(notebooks.defaults(notebooks.notebook_of(name))) if "," not in given.split("[")[0]]
    for given in tried:
        status, said = main("sweep", name[3:], given, "out", "", "", ""), capsys.readouterr()
        assert (status, said.out) == (2, "") and said.err[:-1].isprintable() and len(said.err) < 700, (given[:99], said)
    assert len(tried) > 900 and not list(tmp_path.iterdir()) and not (ROOT / hostile.RAN).exists()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        *(({"WORKERS": text}, "WORKERS must be a whole number from 1 to 256, got ") for text in ("0", "-1", "2.0", "٢", "257", "1" * 999)),
        *(({"POINTS": text}, f"POINTS must be a whole number from 1 to {MANY:,}, got ") for text in ("0", "many", f"{MANY + 1}", "1e3")),
        *(
            ({"SCHEDULER": text}, "SCHEDULER must be the address of a Dask scheduler, such as tcp://10.0.0.1:8786, got ")
            for text in ("x", "tcp://", "tcp://a;ls:1", "tcp://h:1\n", "http://h:1", "inproc://1/2", "tcp://" + "h" * 999 + ":1")
        ),
        ({"SCHEDULER": "tcp://127.0.0.1:1"}, "SCHEDULER must be a Dask scheduler that answers within "),
        ({"SCHEDULER": "tcp://h:1", "WORKERS": "2"}, "WORKERS counts processes on this machine and must be left out"),
        ({"FIG": "91"}, "FIG must be a whole number from 90 to 90, got '91'"),
        ({"OUT": "figures"}, "OUT must be a folder outside this project, or one in figures/runs, got 'figures'"),
        ({"OUT": "/dev/null/x"}, "OUT must be a folder, got '/dev/null/x'"),
    ],
)
def test_what_else_is_wrong_is_refused_too(given, line, project, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sweep, "sweep", None)
    monkeypatch.setattr("adage_repro.cluster.SECONDS", 0.5)
    words = {"FIG": "90", "GRID": "seed=1", "OUT": str(project / "out"), "WORKERS": "", "POINTS": "", "SCHEDULER": ""} | given
    assert main("sweep", *words.values()) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1 and len(said.err) < 300
    assert not (project / "out").exists()


def test_points_are_run_put_together_and_never_run_again(project, capsys):
    out = project / "out"
    failed = swept("capacity=0.5,0.75,0.9 follower_lr=0.001 seed=0,1", out)
    assert failed == {f"capacity=0.9 follower_lr=0.001 seed={seed}": "too crowded" for seed in (0, 1)}
    said = capsys.readouterr().out.splitlines()
    assert said[-3:] == ["2 of 6 points failed; the same command tries them again:", *(f"  {point}  too crowded" for point in failed)]
    table = pd.read_csv(out / "fig90_sweep.csv")
    assert list(table) == ["capacity", "follower_lr", "seed", "n_agents", "name", "value"] and len(table) == 4 * 3
    numbers = table[table.name == "places"]
    assert list(numbers.value.astype(float)) == [5, 5, 7.5, 7.5] and set(table.name) == {"places", "follower_lr, seed", "verdict"}
    point = out / "fig90-capacity=0.75,follower_lr=0.001,seed=1"
    names = ["fig90.csv", "fig90.json", "fig90.pdf", "fig90.png", "fig90.stamp", "fig90_toy.ipynb"]
    assert sorted(file.name for file in point.iterdir()) == names
    assert nbformat.read(point / names[-1], as_version=4).cells[0].source.count("| `capacity` | 0.6 | 0.75 |") == 1
    record = json.loads((out / "fig90_sweep.json").read_text(encoding="utf-8"))
    assert record["parameters"]["capacity"] == [0.5, 0.75, 0.9] and record["alt"].endswith(" 2 of 6 points failed and are missing.")
    assert record["tables"]["fig90_sweep.csv"] == digest(out / "fig90_sweep.csv")
    assert len(ran(project)) == 6

    swept("capacity=0.5,0.75 follower_lr=0.001 seed=0,1", out)
    before = files(out)
    (point / f"{STAGING}dead" / "new").mkdir(parents=True)  # of a run that was killed
    swept("capacity=0.5,0.75 follower_lr=0.001 seed=0,1", out)
    assert files(out) == before and len(ran(project)) == 6 and not list(out.rglob(f"{STAGING}*"))

    changes = {  # whatever is not as it was left is made again, and nothing else is
        "fig90.csv": lambda file: file.write_text("x\n"),
        "fig90_toy.ipynb": lambda file: file.unlink(),
        "fig90.stamp": lambda file: file.write_text("[1"),
        "fig90.json": lambda file: file.write_text("{}"),
    }
    for count, (name, change) in enumerate(changes.items(), 7):
        change(point / name)
        swept("capacity=0.5,0.75 follower_lr=0.001 seed=0,1", out)
        assert len(ran(project)) == count and ran(project)[-1] == "0.75 1" and files(out).keys() == before.keys()
    assert not list(out.rglob(".staging-*")) and not list((project / "temporary").iterdir())


def test_points_made_by_other_code_are_made_again_and_other_code_makes_none(project, monkeypatch):
    swept("seed=1,2", project / "out")
    monkeypatch.setattr(sweep, "made_from", lambda name: "of another day")
    swept("seed=1,2", project / "out")
    assert ran(project) == ["0.6 1", "0.6 2"] * 2
    made = iter("abc")
    monkeypatch.setattr(sweep, "made_from", lambda name: next(made))
    assert set(swept("seed=1,2", project / "out").values()) == {
        "the code here is not that of the sweep: it has changed since, or is another version"
    }


def test_a_full_disk_stops_a_sweep_and_leaves_what_is_done(project, monkeypatch, capsys):
    out, staged = project / "out", sweep.staged

    def full(home):
        if home.name.endswith("3"):
            raise OSError(28, "No space left on device")
        return staged(home)

    out.mkdir()
    monkeypatch.setattr(sweep, "staged", full)
    monkeypatch.setattr(workers, "in_processes", lambda work, items, processes: here(work, items))
    words = ("sweep", "90", "seed=1:4:4", str(out), "1", "", "")
    assert main(*words) == 1
    end = "cannot be written (No space left on device): points that are done are kept, and the same command goes on from there\n"
    assert capsys.readouterr().err == f"stopped, since {out / 'fig90-seed=3'} {end}"
    monkeypatch.setattr(sweep, "staged", staged)
    assert main(*words) == 0 and ran(project) == ["0.6 1", "0.6 2", "0.6 3", "0.6 3", "0.6 4"]


def test_of_two_sweeps_in_one_folder_the_second_is_refused(project, monkeypatch, capsys):
    monkeypatch.setattr(workers, "in_processes", lambda work, items, processes: here(work, items))
    out = project / "out"
    out.mkdir()
    with only_one(out / ".fig90_sweep.lock"):
        assert main("sweep", "90", "seed=1", str(out), "", "", "") == 2
        assert [file.name for file in out.rglob("*")] == [".fig90_sweep.lock"]
    assert capsys.readouterr() == ("", f"OUT must be a folder in which no other sweep is at work, got '{out}'\n")
    assert main("sweep", "90", "seed=1", str(out), "1", "", "") == 0 and not list(out.glob(".*"))


def wait_for(folder, pattern, more_than=0):
    """Until the folder has more than so many files of this pattern."""
    end = time.monotonic() + 60
    while len(list(folder.glob(pattern))) <= more_than:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_sweep_that_is_killed_goes_on_where_it_was(project, copy):
    """Killed in the midst of a point; benchmarks/interruptions.py does so many times, with workers, and while files are written."""
    out, words = project / "out", "seed=0:5:6"
    code = f"import sys\nsys.path.insert(0, {str(ROOT / 'tests')!r})\nfrom pathlib import Path\nimport test_sweep\n"
    code += f"test_sweep.swept({words!r}, Path({str(out)!r}))"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=copy, env=os.environ | {"TOY_NAP": "0.1"}, start_new_session=True)
    wait_for(out, "*/fig90.stamp", more_than=1)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    before = {file: own for file, own in files(out).items() if STAGING not in file}  # a kill may leave a point whole, and its notes beside
    finished = len(list(out.glob("*/fig90.stamp")))
    assert 2 <= finished < 6
    swept(words, out)
    assert files(out).items() >= before.items() and sorted(ran(project)[finished:][-(6 - finished) :]) == [
        f"0.6 {seed}" for seed in range(finished, 6)
    ]
    assert list(pd.read_csv(out / "fig90_sweep.csv").query("name == 'places'").seed) == [0, 1, 2, 3, 4, 5]
    assert not list(out.rglob(".staging-*")) and not list((project / "temporary").glob("adage_repro-*"))


def test_a_worker_of_a_cluster_that_dies_loses_no_point_and_doubles_none(project, copy, capsys):
    """A scheduler and two workers are processes of their own; the first worker is killed once a point is done."""
    file, out, processes = project / "scheduler.json", project / "out", []

    def start(what, *words):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words, "--host", "127.0.0.1", "--no-dashboard"]
        processes.append(subprocess.Popen(command, cwd=copy, stderr=subprocess.DEVNULL))

    def kill_one():
        wait_for(out, "*/fig90.stamp")
        processes[1].kill()

    try:
        start("scheduler", "--port", "0", "--scheduler-file", str(file))
        wait_for(project, file.name)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]
        for name in "ab":
            start("worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", str(project / "dask"), "--name", name)
        killer = Thread(target=kill_one)
        killer.start()
        status = main("sweep", "90", "seed=0:7:8", str(out), "", "", address)
        killer.join()
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()
    said = capsys.readouterr()
    assert (status, said.err) == (0, "") and sum(line.endswith("  done") for line in said.out.splitlines()) == 8
    assert list(pd.read_csv(out / "fig90_sweep.csv").query("name == 'places'").seed) == list(range(8))
    assert processes[1].returncode == -signal.SIGKILL and not list(out.rglob(".staging-*"))


def test_a_number_has_one_name_at_all_points():
    point = {"follower_lr": 0.01, "outside_payoff": 1.0, "capacity": 0.6, "crowd": "included"}
    names = {
        "follower_lr 0.01, v = 1, mean": "follower_lr, v, mean",
        "follower_lr 0.001, v = 8, mean": "follower_lr 0.001, v = 8, mean",
        "c = 0.6, gap": "c, gap",
        "c = 0.65, gap": "c = 0.65, gap",
        "gap at row 1": "gap at row 1",
    }
    assert {name: common_name(name, point) for name in names} == names


def test_the_picture_has_a_panel_for_each_number_and_a_line_for_each_setting():
    rows = [
        {"capacity": c, "crowd": crowd, "seed": seed, "name": name, "value": c * (seed + 1) + (crowd == "excluded")}
        for c in (0.2, 0.4, 0.6)
        for crowd in ("included", "excluded")
        for seed in (0, 1)
        for name in ("gap", "mean")
    ]
    verdict = {"capacity": 0.2, "crowd": "included", "seed": 0, "name": "verdict", "value": "holds"}
    figure, alt = small_multiples(pd.DataFrame([*rows, verdict]), ["capacity", "crowd", "seed"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["gap", "mean"] and figure.get_supxlabel() == "capacity (c = C/N)"
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines if line.get_linestyle() == "-"}
    assert lines == {"crowd=included": pytest.approx([0.3, 0.6, 0.9]), "crowd=excluded": pytest.approx([1.3, 1.6, 1.9])}
    assert alt.startswith("Headline numbers against capacity, from 0.2 to 0.6, a line for each setting of crowd. ")
    assert alt.endswith("gap: 0.8 to 1.4; mean: 0.8 to 1.4.")
