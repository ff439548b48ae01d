"""For nbval: kernels that start side by side never take one another's port, since they talk through sockets in a folder of their own."""

from itertools import count
from pathlib import Path
from tempfile import mkdtemp

from nbval import kernel

kernels, sockets, Manager = count(), Path(mkdtemp(prefix="kernels-")), kernel.KernelManager
kernel.KernelManager = lambda **given: Manager(**given, transport="ipc", ip=str(sockets / f"{next(kernels)}"))


def pytest_unconfigure():
    """Leave nothing behind."""
    for file in sockets.iterdir():
        file.unlink()
    sockets.rmdir()
