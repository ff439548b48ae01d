"""Whether a Python has all that requirements.lock asks for, and what environment.yml takes over from the lock.

`python -I environment.py fits` is what the Makefile asks of the Python on the PATH and of .venv's; `python environment.py conda` is part of
`make lock`.
"""

import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CONDA = ROOT / "environment.yml"
CONDA_MACHINES = ({"sys_platform": "linux", "platform_system": "Linux"}, {"sys_platform": "darwin", "platform_system": "Darwin"})


def locked(**machine: str) -> dict[str, str]:
    """Version by package, of those lines of the lock that apply here, or on another machine that markers describe."""
    from packaging.requirements import Requirement

    lines = re.findall(r"^(\w.*?) *\\?$", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M)
    needs = [Requirement(line) for line in lines]
    return {need.name: str(need.specifier).removeprefix("==") for need in needs if need.marker is None or need.marker.evaluate(machine)}


def misfit(asked: str = "") -> str | None:
    """Why the Python that runs this cannot serve this clone: None if it can, an empty text if this clone is not installed in it at all.

    With `asked`, the path of another Python, it must be of that one's version.
    """
    library = find_spec("adage_repro")
    if library is None or library.origin is None or Path(library.origin).resolve().parent != ROOT / "adage_repro":
        return ""
    if asked:
        wanted = subprocess.check_output([asked, "-c", "import platform; print(platform.python_version())"], text=True).strip()
        if wanted != platform.python_version():
            return f"Python is {platform.python_version()} and not {wanted}"
    for package, pinned in locked().items():
        try:
            found = version(package)
        except PackageNotFoundError:
            return f"{package} is missing"
        if found != pinned:
            return f"{package} is {found} and not {pinned}"
    return None


def conda() -> str:
    """environment.yml, its pip part what the lock holds for its Python: without hashes, which pip does not take together with `-e .`."""
    head = CONDA.read_text(encoding="utf-8").split("  - pip:\n")[0]
    python = re.search(r"- python=(3\.\d+)$", head, re.M)[1]
    posix = {"os_name": "posix", "python_version": python, "python_full_version": f"{python}.99"}
    pins = {machine["sys_platform"]: locked(**posix, **machine).items() for machine in CONDA_MACHINES}
    lines = []
    for pin in sorted({pin for there in pins.values() for pin in there}):
        only = [name for name, there in pins.items() if pin in there]
        lines.append("==".join(pin) + (f" ; sys_platform == '{only[0]}'" if len(only) < len(pins) else ""))
    return head + "  - pip:\n" + "".join(f"      - {line}\n" for line in [*lines, "-e ."])


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "conda":
        CONDA.write_text(conda(), encoding="utf-8")
    elif verb == "fits":
        reason = misfit(*arguments)
        if reason:
            print(f"{sys.prefix} is not used: {reason}")
        sys.exit(reason is not None)
    else:
        sys.exit(f"environment.py fits | conda, got {verb!r}")
