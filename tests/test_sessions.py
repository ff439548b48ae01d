"""A notebook that runs in a warm process gives what it gives in a kernel of its own, and what ends such a process ends one notebook."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill import PapermillExecutionError, execute_notebook

from adage_repro import notebooks, workers
from adage_repro.sessions import WARM

KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
KINDS = [  # every kind of output, and what a session could leave to the next
    "import sys, warnings\nimport matplotlib\nfrom IPython.display import HTML, Image, display\nfrom adage_repro import words",
    "print('left' in globals(), __name__, matplotlib.rcParams['lines.linewidth'], warnings.filters[0][0] == 'once')",
    "left = matplotlib.rcParams['lines.linewidth'] = 7\nwarnings.simplefilter('once')\nsys.modules['__main__'].left",
    "print('one')\nprint('two')\nprint('three', file=sys.stderr)\nprint('four', end='')",
    "display(HTML('<b>bold</b>'), {'a': 1}, metadata={'x': {'y': 1}})\nprint('between')\nleft, _",
    "[1, 2];",
    "words.no_such_thing",
    "print('never')",
]


def outputs(file):
    """What each cell of a notebook gave, streams as one; a traceback names the place of the session's own files, and is left out."""
    found = []
    for cell in nbformat.read(file, as_version=4).cells:
        kept = []
        for output in cell.get("outputs", []):
            if kept and output.get("name") and kept[-1].get("name") == output.name:
                kept[-1]["text"] += output.text
            else:
                kept.append({key: value for key, value in output.items() if key != "traceback"})
        found.append((cell.source, cell.get("execution_count"), kept))
    return found


def test_all_kinds_of_outputs_are_those_of_a_kernel_and_nothing_is_left_to_the_next(tmp_path):
    cells = [new_markdown_cell("words", id="words"), *(new_code_cell(source, id=f"c{place}") for place, source in enumerate(KINDS))]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), tmp_path / "kinds.ipynb")
    for run, engine in {"kernel": notebooks.kernel(), "first": {"engine_name": WARM}, "second": {"engine_name": WARM}}.items():
        with pytest.raises(PapermillExecutionError, match="no_such_thing"):
            execute_notebook(tmp_path / "kinds.ipynb", tmp_path / f"{run}.ipynb", progress_bar=False, cwd=tmp_path, **engine)
    kernel = outputs(tmp_path / "kernel.ipynb")
    assert outputs(tmp_path / "first.ipynb") == outputs(tmp_path / "second.ipynb") == kernel
    assert {output["output_type"] for _, _, given in kernel for output in given} == {"stream", "display_data", "execute_result", "error"}


def test_a_figure_is_the_same_to_the_byte_as_from_a_fresh_kernel(tmp_path, monkeypatch):
    """Another figure has run in the process before, and one run shows no pictures, as `make figures` does."""
    monkeypatch.setenv("ADAGE_REPRO_OUT", "")  # put back afterwards
    before, figure = (notebooks.notebook_of(name) for name in ("fig08", "fig07"))
    notebooks.execute(before, {}, tmp_path / "before", keep_notebook=False, warm=True)
    given = {"kernel": (True, False), "warm": (True, True), "unseen": (False, True)}
    for run, (keep, warm) in given.items():
        notebooks.execute(figure, {}, tmp_path / run, keep_notebook=keep, warm=warm)
    pages = [(tmp_path / run / figure.name) for run in ("kernel", "warm")]
    assert outputs(pages[0]) == outputs(pages[1])
    assert any("image/png" in output.get("data", ()) for _, _, kept in outputs(pages[0]) for output in kept)
    for page in pages:
        page.unlink()
    saved = [{file.name: file.read_bytes() for file in (tmp_path / run).iterdir()} for run in given]
    assert saved[0] == saved[1] == saved[2] and len(saved[0]) == 4


def test_ctrl_c_in_a_cell_stops_more_than_the_cell(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("raise KeyboardInterrupt")], metadata={"kernelspec": KERNELSPEC})
    nbformat.write(notebook, tmp_path / "a.ipynb")
    with pytest.raises(KeyboardInterrupt):
        execute_notebook(tmp_path / "a.ipynb", tmp_path / "b.ipynb", progress_bar=False, engine_name=WARM)


def test_a_process_that_dies_takes_with_it_what_it_was_at_and_nothing_else(capsys):
    jobs = ["import os; os._exit(3)", *(f"{number} + 1" for number in range(4))]
    assert not workers.side_by_side(exec, jobs)
    said = capsys.readouterr()
    lines = dict(line.split("  ", 1) for line in said.out.splitlines())
    assert lines.keys() == set(jobs) and said.err == ""
    assert lines[jobs[0]] == "failed: its process died" and all(lines[job].endswith(" s") for job in jobs[1:])
