# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Topics: publish and subscribe, one sample for any number of readers."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import _core
from ._call import (Attached, Handle, TimeoutType, address_of, attempt, call, do_nothing, ffi, lib,
                    open_handle, text_of)
from ._scope import Discarding, Releasing
from .area import Area, map_anonymous
from .device import Device, opened
from .errors import raise_error

__all__ = ["Loan", "Publisher", "Sample", "Subscriber", "Topic", "TopicStat"]


@dataclass(frozen=True)
class TopicStat:
    """The state of a topic."""

    max_sample_size: int
    history: int
    samples: int
    type: str
    type_version: int
    published: int
    publishers: int
    subscribers: int
    reliable: int
    held: int
    lag: int
    missed: int


class Topic(Attached):
    """A topic. Its publishers and subscribers keep it open."""

    NOUN = "topic"

    def __init__(self, name: str, max_sample_size: int = 0, *, history: int = 0, publishers: int = 0,
                 subscribers: int = 0, max_held: int = 0, max_loans: int = 0, samples: int = 0,
                 type: str = "", type_version: int = 0, persistent: bool = False,
                 populate: bool = False, huge: bool = False, read_only: bool = False,
                 mode: int = 0o600, timeout: TimeoutType = None, device: Device | None = None) -> None:
        """Open a topic by its name, or create it; all processes do so in any order.

        With max_sample_size 0, only an existing topic is opened.
        """
        attr = ffi.new("struct ipcshm_topic_attr *", {
            "max_sample_size": max_sample_size, "history": history, "publishers": publishers,
            "subscribers": subscribers, "max_held": max_held, "max_loans": max_loans,
            "samples": samples, "type_version": type_version, "type": type.encode()})
        flags = ((lib.IPCSHM_PERSISTENT if persistent else 0) |
                 (lib.IPCSHM_POPULATE if populate else 0) | (lib.IPCSHM_HUGE if huge else 0) |
                 (lib.IPCSHM_TOPIC_READ_ONLY if read_only else 0))
        until = _core.deadline(timeout)
        with opened(device) as device_fd:
            self._open = open_handle(
                "struct ipcshm_topic *", lib.ipcshm_topic_open, lib.ipcshm_topic_close, device_fd,
                name.encode(), flags, mode if max_sample_size else 0, attr, until)
        self.name = name
        self.max_sample_size = int(attr.max_sample_size)

    @classmethod
    def anonymous(cls, max_sample_size: int, *, history: int = 0, publishers: int = 0,
                  subscribers: int = 0, max_held: int = 0, max_loans: int = 0,
                  samples: int = 0) -> "Topic":
        """A new topic that is shared with processes which fork() makes. Needs no kernel module.

        The death of a process is not noticed there.
        """
        attr = ffi.new("struct ipcshm_topic_attr *", {
            "max_sample_size": max_sample_size, "history": history, "publishers": publishers,
            "subscribers": subscribers, "max_held": max_held, "max_loans": max_loans,
            "samples": samples})
        sizes = ffi.new("size_t[2]")
        call(lib.ipcshm_topic_size, attr, sizes, sizes + 1)
        area, memory = Area.anonymous(sizes[0]), map_anonymous(sizes[1])
        call(lib.ipcshm_topic_create, area.pointer, 0, attr)
        topic = cls.__new__(cls)
        topic._open = open_handle(
            "struct ipcshm_topic *", lib.ipcshm_topic_attach, do_nothing, area.pointer, 0,
            ffi.cast("void *", memory.address), sizes[1], attr, needs=(area._handle.guard, memory))
        topic.name = ""
        topic.max_sample_size = max_sample_size
        return topic

    def wait(self, publishers: int, subscribers: int, timeout: TimeoutType = None) -> bool:
        """Wait for so many attached publishers and subscribers; False: the timeout passed."""
        until = _core.deadline(timeout)
        result = attempt(lib.ipcshm_topic_wait, self._handle.pointer, publishers, subscribers, until)
        if result in (-errno.ETIMEDOUT, -errno.EAGAIN):
            return False
        if result < 0:
            raise_error(-result, "ipcshm_topic_wait")
        return True

    def stat(self) -> TopicStat:
        """Return the state of the topic."""
        stat = ffi.new("struct ipcshm_topic_stat *")
        self._handle.call(lib.ipcshm_topic_get_stat, stat, ffi.sizeof("struct ipcshm_topic_stat"))
        attr = stat.attr
        return TopicStat(attr.max_sample_size, attr.history, attr.samples, text_of(attr.type),
                         attr.type_version, stat.published, stat.publishers, stat.subscribers,
                         stat.reliable, stat.held, stat.lag, stat.missed)

    def open_fd(self, device: Device | None = None) -> int:
        """Open a descriptor for an event loop, which the caller closes: see Subscriber.arm()."""
        with opened(device) as device_fd:
            return self._handle.call(lib.ipcshm_topic_fd, device_fd)


