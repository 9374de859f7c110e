# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Queues."""

import errno
import os
import select
import signal
import threading
import time
from datetime import timedelta

import numpy
import pytest

import ipcshm


def in_background(function, *arguments, **keywords):
    thread = threading.Thread(target=function, args=arguments, kwargs=keywords)
    thread.start()
    return thread


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def queue():
    with ipcshm.Queue(max_messages=8, max_message_size=64) as opened:
        yield opened


def test_send_and_receive(queue):
    queue.send(b"hello")
    message = queue.receive()
    assert (message.data, len(message), bytes(message)) == (b"hello", 5, b"hello")
    assert (message.pid, message.uid, message.gid) == (os.getpid(), os.getuid(), os.getgid())
    assert (message.type, message.priority, message.request_id) == (0, 0, 0)
    assert message.descriptors == ()
    assert abs(message.time - time.monotonic_ns()) < 60e9
    assert "hello" in repr(message)


@pytest.mark.parametrize("data", [b"bytes", bytearray(b"array"), memoryview(b"a view"),
                                  numpy.arange(6, dtype=numpy.uint8), b""])
def test_payloads_have_the_buffer_protocol(queue, data):
    queue.send(data)
    assert queue.receive().data == bytes(data)


def test_a_queue_by_its_name():
    with ipcshm.Queue("named", 4, 32, create=True) as one, ipcshm.Queue("named") as two:
        assert one.created and not two.created and one.id == two.id
        one.send(b"x")
        assert two.receive(0).data == b"x"
        assert two.max_message_size == 32
        assert ipcshm.Queue(id=one.id).id == one.id


def test_priorities_and_types(queue):
    queue.send(b"low", priority=1, type=5)
    queue.send(b"high", priority=2, type=6)
    queue.send(b"other", priority=0, type=7)
    assert queue.receive(type=7).data == b"other"
    assert queue.receive(up_to_type=6).type == 5
    queue.send(b"again", type=5)
    assert queue.receive(except_type=6).data == b"again"
    message = queue.receive()
    assert (message.data, message.priority, message.type) == (b"high", 2, 6)
    with pytest.raises(TypeError):
        queue.receive(type=1, except_type=2)
    with pytest.raises(TypeError):
        queue.receive(colour=1)
    with pytest.raises(OSError):
        queue.send(b"", priority=1 << 40)


@pytest.mark.parametrize("timeout", [0, 0.01, timedelta(milliseconds=1)])
def test_timeouts(queue, timeout):
    with pytest.raises(ipcshm.Timeout):
        queue.receive(timeout)
    for _ in range(8):
        queue.send(b"", timeout=timeout)
    with pytest.raises(TimeoutError):
        queue.send(b"", timeout)


def test_zero_would_block(queue):
    with pytest.raises((ipcshm.WouldBlock, ipcshm.Timeout)):
        queue.receive(0)
    queue.send(b"x", 0)
    assert queue.receive(timeout=0).data == b"x"


def test_large_messages_and_those_that_are_too_large():
    with ipcshm.Queue(max_messages=2, max_message_size=1 << 20) as queue:
        large = os.urandom(1 << 20)
        queue.send(large)
        queue.send(b"small")
        assert queue.receive().data == large
        assert queue.receive().data == b"small"
        with pytest.raises(ipcshm.TooLarge):
            queue.send(large + b"x")
        room = bytearray(10)
        queue.send(b"more than ten bytes")
        with pytest.raises(ipcshm.TooLarge):
            queue.receive_into(room)
        room = bytearray(64)
        message = queue.receive_into(room)
        assert (message.data, message.size) == (None, 19)
        assert room[:19] == b"more than ten bytes"


def test_descriptors(queue):
    with ipcshm.Region(size=4096) as region:
        queue.send(b"region", descriptors=[region.fileno()])
        message = queue.receive(descriptors=4)
        received, = message.descriptors
        with ipcshm.Region.from_fd(received) as same:
            same.buf[0] = 3
        assert region.buf[0] == 3
        queue.send(b"dropped", descriptors=[region.fileno()])
        assert queue.receive().descriptors == ()
        with pytest.raises(ValueError):
            queue.send(b"", descriptors=[0] * 17)
        with pytest.raises(ValueError):
            queue.receive(0, descriptors=17)


def test_call_and_reply(queue):
    def serve():
        request = queue.receive(60)
        assert queue.reply(request, request.data.upper())
        assert not queue.reply(request, b"twice")

    thread = in_background(serve)
    assert queue.call(b"question", 60) == b"QUESTION"
    thread.join()
    with pytest.raises(TimeoutError):
        queue.call(b"no server", 0.01)
    queue.send(b"no request")
    with pytest.raises(ValueError):
        queue.reply(queue.receive(), b"")


