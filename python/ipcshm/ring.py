# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Rings: bounded buffers between processes."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import _core
from ._call import Attached, Handle, TimeoutType, address_of, call, ffi, lib, open_handle
from ._scope import Discarding, Releasing
from .area import Area
from .device import Device, opened
from .errors import HungUp

__all__ = ["PeekedItem", "ReservedItem", "RingAttributes", "RingConsumer", "RingLayout", "RingProducer",
           "RingStat"]


class RingLayout(enum.IntEnum):
    """Where the items of a ring lie."""

    SLOTS = lib.IPCSHM_RING_SLOTS
    RECORDS = lib.IPCSHM_RING_RECORDS
    PACKED = lib.IPCSHM_RING_PACKED
    CHUNKS = lib.IPCSHM_RING_CHUNKS


@dataclass(frozen=True)
class RingAttributes:
    """A ring: its layout, its capacity in items (RECORDS, CHUNKS: bytes), bytes of an item."""

    capacity: int
    item_size: int = 0
    layout: RingLayout = RingLayout.SLOTS
    multi_producer: bool = False
    multi_consumer: bool = False
    overwrite: bool = False
    hangup: bool = False
    handles: int = 0

    def _structure(self) -> Any:
        flags = ((lib.IPCSHM_RING_MULTI_PRODUCER if self.multi_producer else 0) |
                 (lib.IPCSHM_RING_MULTI_CONSUMER if self.multi_consumer else 0) |
                 (lib.IPCSHM_RING_OVERWRITE if self.overwrite else 0) |
                 (lib.IPCSHM_RING_HANGUP if self.hangup else 0))
        return ffi.new("struct ipcshm_ring_attr *", {
            "layout": self.layout, "flags": flags, "capacity": self.capacity,
            "item_size": self.item_size, "handles": self.handles})

    def size_of(self) -> int:
        """Bytes of an area that the ring takes."""
        size = ffi.new("size_t *")
        call(lib.ipcshm_ring_size, self._structure(), size)
        return int(size[0])

    def create(self, area: Area, offset: int = Area.HEADER) -> None:
        """Make the ring in an area, before other processes attach; offset is a multiple of 128."""
        call(lib.ipcshm_ring_create, area.pointer, offset, self._structure())


@dataclass(frozen=True)
class RingStat:
    """The state of a ring."""

    put: int
    got: int
    dropped: int
    skipped: int
    returned: int
    wakes: int
    sleeps: int
    producers: int
    consumers: int


_STAT = ("put", "got", "dropped", "skipped", "returned", "wakes", "sleeps", "producers", "consumers")


class ReservedItem(_core.Lender, Discarding):
    """Room in a ring, with the buffer protocol; not put in unless it is committed."""

    def __init__(self, handle: Handle, memory: _core.Memory) -> None:
        self._handle: Handle | None = handle
        self._memory = memory

    def commit(self, size: int | None = None) -> None:
        """Hand the item over to the consumers; of a record, its first size bytes."""
        if self._handle is None or self._memory is None:
            raise ValueError("the item is no longer reserved")
        self._handle.call(lib.ipcshm_ring_commit, len(self._memory) if size is None else size)
        self._handle = self._memory = None

    def discard(self) -> None:
        """Give the room back."""
        if self._handle is not None:
            self._handle.attempt(lib.ipcshm_ring_discard)
        self._handle = self._memory = None


class PeekedItem(_core.Lender, Releasing):
    """An item in a ring, with the buffer protocol, read-only.

    It stays the consumer's until release(), or until its last view is gone.
    """

    def __init__(self, memory: _core.Memory) -> None:
        self._memory = memory

    def release(self) -> None:
        """Be done with the item when there is no view of it."""
        self._memory = None


