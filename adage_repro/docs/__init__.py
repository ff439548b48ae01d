"""Everything in the README, docs/ and benchmarks/ that repeats code, notebooks or tables, written between marks by `make docs`."""

import re
from pathlib import Path

from adage_repro.docs.benchmark_page import billion, columns, divided, first_calls, growth, machine, memory, picture, speed, timings
from adage_repro.docs.claims_page import claims, counts, verdicts
from adage_repro.docs.code_tables import figures, gradients, interruptions, mutants, parameters, readings, robustness, rooms, survivors
from adage_repro.docs.two_layers import draw
from adage_repro.folders import ROOT
from adage_repro.staging import staged

BLOCKS = {
    made.__name__: made
    for made in (claims, counts, figures, gradients, interruptions, mutants, parameters, readings, robustness, rooms, survivors, verdicts)
}
BLOCKS |= {made.__name__: made for made in (billion, columns, divided, first_calls, growth, machine, memory, picture, speed, timings)}
MARKED = re.compile(r"(<!-- (\w+): written by make docs -->\n)(?:.*?\n)?(<!-- end of \2 -->)", re.DOTALL)
DIAGRAM = ROOT / "docs" / "two_layers.png"


def pages() -> list[Path]:
    """The pages that a reader finds, those with no generated block among them."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def render(text: str) -> str:
    """A page with each of its blocks as the code now has it. ValueError: a block that nothing writes, or one that does not end."""
    written, count = MARKED.subn(lambda found: f"{found[1]}{_block(found[2])}\n{found[3]}", text)
    if count != text.count(": written by make docs -->"):
        raise ValueError(f"every block must end with a line <!-- end of its name -->, got {count} that do")
    return written


def _block(name: str) -> str:
    if name not in BLOCKS:
        raise ValueError(f"a block must be one of {', '.join(BLOCKS)}, got {name}")
    return BLOCKS[name]()


def rendered() -> dict[Path, bytes]:
    """All that is generated, by its file."""
    return {page: render(page.read_text(encoding="utf-8")).encode() for page in pages()} | {DIAGRAM: draw()}


def stale() -> dict[Path, bytes]:
    """What `rendered` gives for the files that are not so."""
    return {file: content for file, content in rendered().items() if not file.exists() or file.read_bytes() != content}


def write() -> list[str]:
    """Write all that is generated; the names of the files that changed."""
    files = stale()
    for home in {file.parent for file in files}:
        with staged(home) as folder:
            for file, content in files.items():
                if file.parent == home:
                    (folder / file.name).write_bytes(content)
    return [str(file.relative_to(ROOT)) for file in files]
