# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The device /dev/ipcshm."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ._call import call, ffi, lib
from ._scope import Closing
from .errors import Unavailable, raise_error

__all__ = ["Device", "Info", "Quota", "unlink_queue", "unlink_region"]


@dataclass(frozen=True)
class Quota:
    """A quota of the calling user."""

    used: int
    max: int


@dataclass(frozen=True)
class Info:
    """The module's features, and the caller's quotas."""

    abi_version: int
    features: int
    max_message_size: int
    objects: Quota
    region_bytes: Quota
    queue_bytes: Quota
    members: Quota
    waiters: Quota
    descriptors: Quota


class Device(Closing):
    """/dev/ipcshm. Objects that are not given a device open it themselves."""

    def __init__(self) -> None:
        self._fd = -1
        fd: int = lib.ipcshm_open()
        if fd == -errno.ENOENT:
            raise Unavailable(errno.ENOENT, "the kernel module ipcshm is not loaded", "/dev/ipcshm")
        if fd < 0:
            raise_error(-fd, "/dev/ipcshm")
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor; it belongs to the object."""
        if self._fd < 0:
            raise ValueError("the device is closed")
        return self._fd

    def close(self) -> None:
        """Close the descriptor; objects that were opened through it stay open."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def info(self) -> Info:
        """Return the module's features and the caller's quotas."""
        info = ffi.new("struct ipcshm_info *")
        call(lib.ipcshm_get_info, self.fileno(), info, ffi.sizeof("struct ipcshm_info"))
        names = ("objects", "region_bytes", "queue_bytes", "members", "waiters", "descriptors")
        quotas = {name: Quota(getattr(info, name).used, getattr(info, name).max) for name in names}
        return Info(info.abi_version, info.features, info.max_message_size, **quotas)

    def unlink_region(self, name: str) -> None:
        """Remove the name of a region."""
        call(lib.ipcshm_unlink, self.fileno(), lib.IPCSHM_REGION, name.encode())

    def unlink_queue(self, name: str) -> None:
        """Remove the name of a queue."""
        call(lib.ipcshm_unlink, self.fileno(), lib.IPCSHM_QUEUE, name.encode())

    def __del__(self) -> None:
        self.close()


@contextmanager
def opened(device: Device | None) -> Iterator[int]:
    """The descriptor of a device, or of one that is closed at the end."""
    if device is not None:
        yield device.fileno()
        return
    with Device() as own:
        yield own.fileno()


def unlink_region(name: str) -> None:
    """Remove the name of a region."""
    with Device() as device:
        device.unlink_region(name)


def unlink_queue(name: str) -> None:
    """Remove the name of a queue."""
    with Device() as device:
        device.unlink_queue(name)
