# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Objects for asyncio: descriptors in the event loop, and no threads.

Each class takes an object of the package and has its calls that can wait as coroutines. Timeouts
are those of asyncio: asyncio.timeout() and asyncio.wait_for().
"""

import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import ipcshm

from .errors import HungUp, Timeout
from ._scope import Closing

__all__ = ["Cell", "Client", "Queue", "RingConsumer", "RingProducer", "Server", "Subscriber"]

_Result = TypeVar("_Result")


async def _wait(add: Callable[..., Any], remove: Callable[[int], Any], fd: int) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ready() -> None:
        remove(fd)
        if not future.done():
            future.set_result(None)

    add(fd, ready)
    try:
        await future
    finally:
        remove(fd)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    await _wait(loop.add_reader, loop.remove_reader, fd)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    await _wait(loop.add_writer, loop.remove_writer, fd)


class Queue:
    """A queue: await receive(), await send(), async for.

    Calls that never wait are those of the wrapped queue.
    """

    def __init__(self, queue: ipcshm.Queue) -> None:
        self.queue = queue
        # The loop takes one reader and one writer of a descriptor.
        self._receiving = asyncio.Lock()
        self._sending = asyncio.Lock()

    async def receive(self, **options: Any) -> ipcshm.Message:
        """Receive one message: see ipcshm.Queue.receive()."""
        async with self._receiving:
            while True:
                try:
                    return self.queue.receive(0, **options)
                except Timeout:
                    await _readable(self.queue.fileno())

    async def send(self, data: Any, **options: Any) -> None:
        """Send one message: see ipcshm.Queue.send()."""
        async with self._sending:
            while True:
                try:
                    return self.queue.send(data, 0, **options)
                except Timeout:
                    await _writable(self.queue.fileno())

    def reply(self, request: ipcshm.Message | int, data: Any) -> bool:
        """Reply to a request; never waits."""
        return self.queue.reply(request, data)

    async def __aiter__(self) -> AsyncIterator[ipcshm.Message]:
        while True:
            try:
                message = await self.receive()
            except HungUp:
                return
            yield message


class _Armed(Closing):
    """A descriptor that the library arms for one kind of wait; deaths end each wait, too."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        # The loop waits for EPOLLIN only: an epoll descriptor turns a death (EPOLLPRI) into it.
        self._poll = select.epoll()
        self._poll.register(fd, select.EPOLLIN | select.EPOLLPRI)
        self._one = asyncio.Lock()

    async def _when(self, attempt: Callable[[], _Result], arm: Callable[[int], bool]) -> _Result:
        async with self._one:
            while True:
                try:
                    return attempt()
                except Timeout:
                    if not arm(self._fd):
                        await _readable(self._poll.fileno())
                    else:
                        await asyncio.sleep(0)

    def close(self) -> None:
        """Close the descriptors; the wrapped object stays open."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._poll.close()
            os.close(fd)

    def __del__(self) -> None:
        self.close()


class Subscriber(_Armed):
    """A subscriber of a topic: await take(), async for."""

    def __init__(self, topic: ipcshm.Topic, subscriber: ipcshm.Subscriber | None = None,
                 **options: Any) -> None:
        """Wrap a subscriber, or attach a new one by options of ipcshm.Subscriber."""
        self._fd = -1
        self.subscriber = ipcshm.Subscriber(topic, **options) if subscriber is None else subscriber
        super().__init__(topic.open_fd())

    async def take(self) -> ipcshm.Sample:
        """Take the next sample."""
        return await self._when(lambda: self.subscriber.take(0), self.subscriber.arm)

    async def __aiter__(self) -> AsyncIterator[ipcshm.Sample]:
        while True:
            yield await self.take()


class Client(_Armed):
    """A client of a service: await call(), await take()."""

    def __init__(self, service: ipcshm.Service, client: ipcshm.Client | None = None) -> None:
        self._fd = -1
        self.client = ipcshm.Client(service) if client is None else client
        super().__init__(service.open_fd())

    async def take(self, id: int = 0) -> ipcshm.Reply:
        """Take a reply: see ipcshm.Client.take()."""
        return await self._when(lambda: self.client.take(id, 0), self.client.arm)

    async def call(self, data: Any, *, retry: bool = False) -> bytes:
        """Send a copy as a request, wait for its only reply, and return a copy of it."""
        id = self.client.send(data, retry=retry, timeout=0)
        try:
            reply = await self.take(id)
        except asyncio.CancelledError:
            self.client.cancel(id)
            raise
        with reply:
            return bytes(reply)


class Server(_Armed):
    """A server of a service: await take(), async for."""

    def __init__(self, service: ipcshm.Service, server: ipcshm.Server | None = None) -> None:
        self._fd = -1
        self.server = ipcshm.Server(service) if server is None else server
        super().__init__(service.open_fd())

    async def take(self) -> ipcshm.Request:
        """Take the next request."""
        return await self._when(lambda: self.server.take(0), self.server.arm)

    async def __aiter__(self) -> AsyncIterator[ipcshm.Request]:
        while True:
            yield await self.take()


class RingProducer(_Armed):
    """A producer of a ring in a region: await put()."""

    def __init__(self, producer: ipcshm.RingProducer) -> None:
        self._fd = -1
        self.producer = producer
        super().__init__(os.dup(producer.fileno()))

    async def put(self, data: Any) -> None:
        """Put one item in."""
        await self._when(lambda: self.producer.put(data, 0), self.producer.arm)


class RingConsumer(_Armed):
    """A consumer of a ring in a region: await get(), async for."""

    def __init__(self, consumer: ipcshm.RingConsumer) -> None:
        self._fd = -1
        self.consumer = consumer
        super().__init__(os.dup(consumer.fileno()))

    async def get(self) -> bytes:
        """Get one item out."""
        return await self._when(lambda: self.consumer.get(0), self.consumer.arm)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                item = await self.get()
            except HungUp:
                return
            yield item


class Cell(_Armed):
    """A cell in an area that was opened by its name: await wait(), async for new values."""

    def __init__(self, area: ipcshm.Area, cell: ipcshm.Cell) -> None:
        self._fd = -1
        self.cell = cell
        # A descriptor of its own, since each watches one word.
        with ipcshm.Region(id=area.id, write=False) as region:
            super().__init__(os.dup(region.fileno()))

    async def wait(self, version: int = 0) -> tuple[bytes, int]:
        """Wait for another version than the known one; returns the value and its version."""
        def attempt() -> tuple[bytes, int]:
            if not self.cell.wait(version, 0):
                raise Timeout
            return self.cell.read_version()

        return await self._when(attempt, lambda fd: self.cell.arm(version, fd))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        version = 0
        while True:
            value, version = await self.wait(version)
            yield value