class Loan(_core.Lender, Discarding):
    """Memory of a sample, with the buffer protocol; discarded unless it is published."""

    def __init__(self, handle: Handle, sample: Any) -> None:
        self._handle: Handle | None = handle
        self._sample = sample
        self._memory = _core.Memory(address_of(sample.data), sample.size, False, lambda: bool(handle))

    @property
    def header(self) -> memoryview:
        """Bytes for the application, zero at first."""
        memory: Any = _core.Memory(address_of(self._sample.header), lib.IPCSHM_TOPIC_HEADER, False,
                                   self._keep())
        return memoryview(memory)

    def _keep(self) -> Any:
        handle = self._handle
        if handle is None:
            raise ValueError("the sample is no longer loaned")
        return lambda: bool(handle)

    def publish(self, size: int | None = None, timeout: TimeoutType = None) -> None:
        """Publish the sample, or its first size bytes; waits for reliable subscribers.

        No view of it may be written to after that.
        """
        if self._handle is None:
            raise ValueError("the sample is no longer loaned")
        until = _core.deadline(timeout)
        if size is not None:
            self._sample.size = size
        self._handle.call(lib.ipcshm_publisher_publish, self._sample, until)
        self._handle = self._memory = None

    def discard(self) -> None:
        """Return the memory."""
        if self._handle is not None:
            self._handle.attempt(lib.ipcshm_publisher_discard, self._sample)
        self._handle = self._memory = None


class Publisher(Attached):
    """Publishes to a topic. One thread at a time uses it; each process attaches its own."""

    NOUN = "publisher"

    def __init__(self, topic: Topic) -> None:
        self._open = open_handle(
            "struct ipcshm_publisher *", lib.ipcshm_publisher_attach, lib.ipcshm_publisher_detach,
            topic._handle.pointer, needs=(topic._handle.guard,))
        self._max_size = topic.max_sample_size

    def loan(self, size: int | None = None, timeout: TimeoutType = None) -> Loan:
        """Get memory for a sample, with undefined content; waits for a subscriber's release."""
        until = _core.deadline(timeout)
        sample = ffi.new("struct ipcshm_sample *")
        self._handle.call(lib.ipcshm_publisher_loan, self._max_size if size is None else size, sample,
                          until)
        return Loan(self._handle, sample)

    def send(self, data: Any, timeout: TimeoutType = None) -> None:
        """Publish a copy."""
        until = _core.deadline(timeout)
        memory = ffi.from_buffer(data)
        self._handle.call(lib.ipcshm_publisher_send, memory, len(memory), until)


class Sample(_core.Lender, Releasing):
    """A sample that was taken, with the buffer protocol, read-only.

    It stays unchanged until release(), or until the last view of it is gone.
    """

    def __init__(self, handle: Handle, sample: Any) -> None:
        self._memory = handle.lend(sample.data, sample.size, True, lib.ipcshm_subscriber_release, sample)
        self.size = int(sample.size)
        self.position = int(sample.position)
        self.number = int(sample.number)
        self.time = int(sample.time)
        self.missed = int(sample.missed)
        self.publisher = int(sample.publisher)
        self._sample = sample

    @property
    def header(self) -> bytes:
        """The bytes of the application."""
        if self._memory is None:
            raise ValueError("the sample was released")
        return bytes(ffi.buffer(self._sample.header, lib.IPCSHM_TOPIC_HEADER))

    def release(self) -> None:
        """Release the sample when there is no view of it."""
        self._memory = None

    def __len__(self) -> int:
        return self.size


class Subscriber(Attached):
    """Takes samples of a topic. One thread at a time uses it; each process attaches its own.

    A reliable subscriber misses no sample: publishers wait for it. history is the number of
    earlier samples that are taken first.
    """

    NOUN = "subscriber"

    def __init__(self, topic: Topic, *, reliable: bool = False, history: int = 0) -> None:
        self._open = open_handle(
            "struct ipcshm_subscriber *", lib.ipcshm_subscriber_attach, lib.ipcshm_subscriber_detach,
            topic._handle.pointer, lib.IPCSHM_TOPIC_RELIABLE if reliable else 0, history,
            needs=(topic._handle.guard,))

    def take(self, timeout: TimeoutType = None) -> Sample:
        """Take the next sample; waits for one."""
        until = _core.deadline(timeout)
        sample = ffi.new("struct ipcshm_sample *")
        self._handle.call(lib.ipcshm_subscriber_take, sample, until)
        return Sample(self._handle, sample)

    def latest(self) -> Sample:
        """Take the latest sample, even if it was taken before; does not wait."""
        sample = ffi.new("struct ipcshm_sample *")
        self._handle.call(lib.ipcshm_subscriber_latest, sample)
        return Sample(self._handle, sample)

    def arm(self, fd: int) -> bool:
        """Have a descriptor of Topic.open_fd() report a sample; True: there is one already."""
        return self._handle.call(lib.ipcshm_subscriber_arm, fd) == 1

    def set_busy_poll(self, nanoseconds: int) -> None:
        """Set how long take() busy-polls before it sleeps; 0 disables polling."""
        self._handle.call(lib.ipcshm_subscriber_set_busy_poll, nanoseconds)

    def __iter__(self) -> Iterator[Sample]:
        while True:
            yield self.take()
