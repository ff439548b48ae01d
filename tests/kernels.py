"""Kernels for nbval, each a fork of one process that has imported the library and computed nothing: what they import is there at once."""

import multiprocessing
import os

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["ipykernel.kernelapp", "adage_repro.records", "adage_repro.plots", "adage_repro.experiments"])


class Kernel:
    """A kernel's process, as far as what starts and stops it needs to know."""

    stdin = stdout = stderr = None

    def __init__(self, file: str, cwd: str | None):
        ready, begun = SERVER.Pipe(duplex=False)
        self.process = SERVER.Process(target=serve, args=(file, cwd, dict(os.environ), begun), daemon=True)
        self.process.start()
        begun.close()
        ready.recv()  # until it leads a group of its own, its group is that of the tests
        self.pid, self.terminate, self.kill = self.process.pid, self.process.terminate, self.process.kill

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)


def serve(file, cwd, environment, begun):
    """Become the kernel of a connection file."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    begun.send(None)
    os.chdir(cwd or os.getcwd())
    os.environ.update(environment | {"JPY_PARENT_PID": str(os.getppid())})
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    IPKernelApp.launch_instance(["-f", file])


def launch_kernel(cmd: list[str], cwd: str | None = None, **_: object) -> Kernel:
    """In place of jupyter_client's."""
    assert cmd[1:4] == ["-m", "ipykernel_launcher", "-f"] and len(cmd) == 5, f"only kernels of this Python are forked, not {cmd}"
    return Kernel(cmd[4], cwd)
