"""One arm in a process of its own: python benchmarks/worker.py ARM, which answers a line of JSON with another.

{"job": …, "file": …}   prepare a job and run it: seconds, memory before and at its peak; if a file is named, a digest of what it gave
{}                      run it again
"""

import gc
import importlib
import json
import os
import sys
import time


def memory() -> dict[str, int]:
    """Bytes in use now and at their peak. Linux keeps both by process; elsewhere the peak alone is known."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file if line.startswith(("VmRSS", "VmHWM"))}
        return {"now": found["VmRSS"], "peak": found["VmHWM"]}
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return {"now": peak, "peak": peak}


def digest(result: dict) -> dict:
    """Enough of a result to tell it from another: whole series, of arrays by agent the last row and the mean of each row."""
    import numpy as np

    kept = {}
    for name, values in result.items():
        values = np.asarray(values)
        if name in ("actions", "present", "utilities"):
            kept[f"last {name}"] = values[..., -1, :].astype(float)
            kept[f"largest {name}"] = np.abs(values).max().astype(float)
            values = values.mean(-1)
        kept[name] = values
    return kept


def main(name: str) -> None:
    """Answer until there are no more lines."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a package prints is no answer
    begin = time.perf_counter()
    arm = importlib.import_module(f"arms.{name}_arm")
    answer = {"import": time.perf_counter() - begin}
    import numpy as np
    from jobs import Job

    print(json.dumps(answer), file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        gc.collect()
        if "job" in asked:
            before = memory()["now"]
            run = arm.prepare(Job(**asked["job"]))
        begin = time.perf_counter()
        result = run()
        answer = {"seconds": time.perf_counter() - begin, "before": before, "peak": memory()["peak"]}
        if "file" in asked:
            np.savez(asked["file"], **digest(getattr(arm, "as_arrays", dict)(result)))
        del result
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
