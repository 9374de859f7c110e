# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Topics."""

import gc
import os
import time

import numpy
import pytest

import ipcshm
from ipcshm import Publisher, Subscriber, Topic


@pytest.fixture
def topic():
    with Topic("camera", 1 << 16, history=4, type="frame", type_version=2) as opened:
        yield opened


@pytest.fixture(params=["region", "anonymous"])
def any_topic(request):
    """A topic in memory of both kinds."""
    if request.param == "anonymous":
        with Topic.anonymous(1 << 16, history=4) as opened:
            yield opened
    elif not os.path.exists("/dev/ipcshm"):
        pytest.skip("the kernel module is not loaded")
    else:
        with Topic("camera", 1 << 16, history=4) as opened:
            yield opened


@pytest.mark.anonymous
def test_a_frame_without_a_copy(any_topic):
    with Publisher(any_topic) as publisher, Subscriber(any_topic) as subscriber:
        loan = publisher.loan()
        frame = numpy.frombuffer(loan, dtype=numpy.uint16).reshape(128, 256)
        frame[:] = 7
        loan.header[:4] = b"head"
        del frame
        loan.publish()
        with subscriber.take(60) as sample:
            frame = numpy.frombuffer(sample, dtype=numpy.uint16).reshape(128, 256)
            assert (frame == 7).all() and not frame.flags.writeable
            assert sample.header[:4] == b"head" and len(sample) == 1 << 16
            assert (sample.number, sample.missed) == (1, 0)
        assert any_topic.stat().held == 1  # by the array
        assert frame[3, 3] == 7
        del frame
        assert any_topic.stat().held == 0
        with pytest.raises(ValueError):
            memoryview(sample)


@pytest.mark.anonymous
def test_send_and_sizes(any_topic):
    with Publisher(any_topic) as publisher, Subscriber(any_topic) as subscriber:
        publisher.send(b"small")
        assert bytes(subscriber.take(0)) == b"small"
        loan = publisher.loan(100)
        loan.buf[:3] = b"abc"
        loan.publish(3)
        assert bytes(subscriber.take(0)) == b"abc"
        with pytest.raises(ipcshm.TooLarge):
            publisher.loan((1 << 16) + 1)
        with pytest.raises(ValueError):
            loan.publish()
        with pytest.raises(ValueError):
            loan.header


@pytest.mark.anonymous
def test_nothing_new(any_topic):
    with Subscriber(any_topic) as subscriber:
        with pytest.raises(ipcshm.WouldBlock):
            subscriber.take(0)
        with pytest.raises(ipcshm.WouldBlock):
            subscriber.latest()
        with pytest.raises(ipcshm.Timeout):
            subscriber.take(0.01)
        with Publisher(any_topic) as publisher:
            publisher.send(b"1")
            publisher.send(b"2")
        assert bytes(subscriber.latest()) == b"2"
        assert bytes(subscriber.latest()) == b"2"
        with pytest.raises(ipcshm.WouldBlock):
            subscriber.take(0)
        subscriber.set_busy_poll(0)


@pytest.mark.anonymous
def test_a_loan_is_discarded_unless_published(any_topic):
    with Publisher(any_topic) as publisher:
        for _ in range(10):
            with publisher.loan() as loan:
                loan.buf[0] = 1
            publisher.loan().discard()
        assert any_topic.stat().published == 0
        with publisher.loan(timeout=0), publisher.loan(timeout=0):
            with pytest.raises(OSError):
                publisher.loan(timeout=0)


@pytest.mark.anonymous
def test_reliable_subscribers_and_history(any_topic):
    with Publisher(any_topic) as publisher:
        publisher.send(b"early")
        with Subscriber(any_topic, history=1) as late:
            assert bytes(late.take(0)) == b"early"
        with Subscriber(any_topic, reliable=True) as reliable:
            sent = 0
            with pytest.raises(ipcshm.Timeout):
                while sent < 100:
                    publisher.send(b"%d" % sent, 0)
                    sent += 1
            assert [int(bytes(reliable.take(0))) for _ in range(sent)] == list(range(sent))
            assert any_topic.stat().reliable == 1