def test_a_call_ends_with_its_server(start):
    with ipcshm.Queue("served", 4, 64, create=True) as queue:
        def serve():
            ipcshm.Queue("served").receive()
            time.sleep(60)

        process = start(serve)
        wait_until(lambda: queue.stat().receivers == 1)
        thread = in_background(lambda: (wait_until(lambda: queue.stat().received == 1), process.kill()))
        with pytest.raises(ipcshm.HungUp):
            queue.call(b"question", 60)
        thread.join()


def test_batches(queue):
    assert queue.send_batch([b"one", b"two", b"three"], type=3) == 3
    messages = queue.receive_batch(10, 60)
    assert [message.data for message in messages] == [b"one", b"two", b"three"]
    assert {message.type for message in messages} == {3}
    assert queue.send_batch([]) == 0
    assert queue.send_batch([b"x"] * 20, 0) == 8
    assert len(queue.receive_batch(3)) == 3
    with pytest.raises(ValueError):
        queue.receive_batch(0)
    with pytest.raises(TypeError):
        queue.send_batch([b"x", "text"])
    queue.drain()
    with pytest.raises(ipcshm.Timeout):
        queue.receive_batch(3, 0)


def test_iteration_ends_with_a_hang_up(start):
    with ipcshm.Queue("lines", 4, 64, create=True, hangup=True, write=False) as queue:
        def child():
            with ipcshm.Queue("lines", read=False) as sender:
                for i in range(20):
                    sender.send(b"%d" % i)
        process = start(child)
        assert [int(message.data) for message in queue] == list(range(20))
        assert process.wait() == 0


def test_a_sender_without_receivers_fails():
    with ipcshm.Queue("pipe", 4, 64, create=True, hangup=True, read=False) as sender:
        ipcshm.Queue("pipe", write=False).close()
        with pytest.raises(BrokenPipeError) as broken:
            sender.send(b"x")
        assert isinstance(broken.value, ipcshm.HungUp)


def test_early_hang_up_holds_before_the_first_receiver():
    with ipcshm.Queue("early", 4, 64, create=True, hangup=True, hangup_early=True, read=False) as sender:
        with pytest.raises(ipcshm.HungUp):
            sender.send(b"x")
        with ipcshm.Queue("early", write=False):
            sender.send(b"x")


def test_a_sender_waits_for_a_receiver(start):
    with ipcshm.Queue("awaited", 4, 64, create=True, read=False) as sender:
        with pytest.raises(ipcshm.Timeout):
            sender.wait_peer(0)

        def child():
            ipcshm.Queue("awaited", write=False).receive()
        process = start(child)
        sender.wait_peer(60)
        sender.send(b"x")
        assert process.wait() == 0


def test_cancel_ends_the_receive_of_a_thread(queue):
    ends = []

    def receive():
        try:
            queue.receive()
        except OSError as error:
            ends.append(error.errno)
    thread = in_background(receive)
    wait_until(lambda: queue.stat().receivers == 1)
    queue.cancel()
    thread.join()
    assert ends == [errno.ECANCELED]
    queue.undo_cancel()
    thread = in_background(queue.receive)
    wait_until(lambda: queue.stat().receivers == 1)
    queue.send(b"x")
    thread.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a queue of another user")
def test_a_trusted_queue_is_no_other_users():
    os.seteuid(1001)
    try:
        squatter = ipcshm.Queue("well-known", 4, 64, create=True, mode=0o666)
    finally:
        os.seteuid(0)
    with squatter:
        ipcshm.Queue("well-known").close()
        with pytest.raises(PermissionError):
            ipcshm.Queue("well-known", trusted=True)


def test_overflow():
    with ipcshm.Queue(max_messages=2, max_message_size=8, overflow=ipcshm.Overflow.DROP_OLDEST) as queue:
        for i in range(5):
            queue.send(b"%d" % i, 0)
        assert [queue.receive(0).data for _ in range(2)] == [b"3", b"4"]
        stat = queue.stat()
        assert (stat.dropped, stat.overflow) == (3, ipcshm.Overflow.DROP_OLDEST)


def test_messages_move_to_another_queue(queue):
    with ipcshm.Queue(max_messages=2, max_message_size=64) as other:
        for i in range(3):
            queue.send(bytes([i]), type=i)
        assert queue.move_to(other, type=1) == 1
        assert queue.move_to(other) == 1
        assert [other.receive(0).data for _ in range(2)] == [b"\1", b"\0"]
        assert queue.move_to(other, 5) == 1 and queue.move_to(other) == 0


def test_capacity_drain_and_busy_poll(queue):
    queue.set_capacity(2)
    queue.set_busy_poll(50)
    queue.send(b"a")
    queue.send(b"b")
    with pytest.raises(ipcshm.Timeout):
        queue.send(b"c", 0)
    assert queue.drain() == 2
    assert queue.stat().messages == 0


