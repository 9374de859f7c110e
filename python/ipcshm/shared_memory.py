# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A drop-in for multiprocessing.shared_memory, on regions.

A block lives until unlink(), or until the process that created it and all that use it have ended:
no block is left behind, and there is no resource tracker.
"""

import multiprocessing.shared_memory as _standard
import os
import secrets
from types import FunctionType
from typing import Any

from .device import Device
from .errors import Exists, NotFound
from .region import Region, get_stat

__all__ = ["SharedMemory", "ShareableList"]

# Descriptors that keep the blocks which this process has created, until they have no name.
_created: dict[int, int] = {}
_NAMED = 1

# The tests of CPython use these of the standard module.
_SHM_NAME_PREFIX = "/psm_"
_USE_POSIX = True


def _forget_unlinked() -> None:
    for number, fd in list(_created.items()):
        if not get_stat(fd).flags & _NAMED:
            os.close(_created.pop(number))


def _make_filename() -> str:
    return _SHM_NAME_PREFIX + secrets.token_hex(8)


class SharedMemory:
    """A shared memory block, as multiprocessing.shared_memory.SharedMemory."""

    _flags = os.O_RDWR

    def __init__(self, name: str | None = None, create: bool = False, size: int = 0, *,
                 track: bool = True) -> None:
        self._region: Region | None = None
        self._buf: memoryview | None = None
        if size < 0:
            raise ValueError("'size' must be a positive integer")
        if create and size == 0:
            raise ValueError("'size' must be a positive number different from zero")
        if name is None and not create:
            raise ValueError("'name' can only be None if create=True")
        _forget_unlinked()
        if create:
            self._flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._region = self._open_new(size) if name is None else self._open("/" + name.lstrip("/"), size)
        if self._region.created:
            _created[self._region.id] = os.dup(self._region.fileno())
        self._size = self._region.size
        self._buf = self._region.buf

    def _open(self, name: str, size: int) -> Region:
        self._name = name
        create, exclusive = bool(self._flags & os.O_CREAT), bool(self._flags & os.O_EXCL)
        if not exclusive:
            try:
                return Region(name)
            except NotFound:
                if not create:
                    raise
        return Region(name, size, create=True, exclusive=exclusive)

    def _open_new(self, size: int) -> Region:
        while True:
            try:
                return self._open(_make_filename(), size)
            except Exists:
                pass

    @property
    def buf(self) -> memoryview:
        """A view of the block."""
        return self._buf  # type: ignore[return-value]

    @property
    def name(self) -> str:
        """The name that other processes attach to."""
        return self._name.removeprefix("/")

    @property
    def size(self) -> int:
        """Bytes of the block: whole pages."""
        return self._size

    def close(self) -> None:
        """End the use of the block by this object. It stays mapped as long as a view of it exists."""
        self._buf = None
        if self._region is not None:
            self._region.close()
            self._region = None

    def unlink(self) -> None:
        """Remove the block's name: it is gone as soon as nothing uses it."""
        with Device() as device:
            device.unlink_region(self._name)
        _forget_unlinked()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return self.__class__, (self.name, False, self.size)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.name!r}, size={self.size})"


def _with_ours(function: Any) -> Any:
    """A function of the standard module that finds our SharedMemory instead of its own."""
    ours = FunctionType(function.__code__, {**vars(_standard), "SharedMemory": SharedMemory},
                        function.__name__, function.__defaults__, function.__closure__)
    ours.__kwdefaults__ = function.__kwdefaults__
    return ours


class ShareableList(_standard.ShareableList[Any]):
    """A list in shared memory, as multiprocessing.shared_memory.ShareableList."""

    __init__ = _with_ours(_standard.ShareableList.__init__)