class _Side(Attached):
    """One side of a ring. One thread at a time uses it; each process attaches its own."""

    NOUN = "ring"

    SIDE = 0

    def __init__(self, area: Area, offset: int = Area.HEADER) -> None:
        """Attach to a ring in an area."""
        self._open = open_handle(
            "struct ipcshm_ring *", lib.ipcshm_ring_attach, lib.ipcshm_ring_detach, area.pointer,
            offset, self.SIDE, needs=(area._handle.guard,))
        self._find_size()

    def _open_by_name(self, name: str, attributes: RingAttributes, flags: int, mode: int,
                      timeout: TimeoutType, device: Device | None) -> bool:
        until = _core.deadline(timeout)
        ring, area = ffi.new("struct ipcshm_ring *"), ffi.new("struct ipcshm_area *")
        with opened(device) as device_fd:
            created = call(lib.ipcshm_ring_open, ring, area, device_fd, name.encode(), flags, mode,
                           attributes._structure(), self.SIDE, until)

        def close(pointer: Any) -> None:
            lib.ipcshm_ring_detach(pointer)
            lib.ipcshm_area_close(area)

        self._open = Handle(ring, close)
        self._find_size()
        return created == 1

    def _find_size(self) -> None:
        status = self._status()
        self.item_size: int = status.attr.item_size
        self.layout = RingLayout(status.attr.layout)

    def wait_peer(self, timeout: TimeoutType = None) -> None:
        """Wait until the other side has a living process."""
        until = _core.deadline(timeout)
        self._handle.call(lib.ipcshm_ring_wait_peer, until)

    def set_busy_poll(self, nanoseconds: int) -> None:
        """Set how long calls busy-poll before they sleep; 0 disables polling."""
        self._handle.call(lib.ipcshm_ring_set_busy_poll, nanoseconds)

    def _status(self) -> Any:
        status = ffi.new("struct ipcshm_ring_status *")
        self._handle.call(lib.ipcshm_ring_get_stat, status, ffi.sizeof("struct ipcshm_ring_status"))
        return status

    def stat(self) -> RingStat:
        """Return the state of the ring."""
        status = self._status()
        return RingStat(**{name: getattr(status, name) for name in _STAT})

    def fileno(self) -> int:
        """The descriptor of the ring's area, for arm(); it belongs to the ring."""
        return self._handle.call(lib.ipcshm_ring_fd)

    def arm(self, fd: int | None = None) -> bool:
        """Have a descriptor report when a refused call may succeed; True: it may already."""
        return self._handle.call(lib.ipcshm_ring_arm, self.fileno() if fd is None else fd) == 1


class RingProducer(_Side):
    """Puts items into a ring."""

    SIDE = lib.IPCSHM_RING_PRODUCER

    @classmethod
    def open(cls, name: str, attributes: RingAttributes, *, persistent: bool = False,
             mode: int = 0o600, timeout: TimeoutType = None,
             device: Device | None = None) -> "RingProducer":
        """Open a ring by its name, or create it, and attach to it."""
        side = cls.__new__(cls)
        side._open_by_name(name, attributes, lib.IPCSHM_PERSISTENT if persistent else 0, mode, timeout,
                           device)
        return side

    def put(self, data: Any, timeout: TimeoutType = None) -> None:
        """Put one item in; waits while the ring is full."""
        until = _core.deadline(timeout)
        memory = ffi.from_buffer(data)
        self._handle.call(lib.ipcshm_ring_put, memory, len(memory), until)

    def put_burst(self, items: Any, timeout: TimeoutType = None) -> int:
        """Put as many of several adjacent items in as there is room for; returns how many."""
        until = _core.deadline(timeout)
        memory = ffi.from_buffer(items)
        if not self.item_size or len(memory) % self.item_size:
            raise ValueError("the buffer does not hold whole items")
        return self._handle.call(lib.ipcshm_ring_put_burst, memory, len(memory) // self.item_size, until)

    def reserve(self, size: int | None = None, timeout: TimeoutType = None) -> ReservedItem:
        """Get room for an item in the ring itself."""
        until = _core.deadline(timeout)
        wanted = self.item_size if size is None else size
        data = ffi.new("void **")
        self._handle.call(lib.ipcshm_ring_reserve, wanted, data, until)
        handle = self._handle
        return ReservedItem(handle, _core.Memory(address_of(data[0]), wanted, False,
                                                 lambda: bool(handle)))


def _release(pointer: Any, item: object) -> None:
    lib.ipcshm_ring_release(pointer)


class RingConsumer(_Side):
    """Gets items out of a ring. Iteration ends when the ring has hung up."""

    SIDE = lib.IPCSHM_RING_CONSUMER

    @classmethod
    def open(cls, name: str, attributes: RingAttributes, *, persistent: bool = False,
             mode: int = 0o600, timeout: TimeoutType = None,
             device: Device | None = None) -> "RingConsumer":
        """Open a ring by its name, or create it, and attach to it."""
        side = cls.__new__(cls)
        side._open_by_name(name, attributes, lib.IPCSHM_PERSISTENT if persistent else 0, mode, timeout,
                           device)
        return side

    def get(self, timeout: TimeoutType = None) -> bytes:
        """Get one item out; waits while the ring is empty."""
        with self.peek(timeout) as item:
            return bytes(item)

    def get_burst(self, count: int, timeout: TimeoutType = None) -> bytes:
        """Get as many items out as there are, up to count, one after the other."""
        until = _core.deadline(timeout)
        room = ffi.new("char[]", count * self.item_size)
        got = self._handle.call(lib.ipcshm_ring_get_burst, room, count, until)
        return bytes(ffi.buffer(room, got * self.item_size))

    def peek(self, timeout: TimeoutType = None) -> PeekedItem:
        """Look at the next item in the ring itself."""
        until = _core.deadline(timeout)
        data = ffi.new("const void **")
        size = self._handle.call(lib.ipcshm_ring_peek, data, until)
        return PeekedItem(self._handle.lend(data[0], size, True, _release, None))

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                item = self.get()
            except HungUp:
                return
            yield item