def test_mapped_messages():
    with ipcshm.Queue(max_messages=4, max_message_size=1 << 16, pool_bytes=1 << 20) as queue:
        queue.send(b"x" * 60000, type=4)
        with queue.receive_mapped() as message:
            view = memoryview(message)
            assert view.readonly and bytes(view) == b"x" * 60000 and message.type == 4
            array = numpy.frombuffer(message, dtype=numpy.uint8)
            assert queue.stat().held == 1
        assert queue.stat().held == 1  # the views hold it
        view.release()
        del array
        assert queue.stat().held == 0
        queue.send(b"later")
        kept = queue.receive_mapped()
    assert bytes(memoryview(kept)) == b"later"  # also after close()
    with kept:
        pass
    with pytest.raises(ValueError):
        memoryview(kept)


def test_poll(queue):
    assert select.select([queue], [queue], [], 0) == ([], [queue], [])
    queue.send(b"x")
    assert select.select([queue], [], [], 0)[0] == [queue]


def test_signal_handlers_run_and_the_wait_goes_on(queue):
    handled = []

    def handler(number, frame):
        handled.append(number)
        if len(handled) == 3:
            signal.setitimer(signal.ITIMER_REAL, 0)
            queue.send(b"from the handler")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        assert queue.receive(60).data == b"from the handler"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(handled) == 3


def test_an_exception_of_a_handler_ends_the_wait(queue):
    def handler(number, frame):
        raise KeyError("handler")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyError):
            queue.receive(60)
        thread = in_background(queue.receive, 60)  # a server that does not reply
        wait_until(lambda: queue.stat().receivers == 1)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyError):
            queue.call(b"request", 60)
        thread.join()
        assert queue.stat().calls == 0
    finally:
        signal.signal(signal.SIGALRM, before)


def test_other_threads_run_while_one_waits(queue):
    thread = in_background(lambda: (wait_until(lambda: queue.stat().receivers == 1), queue.send(b"x")))
    assert queue.receive(60).data == b"x"
    thread.join()


def test_a_killed_receiver_loses_no_message(start):
    with ipcshm.Queue("jobs", 8, 64, create=True) as queue:
        process = start(lambda: ipcshm.Queue("jobs").receive())
        wait_until(lambda: queue.stat().receivers == 1)
        process.kill()
        queue.send(b"job")
        assert queue.receive(0).data == b"job"


def test_a_closed_queue(queue):
    queue.close()
    with pytest.raises(ValueError):
        queue.fileno()
    with pytest.raises(OSError):
        queue.receive()
    queue.close()


def test_revoke(queue):
    thread = in_background(lambda: (wait_until(lambda: queue.stat().receivers == 1), queue.revoke()))
    with pytest.raises(ipcshm.Revoked):
        queue.receive(60)
    thread.join()


@pytest.mark.parametrize("arguments", [(), (b"x", 1, 2), ("text",), (5,)])
def test_invalid_arguments(queue, arguments):
    with pytest.raises(TypeError):
        queue.send(*arguments)


def test_invalid_attributes_are_named():
    with pytest.raises(ipcshm.Error, match="invalid argument: max_message_size"):
        ipcshm.Queue(max_messages=1)


def test_a_delivery_is_acknowledged(queue):
    queue.send(b"job", type=3, priority=2)
    with queue.receive_acknowledged(0) as job:
        assert (job.data, job.type, job.priority, job.returns) == (b"job", 3, 2, 0)
        assert queue.stat().unacknowledged == 1
        with pytest.raises(ipcshm.Timeout):
            queue.receive(0)
    assert queue.stat().messages == 0


def test_a_delivery_that_fails_comes_back(queue):
    queue.send(b"job")
    with pytest.raises(ZeroDivisionError):
        with queue.receive_acknowledged(0):
            1 / 0
    job = queue.receive_acknowledged(0)
    assert (job.data, job.returns) == (b"job", 1)
    job.acknowledge()
    with pytest.raises(ipcshm.Error) as caught:
        job.acknowledge()
    assert caught.value.errno == errno.ESRCH


def test_a_delivery_comes_back_in_time(queue):
    queue.send(b"job")
    job = queue.receive_acknowledged(0, return_after=3600)
    job.extend(timedelta(milliseconds=20))
    again = queue.receive_acknowledged(60)
    assert (again.data, again.returns) == (b"job", 1)
    again.give_back()
    assert queue.receive(0).data == b"job"


def test_a_message_is_dropped_after_its_last_delivery():
    with ipcshm.Queue(max_messages=8, max_message_size=64, max_deliveries=2) as queue:
        queue.send(b"job")
        for _ in range(2):
            queue.receive_acknowledged(0).give_back()
        stat = queue.stat()
        assert (stat.messages, stat.dead_letters, stat.dropped) == (0, 1, 1)


def test_a_message_goes_to_the_dead_letters_after_its_last_delivery():
    with ipcshm.Queue(max_messages=8, max_message_size=64) as dead, \
         ipcshm.Queue(max_messages=8, max_message_size=64, max_deliveries=1,
                      dead_letters=dead) as queue:
        queue.send(b"job", type=3)
        queue.receive_acknowledged(0).give_back()
        assert queue.stat().dead_letter_id == dead.id
        message = dead.receive(0)
        assert (message.data, message.type, queue.stat().dropped) == (b"job", 3, 0)
