"""benchmarks/*.csv as benchmarks/README.md and the README show them: run times beside other tools, growth with N, memory, first calls."""

import json
import math
from statistics import linear_regression

from adage_repro.docs.code_tables import lines_of, table
from adage_repro.folders import ROOT

BENCHMARKS = ROOT / "benchmarks"
ARMS = {"library": "this library", "numpy": "NumPy", "numba": "numba", "torch": "PyTorch", "mesa": "Mesa", "agent_torch": "AgentTorch"}
TOTALS = {"full": "full histories", "summaries": "summaries only"}
MIB = 2**20 / 1e6


def rows(name: str) -> list[dict[str, str]]:
    """The lines of one of the tables, in which runs of a batch are 0 for a run without a batch."""
    return lines_of(BENCHMARKS / f"{name}.csv")


def job_of(row: dict[str, str]) -> tuple[str, ...]:
    """What tells one job from another, but for what is kept."""
    return tuple(row[name] for name in ("runs", "n_agents", "iterations", "order", "leader"))


def named(row: dict[str, str]) -> str:
    """A job in words."""
    size = f"N = {int(row['n_agents']):,}, I = {int(row['iterations']):,}"
    size = f"{row['runs']} runs of {size}, late entry" if row["runs"] != "0" else size
    return size + (", alternating" if row["order"] == "alternating" else "") + (", leader" if row["leader"] == "True" else "")


def time(seconds: str | float) -> str:
    """Seconds, milliseconds or microseconds with two digits, or three from 100 on."""
    seconds = float(seconds)
    scale, unit = next((scale, unit) for scale, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")) if seconds * scale >= 0.9995 or unit == "µs")
    value = seconds * scale
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f} {unit}" if value else f"0 {unit}"


def ratio(value: str) -> str:
    """How many times as fast, with two digits."""
    return f"{float(value):.2g}"


def timings() -> str:
    """Run times by arm, and in brackets how many times as fast as NumPy each is."""
    found = rows("results")
    parts = []
    for kept, title in TOTALS.items():
        jobs, arms = {}, [arm for arm in ARMS if any(row["arm"] == arm and row["kept"] == kept for row in found)]
        for row in found:
            if row["kept"] == kept:
                jobs.setdefault(job_of(row), {})[row["arm"]] = row
        lines = [[named(next(iter(own.values()))), *(_cell(own.get(arm)) for arm in arms)] for own in jobs.values()]
        parts.append(f"With {title}:\n\n" + table(["job", *(ARMS[arm] for arm in arms)], lines))
    return "\n\n".join(parts)


def _cell(row: dict[str, str] | None) -> str:
    if row is None:
        return "–"
    if not row["run_s"]:
        return f"differs by {float(row['difference']):.0e}"
    return time(row["run_s"]) + ("" if row["arm"] == "numpy" else f" ({ratio(row['speed_up'])})")


def columns() -> str:
    """Everything that is measured of each arm, a line for each job."""
    heading = ["job", "kept", "arm", "import", "compile", "run", "peak memory", "times as fast as NumPy", "difference to NumPy"]
    lines = []
    for row in rows("results"):
        done = [time(row["compile_s"]), time(row["run_s"])] if row["run_s"] else ["–", "–"]
        size, fast = f"{float(row['peak_mb']) / MIB:,.0f} MiB", ratio(row["speed_up"]) if row["run_s"] else "–"
        lines.append(
            [named(row), row["kept"], ARMS[row["arm"]], time(row["import_s"]), *done, size, fast, f"{float(row['difference']):.0e}"]
        )
    return table(heading, lines)


def growth() -> str:
    """The slope of log time per iteration against log N, from a thousand agents on."""
    lines = []
    for arm in ARMS:
        cells = [_slope(arm, leader, kept) for leader in ("False", "True") for kept in TOTALS]
        if set(cells) != {"–"}:
            lines.append([ARMS[arm], *cells])
    heading = ["arm", *(f"{leader}, {kept}" for leader in ("without a leader", "with a leader") for kept in TOTALS.values())]
    return table(heading, lines) + "\n\n" + _in_turn()


def _in_turn() -> str:
    """What a step of one agent takes where they move one after another."""
    found = [
        row for row in rows("results") if (row["arm"], row["order"], row["kept"]) == ("library", "alternating", "full") and row["run_s"]
    ]
    paces = [
        f"{1e9 * float(row['run_s']) / int(row['n_agents']) / int(row['iterations']):.0f} ns "
        + {"True": "with a leader", "False": "without"}[row["leader"]]
        for row in found
    ]
    return f"Alternating, a step of one agent of {int(found[0]['n_agents']):,} takes {' and '.join(paces)}." if found else ""


def _slope(arm: str, leader: str, kept: str) -> str:
    sizes = [
        (math.log(int(row["n_agents"])), math.log(float(row["run_s"]) / int(row["iterations"])))
        for row in rows("results")
        if (row["arm"], row["leader"], row["kept"], row["runs"], row["order"]) == (arm, leader, kept, "0", "simultaneous")
        if row["run_s"] and int(row["n_agents"]) >= 1000
    ]
    return f"{linear_regression(*zip(*sizes, strict=True)).slope:.2f}" if len(sizes) > 2 else "–"


def memory() -> str:
    """Peak memory of a run that keeps summaries, and what each agent adds to it: beyond the peak at a thousand agents."""
    found = rows("memory")
    small = {(row["arm"], row["iterations"]): row for row in found if row["n_agents"] == "1000"}
    lines = []
    for row in found:
        size, own = int(row["n_agents"]), f"{float(row['peak_mb']) / MIB:,.0f} MiB"
        base = small.get((row["arm"], row["iterations"]))
        each = "–" if size == 1000 else f"{1e6 * (float(row['peak_mb']) - float(base['peak_mb'])) / (size - 1000):.0f} bytes"
        lines.append([named(row), ARMS[row["arm"]], own, each])
    return table(["job", "arm", "peak memory", "for each agent more"], lines)


