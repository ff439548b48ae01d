"""The environment is one: pyproject.toml, the lock and environment.yml agree; the README says what the code says."""

import json
import re
import tomllib

from jupyter_server.services.contents.largefilemanager import LargeFileManager
from traitlets.config import Config

from adage_repro import build
from adage_repro.__main__ import SAVED
from adage_repro.folders import FIGURES, ROOT
from adage_repro.parameters import PARAMETERS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_environment_is_the_lock_is_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))
    needed = project["dependencies"] + [need for extra in project["optional-dependencies"].values() for need in extra]
    assert {re.split(r"[<>=]", need)[0] for need in needed} <= set(locked)
    conda = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = re.findall(r"^ +- (.*)$", conda, re.M)
    assert lines == ["conda-forge", f"python={project['requires-python'].strip('=.*')}", "make", "pip", "pip:", "-r requirements.lock"]


def test_ci_runs_the_two_commands_and_leaves_a_clean_clone():
    """In the README's order, with the linter, and a look at what git sees between making and testing."""
    two = re.search(r"## Two commands.*?```sh\n(.*?)```", README, re.S)[1].split("\n")[:-1]
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    clean = next(line for line in lines if "git status --porcelain" in line and "exit 1" in line)
    run = [line for line in lines if line in (*two, "make lint", clean)]
    assert two == ["make figures", "make test"] and run == [two[0], clean, "make lint", two[1]]


def test_a_run_and_a_save_in_jupyterlab_leave_git_clean(tmp_path):
    """JupyterLab's own file manager, with the option that `make lab` gives it, saves what a session left in a notebook."""
    hook = re.search(r"--ContentsManager\.(pre_save_hook)=(\S+)", SAVED).groups()
    for name in ("fig02", "claims"):
        committed = build.notebook_of(name)
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


def test_readme_holds_the_parameters():
    for name, parameter in PARAMETERS.items():
        symbol = parameter.symbol.replace("|", r"\|")
        figures = ", ".join(str(number) for number in build.NUMBERS if name in build.defaults(build.notebook_of(f"fig{number:02d}")))
        assert f"| `{name}` | {symbol} | {parameter.meaning} | {parameter.allowed.replace(' | ', ', ')} | {figures} |" in README, name


def test_readme_holds_the_figures():
    for number in build.NUMBERS:
        notebook = build.notebook_of(f"fig{number:02d}")
        title = build.sources(notebook)[0].splitlines()[0].split(" · ")[1]
        assert f"| {number} | [{notebook.stem}](notebooks/{notebook.name}) | {title} | `make figure FIG={number}` |" in README


def test_readme_examples_run(capsys):
    examples = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(examples) == 2
    for example in examples:
        exec(example, {})
        assert capsys.readouterr().out.splitlines() == re.findall(r"# (-?\d[\d. ]*\d)$", example, re.M)


def test_readme_numbers_are_measured():
    """Every number with four decimals in the table of deviations is a headline number of the figures that its line names."""
    table = README.split("## Where we differ")[1].split("\n## ")[0]
    checked = 0
    for line in table.splitlines():
        figures = [int(number) for listed in re.findall(r"\(Figs?\. ([\d, ]+)\)", line) for number in listed.split(",")]
        headlines = [json.loads((FIGURES / f"fig{number:02d}.json").read_text(encoding="utf-8"))["headline"] for number in figures]
        values = [value for headline in headlines for value in headline.values()]
        measured = {f"{value:.4f}" for value in values}
        for number in re.findall(r"-?\d\.\d{4}", line):
            assert number in measured, line
            checked += 1
    assert checked >= 14
