"""The panel of a notebook: knobs, the picture that follows them, the commands that reproduce it, and a button that saves it."""

import html
import io
from collections.abc import Mapping
from contextlib import contextmanager, redirect_stdout

from ipywidgets import HTML, Button, Dropdown, HBox, Image, Layout, VBox

from adage_repro import records
from adage_repro.explore.knobs import COMPILES, GROUPS, ROW, knob, turn
from adage_repro.explore.picture import Board, page
from adage_repro.explore.presets import FALLBACK, NAME, commands, presets
from adage_repro.explore.runs import quick_runs, saved_tables, simulate
from adage_repro.parameters import PARAMETERS

OWN = "the present setting"
WIDTH = 576  # pixels, of the picture on the page


class Panel:
    """Knobs for all parameters, beginning at `parameters`; `seen` is what is shown of the last setting that was not refused."""

    def __init__(self, parameters: Mapping[str, object]):
        self.seen = simulate(parameters)
        self._board, self._figure, self._still = Board(), FALLBACK[0], False
        self._sizes = {self._size()}
        self.knobs = {name: knob(name, parameters[name]) for names in GROUPS.values() for name in names}
        self.preset = Dropdown(options=[OWN, *presets()], value=OWN, description="begin with", layout=Layout(**ROW))
        self.image = Image(format="png", width=WIDTH, layout=Layout(flex="0 0 auto"))
        self.status, self.caption, self.commands = HTML(), HTML(), HTML()
        self.button = Button(description="Save picture and data", icon="save", layout=Layout(width="190px"))
        for each in self.knobs.values():
            each.observe(self._turned, "value")
        self.preset.observe(self._begin, "value")
        self.button.on_click(lambda _: self._save())
        knobs = [self.preset]
        for title, names in GROUPS.items():
            knobs += [HTML(f"<b>{title}</b>", layout=Layout(margin="4px 0 0 0")), *(self.knobs[name] for name in names)]
        shown = [self.image, self.status, self.caption, self.commands, self.button]
        left = VBox(knobs, layout=Layout(flex="0 0 auto", margin="0 12px 0 0"))
        right = VBox(shown, layout=Layout(flex="1 1 0", min_width=f"{WIDTH}px"))
        self.widget = HBox([left, right], layout=Layout(flex_flow="row wrap"))
        self._show()

    def save(self) -> None:
        """Save the picture and its tables as a notebook of a figure does."""
        figure, seen = page(self.seen), self.seen
        records.save(NAME, figure, saved_tables(seen), seen.values, seen.headline, seen.alt, seen.points | {"entry": seen.entry})

    def _size(self) -> tuple:
        return (*(self.seen.values[name] for name in (*COMPILES, "order", "follower_start")),)

    @contextmanager
    def _quietly(self):
        """While several knobs are turned, nothing is shown."""
        self._still = True
        yield
        self._still = False

    def _turned(self, change) -> None:
        if self._still:
            return
        if change["owner"] in (self.knobs["n_agents"], self.knobs["iterations_per_agent"]):
            with self._quietly():
                turn(self.knobs["runs"], quick_runs(self._values(), PARAMETERS["runs"].default))
        with self._quietly():
            self.preset.value = OWN
        self._follow()

    def _begin(self, change) -> None:
        if self._still or change["new"] == OWN:
            return
        preset = presets()[change["new"]]
        with self._quietly():
            for name, value in preset.values().items():
                turn(self.knobs[name], value)
        self._figure = preset.figure
        self._follow(preset.says)

    def _values(self) -> dict[str, object]:
        return {name: self.knobs[name].value for name in PARAMETERS if name in self.knobs}

    def _follow(self, says: str = "") -> None:
        """Run the setting of the knobs and show it; if it is refused, say so and leave everything else as it is."""
        self._say("…")
        try:
            self.seen = simulate(self._values())
        except ValueError as refused:
            self._say(f"Refused: {refused}.", colour="#b00020")
        else:
            self._show(says)

    def _show(self, says: str = "") -> None:
        self.image.value = self._board.picture(self.seen)
        self.caption.value = html.escape(self.seen.alt)
        lines = commands(self.seen.values, self._figure)
        self.commands.value = "".join(f'<pre style="user-select: all">{html.escape(line)}</pre>' for line in lines)
        self._say(says)

    def _say(self, text: str, colour: str = "inherit") -> None:
        self.status.value = f'<span style="color: {colour}">{html.escape(text)}</span>'

    def _save(self) -> None:
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                self.save()
        except OSError as error:
            self._say(f"Not saved: {error}", colour="#b00020")
        else:
            self._say(said.getvalue())

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        """The panel where there are widgets, and elsewhere, as in a stored notebook, a picture of the setting."""
        picture, metadata = records.Picture(page(self.seen), self.seen.alt)._repr_png_()
        own = self.widget._repr_mimebundle_()
        return own | {"image/png": picture, "text/plain": self.seen.alt}, {"image/png": metadata}
