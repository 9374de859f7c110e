# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Areas: memory with wait operations, in which locks, cells and rings lie."""

import errno
from collections.abc import Callable
from typing import Any

from . import _core
from ._call import TimeoutType, address_of, call, ffi, lib
from ._scope import Closing
from .device import Device, opened
from .errors import Error

__all__ = ["Area"]


class _Opening:
    """The init function of an area, while the area is opened."""

    def __init__(self, function: Callable[["Area"], object] | None, area: "Area") -> None:
        self.function = function
        self.area = area
        handle = area._handle
        self.keep = lambda: bool(handle)
        self.raised: BaseException | None = None


@ffi.def_extern()  # type: ignore[misc]
def python_init(pointer: Any, data: Any) -> int:
    """Call the function that initializes an area; the C library lets others in after it."""
    opening: _Opening = ffi.from_handle(data)
    area = opening.area
    try:
        area._memory = _core.Memory(address_of(pointer.base), pointer.size, False, opening.keep)
        if opening.function is not None:
            opening.function(area)
    except BaseException as raised:
        opening.raised = raised
        return -errno.ECANCELED
    finally:
        area._memory = None
    return 0


class _AreaHandle:
    """A struct ipcshm_area, and the memory that it lies in."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self.guard: _core.Guard | None = None


def _unmap(address: int, size: int) -> None:
    lib.munmap(ffi.cast("void *", address), size)


def map_anonymous(size: int) -> _core.Memory:
    """New memory that is shared with processes which fork() makes."""
    address = lib.map_anonymous(size)
    if address == ffi.NULL:
        raise MemoryError(f"mapping {size} bytes")
    place = address_of(address)
    return _core.Memory(place, size, False, lambda: _unmap(place, size))


class Area(_core.Lender, Closing):
    """Memory that processes share, with the buffer protocol.

    The first Area.HEADER bytes of an area that was opened by name belong to the library.
    """

    HEADER: int = lib.IPCSHM_AREA_HEADER

    def __init__(self, name: str, size: int = 0, *, init: Callable[["Area"], object] | None = None,
                 persistent: bool = False, populate: bool = False, huge: bool = False,
                 mode: int = 0o600, max_size: int = 0, timeout: TimeoutType = None,
                 device: Device | None = None) -> None:
        """Open an area, or create it: all processes make the same call, in any order.

        One process calls init with the area, before any other is let in; if it dies, another one
        begins anew. With size 0, only an existing area is opened.
        """
        pointer = ffi.new("struct ipcshm_area *")
        attr = ffi.new("struct ipcshm_region_attr *", {"size": size, "max_size": max_size})
        flags = ((lib.IPCSHM_PERSISTENT if persistent else 0) |
                 (lib.IPCSHM_POPULATE if populate else 0) | (lib.IPCSHM_HUGE if huge else 0))
        until = _core.deadline(timeout)
        # While it is opened, init sees the area by its structure, which is not closed then.
        handle = _AreaHandle(pointer)
        self._handle: Any = handle
        opening = _Opening(init, self)
        data = ffi.new_handle(opening)
        try:
            with opened(device) as device_fd:
                self.created = call(lib.ipcshm_area_open, pointer, device_fd, name.encode(), flags,
                                    mode if size else 0, attr, lib.python_init, data, until) == 1
        except Error as error:
            self._handle = None
            if opening.raised is not None:
                raise opening.raised from error
            raise
        self.id: int = attr.id
        handle.guard = _core.Guard(lib.ipcshm_area_close, pointer, ())
        self._use(handle)

    @classmethod
    def anonymous(cls, size: int) -> "Area":
        """New memory that is shared with processes which fork() makes. Needs no kernel module.

        The death of a process is not noticed there.
        """
        return cls.of_buffer(map_anonymous(size))

    @classmethod
    def of_buffer(cls, buffer: Any) -> "Area":
        """Memory with the buffer protocol, such as an mmap, as an area without members."""
        area = cls.__new__(cls)
        memory = ffi.from_buffer(buffer, require_writable=True)
        pointer = ffi.new("struct ipcshm_area *")
        call(lib.ipcshm_area_init_futex, pointer, memory, len(memory), ffi.NULL)
        area.created = True
        area.id = 0
        handle = _AreaHandle(pointer)
        handle.guard = _core.Guard(lib.ipcshm_area_destroy, pointer, (memory, buffer))
        area._use(handle)
        return area

    def _use(self, handle: _AreaHandle) -> None:
        self._handle = handle
        area = handle.pointer
        self._memory = _core.Memory(address_of(area.base), area.size, False, lambda: bool(handle))

    @property
    def pointer(self) -> Any:
        """The struct ipcshm_area, for calls of the C library."""
        if self._handle is None:
            raise ValueError("the area is closed")
        return self._handle.pointer

    def close(self) -> None:
        """Leave the area when no object and no view of it is left."""
        self._memory = None
        self._handle = None

    def at(self, kind: str, offset: int, size: int, align: int) -> Any:
        """A pointer to the object of a type at an offset."""
        base, length = address_of(self.pointer.base), int(self.pointer.size)
        if offset < 0 or size > length or offset > length - size or (base + offset) % align:
            raise ValueError(f"no {size} bytes at offset {offset} of an area of {length} bytes, "
                             f"aligned to {align}")
        return ffi.cast(kind, base + offset)

    def __len__(self) -> int:
        return int(self.pointer.size)

    def token(self) -> int:
        """The member token of the calling process; 0: it is not a member."""
        return int(lib.ipcshm_area_token(self.pointer))

    def is_alive(self, token: int) -> bool:
        """Whether a member is alive: one load, no system call."""
        return bool(lib.ipcshm_area_is_alive(self.pointer, token))

    @property
    def deaths(self) -> int:
        """How many members have died."""
        return int(lib.ipcshm_area_deaths(self.pointer))


class InArea:
    """An object of the C library in an area."""

    def __init__(self, area: Area, kind: str, offset: int, size: int, align: int) -> None:
        self._pointer = area.at(kind, offset, size, align)
        self._handle: Any = area._handle

    @property
    def _area(self) -> Any:
        return self._handle.pointer
