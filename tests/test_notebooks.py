"""The notebooks keep the project's shape, and what is committed under figures/ is what their code gives."""

import json
import re
from functools import cache
from importlib.metadata import version
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from adage_repro import Settings, notebooks, records, tables
from adage_repro.folders import FIGURES, ROOT, digest
from adage_repro.parameters import PARAMETERS
from adage_repro.readings import FOLLOWER_START, READINGS

NAMES = notebooks.figure_names()
VERSION = cache(version)
EVERY_READING = {**READINGS, FOLLOWER_START.name: FOLLOWER_START}
OTHERS = {  # the k-th word of every reading that has so many, the default being the 0th
    k: {name: reading.words[k] for name, reading in EVERY_READING.items() if k < len(reading.words)}
    for k in range(1, max(len(reading.words) for reading in EVERY_READING.values()))
}
OTHERS[2] |= {"outside_payoff": 0.0}
SMALL = {
    "n_agents": 4,
    "runs": 2,
    "iterations_per_agent": 3,
    "capacities": [0.3, 1.0],
    "agent_counts": [4, 5],
    "follower_lrs": [0.01, 0.4],
    "leader_lrs": [0.0, 0.04],
    "beside_payoffs": [8.0],
}


def cells(name):
    return json.loads(notebooks.notebook_of(name).read_text(encoding="utf-8"))["cells"]


def committed(name):
    """The record under figures/ of the paper's setting."""
    file = FIGURES / f"{name}.json"
    assert file.is_file(), f"figures/{name}.json is missing: run make figures"
    return json.loads(file.read_text(encoding="utf-8"))


