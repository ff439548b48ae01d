"""Markdown as HTML, in pages and in the cells of notebooks: nbconvert's parser, with equations as MathML and links within the site."""

import re
from collections.abc import Callable
from html import escape

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from adage_repro.gallery import equations

Link = Callable[[str], str]


class Renderer(IPythonRenderer):
    """What differs from nbconvert's own: equations, links, headings with the anchors that GitHub gives them, and tables that scroll."""

    def __init__(self, link: Link):
        super().__init__(escape=False)
        self.site_link, self.anchors = link, {}

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, self.site_link(url), title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, self.site_link(url), title)

    def inline_html(self, html: str) -> str:
        return re.sub(r'(?<= src=")[^"]*', lambda found: self.site_link(found[0]), html)

    def block_html(self, html: str) -> str:
        return "" if html.startswith("<!--") else self.inline_html(html)

    def heading(self, text: str, level: int, **_: object) -> str:
        anchor = slug(re.sub(r"<[^>]*>", "", text))
        count = self.anchors[anchor] = self.anchors.get(anchor, -1) + 1
        return f'<h{level} id="{anchor}{f"-{count}" if count else ""}">{text}</h{level}>\n'

    def inline_math(self, body: str) -> str:
        return equations.inline(body)

    def block_math(self, body: str) -> str:
        return equations.display(body)

    def paragraph(self, text: str) -> str:
        return text if text.startswith('<div class="equation">') else super().paragraph(text)


def to_html(text: str, link: Link) -> str:
    """Markdown as HTML; `link` says where a link or a picture of this page is on the site."""
    renderer = Renderer(link)
    markdown = MarkdownWithMath(renderer)
    renderer.register("table", lambda _, table: scrolling(f"<table>\n{table}</table>\n"))
    renderer.register("table_head", lambda _, head: f"<thead><tr>{head}</tr></thead>" if re.sub(r"<[^>]*>|\s", "", head) else "")
    renderer.register("task_list_item", lambda _, item, checked=False: f'<li class="task">{item}</li>\n')
    return markdown.render(text)


def scrolling(table: str) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    return f'<div class="scroll">{table}</div>\n'


KEPT = r"<(head|pre|code|math|script|style|svg|select|textarea)\b.*?</\1>"  # in which nothing is changed
TAG = r"<(?:\"[^\"]*\"|'[^']*'|[^>\"'])*>"
INDEX = re.compile(rf"{KEPT}|{TAG}|(?<!\w)([αUaRπ])_([FLij0])(?!\w)", re.DOTALL)


def symbols(page: str) -> str:
    """A page of HTML in which an index that is written as in α_F stands below the line, but not in code. The filter of the claims still
    finds α_F."""
    return INDEX.sub(lambda found: f"{found[2]}<span hidden>_</span><sub>{found[3]}</sub>" if found[2] else found[0], page)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def plain(text: str) -> str:
    """A line of Markdown without its marks, for titles."""
    return escape(re.sub(r"[`*]|\[(.*?)\]\(.*?\)|\\", r"\1", text), quote=False)
