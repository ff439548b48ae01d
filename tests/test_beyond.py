"""The notebooks past the paper keep the project's shape, and what a leader's gradient costs is what the docs say."""

import ast
import csv
import json
import re
import sys
from itertools import pairwise

import pytest

from adage_repro import notebooks
from adage_repro.folders import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import gradients

NAMES = notebooks.beyond_names()
WITH_A_CLASS = {"beyond_own_game": "which is why this\nnotebook has them in its cells"}  # and the sentence that says why


@pytest.mark.parametrize("name", NAMES)
def test_shape(name):
    notebook = json.loads(notebooks.notebook_of(name).read_text(encoding="utf-8"))
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cells = notebook["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    tagged = {tag: cell for cell in code for tag in cell["metadata"].get("tags", [])}
    assert set(tagged) == {"parameters", "nbval-check-output"}
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), f"{name} has no stored outputs: run make refresh"
    assert {above["cell_type"] for above, cell in pairwise(cells) if cell["cell_type"] == "code"} == {"markdown"}
    assert cells[0]["cell_type"] == "markdown" and prose[0].startswith("# ") and re.search(r"runs in about", prose[0].replace("\n", " "))
    for cell in code:
        text = "".join(cell["source"])
        classes = [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
        assert "lambda" not in text and (not re.search(r"^\s*(def|class) ", text, re.M) or (classes and name in WITH_A_CLASS))
        assert cell is tagged["parameters"] or (len(text.splitlines()) < 15 and max(map(len, text.splitlines())) <= 100)
        drawn = re.search(r"^ *(figure, axes = |records\.(show|save)\()", text, re.M) is not None
        assert cell["metadata"].get("jupyter", {}).get("source_hidden", False) == drawn
        assert not any(output.get("name") == "stderr" or output["output_type"] == "error" for output in cell["outputs"])
    assert max(len(line) for text in prose for line in text.splitlines()) <= 101
    if name in WITH_A_CLASS:
        assert any(WITH_A_CLASS[name] in text for text in prose)
    pictures = [output for cell in code for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert pictures and all(picture["metadata"]["image/png"]["alt"] for picture in pictures)
    text = "\n".join("".join(cell["source"]) for cell in code)
    assert [own for own in notebooks.defaults(notebooks.notebook_of(name)) if len(re.findall(rf"\b{own}\b", text)) < 2] == []


def test_answers_are_the_known_ones():
    """In the stored output of the gallery, each learnt number stands next to the closed form that it should have found."""
    (cell,) = notebooks.outputs(notebooks.notebook_of("beyond_gallery"), "nbval-check-output")
    found = dict(line.rsplit(": ", 1) for line in cell.splitlines())
    known = {name: value for name, value in found.items() if ", known: " in name}
    for name, value in known.items():
        subject, what = name.split(", known: ")
        learnt = [own for own in found if own.split(":")[0].split(",")[0] == subject and own.endswith(f": {what}") and own not in known]
        assert learnt and all(found[own] == value for own in learnt if "Partial" not in own), name
    assert len(known) == 8 and found["Cournot, Partial: tax"] == "2.5000"


TABLE = list(csv.DictReader(gradients.TABLE.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("case", gradients.CASES)
def test_gradients_are_as_exact_and_take_as_many_steps_as_the_docs_say(case):
    rows = [row for row in TABLE if row["case"] == case]
    assert [row["gradient"] for row in rows] == list(gradients.GRADIENTS)
    measured = list(gradients.measure(case, clock=lambda *_: 1.0))
    for row, own in zip(rows, measured, strict=True):
        assert row["simulations"] == own["simulations"] and float(row["time"]) > 0
        random = row["gradient"].startswith("EvolutionStrategy")
        assert all(0.01 < float(line["error"]) < 3 if random else float(line["error"]) < 1e-6 for line in (row, own)), row
