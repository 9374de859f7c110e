# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Rings, in regions and in anonymous memory."""

import os
import select
import time

import numpy
import pytest

import ipcshm
from ipcshm import Area, RingAttributes, RingConsumer, RingLayout, RingProducer

ITEMS = RingAttributes(capacity=8, item_size=16)


@pytest.fixture
def area():
    with Area.anonymous(1 << 16) as opened:
        yield opened


@pytest.mark.anonymous
def test_items_in_anonymous_memory(area):
    assert ITEMS.size_of() <= len(area)
    ITEMS.create(area)
    with RingProducer(area) as producer, RingConsumer(area) as consumer:
        producer.put(b"0123456789abcdef")
        assert consumer.get() == b"0123456789abcdef"
        with pytest.raises(ipcshm.WouldBlock):
            consumer.get(0)
        with pytest.raises(ipcshm.Timeout):
            consumer.get(0.01)
        with pytest.raises(ipcshm.TooLarge):
            producer.put(b"short")
        for i in range(8):
            producer.put(bytes([i]) * 16, 0)
        with pytest.raises(ipcshm.WouldBlock):
            producer.put(bytes(16), 0)
        stat = producer.stat()
        assert (stat.put, stat.got, stat.producers, stat.consumers) == (9, 1, 1, 1)
        assert consumer.get_burst(100) == b"".join(bytes([i]) * 16 for i in range(8))
        assert producer.put_burst(bytes(32)) == 2
        with pytest.raises(ValueError):
            producer.put_burst(bytes(17))


@pytest.mark.anonymous
def test_a_ring_between_processes_of_fork(area, start):
    RingAttributes(capacity=4096, layout=RingLayout.RECORDS).create(area)

    def produce():
        with RingProducer(area) as producer:
            producer.wait_peer(60)
            for i in range(1000):
                producer.put(b"%d" % i)

    process = start(produce)
    with RingConsumer(area) as consumer:
        assert [int(consumer.get(60)) for _ in range(1000)] == list(range(1000))
    assert process.wait() == 0


@pytest.mark.anonymous
def test_reserve_and_peek_in_place(area):
    RingAttributes(capacity=4096, layout=RingLayout.RECORDS).create(area)
    with RingProducer(area) as producer, RingConsumer(area) as consumer:
        with producer.reserve(100) as item:
            array = numpy.frombuffer(item, dtype=numpy.uint8)
            array[:50] = 7
            item.commit(50)
        del array
        with consumer.peek(0) as item:
            assert bytes(item) == b"\7" * 50
            array = numpy.frombuffer(item, dtype=numpy.uint8)
            with pytest.raises(ValueError):
                array[0] = 1
        with pytest.raises(OSError):  # the array is a view of the item
            consumer.peek(0)
        del array
        with pytest.raises(ipcshm.WouldBlock):
            consumer.peek(0)
        with producer.reserve(100) as item:
            pass  # discarded
        with pytest.raises(ValueError):
            item.commit()
        with pytest.raises(ipcshm.WouldBlock):
            consumer.get(0)


@pytest.mark.anonymous
def test_a_closed_ring(area):
    ITEMS.create(area)
    with RingProducer(area) as producer:
        with pytest.raises(OSError):
            RingProducer(area)
    with pytest.raises(ValueError):
        producer.put(bytes(16))
    RingProducer(area).close()
    with pytest.raises(OSError):
        RingProducer(area, 4096 + 128)


def test_rings_by_name_and_killed_producers(start):
    attributes = RingAttributes(capacity=8, item_size=16, hangup=True)
    with RingConsumer.open("ring", attributes) as consumer:
        def produce():
            producer = RingProducer.open("ring", attributes)
            for i in range(3):
                producer.put(b"%16d" % i)
            item = producer.reserve()
            item.buf[0] = 1
            time.sleep(60)  # with an item that is not committed

        process = start(produce)
        assert [int(consumer.get(60)) for _ in range(3)] == [0, 1, 2]
        process.kill()
        assert list(consumer) == []
        with pytest.raises(ipcshm.HungUp):
            consumer.get()


def test_overwrite_and_many_producers():
    attributes = RingAttributes(capacity=4, item_size=8, overwrite=True, multi_producer=True)
    with RingConsumer.open("latest", attributes) as consumer:
        with RingProducer.open("latest", attributes) as one, RingProducer.open("latest", attributes) as two:
            for i in range(5):
                one.put(b"%8d" % i)
                two.put(b"%8d" % i)
            assert int(consumer.get(0)) >= 2
            assert consumer.stat().dropped > 0
            one.set_busy_poll(0)


def test_arm_and_poll():
    with RingConsumer.open("polled", ITEMS) as consumer, RingProducer.open("polled", ITEMS) as producer:
        with pytest.raises(ipcshm.WouldBlock):
            consumer.get(0)
        assert not consumer.arm()
        assert not select.select([consumer.fileno()], [], [], 0)[0]
        producer.put(bytes(16))
        assert select.select([consumer.fileno()], [], [], 60)[0]
        assert consumer.arm()


def test_another_ring_of_that_name():
    with RingProducer.open("ring", ITEMS):
        with pytest.raises(OSError):
            RingConsumer.open("ring", RingAttributes(capacity=16, item_size=16))
    assert os.path.exists("/dev/ipcshm")
