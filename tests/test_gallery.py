"""The site of `make gallery`, read as HTML: what it links to is there, and what it says of figures and claims is what the tables say."""

import json
import re
from pathlib import Path
from urllib.parse import urldefrag, urlparse

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from adage_repro import docs, gallery, notebooks
from adage_repro.folders import FIGURES, ROOT
from adage_repro.gallery import equations, markdown, notebook_pages, site, verdicts


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[Path, BeautifulSoup]:
    """Every page, by its file, of a site that replaced another."""
    out = tmp_path_factory.mktemp("gallery") / "site"
    out.mkdir()
    (out / "left.html").write_text("of an earlier site")
    written = gallery.write(out)
    assert sorted(written) == sorted(file.relative_to(out).as_posix() for file in out.rglob("*.html")) and written[0] == "index.html"
    assert [folder.name for folder in out.parent.iterdir()] == ["site"]
    return {out / address: BeautifulSoup((out / address).read_text(encoding="utf-8"), "html.parser") for address in written}


def at(pages: dict[Path, BeautifulSoup], address: str) -> BeautifulSoup:
    """The page at an address."""
    return pages[next(iter(pages)).parent / address]


def test_there_is_a_page_for_every_notebook_and_every_text(pages):
    assert len(pages) == 1 + len(notebooks.by_name()) + len(docs.pages()) + len(site.TEXTS)
    for page in pages.values():
        assert len(page.find_all("h1")) == 1 and page.title.get_text() and page.html["lang"] == "en"


def test_links_lead_to_files_and_anchors_and_nothing_comes_from_elsewhere(pages):
    ids = {file.resolve(): {part["id"] for part in page.find_all(id=True)} for file, page in pages.items()}
    for file, page in pages.items():
        assert len(page.find_all(id=True)) == len(ids[file.resolve()]), f"an id twice in {file.name}"
        for link in page.find_all("a"):
            path, anchor = urldefrag(link["href"])
            if not urlparse(path).scheme:
                target = (file.parent / path).resolve() if path else file.resolve()
                assert target.is_file() and (not anchor or anchor in ids[target]), (file.name, link["href"])
        for part in [*page.find_all(src=True), *page.find_all("link")]:
            source = part.get("src") or part["href"]
            assert source.startswith("data:image/") or (file.parent / source).is_file(), (file.name, source)
    static = "".join(file.read_text(encoding="utf-8") for file in (next(iter(pages)).parent / "static").iterdir())
    assert "://" not in static and "@import" not in static and "url(" not in static


def test_every_picture_has_an_alt_text_and_each_figure_its_own(pages):
    assert [(file.name, image) for file, page in pages.items() for image in page.find_all("img") if not image.get("alt")] == []
    for name, card in zip(notebooks.figure_names(), at(pages, "index.html").select("#figures ~ .cards .card"), strict=True):
        record = json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))
        page = at(pages, card.h3.a["href"])
        assert card.img["alt"] == page.select_one("#picture img")["alt"] == page.select_one(".caption").get_text() == record["alt"]
        files = [link["href"].removeprefix("../figures/") for link in page.select(".downloads a[download]")]
        assert set(files) == {f"{name}.json", *record["pictures"], *record["tables"]}
        for file in files:
            assert (next(iter(pages)).parent / "figures" / file).read_bytes() == (FIGURES / file).read_bytes()
        assert page.select_one(".command").get_text() == f"make figure FIG={int(name[3:])}"
        code = notebooks.sources(notebooks.notebook_of(name), kind="code")
        assert len(page.select("details.code")) == len(code) and not page.select("details.code[open]")


def test_equations_are_mathml_and_none_is_left_as_tex(pages):
    """As many as the notebooks write, a long one perhaps in several parts."""
    for name, notebook in notebooks.by_name().items():
        page = at(pages, f"notebooks/{notebook.stem}.html").select_one(".notebook")
        written = sum(source.count("$") - 2 * source.count("$$") for source in notebooks.sources(notebook, kind="markdown")) // 2
        assert len(page.find_all("math")) >= written, name
        for code in page.find_all(["pre", "code"]):
            code.decompose()
        assert "$" not in page.get_text() and "\\" not in page.get_text(), name
    assert "<munder>" in equations.display(r"\sum_i a_i") and equations.display(r"a \qquad b").count("<math") == 2
    assert equations.inline("p^* = (C - 1)/(N - 1)").count("<math") == 2 and equations.inline("N = 10").count("<math") == 1
    for tex in (r"\nosuchcommand{a}", r"\frac{a}", "a_"):
        with pytest.raises(ValueError, match="an equation must be TeX that latex2mathml reads, got"):
            equations.inline(tex)


