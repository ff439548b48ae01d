"""`make figure` refuses bad input before anything runs, and a failed or interrupted run changes nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from adage_repro import build
from adage_repro.__main__ import main, read_out, read_set
from adage_repro.folders import FIGURES, RERUNS, ROOT, digest, staged
from adage_repro.parameters import PARAMETERS

NAMES = [f"fig{number:02d}" for number in build.NUMBERS]
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
    for parameter in build.defaults(build.notebook_of(name)):
        many = PARAMETERS[parameter].kind.startswith("list")
        for value in BAD[PARAMETERS[parameter].item]:
            if many and value == "[0.1]":
                continue
            given = f"{parameter}=[{value}]" if many else f"{parameter}={value}"
            assert main("figure", name[3:], given, "") == 2, given
            said = capsys.readouterr()
            assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith(f"{parameter} must"), given
    assert tree() == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("4", "capacity=1.4", ""), "capacity must lie in [1/n_agents, 1], got 1.4"),
        (("4", "capcity=0.4", ""), "capcity is not a parameter here, did you mean capacity; there are n_agents, "),
        (("2", "leader_lr=0.1", ""), "leader_lr is not a parameter here"),
        (("4", "capacity=0.4 capacity=0.5", ""), "capacity must be given once, got 0.4 and 0.5"),
        (("4", "capacity 0.4", ""), "SET must be name=value pairs apart by spaces, lists as [1,2], got 'capacity 0.4'"),
        (("14", "", ""), "FIG must be a whole number from 2 to 13, got '14'"),
        (("four", "", ""), "FIG must be a whole number from 2 to 13, got 'four'"),
        (("", "", ""), "FIG must be a whole number from 2 to 13, got ''"),
        (("4", "", "figures"), "OUT must lie outside"),
        (("4", "", "figures/mine"), "OUT must lie outside"),
        (("4", "", "figures/runs/../x"), "OUT must lie outside"),
        (("4", "", "notebooks"), "OUT must lie outside"),
        (("4", "", "."), "OUT must lie outside"),
        (("4", "", ".cache/figures"), "OUT must lie outside"),
        (("4", "", "x" * 5000), "OUT must be a folder"),
        (("4", "", "~nobody-of-this-name/x"), "OUT must be a folder"),
        (("4", f"runs={10**30}", ""), f"runs must lie in [2, 10000], got {10**30}"),
        (("6", "n_agents=1000000", ""), "runs * (iterations + 1) * n_agents must be at most"),
        (("4", "", "README.md/x"), "OUT must be a folder, got 'README.md/x'"),
    ],
)
def test_refused(arguments, line, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    before = tree()
    assert main("figure", *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1
    assert tree() == before


def test_set_and_out_are_read():
    assert read_set(" a=1  b=1e-3 c=[0.2, 0.6] d=zeros ") == {"a": 1, "b": 1e-3, "c": [0.2, 0.6], "d": "zeros"}
    assert read_out("", "fig04", {"leader_lr": 0.02, "capacity": 0.8}) == RERUNS / "fig04-capacity=0.8,leader_lr=0.02"
    assert len(read_out("", "fig04", {name: list(range(12)) for name in PARAMETERS}).name) < 200


def test_exit_status_and_no_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "adage_repro", "figure", "4", "capacity=1.4", ""], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "capacity must lie in [1/n_agents, 1], got 1.4\n")


def test_a_rerun_lands_in_its_own_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ADAGE_REPRO_OUT", "")  # put back afterwards
    out = tmp_path / "new" / "folder"
    committed = digest(FIGURES / "fig06.json")
    assert main("figure", "6", "capacity=0.8 n_agents=6", str(out)) == 0
    assert str(out) in capsys.readouterr().out
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
        build.execute(build.notebook_of("fig06"), {"capacity": 5.0}, out, keep_notebook=True)
    assert build.one_line(failed.value) == "capacity must lie in [1/n_agents, 1], got 5.0"
    assert {file.name: digest(file) for file in out.iterdir()} == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_old_files_whole(tmp_path, stop):
    (tmp_path / "old.txt").write_text("old")
    code = (
        "import sys, time, pathlib\nfrom adage_repro.folders import staged\n"
        f"with staged(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    (folder / 'old.txt').write_text('new')\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    run = child(code, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ)
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


def test_a_stop_that_reaches_the_first_process_alone_stops_all():
    """And nothing new is begun: the second pair of naps would outlast the test."""
    naps = "import sys, time\nfrom adage_repro.build import side_by_side\nsys.exit(not side_by_side(time.sleep, [0, *range(600, 606)]))\n"
    run = child(naps, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout.readline().startswith("0  ")
    run.send_signal(signal.SIGTERM)
    assert "interrupted" in run.communicate(timeout=30)[1]
    assert run.returncode == 1


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
    monkeypatch.setattr(build, "execute", lambda notebook, *_, **__: made.append(notebook.name))
    for change in ("nothing made yet", "nothing", "a picture", "the notebook", "nothing"):
        if change == "a picture":
            build.FIGURES.mkdir()
            (build.FIGURES / "fig06.png").write_bytes(b"2")
        if change == "the notebook":
            monkeypatch.setattr(build, "sources", lambda *_: ["another text"])
        made.clear()
        build.figures(["fig06"])
        assert bool(made) == (change != "nothing"), change
