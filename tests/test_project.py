"""The environment is one: pyproject.toml, the lock and environment.yml agree, and the README's two commands are what CI runs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from traitlets.config import Config

import environment
from adage_repro import notebooks, records
from adage_repro.__main__ import SAVED
from adage_repro.folders import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def test_environment_is_the_lock_is_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    unlocked = {"bench", "browser", "mutants"}  # make bench has environments of its own; the others are asked for where they are used
    assert all("==" in pin for pin in extras["bench"])
    needed = project["dependencies"] + [need for extra in extras.keys() - unlocked for need in extras[extra]]
    for python in PYTHONS:
        held = environment.locked(python_version=python, python_full_version=f"{python}.9")
        assert {re.split(r"[<>=]", need)[0] for need in needed} <= held.keys()
        assert {package: held[package] for package in records.PACKAGES} == {package: version(package) for package in records.PACKAGES}
    assert project["requires-python"] == f">={PYTHONS[0]},<3.15" and "Python 3.11, 3.12, 3.13 or 3.14" in MAKEFILE
    assert "with Python 3.11, 3.12 or 3.13 and make" in README and "MIT licence" in README and project["license"] == "MIT"
    assert environment.CONDA.read_text(encoding="utf-8") == environment.conda()
    assert f"\n  - python={PYTHONS[0]}\n" in environment.conda()


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="environment.yml is for Python 3.11")
def test_pip_takes_what_conda_gives_it(tmp_path):
    """All lines of the pip part in one requirements file, this clone among them, agree with one another and with what is installed."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "adage_repro", tmp_path / "adage_repro")
    (pip,) = (part["pip"] for part in yaml.safe_load(environment.conda())["dependencies"] if isinstance(part, dict))
    (tmp_path / "requirements.txt").write_text("\n".join(pip))
    install = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-build-isolation", "-U", "-r", "requirements.txt"]
    said = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == f"Would install adage_repro-{version('adage_repro')}"


def test_an_environment_is_used_if_it_has_this_clone_and_what_is_locked(tmp_path, monkeypatch):
    def make(folder, path):
        environ = {"PATH": f"{path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
        return subprocess.run(["make", "-n", "figures"], cwd=folder, env=environ, capture_output=True, text=True)

    active = Path(sys.prefix, "bin")
    assert environment.misfit() is None and make(ROOT, active).stdout == f'"{active}"/python -m adage_repro figures\n'
    for name in ("Makefile", "environment.py", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)  # a copied clone: its .venv imports the original
    assert "setting up .venv" in make(tmp_path, active).stdout
    monkeypatch.setattr(environment, "locked", lambda: {"jax": "0.0", "numpy": version("numpy")})
    assert environment.misfit() == f"jax is {version('jax')} and not 0.0"
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    assert environment.misfit() == ""


def test_set_up_says_which_pythons_it_found(tmp_path):
    """Real Pythons of other versions are not at hand in a test; these scripts answer as such would."""
    lines = {
        "python3": "#!/bin/bash\n[[ $* == *platform* ]] && echo 3.10.1 || exit 1",
        "python3.12": "#!/bin/bash\n[[ $* != *ensurepip* ]] && echo 3.12.1",
    }
    for name in ("Makefile", "environment.py", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for name, line in lines.items():
        (tmp_path / name).write_text(line)
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "make", "test"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for words, found in (
        ([], "found python3.12 (3.12.1 without ensurepip, which Debian has in python3-venv), python3 (3.10.1); one comes with: uv"),
        (["PYTHON=./no where"], "found nothing that runs as ./no where; one comes with: uv"),
    ):
        done = subprocess.run(["make", "figures", *words], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
        assert done.returncode == 2 and found in done.stderr.splitlines()[0] and not (tmp_path / ".venv").exists()


def test_ci_runs_the_two_commands_and_leaves_a_clean_clone():
    """In the README's order, with the linter, and a look at what git sees between making and testing."""
    two = re.search(r"two commands make and check.*?```sh\n(.*?)```", README, re.S)[1].split("\n")[:-1]
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    clean = next(line for line in lines if "git status --porcelain" in line and "exit 1" in line)
    run = [line for line in lines if line in (*two, "make lint", clean)]
    assert two == ["make figures", "make test"] and run == [two[0], clean, "make lint", two[1]]


def test_a_run_and_a_save_in_jupyterlab_leave_git_clean(tmp_path):
    """JupyterLab's own file manager, with the option that `make lab` gives it, saves what a session left in a notebook."""
    hook = re.search(r"--ContentsManager\.(pre_save_hook)=(\S+)", SAVED).groups()
    for name in ("fig02", "claims"):
        committed = notebooks.notebook_of(name)
        manager = LargeFileManager(root_dir=str(tmp_path), config=Config({"ContentsManager": dict([hook])}))
        (tmp_path / committed.name).write_bytes(committed.read_bytes())
        model = manager.get(committed.name)
        model["content"]["metadata"]["language_info"] |= {"version": "3.11.7", "codemirror_mode": {"name": "ipython", "version": 3}}
        for cell in model["content"]["cells"]:
            cell["metadata"]["trusted"] = True
            if cell["cell_type"] == "code":
                cell["execution_count"] += 20  # all cells run once more in the same session
                cell["metadata"]["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
        manager.save(model, committed.name)
        assert (tmp_path / committed.name).read_bytes() == committed.read_bytes()