@pytest.mark.anonymous
def test_missed_samples_are_counted(any_topic):
    with Publisher(any_topic) as publisher, Subscriber(any_topic) as subscriber:
        for i in range(100):
            publisher.send(b"%d" % i)
        first = subscriber.take(0)
        assert int(bytes(first)) == first.missed > 0


def test_between_processes(topic, start):
    def show():
        with Topic("camera") as other, Subscriber(other, reliable=True) as subscriber:
            for expected in range(20):
                assert int(bytes(subscriber.take(60))) == expected

    process = start(show)
    assert topic.wait(0, 1, 60)
    with Publisher(topic) as publisher:
        for i in range(20):
            publisher.send(b"%d" % i, 60)
        assert process.wait() == 0
    assert not topic.wait(0, 1, 0)


def test_killed_peers_leave_nothing(topic, start, pipe):
    def hold():
        subscriber = Subscriber(Topic("camera"), reliable=True)
        os.write(pipe[1], b"x")
        sample = subscriber.take()
        os.write(pipe[1], b"x")
        time.sleep(60)
        sample.release()

    with Publisher(topic) as publisher:
        process = start(hold)
        os.read(pipe[0], 1)
        publisher.send(b"held")
        os.read(pipe[0], 1)
        assert topic.stat().held == 1
        process.kill()
        for _ in range(100):
            publisher.send(b"more", 60)
        stat = topic.stat()
        assert (stat.held, stat.subscribers, stat.publishers) == (0, 0, 1)


def test_stat_and_other_types(topic):
    stat = topic.stat()
    assert (stat.max_sample_size, stat.type, stat.type_version) == (1 << 16, "frame", 2)
    with pytest.raises(OSError):
        Topic("camera", type="another")
    with pytest.raises(ipcshm.NotFound):
        Topic("no such topic")


def test_read_only(topic):
    with Topic("camera", read_only=True) as other:
        with pytest.raises(PermissionError):
            Publisher(other)
        with Subscriber(other) as subscriber, Publisher(topic) as publisher:
            publisher.send(b"seen")
            assert bytes(subscriber.take(0)) == b"seen"


def test_samples_outlive_subscriber_and_topic():
    topic = Topic("camera", 4096)
    with Publisher(topic) as publisher:
        subscriber = Subscriber(topic)
        publisher.send(b"kept")
        sample = subscriber.take(0)
        subscriber.close()
        topic.close()
        for _ in range(50):
            publisher.send(b"other")
    assert bytes(sample) == b"kept"
    sample.release()
    with pytest.raises(ValueError):
        subscriber.take()
    with pytest.raises(ValueError):
        Publisher(topic)


@pytest.mark.anonymous
def test_a_cycle_of_garbage_is_closed_in_order(any_topic):
    class Node:
        pass

    for _ in range(20):
        node = Node()
        node.itself, node.topic = node, any_topic if _ else Topic.anonymous(4096)
        node.publisher, node.subscriber = Publisher(node.topic), Subscriber(node.topic)
        node.publisher.send(b"sample")
        node.sample, node.view = node.subscriber.take(0), node.subscriber.latest().buf
        node.loan = node.publisher.loan()
        del node
        gc.collect()
    assert any_topic.stat().subscribers == any_topic.stat().held == 0


@pytest.mark.anonymous
def test_anonymous_between_processes(start):
    with Topic.anonymous(64) as topic:
        def show():
            with Subscriber(topic, reliable=True) as subscriber:
                for expected in range(20):
                    assert int(bytes(subscriber.take(60))) == expected

        process = start(show)
        assert topic.wait(0, 1, 60)
        with Publisher(topic) as publisher:
            for i in range(20):
                publisher.send(b"%d" % i, 60)
            assert process.wait() == 0
