"""A figure at each point of a grid: what is done is kept, the rest is run on this machine or on a cluster, and all is put together."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd
from tqdm import tqdm

from adage_repro import notebooks, records
from adage_repro.build import made_from
from adage_repro.folders import digest, labelled, place
from adage_repro.grid import typed
from adage_repro.refusals import Refused
from adage_repro.small_multiples import common_name, small_multiples
from adage_repro.staging import STAGING, own_folder, staged
from adage_repro.terminal import say
from adage_repro.workers import why

Points = Mapping[str, Mapping[str, object]]  # all parameters of each, by what one types for it
Run = Callable[[Callable, list], Iterator[tuple[Any, Future]]]  # does work for each item, and gives the item with its job when it ends
_one_at_a_time = Lock()  # a notebook has its process for itself, and a worker of a cluster may have several threads


def sweep(name: str, points: Points, swept: Mapping[str, list], out: Path, run: Run) -> dict[str, str]:
    """Run the notebook `name` at those of `points` that are not done, then write its table and picture; the points that failed, and why.

    swept   the values of the grid, by parameter · run   see `Run`
    Each point has a folder of its own in `out`, which appears when the point is done. OSError: `out` can no longer be written.
    """
    for left in {folder.parent for folder in out.glob(f"{name}-*/{STAGING}*")}:  # where a run was killed
        with _written(left), staged(left):
            pass
    source = made_from(name)
    homes = {point: out / labelled(name, {key: values[key] for key in swept}) for point, values in points.items()}
    left = [point for point, values in points.items() if not _is_done(homes[point], name, values, source)]
    if len(left) < len(points):
        say(f"{len(points) - len(left)} of {len(points)} points are done already")
    failed = {}
    work = partial(run_point, name, source)
    bar = tqdm(total=len(points), initial=len(points) - len(left), desc="sweeping", unit=" points", leave=False, disable=None)
    with bar, closing(run(work, [(point, points[point]) for point in left])) as ended:
        for (point, _), job in ended:
            error = job.exception()
            if error:
                failed[point] = why(error)
            else:
                _store(homes[point], name, job.result(), source)
            bar.update()
            if bar.disable:
                say(f"{point}  {f'failed: {failed[point]}' if error else 'done'}")
    done = {point: values for point, values in points.items() if point not in failed}
    if done:
        _put_together(name, done, swept, homes, out, missing=len(failed))
    if failed:
        lines = (f"  {point}  {error}" for point, error in failed.items())
        say(f"{len(failed)} of {len(points)} points failed; the same command tries them again:", *lines)
    return failed


def files(name: str) -> list[str]:
    """The names of the files that a sweep leaves beside the folders of its points."""
    return [f"{name}_sweep.{kind}" for kind in ("csv", "png", "pdf", "json")]


def run_point(name: str, source: str, point: tuple[str, Mapping[str, object]]) -> dict[str, bytes]:
    """What the notebook leaves at this point of a grid, by file name; runs in a temporary folder, on this machine or on another.

    Refused: the code here is not that of the sweep, whose hash is `source`.
    """
    if made_from(name) != source:
        raise Refused("the code here is not that of the sweep: it has changed since, or is another version")
    with _one_at_a_time, own_folder(Path(tempfile.gettempdir()), "adage_repro-") as room:
        notebooks.execute(notebooks.notebook_of(name), point[1], room / "files", keep_notebook=True, warm=True)
        return {file.name: file.read_bytes() for file in sorted((room / "files").iterdir())}


def _store(home: Path, name: str, files: Mapping[str, bytes], source: str) -> None:
    """Write the files of a point, and with them their hashes and that of what they were made from."""
    stamp = [source, {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}]
    with _written(home), staged(home) as folder:
        for file, content in files.items():
            (folder / file).write_bytes(content)
        (folder / f"{name}.stamp").write_text(json.dumps(stamp), encoding="utf-8")


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    """OSError that names the folder, for whatever keeps files from being written to it."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{place(folder)} cannot be written ({error.strerror or error})") from error


def _is_done(home: Path, name: str, values: Mapping[str, object], source: str) -> bool:
    """Whether the point's files are whole, and made with these parameters from what is here now."""
    try:
        made, files = json.loads((home / f"{name}.stamp").read_text(encoding="utf-8"))
        whole = all(digest(home / file) == own for file, own in files.items())
        return made == source and whole and _record(home, name)["parameters"] == records.plain(values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _record(home: Path, name: str) -> dict[str, Any]:
    return json.loads((home / f"{name}.json").read_text(encoding="utf-8"))


def _put_together(name: str, done: Points, swept: Mapping[str, list], homes: Mapping[str, Path], out: Path, missing: int) -> None:
    """The headline numbers of all points that are done as one long table, and as one picture."""
    rows, headline = [], {}
    for point, values in done.items():
        all_of = {key: typed(value) if isinstance(value, list) else value for key, value in values.items()}
        own = {key: all_of[key] for key in swept}
        for number, value in _record(homes[point], name)["headline"].items():
            rows.append(own | all_of | {"name": common_name(number, own), "value": value})
            headline[", ".join([*(f"{key}={each}" for key, each in own.items()), rows[-1]["name"]])] = value
    table = pd.DataFrame(rows)
    figure, alt = small_multiples(table, list(swept))
    alt += f" {missing} of {missing + len(done)} points failed and are missing." if missing else ""
    both = f"{name}_sweep"
    parameters = next(iter(done.values())) | swept
    with _written(out):
        records.write(out, both, figure, {both: table}, parameters, headline=headline, alt=alt, lines={}, every=1)
