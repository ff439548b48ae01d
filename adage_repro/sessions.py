"""Notebooks run one after the other in this process, each in a session of its own: an engine for papermill."""

import atexit
import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import takewhile

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import rc_context, rc_file_defaults
from nbformat import from_dict
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from traitlets import List, Type
from traitlets.config import Config

from adage_repro.workers import check_told_to_stop

WARM = "warm"  # the engine's name
EVERYTHING = ()  # mimetypes: what a notebook's front end can show


class _Publisher(DisplayPublisher):
    """What `display` calls."""

    def publish(self, data: dict, metadata: dict | None = None, **_: object) -> None:
        self.shell.outputs.append({"output_type": "display_data", "data": data, "metadata": metadata or {}})


class _Hook(DisplayHook):
    """What the value of a cell's last line goes through."""

    def write_output_prompt(self) -> None:
        """A notebook has none."""

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        own = {"execution_count": self.prompt_count, "data": format_dict, "metadata": md_dict or {}}
        self.shell.outputs.append({"output_type": "execute_result", **own})


class Session(InteractiveShell):
    """The Python of a kernel without the kernel: what its cells give is appended to `outputs`, as nbformat stores it."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    outputs = List()

    def showtraceback(self, *given: object, **more: object) -> None:
        if sys.exc_info()[0] is not KeyboardInterrupt:  # whoever stops a run waits for no frames
            super().showtraceback(*given, **more)

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.outputs.append({"output_type": "error", "ename": etype.__name__, "evalue": str(evalue), "traceback": stb})


class _Stream(io.TextIOBase):
    """Standard output or error of a cell; as in a kernel, what is printed without anything shown in between is one output of each."""

    def __init__(self, shell: Session, name: str):
        self.shell, self.name = shell, name

    def write(self, text: str) -> int:
        last = takewhile(lambda output: output["output_type"] == "stream", reversed(self.shell.outputs))
        own = next((output for output in last if output["name"] == self.name), None)
        if own:
            own["text"] += text
        elif text:
            self.shell.outputs.append({"output_type": "stream", "name": self.name, "text": text})
        return len(text)


@contextmanager
def session(shown: tuple[str, ...] = EVERYTHING) -> Iterator[Session]:
    """A session whose variables, warnings and matplotlib settings are those of a process just started, and end with it.

    shown   the mimetypes that are asked of what is displayed: without any other, nothing is drawn only to be thrown away
    """
    main = sys.modules["__main__"]
    Session.clear_instance()
    shell = Session.instance(config=Config({"HistoryManager": {"enabled": False}, "Completer": {"use_jedi": False}}))
    shell.display_formatter.active_types = list(shown or shell.display_formatter.format_types)
    try:
        streams = redirect_stdout(_Stream(shell, "stdout")), redirect_stderr(_Stream(shell, "stderr"))
        with warnings.catch_warnings(), rc_context(), streams[0], streams[1]:
            rc_file_defaults()
            yield shell
    finally:
        atexit.unregister(shell.atexit_operations)
        Session.clear_instance()
        sys.modules["__main__"] = main


class WarmEngine(Engine):
    """Runs a notebook's code cells in this process, up to the first that fails."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, shown: tuple[str, ...] = EVERYTHING, **_: object
    ) -> None:
        with session(shown) as shell:
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                if cell.cell_type == "code":
                    shell.outputs = []
                    done = shell.run_cell(cell.source, store_history=True)
                    cell.update(execution_count=done.execution_count, outputs=[from_dict(output) for output in shell.outputs])
                    check_told_to_stop()
                    if isinstance(done.error_in_exec, KeyboardInterrupt):
                        raise done.error_in_exec
                    if not done.success:
                        nb_man.cell_exception(cell, index)
                nb_man.cell_complete(cell, index)
                if cell.metadata.papermill["exception"]:
                    return


papermill_engines.register(WARM, WarmEngine)
