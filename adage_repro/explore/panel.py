"""The panel of a notebook: knobs, the picture that follows them, the commands that reproduce it, and a button that saves it."""

import html
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout

from ipywidgets import HTML, Button, Dropdown, HBox, Image, Layout, VBox

from adage_repro import records
from adage_repro.explore.knobs import GROUPS, ROW, knob, turn
from adage_repro.explore.picture import Board, page
from adage_repro.explore.presets import FALLBACK, NAME, commands, presets
from adage_repro.explore.runs import compiled, quick_runs, saved_tables, simulate
from adage_repro.parameters import PARAMETERS

CHOOSE = "choose a setting …"
STILL_THERE = "The picture and the commands are still those of the last setting that ran."
LOOK = """<style>
.adage-panel .widget-label, .adage-panel .widget-readout, .adage-panel select { font-size: 12px }
.adage-panel select { height: 24px; line-height: 16px }
.adage-panel h4 { margin: 5px 0 0; font-size: 12px; line-height: 18px }
.adage-panel p { margin: 2px 0; font-size: 12px; line-height: 17px }
.adage-panel .refused { color: #b00020; font-weight: bold }
.adage-panel code { user-select: all; overflow-wrap: anywhere; padding: 1px 4px; background: rgba(128, 128, 128, 0.13) }
.adage-panel code + button { margin-left: 6px; padding: 0 7px; font: inherit; font-size: 11px; cursor: pointer }
.adage-panel code + button { border: 1px solid rgba(128, 128, 128, 0.6); border-radius: 3px; background: none; color: inherit }
.adage-panel .widget-html-content { line-height: 17px }
</style>"""
COPY = "navigator.clipboard.writeText(this.previousElementSibling.textContent).then(() => this.textContent = 'copied')"


class Panel:
    """Knobs for all parameters, beginning at `parameters`; `seen` is what is shown, the last setting that was not refused."""

    def __init__(self, parameters: Mapping[str, object]):
        self.seen = simulate(parameters)
        self._board, self._figure, self._still = Board(), FALLBACK[0], False
        self.knobs = {name: knob(name, parameters[name]) for names in GROUPS.values() for name in names}
        self.preset = Dropdown(options=[CHOOSE, *presets()], value=CHOOSE, layout=Layout(**ROW))
        self.image = Image(format="png", layout=Layout(width="100%", max_width="768px"))
        self.status, self.caption, self.commands = HTML(), HTML(), HTML()
        self.button = Button(description="Save picture and data", icon="save", layout=Layout(width="190px"))
        for each in self.knobs.values():
            each.observe(self._turned, "value")
        self.preset.observe(self._begin, "value")
        self.button.on_click(lambda _: self._save())
        self.widget = self._arranged()
        self._show()

    def save(self) -> None:
        """Save the picture and its tables as a notebook of a figure does."""
        figure, seen = page(self.seen), self.seen
        records.save(NAME, figure, saved_tables(seen), seen.values, seen.headline, seen.alt, seen.points | {"entry": seen.entry})

    def _arranged(self) -> HBox:
        knobs = [HTML(f"{LOOK}<h4>Begin with</h4>"), self.preset]
        for title, names in GROUPS.items():
            knobs += [HTML(f"<h4>{title}</h4>"), *(self.knobs[name] for name in names)]
        shown = [self.image, self.status, self.caption, self.commands, self.button]
        left, right = Layout(flex="0 0 auto", margin="0 10px 4px 0"), Layout(flex="1 1 0", min_width="480px")
        both = HBox([VBox(knobs, layout=left), VBox(shown, layout=right)], layout=Layout(flex_flow="row wrap"))
        return both.add_class("adage-panel")

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """While several knobs are turned, nothing follows them."""
        self._still = True
        yield
        self._still = False

    def _values(self) -> dict[str, object]:
        return {name: self.knobs[name].value for name in PARAMETERS if name in self.knobs}

    def _turned(self, change: Mapping) -> None:
        if self._still:
            return
        with self._quietly():
            self.preset.value = CHOOSE
            if change["owner"] in (self.knobs["n_agents"], self.knobs["iterations_per_agent"]):
                turn(self.knobs["runs"], quick_runs(self._values(), PARAMETERS["runs"].default))
        self._follow()

    def _begin(self, change: Mapping) -> None:
        if self._still or change["new"] == CHOOSE:
            return
        preset = presets()[change["new"]]
        with self._quietly():
            for name, value in preset.values().items():
                turn(self.knobs[name], value)
        self._figure = preset.figure
        self._follow(preset.says)

    def _follow(self, says: str = "") -> None:
        """Run the setting of the knobs and show it; if it is refused, say so and leave everything else as it is."""
        values = self._values()
        if not compiled(values):
            self._say(f"Compiling the model for N = {values['n_agents']} …")
        try:
            self.seen = simulate(values)
        except ValueError as refused:
            self._say(f"{refused}.", refused=True, then=STILL_THERE)
        else:
            self._show(says)

    def _show(self, says: str = "") -> None:
        self.image.value = self._board.picture(self.seen)
        self.caption.value = f"<p>{html.escape(self.seen.alt)}</p>"
        figure, own = (
            f'<code>{html.escape(line)}</code><button onclick="{COPY}">copy</button>' for line in commands(self.seen.values, self._figure)
        )
        self.commands.value = f"<p>This run in a figure of the paper: {figure}</p><p>This picture and its data: {own}</p>"
        for name in ("runs", "seed"):
            self.knobs[name].disabled = self.seen.values["follower_start"] == "zeros"
        self._say(says)

    def _say(self, text: str, refused: bool = False, then: str = "") -> None:
        mark = ' class="refused" role="alert"' if refused else ""
        self.status.value = f"<p><span{mark}>{html.escape(text)}</span> {then}</p>" if text else ""

    def _save(self) -> None:
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                self.save()
        except OSError as error:
            self._say(f"Not saved: {error}", refused=True)
        else:
            self._say(said.getvalue())

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        """The panel where there are widgets, and elsewhere, as in a stored notebook, a picture of the setting."""
        picture, metadata = records.Picture(page(self.seen), self.seen.alt)._repr_png_()
        return self.widget._repr_mimebundle_() | {"image/png": picture, "text/plain": self.seen.alt}, {"image/png": metadata}
