"""The environment is one: pyproject.toml, the lock and environment.yml agree; the README says what the code says."""

import re
import tomllib

from adage_repro import build
from adage_repro.folders import ROOT
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


def test_readme_holds_the_parameters():
    for name, parameter in PARAMETERS.items():
        symbol = parameter.symbol.replace("|", r"\|")
        assert f"| `{name}` | {symbol} | {parameter.meaning} | {parameter.allowed.replace(' | ', ', ')} |" in README, name


def test_readme_holds_the_figures():
    for number in build.NUMBERS:
        notebook = build.notebook_of(f"fig{number:02d}")
        title = build.sources(notebook)[0].splitlines()[0].split(" · ")[1]
        assert f"| {number} | [{notebook.stem}](notebooks/{notebook.name}) | {title} | `make figure FIG={number}` |" in README


def test_readme_library_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(example, {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == re.findall(r"# (-?\d[\d. ]*\d)$", example, re.M)
