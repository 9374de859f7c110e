# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The forms for asyncio."""

import asyncio
import os
import struct
import threading
import time

import pytest

import ipcshm
from ipcshm import aio


def run(coroutine):
    """Run a coroutine, and see that it needed no thread."""
    before = threading.active_count()
    try:
        return asyncio.run(asyncio.wait_for(coroutine, 120))
    finally:
        assert threading.active_count() == before


def test_queue(start, pipe):
    with ipcshm.Queue("aio", 4, 64, create=True) as queue:
        def child():
            with ipcshm.Queue("aio") as other:
                for _ in range(50):
                    message = other.receive()
                    assert not message.request_id
                os.read(pipe[0], 1)
                other.send(b"done")

        async def main():
            wrapped = aio.Queue(queue)
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    ticks += 1
                    # The child sends only after the loop has run beside receive().
                    if ticks == 3:
                        os.write(pipe[1], b"x")
                    await asyncio.sleep(0)

            for i in range(50):
                await wrapped.send(b"%d" % i, type=1)
            ticker = asyncio.create_task(tick())
            message = await wrapped.receive(except_type=1)
            ticker.cancel()
            return message.data, ticks

        process = start(child)
        data, ticks = run(main())
        assert data == b"done" and ticks >= 3
        assert process.wait() == 0


def test_several_receivers_of_a_queue():
    with ipcshm.Queue(max_messages=4, max_message_size=64) as queue:
        async def main():
            wrapped = aio.Queue(queue)
            receivers = [asyncio.create_task(wrapped.receive()) for _ in range(3)]
            await asyncio.sleep(0.01)
            for i in range(3):
                await wrapped.send(b"%d" % i)
            return [message.data for message in await asyncio.gather(*receivers)]

        assert run(main()) == [b"0", b"1", b"2"]


def test_timeouts_and_cancellation():
    with ipcshm.Queue(max_messages=1, max_message_size=64) as queue:
        async def main():
            wrapped = aio.Queue(queue)
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await wrapped.receive()
            await wrapped.send(b"full")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(wrapped.send(b"no room"), 0.01)
            return (await wrapped.receive()).data

        assert run(main()) == b"full"


def test_iteration_over_a_queue_ends_with_a_hang_up(start):
    with ipcshm.Queue("lines", 4, 64, create=True, hangup=True, write=False) as queue:
        def child():
            with ipcshm.Queue("lines", read=False) as sender:
                for i in range(20):
                    sender.send(b"%d" % i)

        async def main():
            return [int(message.data) async for message in aio.Queue(queue)]

        process = start(child)
        assert run(main()) == list(range(20))
        assert process.wait() == 0


def test_requests_of_a_queue(start):
    with ipcshm.Queue("server", 4, 64, create=True) as queue:
        def child():
            with ipcshm.Queue("server") as other:
                for i in range(10):
                    assert other.call(b"%d" % i, 60) == b"%d" % (i + 1)

        async def main():
            wrapped, served = aio.Queue(queue), 0
            async for request in wrapped:
                wrapped.reply(request, b"%d" % (int(request.data) + 1))
                served += 1
                if served == 10:
                    return

        process = start(child)
        run(main())
        assert process.wait() == 0


def test_subscriber(start):
    with ipcshm.Topic("aio", 64) as topic:
        def child():
            with ipcshm.Topic("aio") as other, ipcshm.Publisher(other) as publisher:
                other.wait(0, 1, 60)
                for i in range(30):
                    publisher.send(b"%d" % i, 60)

        async def main():
            numbers = []
            with aio.Subscriber(topic, reliable=True) as subscriber:
                async for sample in subscriber:
                    with sample:
                        numbers.append(int(bytes(sample)))
                    if len(numbers) == 30:
                        return numbers

        process = start(child)
        assert run(main()) == list(range(30))
        assert process.wait() == 0


def test_client_and_server_in_one_loop():
    with ipcshm.Service("aio", 64, 64) as service:
        async def serve(server):
            async for request in server:
                request.reply(bytes(request).upper())

        async def main():
            with aio.Server(service) as server, aio.Client(service) as client:
                task = asyncio.create_task(serve(server))
                answers = [await client.call(b"question %d" % i) for i in range(10)]
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.call(b"no server"), 0.01)
                return answers

        assert run(main()) == [b"QUESTION %d" % i for i in range(10)]


def test_the_death_of_a_server_ends_a_call(start, pipe):
    with ipcshm.Service("aio", 64, 64) as service:
        def child():
            server = ipcshm.Server(ipcshm.Service("aio", 64, 64))
            request = server.take()
            os.write(pipe[1], b"x")
            time.sleep(60)
            request.give_back()

        async def main(process):
            with aio.Client(service) as client:
                call = asyncio.create_task(client.call(b"question"))
                while not service.stat().taken:
                    await asyncio.sleep(0.01)
                os.read(pipe[0], 1)
                process.kill()
                with pytest.raises(ipcshm.OwnerDied):
                    await call

        run(main(start(child)))


def test_rings():
    attributes = ipcshm.RingAttributes(capacity=4, item_size=8, hangup=True)
    with ipcshm.RingConsumer.open("aio", attributes) as consumer:
        producer = ipcshm.RingProducer.open("aio", attributes)

        async def produce():
            with aio.RingProducer(producer) as wrapped:
                for i in range(40):
                    await wrapped.put(b"%8d" % i)

        async def main():
            with aio.RingConsumer(consumer) as wrapped:
                task = asyncio.create_task(produce())
                items = [int(await wrapped.get()) for _ in range(40)]
                await task
                producer.close()
                assert [item async for item in wrapped] == []
                return items

        assert run(main()) == list(range(40))


def test_cell(start):
    size = ipcshm.Cell.size_of(8)
    with ipcshm.Area("aio", 4096, init=lambda area: ipcshm.Cell(area, 8).init()) as area:
        assert size < 4096
        cell = ipcshm.Cell(area, 8)

        def child():
            with ipcshm.Area("aio") as other:
                for i in range(1, 20):
                    ipcshm.Cell(other, 8).write(struct.pack("Q", i))

        async def main():
            with aio.Cell(area, cell) as wrapped:
                async for value in wrapped:
                    if struct.unpack("Q", value) == (19,):
                        return

        process = start(child)
        run(main())
        assert process.wait() == 0
