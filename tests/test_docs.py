"""What the README and docs/ say is what the code, the tables and the figures say."""

import csv
import json
import re
from collections import Counter

import pandas as pd
import pytest

from adage_repro import docs
from adage_repro.docs import claims_page
from adage_repro.folders import FIGURES, ROOT
from adage_repro.parameters import PARAMETERS
from adage_repro.readings import READINGS

PAGES = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in docs.pages()}
README, DEVIATIONS = PAGES["README.md"], PAGES["docs/readings.md"].split("## Where we differ")[1]
FOUND = [line for line in README.split("## What we found")[1].split("\n## ")[0].splitlines() if line.startswith("- ")]
ROWS = {row["id"]: row for row in claims_page.rows()}


def test_nothing_that_is_generated_is_stale():
    assert [file.relative_to(ROOT).as_posix() for file in docs.stale()] == [], "run make docs"


def test_a_block_that_nobody_writes_is_refused():
    assert docs.render("no block") == "no block"
    with pytest.raises(ValueError, match=r"a block must be one of claims, counts, .*, got claim$"):
        docs.render("<!-- claim: written by make docs -->\n<!-- end of claim -->")
    with pytest.raises(ValueError, match="every block must end"):
        docs.render("<!-- claims: written by make docs -->\n<!-- end of claim -->")


def test_the_readme_is_short_and_says_in_six_bullets_what_was_found():
    assert len(README.encode()) <= 8192
    assert len(FOUND) == 6
    allowed = {"Reproduced given more time": {"no"}, "Reproduced": {"yes"}, "Not reproduced": {"no", "only"}}
    allowed["Reproduced at one of two learning rates"] = {"only"}
    for line in FOUND:
        word, ids = re.match(r"- \*\*([\w ]+) \(([\w, ]+)\): ", line).groups()
        assert {claims_page.own(ROWS[id]).split()[0] for id in ids.split(", ")} <= allowed[word], line


def test_numbers_are_measured():
    """Every number with four decimals, and all of Figure 4's alt text, is a headline number of the figures that its line names."""
    (picture,) = (line for line in README.splitlines() if line.endswith("(figures/fig04.png)"))
    checked = Counter()
    for page, line in [("found", line) for line in FOUND] + [("differ", line) for line in DEVIATIONS.splitlines()] + [("alt", picture)]:
        figures = [int(number) for listed in re.findall(r"\(Figs?\. ([\d, ]+)\)", line) for number in listed.split(",")]
        files = [FIGURES / f"fig{number:02d}.json" for number in ([4] if page == "alt" else figures)]
        measured = [value for file in files for value in json.loads(file.read_text(encoding="utf-8"))["headline"].values()]
        for number in re.findall(r"-?\d\.\d+" if page == "alt" else r"-?\d\.\d{4}", line.replace("−", "-")):
            rounded = {f"{value:.{len(number.split('.')[1])}f}" for value in measured}
            assert number in rounded, f"{number} is not a headline number of the figures that this line names; correct the line: {line}"
            checked[page] += 1
    assert checked["found"] >= 20 and checked["differ"] >= 14 and checked["alt"] == 3
    taxed = json.loads((FIGURES / "fig05.json").read_text(encoding="utf-8"))["headline"]["share of runs taxed in the row before G2 enters"]
    assert (taxed == 1) == ("from uniform starts every run is taxed before" in DEVIATIONS)


def test_the_map_says_what_the_readme_says_of_a_hundred_agents():
    at = pd.read_csv(FIGURES / "policy_map.csv").set_index(["n_agents", "follower_lr", "tax_max"]).loc[(100, 0.001, 0.1)]
    assert f"With N = 100 it works at 0.001, too: from {at['gap_without']:.3f} to {at['gap_with']:.3f} (" in README
    assert at["regime"] == "works"


def test_codes_are_claims_and_links_lead_somewhere():
    for page, text in PAGES.items():
        if page != "docs/preregistered.md":
            assert set(re.findall(r"(?<![\w.])[MBPA]\d+\b", text)) <= ROWS.keys(), page
        for link in re.findall(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            file = (ROOT / page).parent / link[0] if link[0] else ROOT / page
            assert link[0].startswith("https://") or file.exists(), (page, link)
            if link[1]:
                headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                assert link[1][1:] in {heading.lower().replace(" ", "-") for heading in headings}, (page, link)


def test_examples_run(capsys):
    examples = [example for text in PAGES.values() for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    assert len(examples) == 3
    for example in examples:
        exec(example, {})
        assert capsys.readouterr().out.splitlines() == re.findall(r"# (-?\d[\d. ]*\d)$", example, re.MULTILINE)


def test_every_parameter_is_listed_and_every_reading_explained():
    listed = re.findall(r"^\| `(\w+)`", PAGES["docs/parameters.md"], re.MULTILINE)
    assert listed == list(PARAMETERS), "run make docs"
    for name, reading in READINGS.items():
        (line,) = re.findall(rf"^\| `{name}` .*$", PAGES["docs/readings.md"], re.MULTILINE)
        assert [word for word, meaning in reading.ways.items() if f"`{word}`: {meaning}" not in line] == [], "run make docs"


def test_the_page_of_claims_loses_nothing():
    """Each row of claims.csv: its numbers in their order, its thresholds, and every word of its condition."""
    with (FIGURES / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    blocks = dict(zip(ROWS, claims_page.claims().split("\n\n### "), strict=True))
    for row in rows:
        names, values, limits = zip(*claims_page.numbers(row), strict=True)
        assert "; ".join(values) == row["measured"] and "; ".join(names).replace("; … ", "; ") == row["quantity"]
        assert "; ".join(limit for limit in limits if limit != "–").removesuffix(", the first of them") == row["threshold"]
        lost = Counter(re.findall(r"[\w.…/-]+", row["condition"])) - Counter(re.findall(r"[\w.…/-]+", blocks[row["id"]].replace("\\", "")))
        assert lost.keys() <= {"or", "holds", "nor"}, row["id"]
    assert [len(claims_page.numbers(ROWS[id])) for id in ("B7", "P12", "A3")] == [2, 2, 1]


def test_a_verdict_follows_from_the_settings():
    """A claim holds where all of its settings do, and a condition that contradicts the numbers is refused."""
    for row in ROWS.values():
        assert (row["verdict"] == "holds") == (claims_page.own(row) == "yes"), row["id"]
    assert claims_page.own_settings(ROWS["P4"]) == {"α_F = 0.01": True, "α_F = 0.001": False}
    with pytest.raises(ValueError, match="P4: its numbers miss their thresholds"):
        claims_page.own_settings(ROWS["P4"] | {"measured": "0.7"})
