"""`make compare` says what differs between two runs, and refuses folders that do not hold the same figure, whole."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from adage_repro import compare, staging
from adage_repro.__main__ import main
from adage_repro.folders import FIGURES, ROOT

FILES = ("fig06.json", "fig06.png")


def record(folder):
    return json.loads((folder / "fig06.json").read_text(encoding="utf-8"))


def change(folder, **parts):
    (folder / "fig06.json").write_text(json.dumps(record(folder) | parts), encoding="utf-8")


@pytest.fixture
def a(tmp_path):
    """A folder with Figure 6 at another capacity, which a <b>colleague</b> sent."""
    folder = tmp_path / "a <i>colleague's"
    folder.mkdir()
    for file in FILES:
        shutil.copy(FIGURES / file, folder)
    own = record(folder)
    numbers = own["headline"] | {"sign changes in a": 9, "<script>new</script>": 1.5}
    del numbers["departure from a line, b"]
    change(folder, parameters=own["parameters"] | {"capacity": 0.8}, versions=own["versions"] | {"jax": "0.0"}, headline=numbers, alt='"&<')
    return folder


class Page(HTMLParser):
    """The cells, pictures and texts of a page; fails at any script."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.pictures, self.links, self.cell = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "i", "link")
        given = dict(attributes)
        self.pictures += [given] if tag == "img" else []
        self.rows += [[]] if tag == "tr" else []
        self.cell = tag if tag in ("td", "th") else None

    def handle_data(self, text):
        if self.cell and text.strip():
            self.rows[-1].append(text)


def test_what_differs_is_said_and_both_pictures_are_on_one_page(a, tmp_path, capsys):
    before = {file: file.read_bytes() for file in a.iterdir()}
    assert main("compare", str(a), str(FIGURES), str(tmp_path / "out")) == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.splitlines()[:6] == [
        "parameters that differ     A     B",
        "  capacity               0.8   0.6",
        "",
        "versions that differ     A        B",
        f"  jax                  0.0   {record(FIGURES)['versions']['jax']}",
        "",
    ]
    numbers = {re.split(r"\s{3,}", line)[0].strip(): re.split(r"\s{3,}", line)[1:] for line in said.out.splitlines()[7:]}
    assert numbers["sign changes in a"] == ["9", "4"] and numbers["departure from a line, b"] == ["–", "0.0000"]
    assert len([name for name in numbers if name in {*record(a)["headline"], *record(FIGURES)["headline"]}]) == 5
    assert said.out.splitlines()[-1] == f"saved fig06_compare.html in {tmp_path / 'out'}"
    (file,) = (tmp_path / "out").iterdir()
    page = Page(file.read_text(encoding="utf-8"))
    assert [base64.b64decode(one["src"].split(",")[1]) for one in page.pictures] == [(FIGURES / "fig06.png").read_bytes()] * 2
    assert [one["alt"] for one in page.pictures] == ['"&<', record(FIGURES)["alt"]]
    assert ["capacity", "0.8", "0.6"] in page.rows and ["<script>new</script>", "1.5000", "–"] in page.rows
    assert "http" not in file.read_text(encoding="utf-8") and {file: file.read_bytes() for file in a.iterdir()} == before


def test_a_run_beside_itself_does_not_differ(a, tmp_path, capsys):
    assert main("compare", str(a), str(a), str(tmp_path / "out")) == 0
    assert capsys.readouterr().out.startswith("parameters that differ: none\n\nversions that differ: none\n\nheadline numbers")


@pytest.mark.parametrize(
    "text",
    ["", " ", "nowhere", "fig06.json", "$(touch ran)", "`touch ran`", "a\nb", "\x00", "\x1b[31m", "~nobody-of-this-name", "x" * 9000],
)
@pytest.mark.parametrize("which", "AB")
def test_what_is_no_folder_is_refused(text, which, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(FIGURES)
    given = (text, str(FIGURES)) if which == "A" else (str(FIGURES), text)
    assert main("compare", *given, str(tmp_path / "out")) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"{which} must be a folder with a figure's record, got ") and said.err.count("\n") == 1
    assert said.err[:-1].isprintable() and len(said.err) < 200 and not list(tmp_path.iterdir())


def damaged(folder, how):
    if how == "nothing":
        (folder / "fig06.json").unlink()
    elif how == "broken":
        (folder / "fig06.json").write_bytes(b'{"figure": "fig06", \xff')
    elif how == "deep":
        (folder / "fig06.json").write_text("[" * 100_000)
    elif how == "list":
        (folder / "fig06.json").write_text("[1]")
    elif how == "renamed":
        (folder / "fig06.json").rename(folder / "fig07.json")
    elif how == "empty parts":
        change(folder, headline=[])
    elif how == "no picture":
        (folder / "fig06.png").unlink()
    elif how == "another picture":
        shutil.copy(FIGURES / "fig07.png", folder / "fig06.png")
    elif how == "another figure":
        damaged(folder, "nothing")
        for file in ("fig07.json", "fig07.png"):
            shutil.copy(FIGURES / file, folder)


NO_RECORD = "A must be a folder with a figure's record, such as fig04.json, got "


@pytest.mark.parametrize(
    ("how", "line"),
    [
        *((how, NO_RECORD) for how in ("nothing", "broken", "deep", "list", "renamed", "empty parts")),
        ("no picture", "A must hold fig06.png, got "),
        ("another picture", "A must hold the picture that belongs to its record, but fig06.png is another than fig06.json describes"),
        (
            "another figure",
            "A and B must be folders that have one figure in common, such as reruns of it, but A holds fig07; B holds fig06",
        ),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(how, line, a, tmp_path, capsys):
    b = tmp_path / "b"
    shutil.copytree(a, b)
    damaged(a, how)
    assert main("compare", str(a), str(b), str(tmp_path / "out")) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1 and len(said.err) < 300
    assert not (tmp_path / "out").exists()


def test_many_figures_in_common_and_a_bad_out_are_refused(a, tmp_path, capsys, monkeypatch):
    assert main("compare", str(FIGURES), str(FIGURES), "") == 2
    assert capsys.readouterr().err.startswith(
        "A and B must be folders that have one figure in common, such as reruns of it, but both hold beyond_gallery_cournot, "
    )
    monkeypatch.chdir(ROOT)
    assert main("compare", str(a), str(FIGURES), "figures") == 2
    assert capsys.readouterr() == ("", "OUT must be a folder outside this project, or one in figures/runs, got 'figures'\n")


def test_a_full_disk_leaves_the_old_page(a, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "fig06_compare.html").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staging, "_replace_all", full)
    assert main("compare", str(a), str(FIGURES), str(out)) == 1
    assert capsys.readouterr().err == "failed, and nothing was written: No space left on device\n"
    assert [(file.name, file.read_text()) for file in out.iterdir()] == [("fig06_compare.html", "old")]


def test_the_default_folder_is_named_by_both(a, tmp_path, monkeypatch):
    monkeypatch.setattr("adage_repro.__main__.RERUNS", tmp_path / "runs")
    for b in (FIGURES, a):
        assert main("compare", str(a), str(b), "") == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert compare.runs(str(a), str(FIGURES))[1].folder == FIGURES
