# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Message queues."""

import enum
import multiprocessing.reduction
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any

from . import _core
from ._call import TimeoutType, address_of, call, ffi, lib
from ._core import Message
from ._scope import Closing, Releasing
from .device import Device, opened
from .errors import HungUp
from .region import check_opened, open_flags

__all__ = ["Delivery", "MappedMessage", "Message", "Overflow", "Queue", "QueueStat", "UNBOUNDED"]

UNBOUNDED: int = lib.IPCSHM_UNBOUNDED
"""As a capacity: no bound but the sender's quota."""


class Overflow(enum.IntEnum):
    """Treatment of a message without room."""

    BLOCK = 0
    DROP_OLDEST = 1
    DROP_NEWEST = 2


@dataclass(frozen=True)
class QueueStat:
    """The state of a queue."""

    id: int
    uid: int
    gid: int
    mode: int
    flags: int
    max_messages: int
    max_bytes: int
    max_message_size: int
    messages: int
    bytes: int
    senders: int
    receivers: int
    sent: int
    received: int
    dropped: int
    peak_messages: int
    peak_bytes: int
    pool_bytes: int
    pool_used: int
    held: int
    calls: int
    readers: int
    writers: int
    overflow: Overflow
    stalls: int
    unacknowledged: int
    returns: int
    dead_letters: int
    dead_letter_id: int


_STAT = ("max_messages", "max_bytes", "max_message_size", "messages", "bytes", "senders",
         "receivers", "sent", "received", "dropped", "peak_messages", "peak_bytes", "pool_bytes",
         "pool_used", "held", "calls", "readers", "writers", "stalls",
         "unacknowledged", "returns", "dead_letters", "dead_letter_id")


class _Described:
    """The description of a message."""

    def __init__(self, about: Any) -> None:
        self.size: int = about.size
        self.type: int = about.type
        self.priority: int = about.priority
        self.pid: int = about.pid
        self.uid: int = about.uid
        self.gid: int = about.gid
        self.time: int = about.time
        self.request_id: int = about.request_id


class MappedMessage(_core.Lender, _Described, Releasing):
    """A message in the pool of its queue, with the buffer protocol, read-only.

    It stays in place until release(), or until the last view of it is gone.
    """

    def __init__(self, about: Any, memory: _core.Memory) -> None:
        _Described.__init__(self, about)
        self._memory = memory

    def release(self) -> None:
        """Give the message back when there is no view of it."""
        self._memory = None


def _nanoseconds(timeout: TimeoutType) -> int:
    if isinstance(timeout, timedelta):
        timeout = timeout.total_seconds()
    return int((timeout or 0) * 1e9)


class Delivery(_Described):
    """A message that comes back to its queue unless it is acknowledged.

    A with statement acknowledges it at the end; an exception returns it to the queue.
    """

    def __init__(self, queue: "Queue", about: Any, data: bytes, descriptors: tuple[int, ...]) -> None:
        super().__init__(about)
        self._queue = queue
        self._id: int = about.ack_id
        self.data = data
        self.returns: int = about.returns
        self.descriptors = descriptors

    def _end(self, function: Any, *arguments: int) -> None:
        call(function, self._queue.fileno(), ffi.new("unsigned long long[]", [self._id]), 1, *arguments)

    def acknowledge(self) -> None:
        """Remove the message from its queue; Error with ESRCH: it came back already."""
        self._end(lib.ipcshm_ack)
        self._id = 0

    def give_back(self) -> None:
        """Return the message to its queue now."""
        self._end(lib.ipcshm_nack)
        self._id = 0

    def extend(self, timeout: TimeoutType = None) -> None:
        """Set when the message comes back: from now, or None: with the end of the process."""
        self._end(lib.ipcshm_ack_extend, _nanoseconds(timeout))

    def __enter__(self) -> "Delivery":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._id:
            if kind is None:
                self.acknowledge()
            else:
                self.give_back()


