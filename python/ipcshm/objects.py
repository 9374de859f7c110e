# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Python objects through queues, by pickle: receive them from processes that you trust only.

Large buffers, such as those of NumPy arrays, travel in a region and are not copied by the receiver.
"""

import pickle
import queue as _standard
import struct
from datetime import timedelta
from typing import Any

from ._call import TimeoutType
from .errors import Timeout
from .queue import Queue
from .region import Region

__all__ = ["ObjectQueue", "receive_object", "send_object"]

_HEADER = struct.Struct("<QQI")  # bytes of the pickle, number of buffers, 1: all lie in a region
_BUFFER = struct.Struct("<QQI")  # offset, bytes, 1: read-only
_ALIGN = 64


def _align(offset: int) -> int:
    return (offset + _ALIGN - 1) // _ALIGN * _ALIGN


def send_object(queue: Queue, value: Any, timeout: TimeoutType = None, *, type: int = 0,
                priority: int = 0) -> None:
    """Send an object by pickle protocol 5, its buffers in a region of their own.

    A pickle that does not fit into a message lies in the region, too.
    """
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    table, offset = [], 0
    for view in views:
        table.append((offset, view.nbytes, view.readonly))
        offset = _align(offset + view.nbytes)
    header = _HEADER.pack(len(data), len(views), 0) + b"".join(_BUFFER.pack(*row) for row in table)
    # The pickle follows the buffers in the region, or the header in the message.
    fits = len(header) + len(data) <= queue.max_message_size
    if fits and not offset:
        queue.send(header + data, timeout, type=type, priority=priority)
        return
    outside = b"" if fits else header + data
    with Region(size=max(1, offset + len(outside))) as region:
        with region.buf as memory:
            for view, (start, size, _) in zip(views, table):
                memory[start:start + size] = view
            memory[offset:offset + len(outside)] = outside
        message = header + data if fits else _HEADER.pack(offset, len(outside), 1)
        queue.send(message, timeout, type=type, priority=priority, descriptors=[region.fileno()])


def receive_object(queue: Queue, timeout: TimeoutType = None, **options: Any) -> Any:
    """Receive an object from send_object(); arrays in it lie in the sender's region."""
    message = queue.receive(timeout, descriptors=1, **options)
    data = memoryview(message.data)
    region = Region.from_fd(message.descriptors[0]) if message.descriptors else None
    try:
        memory = memoryview(b"") if region is None else region.buf
        first, second, outside = _HEADER.unpack_from(data)
        if outside:
            data = memory[first:first + second]
            first, second, _ = _HEADER.unpack_from(data)
        place = _HEADER.size
        buffers = []
        for _ in range(second):
            start, size, readonly = _BUFFER.unpack_from(data, place)
            view = memory[start:start + size]
            buffers.append(view.toreadonly() if readonly else view)
            place += _BUFFER.size
        return pickle.loads(data[place:place + first], buffers=buffers)
    finally:
        if region is not None:
            region.close()


class ObjectQueue:
    """A queue of objects with the interface of multiprocessing.Queue.

    Processes of fork, spawn and forkserver share it as an argument. It has no thread: put() itself
    waits while the queue is full.
    """

    def __init__(self, maxsize: int = 0, *, max_message_size: int = 65536) -> None:
        """A new queue of at most maxsize objects; 0: of 1024."""
        self._queue = Queue(max_messages=maxsize if maxsize > 0 else 1024,
                            max_message_size=max_message_size)

    def put(self, obj: Any, block: bool = True, timeout: float | timedelta | None = None) -> None:
        """Put an object in; raises queue.Full if there is no room."""
        try:
            send_object(self._queue, obj, timeout if block else 0)
        except Timeout:
            raise _standard.Full from None

    def get(self, block: bool = True, timeout: float | timedelta | None = None) -> Any:
        """Get an object out; raises queue.Empty if there is none."""
        try:
            return receive_object(self._queue, timeout if block else 0)
        except Timeout:
            raise _standard.Empty from None

    def put_nowait(self, obj: Any) -> None:
        """As put(), without waiting."""
        self.put(obj, False)

    def get_nowait(self) -> Any:
        """As get(), without waiting."""
        return self.get(False)

    def qsize(self) -> int:
        """The number of objects."""
        return self._queue.stat().messages

    def empty(self) -> bool:
        """Whether there is no object."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Whether there is no room."""
        stat = self._queue.stat()
        return stat.messages >= stat.max_messages

    def fileno(self) -> int:
        """The queue's descriptor, for select() and multiprocessing.connection.wait()."""
        return self._queue.fileno()

    def close(self) -> None:
        """Close the descriptor of this process."""
        self._queue.close()

    def join_thread(self) -> None:
        """Do nothing: there is no thread, and each put() has sent its object."""

    def cancel_join_thread(self) -> None:
        """Do nothing, as join_thread()."""
