"""For nbval: kernels are forks of one process, and each talks through sockets of its own, so that none takes another's port."""

from unittest.mock import patch

import kernels
from jupyter_client.provisioning import local_provisioner
from nbval import kernel

from adage_repro.staging import socket


class Manager(kernel.KernelManager):
    """A manager of nbval's."""

    def __init__(self, **given: object):
        super().__init__(**given, transport="ipc", ip=socket())

    def start_kernel(self, **given: object) -> None:
        with patch.object(local_provisioner, "launch_kernel", kernels.launch_kernel):
            super().start_kernel(**given)


kernel.KernelManager = Manager
