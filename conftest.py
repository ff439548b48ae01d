"""For nbval: kernels are forks of one process, and each talks through sockets of its own, so that none takes another's port."""

import kernels  # noqa: F401
from nbval import kernel

from adage_repro.staging import socket

Manager = kernel.KernelManager
kernel.KernelManager = lambda **given: Manager(**given, transport="ipc", ip=socket())