class _Pool:
    """A mapped pool, and a descriptor of its own through which messages are given back."""

    def __init__(self, fd: int) -> None:
        self._size = 0
        address, size = ffi.new("const void **"), ffi.new("size_t *")
        call(lib.ipcshm_queue_map, fd, address, size)
        self.fd = os.dup(fd)
        self.address = address_of(address[0])
        self._size = int(size[0])

    def lend(self, offset: int, size: int) -> _core.Memory:
        def free() -> None:
            lib.ipcshm_release(self.fd, ffi.new("uint64_t[]", [offset]), 1)

        return _core.Memory(self.address + offset, size, True, free)

    def __del__(self) -> None:
        if self._size:
            lib.munmap(ffi.cast("void *", self.address), self._size)
            os.close(self.fd)


class Queue(_core.QueueDescriptor, Closing):
    """A message queue.

    Iteration receives messages until the queue has hung up.
    """

    def __init__(self, name: str | None = None, max_messages: int = 0, max_message_size: int = 0, *,
                 create: bool = False, exclusive: bool = False, persistent: bool = False,
                 hangup: bool = False, hangup_early: bool = False, trusted: bool = False,
                 nonblock: bool = False, read: bool = True, write: bool = True,
                 mode: int = 0o600, max_bytes: int = 0, overflow: Overflow = Overflow.BLOCK,
                 pool_bytes: int = 0, max_deliveries: int = 0,
                 dead_letters: "Queue | None" = None, id: int | None = None,
                 device: Device | None = None) -> None:
        """Open a queue by its name or its number, or create it.

        A queue without name and id is created; only its descriptor leads to it. max_messages is
        the capacity; 0: a send returns when a receiver has the message. A message that comes
        back from the last of max_deliveries is dropped, or goes to the queue dead_letters. With
        trusted, an existing queue must belong to the user or root (PermissionError).
        """
        create = create or (name is None and id is None)
        flags = open_flags(write, read, create=create, exclusive=exclusive, persistent=persistent,
                           hangup=hangup, hangup_early=hangup_early, trusted=trusted,
                           nonblock=nonblock, by_id=id is not None)
        if dead_letters is not None:
            flags |= lib.IPCSHM_DEAD_LETTERS
        attr = ffi.new("struct ipcshm_queue_attr *", {
            "max_messages": max_messages, "max_bytes": max_bytes, "pool_bytes": pool_bytes,
            "max_message_size": max_message_size, "overflow": overflow, "id": id or 0,
            "max_deliveries": max_deliveries,
            "dead_letter_fd": 0 if dead_letters is None else dead_letters.fileno()})
        with opened(device) as device_fd:
            fd = lib.ipcshm_queue_open(device_fd, ffi.NULL if name is None else name.encode(), flags,
                                       mode if create else 0, attr)
        check_opened(fd, lib.ipcshm_queue_invalid, attr, "ipcshm_queue_open")
        super().__init__(fd, attr.max_message_size)
        self.id: int = attr.id
        self.created = bool(attr.created)
        self._pool: _Pool | None = None

    @classmethod
    def from_fd(cls, fd: int) -> "Queue":
        """A queue by a descriptor, of which the object takes ownership."""
        queue = cls.__new__(cls)
        stat = _get_stat(fd)
        _core.QueueDescriptor.__init__(queue, fd, stat.max_message_size)
        queue.id = stat.id
        queue.created = False
        queue._pool = None
        return queue

    def close(self) -> None:
        """Close the descriptor; mapped messages stay valid until they are released."""
        self._pool = None
        super().close()

    def stat(self) -> QueueStat:
        """Return the state of the queue."""
        return _get_stat(self.fileno())

    def set_capacity(self, max_messages: int, max_bytes: int = 0) -> None:
        """Change the capacity."""
        call(lib.ipcshm_queue_set, self.fileno(), max_messages, max_bytes)

    def set_busy_poll(self, microseconds: int) -> None:
        """Set how long a call busy-polls before it sleeps; 0, the default, disables polling."""
        call(lib.ipcshm_queue_set_busy_poll, self.fileno(), microseconds)

    def drain(self) -> int:
        """Discard all messages; returns how many they were."""
        count = ffi.new("uint64_t *")
        call(lib.ipcshm_queue_drain, self.fileno(), count)
        return int(count[0])

    def move_to(self, other: "Queue", count: int = UNBOUNDED, *, type: int | None = None) -> int:
        """Move messages to another queue, the next ones first; returns how many they were.

        They keep sender, time, type, priority and descriptors, and have no returns. It ends when
        the other queue takes no more; WouldBlock: none was moved, since it is full.
        """
        number = ffi.new("uint64_t *", count)
        match = 0 if type is None else lib.IPCSHM_TYPE_EQUAL
        call(lib.ipcshm_queue_move, self.fileno(), other.fileno(), match, type or 0, number)
        return int(number[0])

    def wait_peer(self, timeout: TimeoutType = None) -> None:
        """Wait until another descriptor of the queue receives what this one sends, or the reverse."""
        until = _core.deadline(timeout)
        call(lib.ipcshm_queue_wait_peer, self.fileno(), until)

    def cancel(self) -> None:
        """End the waits of this descriptor, now and until undo_cancel(), with ECANCELED."""
        call(lib.ipcshm_queue_cancel, self.fileno(), 0)

    def undo_cancel(self) -> None:
        """Let operations on this descriptor wait again."""
        call(lib.ipcshm_queue_cancel, self.fileno(), lib.IPCSHM_CANCEL_UNDO)

    def revoke(self) -> None:
        """Take the queue away from all processes."""
        call(lib.ipcshm_queue_revoke, self.fileno())

    def receive_mapped(self, timeout: TimeoutType = None) -> MappedMessage:
        """Receive one message where it is, in the pool of the queue: nothing is copied."""
        if self._pool is None:
            self._pool = _Pool(self.fileno())
        until = _core.deadline(timeout)
        offset, about = ffi.new("uint64_t *"), ffi.new("struct ipcshm_message *")
        call(lib.ipcshm_receive_mapped, self._pool.fd, offset, about, until)
        return MappedMessage(about, self._pool.lend(offset[0], about.size))

    def receive_acknowledged(self, timeout: TimeoutType = None, *,
                             return_after: TimeoutType = None) -> Delivery:
        """Receive one message that comes back unless it is acknowledged.

        It also comes back return_after seconds later, and when the process or the object goes.
        """
        room = ffi.new("char[]", max(self.max_message_size, 1))
        fds = ffi.new("int32_t[]", lib.IPCSHM_FDS_MAX)
        about = ffi.new("struct ipcshm_message *", {
            "data": address_of(room), "size": self.max_message_size, "fds": address_of(fds),
            "fd_count": lib.IPCSHM_FDS_MAX})
        size = call(lib.ipcshm_receive_ack, self.fileno(), about, _nanoseconds(return_after),
                    _core.deadline(timeout))
        return Delivery(self, about, bytes(ffi.buffer(room, size)),
                        tuple(fds[0:about.fd_count]))

    def __iter__(self) -> Iterator[Message]:
        while True:
            try:
                message = self.receive()
            except HungUp:
                return
            yield message

    def __reduce__(self) -> tuple[Any, ...]:
        duplicate: Any = multiprocessing.reduction.DupFd(self.fileno())
        return _restore, (type(self), duplicate)


def _get_stat(fd: int) -> QueueStat:
    stat = ffi.new("struct ipcshm_queue_stat *")
    call(lib.ipcshm_queue_get_stat, fd, stat, ffi.sizeof("struct ipcshm_queue_stat"))
    about = stat.stat
    values: dict[str, int] = {name: getattr(stat, name) for name in _STAT}
    return QueueStat(id=about.id, uid=about.uid, gid=about.gid, mode=about.mode, flags=about.flags,
                     overflow=Overflow(stat.overflow), **values)


def _restore(kind: type[Queue], duplicate: Any) -> Queue:
    return kind.from_fd(duplicate.detach())
