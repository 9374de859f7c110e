# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Cells: the latest value, shared between processes."""

import errno
from collections.abc import Callable
from typing import Any

from . import _core
from ._call import TimeoutType, attempt, call, ffi, lib
from .area import Area, InArea
from .errors import raise_error

__all__ = ["Cell"]


class Cell(InArea):
    """The latest value, of a fixed number of bytes. A killed writer leaves a whole value."""

    MAX: int = lib.IPCSHM_CELL_MAX

    def __init__(self, area: Area, size: int, offset: int = Area.HEADER) -> None:
        super().__init__(area, "struct ipcshm_cell *", offset, self.size_of(size), 64)
        self.size = size

    @staticmethod
    def size_of(size: int) -> int:
        """Bytes of an area that a cell takes for values of a size."""
        return int(ffi.sizeof("struct ipcshm_cell")) + 4 * ((size + 63) // 64 * 64)

    def init(self, value: Any = None) -> "Cell":
        """Make the cell, before other processes use it; without a value, it is zero bytes."""
        call(lib.ipcshm_cell_init, self._pointer, self.size,
             ffi.NULL if value is None else self._value(value))
        return self

    def _value(self, value: Any) -> Any:
        memory = ffi.from_buffer(value)
        if len(memory) != self.size:
            raise ValueError(f"a value of {len(memory)} bytes in a cell of {self.size}")
        return memory

    def read(self) -> bytes:
        """Return the latest value."""
        return self.read_version()[0]

    def read_version(self) -> tuple[bytes, int]:
        """Return the latest value and its version."""
        value, version = ffi.new("char[]", self.size), ffi.new("uint64_t *")
        call(lib.ipcshm_cell_read, self._area, self._pointer, value, self.size, version)
        return bytes(ffi.buffer(value)), int(version[0])

    def read_into(self, buffer: Any) -> int:
        """Copy the latest value into memory of the caller, and return its version."""
        memory, version = ffi.from_buffer(buffer, require_writable=True), ffi.new("uint64_t *")
        call(lib.ipcshm_cell_read, self._area, self._pointer, memory, len(memory), version)
        return int(version[0])

    def write(self, value: Any, timeout: TimeoutType = None) -> None:
        """Replace the value; waits while another process writes."""
        until = _core.deadline(timeout)
        call(lib.ipcshm_cell_write, self._area, self._pointer, self._value(value), self.size, until)

    def replace(self, value: Any, version: int, timeout: TimeoutType = None) -> bool:
        """Write if the cell still has that version; False: it has another one."""
        until = _core.deadline(timeout)
        result = attempt(lib.ipcshm_cell_replace, self._area, self._pointer, self._value(value),
                         self.size, version, until)
        if result < 0 and result != -errno.ESTALE:
            raise_error(-result, "ipcshm_cell_replace")
        return result >= 0

    def update(self, change: Callable[[bytes], Any], timeout: TimeoutType = None) -> None:
        """Replace the value by a function of it, which may be called several times."""
        while True:
            value, version = self.read_version()
            if self.replace(change(value), version, timeout):
                return

    def wait(self, version: int = 0, timeout: TimeoutType = None) -> bool:
        """Wait for another version than the known one; False: the timeout passed."""
        until = _core.deadline(timeout)
        result = attempt(lib.ipcshm_cell_wait, self._area, self._pointer, version, until)
        if result in (-errno.ETIMEDOUT, -errno.EAGAIN):
            return False
        if result < 0:
            raise_error(-result, "ipcshm_cell_wait")
        return True

    def arm(self, version: int, fd: int) -> bool:
        """Have a descriptor of the region report another version; True: there is one already."""
        return call(lib.ipcshm_cell_arm, self._area, self._pointer, version, fd) == 1