def test_claims_and_figures_have_the_verdicts_of_the_table(pages):
    front, by_id = at(pages, "index.html"), {claim.id: claim for claim in verdicts.claims()}
    rows = front.select("#claims ~ .claims > li")
    assert [(row.select_one(".id").get_text(), row.select_one(".badge").get_text()) for row in rows] == [
        (claim.id, claim.verdict) for claim in by_id.values()
    ]
    standings = {}
    for name, card in zip(notebooks.figure_names(), front.select("#figures ~ .cards .card"), strict=True):
        about = [by_id[link.get_text()] for link in card.select(".verdict a")]
        assert about == [claim for claim in by_id.values() if int(name[3:]) in claim.figures] != []
        standings[int(name[3:])] = card.select_one(".badge").get_text()
        own = {claim.own for claim in about}
        assert (own == {"yes"}) == (standings[int(name[3:])] == "reproduced") and (own == {"no"}) == ("not" in standings[int(name[3:])])
    assert set(standings.values()) <= verdicts.STANDINGS.keys() and len(set(standings.values())) > 1
    claim = verdicts.Claim("P1", "Fig. 4a", "", "does not hold", "no")
    assert claim.figures == [4] and claim._replace(place="Figs. 7, 8").figures == [7, 8] and claim._replace(place="Sect. 4.2").figures == []
    assert verdicts.standing([claim]) == ("not reproduced", "The one claim on it does not hold at the paper's own setting")
    assert verdicts.standing([claim, claim._replace(own="only at x = 1")]).word == "reproduced in part"
    with pytest.raises(ValueError, match="a figure must have a claim about it"):
        verdicts.standing([])


def test_what_does_not_fit_together_is_refused(tmp_path, monkeypatch):
    """A link to what is not on the site, a notebook without a title, a table that is not the figure's, a picture of another run."""
    allowed = "pages, or to files of benchmarks/, docs/ or figures/"
    with pytest.raises(ValueError, match=rf"^docs/claims.md must link to {allowed}, got \.\./Makefile$"):
        site.Site().link("docs/claims.md", "../Makefile")
    assert site.Site().link("docs/claims.md", "../README.md#figures") == "../README.html#figures"
    made = site.Site()
    made.notebooks["fig04"] = made.notebooks["fig04"]._replace(alts=["of another run"])
    with pytest.raises(ValueError, match=r"fig04_policy.ipynb must show the picture in figures/fig04.json: run make figures, then"):
        made.records("fig04")
    for name in ("fig04.json", "fig04.png", "fig04.pdf", "fig04a.csv", "fig04b.csv"):
        (tmp_path / name).write_bytes((FIGURES / name).read_bytes())
    (tmp_path / "fig04c.csv").write_text("of another run")
    monkeypatch.setattr(site, "FIGURES", tmp_path)
    with pytest.raises(ValueError, match=r"figures/fig04c.csv must be the file that fig04.json was saved with"):
        site.Site().records("fig04")


def test_markdown_keeps_githubs_anchors():
    html = markdown.to_html("# What *we* found, p\\*\n\n## A `b` c\n\n## A b c\n\n| a | b |\n| - | - |\n| 1 | 2 |\n", str)
    assert [part["id"] for part in BeautifulSoup(html, "html.parser").find_all(["h1", "h2"])] == ["what-we-found-p", "a-b-c", "a-b-c-1"]
    assert '<div class="scroll"><table>' in html


def test_an_index_stands_below_the_line():
    """In texts, bold or not, and neither in code nor in an attribute; the page's text is as before."""
    html = BeautifulSoup(
        markdown.symbols(markdown.to_html('α_F < 1, a_i, tax_max, **π_0 at `U_L`** [R_j](a_i.md)<i title="1 > a_i"></i>', str)),
        "html.parser",
    )
    assert [index.get_text() for index in html.find_all("sub")] == ["F", "i", "0", "j"]
    assert html.get_text().strip() == "α_F < 1, a_i, tax_max, π_0 at U_L R_j" and html.a["href"] == "a_i.md"
    assert html.i["title"] == "1 > a_i"


def test_no_index_is_left_in_the_line(pages):
    for file, page in pages.items():
        found = page.find_all(string=re.compile(r"\b[αUaRπ]_[FLij0]\b"))
        assert [text for text in found if not text.find_parent(["head", "pre", "code", "math"])] == [], file.name


def test_what_a_cell_returned_is_shown_as_what_it_displayed_is():
    """The picture rather than the words for it, its alt text as text, and no script or widget."""
    data = {"image/png": "AAAA", "text/plain": "<Panel>", "application/javascript": "alert(1)"}
    output = nbformat.v4.new_output("execute_result", data, metadata={"image/png": {"alt": 'a "b" < c'}})
    cells = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("panel", outputs=[output])])
    shown = BeautifulSoup(notebook_pages.Notebook("", "", cells, []).html(str), "html.parser")
    assert [(image["src"], image["alt"]) for image in shown.find_all("img")] == [("data:image/png;base64,AAAA", 'a "b" < c')]
    assert "Panel" not in shown.get_text() and not shown.find_all("script")


def test_the_workflow_publishes_what_make_gallery_writes():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == ["make gallery"]
    assert [step["with"]["path"] for step in steps if "upload-pages-artifact" in step.get("uses", "")] == ["build/site"]
    assert gallery.SITE == ROOT / "build" / "site"
    assert all(len(step["uses"].split("@v")[1].split(".")) == 3 for step in steps if "uses" in step)
