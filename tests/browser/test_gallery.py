"""The site of `make gallery` in a browser, from the file system: what a reader at a desk, on a phone or without scripts gets."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe

from adage_repro import gallery
from adage_repro.gallery.verdicts import claims

NARROW = {"width": 320, "height": 640}  # what WCAG asks a page to fit, a phone of 390 or a desk at 400% being wider
VIEWS = {
    "desk": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """In a folder whose name has to be quoted in an address."""
    folder = tmp_path_factory.mktemp("gallery") / "a site, näher"
    gallery.write(folder)
    return folder


def each(page, site: Path) -> Iterator[str]:
    """Open every page of the site, and unfold its code; gives its address."""
    for file in sorted(site.rglob("*.html")):
        page.goto(file.as_uri())
        if page.locator("#unfold").count():
            page.click("#unfold")
        yield file.relative_to(site).as_posix()


def test_pages_load_without_an_error_and_without_the_network(browser, site):
    page, said, asked = browser.new_page(), [], []
    page.on("console", lambda message: said.append((page.url, message.text)))
    page.on("pageerror", lambda error: said.append((page.url, str(error))))
    page.on("requestfailed", lambda request: said.append((page.url, request.url)))
    page.on("request", lambda request: asked.append(request.url))
    for _ in each(page, site):
        page.evaluate("Promise.all([...document.images].map((image) => (image.loading = 'eager', image.decode())))")
    assert said == [] and len(asked) > 3 * len(list(site.rglob("*.html")))
    assert {urlparse(url).scheme for url in asked} <= {"file", "data"}


def test_links_lead_to_files_and_anchors(browser, site):
    page, ids, links = browser.new_page(), {}, []
    for address in each(page, site):
        ids[page.url] = page.evaluate("[...document.querySelectorAll('[id]')].map((part) => part.id)")
        links += [(address, *urldefrag(link)) for link in page.evaluate("[...document.links].map((link) => link.href)")]
    inside = [link for link in links if link[1].startswith("file:")]
    assert len(inside) > 500
    for link in inside:
        _, url, anchor = link
        assert Path(unquote(urlparse(url).path)).is_file() and (not anchor or anchor in ids[url]), link


def test_next_leads_through_all_notebooks_and_previous_back(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.click("article.card h3 a >> nth=0")
    titles = [page.inner_text("h1")]
    while page.locator("a[rel=next]").count():
        page.click("a[rel=next] >> nth=0")
        titles.append(page.inner_text("h1"))
    assert len(titles) == len(set(titles)) == len(list((site / "notebooks").glob("*.html")))
    page.click("a[rel=prev] >> nth=-1")
    assert page.inner_text("h1") == titles[-2]


def test_the_filter_finds_claims(browser, site):
    """With the keyboard alone, against what the words and choices say of figures/claims.csv."""
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())

    def shown() -> list[str]:
        ids = page.locator("#claims ~ .claims > li:visible .id").all_inner_texts()
        assert page.inner_text(".filter output") == f"{len(ids)} of {len(claims())} claims"
        return ids

    assert shown() == [claim.id for claim in claims()]
    page.focus("input[type=search]")
    page.keyboard.type("TAX converge")
    texts = {claim.id: f"{claim.id} {claim.text} {claim.place} holds {claim.own} {claim.verdict}".lower() for claim in claims()}
    found = [id for id, text in texts.items() if "tax" in text and "converge" in text]
    assert shown() == found and len(found) > 1
    page.keyboard.press("Tab")
    page.keyboard.type("holds only if")
    found = [claim.id for claim in claims() if claim.id in found and claim.verdict == "holds only if"]
    assert shown() == found and len(found) > 0
    page.keyboard.press("Tab")
    page.keyboard.type("M")
    assert shown() == [] and page.is_visible(".none")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".none").wait_for(state="hidden")
    assert len(shown()) == len(claims())


def test_without_scripts_all_claims_are_there_and_no_filter(browser, site):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((site / "index.html").as_uri())
    assert page.locator("#claims ~ .claims > li:visible").count() == len(claims()) and not page.is_visible(".filter")
    page.goto((site / "notebooks" / "fig04_policy.html").as_uri())
    page.click("details.code summary >> nth=0")
    assert page.is_visible("details.code .highlight >> nth=0") and not page.is_visible("#unfold")


def test_a_page_follows_the_system_to_dark_and_its_pictures_stay_on_white(browser, site):
    grounds = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto((site / "notebooks" / "fig04_policy.html").as_uri())
        seen = [page.evaluate(f"getComputedStyle(document.querySelector('{part}')).backgroundColor") for part in ("body", "#picture")]
        grounds[scheme] = [min(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) for colour in seen]
    assert grounds["light"][0] > 240 and grounds["dark"][0] < 40 and grounds["light"][1] == grounds["dark"][1] == 255


def test_pages_fit_the_narrowest_screen(browser, site):
    page = browser.new_page(viewport=NARROW)
    for address in each(page, site):
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], address


@pytest.mark.parametrize("view", VIEWS)
def test_pages_are_accessible_and_as_wide_as_the_screen(browser, site, view):
    """axe's rules, of which nothing serious or critical may be found; and no page scrolls sideways."""
    page = browser.new_page(**VIEWS[view])
    findings = []
    for address in each(page, site):
        assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[view]["viewport"]["width"], address
        result = Axe().run(page).response
        assert len(result["passes"]) > 10, address
        found = result["violations"]
        findings += [(address, rule["id"], rule["impact"], rule["nodes"][0]["html"][:120]) for rule in found]
    assert [found for found in findings if found[2] in ("serious", "critical")] == []
