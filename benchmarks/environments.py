"""An environment for each arm, made by pip from the pins in pyproject.toml's group `bench`, and what machine this is."""

import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".cache" / "bench"
PACKAGES = {  # what is pinned for an arm, beside NumPy; the first two run where the library does
    "library": None,
    "numpy": None,
    "numba": "numba",
    "torch": "torch",
    "mesa": "mesa",
    "agent_torch": "agent-torch",
}
SHOWN = {
    "library": ["jax", "jaxlib"],
    "numpy": ["numpy"],
    "numba": ["numba"],
    "torch": ["torch"],
    "mesa": ["mesa"],
    "agent_torch": ["agent-torch"],
}


def pins(arm: str) -> list[str]:
    """What pip is asked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {re.split("==", need)[0]: need for need in project["optional-dependencies"]["bench"]}
    also = [pinned["torch"]] if arm == "agent_torch" else []
    return [pinned[PACKAGES[arm]], *also, f"numpy=={version('numpy')}"]


def python_of(arm: str) -> str | None:
    """The Python of an arm's environment, which is made if it is not there; None, after a line that says why, if it cannot be."""
    if PACKAGES[arm] is None:
        return sys.executable
    home, asked = HOME / arm, "\n".join([platform.python_version(), *pins(arm)])
    python, stamp = home / "bin" / "python", home / "pins"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == asked:
        return str(python)
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
    quiet = ["--quiet", "--no-compile", "--disable-pip-version-check"]
    done = subprocess.run([python, "-m", "pip", "install", *quiet, *pins(arm)], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        print(f"{PACKAGES[arm]} is left out, since it cannot be installed here: {reason[-1]}", flush=True)
        return None
    stamp.write_text(asked, encoding="utf-8")
    return str(python)


def pythons(arms: list[str]) -> dict[str, str]:
    """The Python of each arm that can be had, the environments made side by side."""
    with ThreadPoolExecutor() as pool:
        found = dict(zip(arms, pool.map(python_of, arms), strict=True))
    return {arm: python for arm, python in found.items() if python}


def machine(pythons: dict[str, str]) -> dict:
    """Processor, cores, memory, system and versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": f"{round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30)} GiB",
        "system": f"{platform.system()} on {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for arm, python in pythons.items() for name, found in _versions(python, SHOWN[arm]).items()},
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    names, flags = re.search(r"model name\s*: (.*)", text), re.search(r"^flags\s*: (.*)", text, re.M)
    widest = next((name for name in ("avx512f", "avx2", "avx") if flags and name in flags[1].split()), "")
    return f"{names[1].strip() if names else 'unknown'}{f' ({widest})' if widest else ''}"


def _versions(python: str, packages: list[str]) -> dict[str, str]:
    ask = "import importlib.metadata as m, json, sys; print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    return json.loads(subprocess.run([python, "-c", ask, *packages], capture_output=True, text=True, check=True).stdout)