def run(name, out, monkeypatch, **parameters):
    """Run the notebook's code in this process, with other parameters, without drawing; its namespace and what the saved record holds."""
    monkeypatch.setenv("ADAGE_REPRO_OUT", str(out))
    monkeypatch.setattr(Figure, "savefig", lambda self, file, **_: file.write_bytes(b"") if hasattr(file, "write_bytes") else None)
    monkeypatch.setattr(records, "show", lambda *_: None)
    monkeypatch.setattr(records, "version", VERSION)
    namespace = {}
    for cell in cells(name):
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)
            if "parameters" in cell["metadata"].get("tags", []):
                namespace |= parameters
    record = out / f"{name}.json"
    assert record.is_file(), f"{notebooks.notebook_of(name).name} must save its figure as {name}: records.save({name!r}, …)"
    return namespace, json.loads(record.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_hygiene(name):
    notebook = json.loads(notebooks.notebook_of(name).read_text(encoding="utf-8"))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3" and "papermill" not in notebook["metadata"]
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    tagged = {tag: cell for cell in code for tag in cell["metadata"].get("tags", [])}
    assert set(tagged) == {"parameters", "nbval-check-output"}, f"{name} must tag one cell parameters and one nbval-check-output"
    assert all(cell["execution_count"] for cell in code), f"{name} has no stored outputs: run make refresh"
    assert any(output["output_type"] == "stream" and output["name"] == "stdout" for output in tagged["nbval-check-output"]["outputs"])
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        text = "".join(cell["source"])
        assert not re.search(r"^\s*(def|class) ", text, re.M) and "lambda" not in text
        assert cell is tagged["parameters"] or (len(text.splitlines()) < 15 and max(map(len, text.splitlines())) <= 100)
        drawn = re.search(r"^(figure, axes = |records\.(show|save)\()", text, re.M) is not None
        assert cell["metadata"].get("jupyter", {}).get("source_hidden", False) == drawn
        assert not any(output.get("name") == "stderr" or output["output_type"] == "error" for output in cell["outputs"])
    assert sum(bool(line.strip()) for cell in code for line in "".join(cell["source"]).splitlines()) < 60
    pictures = [output for cell in code for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert [bool(picture["metadata"]["image/png"]["alt"]) for picture in pictures] == [True]
    first, last = notebook["cells"][0], notebook["cells"][-1]
    assert "".join(first["source"]).startswith(f"# Figure {int(name[3:])} · "), f"{name} must begin with `# Figure {int(name[3:])} · …`"
    assert "Where this differs from the paper" in "".join(last["source"]), f"{name} must end with where it differs from the paper"


@pytest.mark.parametrize("name", [*NAMES, "claims"])
def test_each_code_cell_comes_after_words(name):
    before = [above["cell_type"] for above, cell in pairwise(cells(name)) if cell["cell_type"] == "code"]
    assert before and set(before) == {"markdown"}
    assert len({cell["id"] for cell in cells(name)}) == len(cells(name))
    text = [cell["source"] for cell in cells(name) if "parameters" not in cell["metadata"].get("tags", [])]
    assert [line for line in "".join("".join(["\n", *source]) for source in text).splitlines() if len(line) > 100] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_used(name):
    text = "".join("".join(cell["source"]) for cell in cells(name) if cell["cell_type"] == "code")
    unused = [parameter for parameter in notebooks.defaults(notebooks.notebook_of(name)) if len(re.findall(rf"\b{parameter}\b", text)) < 2]
    assert unused == [], f"{name} does not use these parameters: use them, or take them out of its parameters cell"


@pytest.mark.parametrize("name", NAMES)
def test_record_ties_pictures_to_tables(name):
    record = committed(name)
    assert record["tables"] and all(re.fullmatch(rf"{name}[a-z]?\.csv", table) for table in record["tables"])
    for file, hashed in (record["tables"] | record["pictures"]).items():
        assert digest(FIGURES / file) == hashed, file
    standard = notebooks.defaults(notebooks.notebook_of(name))
    assert record["parameters"] == standard, f"figures/{name}.json was made with other defaults: run make figures and make refresh"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for package, locked in record["versions"].items():
        assert f"\n{package}=={locked} " in f"\n{lock}" and version(package) == locked
    printed = "".join(text for cell in cells(name) for output in cell.get("outputs", []) for text in output.get("text", []))
    for key, value in record["headline"].items():
        assert f"{key}: {value:z.4f}\n" in printed or f"{key}: {value}\n" in printed, key


def test_a_figure_that_goes_on_longer_says_so_in_the_table():
    """The size of a run is checked from its parameters alone, before the notebook runs."""
    for name in NAMES:
        asked = committed(name)["parameters"]
        if "iterations_per_agent" in asked:
            table = pd.concat(pd.read_csv(FIGURES / file) for file in committed(name)["tables"])
            iterations = asked["iterations_per_agent"] * max(asked.get("agent_counts", [asked.get("n_agents")]))
            goes_on = 1 if "iteration" not in table else int(table["iteration"].max() / iterations)
            stretch = max(PARAMETERS[parameter].stretch for parameter in asked)
            assert goes_on in (1, stretch), f"{name} runs {goes_on} times its iterations: give one of its parameters this stretch"


def test_long_tables_keep_both_phases_of_a_cycle():
    for iterations, numbers in ((100, 10), (60_000, 1), (100_000, 1), (800, 80)):
        rows = tables.kept_rows(Settings(iterations, 0.01), numbers)
        assert rows[0] == 0 and rows[-1] == iterations and rows.size * numbers <= tables.LONGEST_TABLE + 4 * numbers
        assert {*(rows[-20:-4] % 2)} == {0, 1} and np.unique(np.diff(rows[:-4])).size == 1
        assert [*rows[-4:]] == [*range(iterations - 3, iterations + 1)]


def test_a_saved_table_tells_what_is_missing_from_zero():
    table = pd.DataFrame({"x": [1e-14, np.nan, -1e-12], "n": [1, 2, 3], "word": ["a", "b", "c"]})
    assert records.tidied(table).to_csv(index=False) == "x,n,word\n0.0,1,a\n,2,b\n-1e-12,3,c\n"
    saved = pd.read_csv(FIGURES / "policy_map.csv")
    assert saved["law"].isna().any() and (saved["law"].dropna() > 0).all()  # the law is silent on some runs, and never says 0


def test_nothing_else_is_committed_as_a_figure():
    made = {f"{name}.{kind}" for name in NAMES for kind in ("png", "pdf", "json")} | {
        file for name in NAMES for file in committed(name)["tables"]
    }
    assert {file.name for file in FIGURES.iterdir() if file.name.startswith("fig")} == made


@pytest.mark.parametrize("name", NAMES)
def test_committed_tables_are_what_the_code_gives(name, tmp_path, monkeypatch):
    _, record = run(name, tmp_path, monkeypatch)
    paper = committed(name)
    assert record["headline"] == pytest.approx(paper["headline"], abs=1e-9)
    for file in paper["tables"]:
        new, old = pd.read_csv(tmp_path / file), pd.read_csv(FIGURES / file)
        pd.testing.assert_frame_equal(new, old, check_exact=False, rtol=0, atol=1e-9)


def has_any(name, k):
    return OTHERS[k].keys() & notebooks.defaults(notebooks.notebook_of(name))


@pytest.mark.parametrize("name, k", [(name, k) for name in NAMES for k in OTHERS if has_any(name, k)])
def test_runs_under_every_reading(name, k, tmp_path, monkeypatch):
    there = notebooks.defaults(notebooks.notebook_of(name))
    other = {key: value for key, value in (SMALL | OTHERS[k]).items() if key in there}
    _, record = run(name, tmp_path, monkeypatch, **other)
    assert {key: record["parameters"][key] for key in other} == other
    for file in record["tables"]:
        numbers = pd.read_csv(tmp_path / file).select_dtypes("number")
        assert len(numbers) and np.isfinite(numbers).all(axis=None)
    assert all(np.isfinite(value) for value in record["headline"].values())


def test_a_closed_form_that_does_not_apply_is_not_drawn(tmp_path, monkeypatch):
    with_closed, _ = run("fig03", tmp_path, monkeypatch)
    assert with_closed["theory"] is not None and "closed form" in [line.get_label() for line in with_closed["axes"]["a"].lines]
    for other in ({"order": "alternating"}, {"capacity": 1.0, "follower_lr": 0.05}):
        without, record = run("fig03", tmp_path, monkeypatch, **other)
        assert record["lines"]["closed form"] is None and "closed form" not in [line.get_label() for line in without["axes"]["a"].lines]


def test_bad_values_are_refused_in_a_notebook_run_by_hand(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"^capacity must lie in \[1/n_agents, 1\], got 1.4$"):
        run("fig04", tmp_path, monkeypatch, capacity=1.4)
    assert list(tmp_path.iterdir()) == []
