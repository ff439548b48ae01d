"""Which pages the site has, how they link to one another, and what is copied beside them; written as a whole or not at all."""

import json
import os
import posixpath
import re
import shutil
from functools import cached_property
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from adage_repro import docs, notebooks
from adage_repro.docs.claims_page import counts
from adage_repro.folders import FIGURES, ROOT, digest
from adage_repro.gallery import markdown, notebook_pages, verdicts
from adage_repro.refusals import Refused
from adage_repro.staging import STAGING, own_folder

SITE = ROOT / "build" / "site"
STATIC = Path(__file__).parent / "static"
TEXTS = ("LICENSE", "CITATION.cff")  # linked from the README, shown as they are
FRONT = "index.html"


def write(out: Path = SITE) -> list[str]:
    """Write the site into `out`, in place of what was there; the addresses of its pages."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with own_folder(out.parent, STAGING) as folder:
        site = Site()
        pages = site.pages()
        for address, text in pages.items():
            file = folder / "new" / address
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        for asset in sorted(site.assets):
            (folder / "new" / asset).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / asset, folder / "new" / asset)
        shutil.copytree(STATIC, folder / "new" / "static")
        if out.exists():
            os.replace(out, folder / "old")
        os.replace(folder / "new", out)
    return list(pages)


class Site:
    """All pages from the notebooks, docs and figures as they are stored; `assets` are the files that they link to."""

    def __init__(self):
        sources = [page.relative_to(ROOT).as_posix() for page in docs.pages()]
        files = notebooks.by_name()
        ordered = dict.fromkeys([*notebooks.figure_names(), "claims", *notebooks.beyond_names(), *files])
        self.notebooks = {name: notebook_pages.read(files[name]) for name in ordered}
        self.files = {name: f"notebooks/{files[name].name}" for name in ordered}
        self.addresses = {source: f"{source.split('.')[0]}.html" for source in [*sources, *self.files.values(), *TEXTS]}
        self.texts = {source: (ROOT / source).read_text(encoding="utf-8") for source in [*sources, *TEXTS]}
        self.assets: set[str] = set()
        loader = FileSystemLoader(notebook_pages.TEMPLATES)
        self.environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

    def pages(self) -> dict[str, str]:
        """HTML by address, the front page first."""
        written = {FRONT: self.front()}
        written |= {self.addresses[file]: self.notebook(name) for name, file in self.files.items()}
        return written | {self.addresses[source]: self.text(source) for source in self.texts}

    def page(self, template: str, address: str, **content: object) -> str:
        """One page from its template, which finds the rest of the site from `root`."""
        root = "../" * address.count("/")
        return markdown.symbols(self.environment.get_template(template).render(root=root, address=address, site=self, **content))

    def link(self, source: str, url: str) -> str:
        """Where a link of a repository's file leads on the site. Refused: to a file that is not on the site."""
        if re.match(r"[a-z]+:|#", url):
            return url
        path, mark, anchor = url.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if target not in self.addresses:
            if not (ROOT / target).is_file() or target.split("/")[0] not in ("benchmarks", "docs", "figures"):
                raise Refused(f"{source} must link to pages, or to files of benchmarks/, docs/ or figures/, got {url}")
            self.assets.add(target)
        start = posixpath.dirname(self.addresses.get(source, source)) or "."
        return posixpath.relpath(self.addresses.get(target, target), start) + mark + anchor

    def html(self, text: str, source: str) -> str:
        """Markdown as HTML for the page of a repository's file."""
        return markdown.to_html(text, lambda url: self.link(source, url))

    @cached_property
    def claims(self) -> list[verdicts.Claim]:
        """All claims."""
        return verdicts.claims()

    @cached_property
    def saved(self) -> list[dict]:
        """All records in figures/."""
        return [_record(file) for file in sorted(FIGURES.glob("*.json"))]

    def about(self, name: str) -> list[verdicts.Claim]:
        """The claims about a figure of the paper; none for another notebook."""
        return [claim for claim in self.claims if name.startswith("fig") and int(name[3:]) in claim.figures]

    def records(self, name: str) -> list[dict]:
        """What a notebook saved: the records whose pictures it shows. Refused: a figure that its notebook does not show, or a file of
        a record that is not the one it was saved with."""
        alts = self.notebooks[name].alts
        found = {record["alt"]: record for record in self.saved if record["alt"] in alts}
        if name.startswith("fig") and name not in {record["figure"] for record in found.values()}:
            raise Refused(f"{self.files[name]} must show the picture in figures/{name}.json: run make figures, then make refresh")
        return [found[alt] for alt in alts if alt in found]

    def downloads(self, record: dict) -> list[dict[str, str]]:
        """Name, address, kind and size of each file of a record, the picture first; the name is what its own adds to the record's."""
        files = [*record["pictures"], *record["tables"], f"{record['figure']}.json"]
        self.assets |= {f"figures/{file}" for file in files}
        listed = []
        for file in files:
            stem, _, kind = file.partition(".")
            size = f"{max(1, round((FIGURES / file).stat().st_size / 1000))} kB"
            listed.append({"file": file, "kind": kind.upper(), "part": stem.removeprefix(record["figure"]).strip("_"), "size": size})
        return listed

    def picture(self, record: dict) -> dict[str, object]:
        """Address, size in pixels and alt text of a record's picture."""
        file = f"figures/{record['figure']}.png"
        self.assets.add(file)
        with Image.open(ROOT / file) as image:
            return {"file": file, "width": image.width, "height": image.height, "alt": record["alt"]}

    def cards(self, names: list[str]) -> list[dict[str, object]]:
        """What the front page shows of notebooks: a picture, the title, the claim, and for a figure whether it reproduces."""
        cards = []
        for name in names:
            notebook, about = self.notebooks[name], self.about(name)
            label, _, title = notebook.title.rpartition(" · ")
            records = self.records(name)
            cards.append(
                {
                    "address": self.addresses[self.files[name]],
                    "label": label,
                    "title": title,
                    "claim": self.html(notebook.claim, FRONT),
                    "pictures": [self.picture(record) for record in records],
                    "standing": verdicts.standing(about) if name.startswith("fig") else None,
                    "about": about,
                }
            )
        return cards

    def front(self) -> str:
        """The front page."""
        paper = yaml.safe_load(self.texts["CITATION.cff"])["references"][0]
        introduction = self.texts["README.md"].split("\n\n")[1]
        lead = self.html(introduction.split(". ", 1)[1] if ". " in introduction else introduction, "README.md")
        listed = [source for source in self.texts if source not in TEXTS]
        return self.page(
            "front.html",
            FRONT,
            paper=paper,
            lead=lead,
            counts=self.html(counts(), "README.md"),
            figures=self.cards(notebooks.figure_names()),
            beyond=self.cards([name for name in self.files if name not in notebooks.figure_names()]),
            standings=verdicts.STANDINGS,
            verdicts=verdicts.VERDICTS,
            subjects=verdicts.SUBJECTS,
            documents=[{"address": self.addresses[source], "title": _title(self.texts[source]), "file": source} for source in listed],
        )

    def notebook(self, name: str) -> str:
        """The page of a notebook."""
        notebook, source, records = self.notebooks[name], self.files[name], self.records(name)
        alone = records[0] if len(records) == 1 else None
        names = list(self.files)
        place = names.index(name)
        neighbours = [names[i] if 0 <= i < len(names) else None for i in (place - 1, place + 1)]
        label, _, title = notebook.title.rpartition(" · ")
        return self.page(
            "notebook.html",
            self.addresses[source],
            label=label,
            title=title,
            body=notebook.html(lambda url: self.link(source, url), above=alone["alt"] if alone else ""),
            picture=self.picture(alone) if alone else None,
            downloads=[{"name": record["figure"], "files": self.downloads(record)} for record in records],
            about=self.about(name),
            standing=verdicts.standing(self.about(name)) if name.startswith("fig") else None,
            command=_command(name),
            neighbours=[near and {"address": self.addresses[self.files[near]], "title": self.notebooks[near].title} for near in neighbours],
        )

    def text(self, source: str) -> str:
        """The page of a Markdown file, or of a text as it is."""
        title = source if source in TEXTS else _title(self.texts[source])
        body = None if source in TEXTS else self.html(self.texts[source], source)
        return self.page("text.html", self.addresses[source], title=title, body=body, text=self.texts[source])


def _record(file: Path) -> dict:
    """Refused: the record has files that are missing or not those that it was saved with."""
    record = json.loads(file.read_text(encoding="utf-8"))
    for name, hashed in (record["pictures"] | record["tables"]).items():
        if not (FIGURES / name).is_file() or digest(FIGURES / name) != hashed:
            raise Refused(f"figures/{name} must be the file that {file.name} was saved with: run make figures and make claims")
    return record


def _title(text: str) -> str:
    return markdown.plain(text.partition("\n")[0].removeprefix("# "))


def _command(name: str) -> str:
    """The command that makes what a notebook saves."""
    if name.startswith("fig"):
        return f"make figure FIG={int(name[3:])}"
    return "make claims" if name == "claims" else f"make notebook NAME={name}"
