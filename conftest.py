"""For nbval: kernels that start side by side never take one another's port, since each talks through sockets of its own."""

from nbval import kernel

from adage_repro.staging import socket

Manager = kernel.KernelManager
kernel.KernelManager = lambda **given: Manager(**given, transport="ipc", ip=socket())
