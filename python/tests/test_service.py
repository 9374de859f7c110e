# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Services."""

import os
import threading
import time

import numpy
import pytest

import ipcshm
from ipcshm import Client, Server, Service


def open_service():
    return Service("render", 4096, 1 << 16)


@pytest.fixture
def service():
    with open_service() as opened:
        yield opened


@pytest.fixture(params=["region", "anonymous"])
def any_service(request):
    """A service in memory of both kinds."""
    if request.param == "anonymous":
        with Service.anonymous(4096, 1 << 16) as opened:
            yield opened
    elif not os.path.exists("/dev/ipcshm"):
        pytest.skip("the kernel module is not loaded")
    else:
        with open_service() as opened:
            yield opened


def serve_one(service):
    with Server(service) as server:
        request = server.take(60)
        request.reply(bytes(request).upper())


@pytest.mark.anonymous
def test_call_and_reply(any_service):
    thread = threading.Thread(target=serve_one, args=[any_service])
    thread.start()
    with Client(any_service) as client:
        assert client.call(b"question", timeout=60) == b"QUESTION"
    thread.join()
    stat = any_service.stat()
    assert (stat.calls, stat.replies, stat.clients, stat.servers) == (1, 1, 0, 0)


@pytest.mark.anonymous
def test_in_place(any_service):
    with Client(any_service) as client, Server(any_service) as server:
        loan = client.loan(400)
        numpy.frombuffer(loan, dtype=numpy.uint32)[:] = range(100)
        id = loan.call()
        request = server.take(0)
        numbers = numpy.frombuffer(request, dtype=numpy.uint32)
        room = request.loan(8)
        numpy.frombuffer(room, dtype=numpy.uint64)[0] = numbers.sum()
        del numbers
        room.reply(status=3)
        with client.take(id, 0) as reply:
            assert numpy.frombuffer(reply, dtype=numpy.uint64)[0] == 4950
            assert (reply.id, reply.status, reply.number, reply.last) == (id, 3, 0, True)
        with pytest.raises(ValueError):
            request.loan(1)
        with pytest.raises(ValueError):
            loan.call()


@pytest.mark.anonymous
def test_a_stream(any_service):
    with Client(any_service) as client, Server(any_service) as server:
        id = client.send(b"count")
        request = server.take(0)
        for i in range(5):
            request.reply(b"%d" % i, more=i < 4, timeout=60)
            with client.take(id, 0) as reply:
                assert (int(bytes(reply)), reply.number, reply.last) == (i, i, i == 4)
        with pytest.raises(ipcshm.NotFound):
            client.take(id, 0)


@pytest.mark.anonymous
def test_timeouts_and_cancel(any_service):
    with Client(any_service) as client, Server(any_service) as server:
        with pytest.raises(ipcshm.Timeout):
            client.call(b"no server takes it", timeout=0.01)
        with pytest.raises(ipcshm.WouldBlock):
            server.take(0)
        id = client.send(b"taken, then cancelled")
        request = server.take(0)
        client.cancel(id)
        with pytest.raises(OSError):
            request.reply(b"too late")


@pytest.mark.anonymous
def test_a_request_without_reply_goes_to_another_server(any_service):
    with Client(any_service) as client, Server(any_service) as one, Server(any_service) as two:
        id = client.send(b"work")
        with one.take(0):
            pass
        request = two.take(60)
        request.reply(b"done")
        assert bytes(client.take(id, 0)) == b"done"


@pytest.mark.parametrize("retry", [False, True])
def test_killed_servers(service, start, pipe, retry):
    def take_and_stall():
        server = Server(open_service())
        request = server.take()
        os.write(pipe[1], b"x")
        time.sleep(60)
        request.reply(b"")

    with Client(service) as client:
        process = start(take_and_stall)
        id = client.send(b"work", retry=retry)
        os.read(pipe[0], 1)
        process.kill()
        if retry:
            with Server(service) as server:
                request = server.take(60)
                assert request.attempt == 1
                request.reply(b"done")
            assert bytes(client.take(id, 60)) == b"done"
        else:
            with pytest.raises(ipcshm.OwnerDied):
                client.take(id, 60)


def test_between_processes(service, start):
    def serve():
        with open_service() as own, Server(own) as server:
            for request in server:
                last = bytes(request) == b"49"
                request.reply(bytes(request) * 2)
                if last:
                    return

    process = start(serve)
    assert service.wait(0, 1, 60)
    with Client(service) as client:
        for i in range(50):
            assert client.call(b"%d" % i, timeout=60) == b"%d%d" % (i, i)
    assert process.wait() == 0
    assert not service.wait(0, 1, 0)


def test_other_sizes_and_closed_handles(service):
    with pytest.raises(OSError):
        Service("render", 8192, 1 << 16)
    client = Client(service)
    client.close()
    with pytest.raises(ValueError):
        client.loan()
    with Client(service) as client:
        with pytest.raises(ipcshm.TooLarge):
            client.loan(1 << 20)
        client.loan(5).discard()