def first_calls() -> str:
    """The first call in a new process, with an empty compilation cache and with a full one."""
    lines = [[named(row), ARMS[row["arm"]], row["cache"], time(row["first_s"]), time(row["run_s"])] for row in rows("first_calls")]
    return table(["job", "arm", "compilation cache", "first call", "a later call"], lines)


def billion() -> str:
    """What one of several devices holds and receives of a billion agents, as the program is compiled."""
    lines = []
    for row in rows("billion"):
        held, agents = (int(row["actions"]) + int(row["working"])), int(float(row["devices"]))
        cells = [f"{int(row['actions']) / 1e9:.3g} GB", f"{int(row['working']) / 1e9:.3g} GB", f"{held * agents / 1e9:,.0f} bytes"]
        lines.append([{"True": "with", "False": "without"}[row["leader"]], row["devices"], *cells, _received(int(row["received"]))])
    heading = ["leader", "devices", "actions on each", "working memory on each", "for an agent, on all", "received by each in an iteration"]
    return table(heading, lines) + "\n\n" + _enough()


def _enough(capacity: float = 80e9, pace: float = 2e12) -> str:
    """How many devices of this capacity hold it, and an estimate of the time for one of them at this many bytes a second."""
    held = {(row["leader"], int(row["devices"])): int(row["actions"]) + int(row["working"]) for row in rows("billion")}
    said = []
    for leader, name in (("False", "Without a leader"), ("True", "With one")):
        least = min(devices for (led, devices), size in held.items() if led == leader and size <= capacity)
        most = max(devices for led, devices in held if led == leader)
        sizes = f"{held[leader, least] / 1e9:.0f} GB on {'one' if least == 1 else f'each of {least}'}"
        said.append(f"{name} it is {sizes} and {held[leader, most] / 1e9:.2g} GB on each of {most}.")
    passes = f"One pass over it at {pace / 1e12:g} TB/s takes {1e3 * held['False', 8] / pace:.1f} ms on each of 8 without a leader"
    return (
        f"- **Devices.** Of {capacity / 1e9:g} GB each, the smallest number in the table that suffices: {' '.join(said)}\n"
        f"- **Time.** {passes}, and an iteration takes a few: an estimate, which was not measured."
    )


def _received(size: int) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size:,} bytes"


def divided() -> str:
    """Time of an iteration on virtual devices."""
    lines = {}
    for row in rows("devices"):
        case = (f"{row['divided']} divided, {'with' if row['leader'] == 'True' else 'without a'} leader").replace(
            "with leader", "with a leader"
        )
        lines.setdefault(case, {})[row["devices"]] = time(row["iteration_s"])
    counts = list(next(iter(lines.values())))
    size = f"{int(rows('devices')[0]['n']):,}"
    return table(
        [f"{size} agents in all, on D devices", *(f"D = {count}" for count in counts)],
        [[case, *own.values()] for case, own in lines.items()],
    )


def picture() -> str:
    """The picture with its alt text."""
    ends = [_pace(arm, "True", "full") for arm in ARMS]
    said = "; ".join(f"{name} {end}" for name, end in zip(ARMS.values(), ends, strict=True) if end)
    return (
        "![Two panels, without and with a leader, both axes logarithmic: nanoseconds for one step of one agent against the number of "
        f"agents, a line for each tool. With a leader and full histories, from the smallest number of agents to the largest: {said}.]"
        "(results.png)"
    )


def _pace(arm: str, leader: str, kept: str) -> str:
    found = [
        (int(row["n_agents"]), 1e9 * float(row["run_s"]) / int(row["n_agents"]) / int(row["iterations"]))
        for row in rows("results")
        if (row["arm"], row["leader"], row["kept"], row["runs"], row["order"]) == (arm, leader, kept, "0", "simultaneous") and row["run_s"]
    ]
    ends = [f"{pace:,.0f} ns at N = {size:,}" for size, pace in (found[0], found[-1])] if found else []
    return ", ".join(dict.fromkeys(ends))


def machine() -> str:
    """What all of it was measured on."""
    here = json.loads((BENCHMARKS / "machine.json").read_text(encoding="utf-8"))
    packages = ", ".join(f"{name} {version}" for name, version in here["packages"].items())
    size = f"{here['cores']} cores and {here['memory']} of memory"
    return f"{here['processor']}, {size}, {here['system']}; Python {here['python']}, {packages}. Numbers are float64."


def speed() -> str:
    """The headline: what the policy experiment takes, and an iteration of the largest run with a leader, beside NumPy."""
    found = [row for row in rows("results") if row["kept"] == "full" and row["leader"] == "True" and row["order"] == "simultaneous"]
    here = json.loads((BENCHMARKS / "machine.json").read_text(encoding="utf-8"))
    policy = {row["arm"]: row for row in found if row["runs"] != "0"}
    largest = {row["arm"]: row for row in found if row["n_agents"] == str(max(int(row["n_agents"]) for row in found))}
    one = {arm: time(float(row["run_s"]) / int(row["iterations"])) for arm, row in largest.items() if row["run_s"]}
    size = f"{int(largest['numpy']['n_agents']):,}"
    return (
        f"On {here['cores']} cores, the {policy['numpy']['runs']} runs of the policy experiment take {time(policy['library']['run_s'])} "
        f"(a plain NumPy program {time(policy['numpy']['run_s'])}), an iteration of N = {size} with the leader {one['library']} "
        f"(NumPy {one['numpy']}): [benchmarks](benchmarks/README.md)."
    )
