# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Objects by pickle, shared_memory, and processes of multiprocessing."""

import multiprocessing
import os
import pickle
import queue as standard
import signal
import time
from datetime import timedelta
from multiprocessing import forkserver, resource_tracker

import numpy
import pytest

import ipcshm
from ipcshm.shared_memory import ShareableList, SharedMemory

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture
def queue():
    with ipcshm.Queue(max_messages=8, max_message_size=4096) as opened:
        yield opened


@pytest.mark.parametrize("value", [None, {"a": [1, 2.5, "text"]}, b"x" * 10000, bytearray(b"y" * 5),
                                   list(range(5000))])
def test_objects(queue, value):
    ipcshm.send_object(queue, value)
    assert ipcshm.receive_object(queue) == value


def test_arrays_lie_in_the_region(queue):
    arrays = {"frame": numpy.arange(1 << 18, dtype=numpy.uint32), "mask": numpy.ones(3, dtype=bool)}
    arrays["mask"].flags.writeable = False
    ipcshm.send_object(queue, arrays)
    assert queue.stat().bytes < 1000  # the rest is in a region
    got = ipcshm.receive_object(queue)
    assert (got["frame"] == arrays["frame"]).all() and (got["mask"] == arrays["mask"]).all()
    got["frame"][0] = 7
    assert not got["mask"].flags.writeable
    place = got["frame"].__array_interface__["data"][0]
    with open("/proc/self/maps", encoding="ascii") as file:
        ranges = [line.split()[0].split("-") for line in file if "ipcshm" in line and ".so" not in line]
    assert any(int(start, 16) <= place < int(end, 16) for start, end in ranges)


def test_many_buffers_and_a_long_pickle(queue):
    value = [numpy.full(10, i) for i in range(300)] + ["x" * 9000]
    ipcshm.send_object(queue, value)
    got = ipcshm.receive_object(queue)
    assert all((a == b).all() for a, b in zip(got[:-1], value[:-1])) and got[-1] == value[-1]


def test_what_cannot_be_pickled(queue):
    with pytest.raises((pickle.PicklingError, AttributeError)):
        ipcshm.send_object(queue, lambda: 0)
    assert queue.stat().messages == 0


def test_object_queue():
    objects = ipcshm.ObjectQueue(2)
    assert objects.empty() and not objects.full() and objects.qsize() == 0
    objects.put("one")
    objects.put_nowait({"two": 2})
    assert objects.full() and objects.qsize() == 2
    with pytest.raises(standard.Full):
        objects.put("three", False)
    with pytest.raises(standard.Full):
        objects.put("three", timeout=0.01)
    assert objects.get() == "one" and objects.get_nowait() == {"two": 2}
    with pytest.raises(standard.Empty):
        objects.get(timeout=timedelta(milliseconds=1))
    with pytest.raises(standard.Empty):
        objects.get_nowait()
    objects.close()
    objects.join_thread()
    objects.cancel_join_thread()


def double(requests, answers, region, name):
    """A process: doubles numbers, and writes to a region and to a shared block."""
    region.buf[0] = 5
    with ipcshm.Queue(max_messages=1, max_message_size=8):
        pass
    block = SharedMemory(name)
    block.buf[0] = 6
    block.close()
    while (number := requests.get(timeout=200)) is not None:
        answers.send(b"%d" % (number * 2))


@pytest.mark.parametrize("method", METHODS)
def test_processes_of_multiprocessing(method):
    context = multiprocessing.get_context(method)
    requests = ipcshm.ObjectQueue()
    block = SharedMemory(create=True, size=100)
    with ipcshm.Queue(max_messages=8, max_message_size=64) as answers, ipcshm.Region(size=4096) as region:
        process = context.Process(target=double, args=(requests, answers, region, block.name))
        process.start()
        for i in range(5):
            requests.put(i)
            assert answers.receive(200).data == b"%d" % (i * 2)
        requests.put(None)
        process.join()
        assert process.exitcode == 0
        assert region.buf[0] == 5
        process.close()
    requests.close()
    assert block.buf[0] == 6
    block.close()
    block.unlink()
    # Helpers of the other methods keep descriptors.
    if method == "forkserver":
        forkserver._forkserver._stop()
    if method != "fork":
        resource_tracker._resource_tracker._stop()


def test_shared_memory():
    block = SharedMemory("block", create=True, size=500)
    assert block.name == "block" and block.size >= 500 and len(block.buf) == block.size
    with pytest.raises(FileExistsError):
        SharedMemory("block", create=True, size=500)
    block.buf[:5] = b"hello"
    same = SharedMemory("block")
    copy = pickle.loads(pickle.dumps(block))
    assert bytes(same.buf[:5]) == bytes(copy.buf[:5]) == b"hello"
    for one in same, copy, block:
        one.close()
        one.close()
    again = SharedMemory("block")  # not unlinked yet
    assert bytes(again.buf[:5]) == b"hello"
    again.close()
    same.unlink()
    with pytest.raises(FileNotFoundError):
        SharedMemory("block")
    with pytest.raises(FileNotFoundError):
        same.unlink()
    for arguments in {"size": -1}, {"create": True}, {"create": True, "size": -5}, {}:
        with pytest.raises(ValueError):
            SharedMemory(**arguments)


def test_a_view_keeps_a_block_mapped():
    block = SharedMemory(create=True, size=4096)
    array = numpy.ndarray((10,), dtype=numpy.uint8, buffer=block.buf)
    block.close()
    assert block.buf is None
    array[:] = 3
    other = SharedMemory(block.name)
    assert bytes(other.buf[:10]) == bytes([3]) * 10
    other.close()
    del array
    block.unlink()


def test_a_block_ends_with_its_creator(start, pipe):
    def create():
        block = SharedMemory("orphan", create=True, size=10)
        os.write(pipe[1], b"x")
        time.sleep(60)
        block.close()

    process = start(create)
    os.read(pipe[0], 1)
    SharedMemory("orphan").close()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(FileNotFoundError):
        SharedMemory("orphan")


def test_shareable_list(start):
    numbers = ShareableList([1, 2.5, "text", b"bytes", None, True])
    assert isinstance(numbers.shm, SharedMemory)
    other = ShareableList(name=numbers.shm.name)
    other[0] = 17
    assert list(numbers) == [17, 2.5, "text", b"bytes", None, True] and numbers.count(None) == 1
    copy = pickle.loads(pickle.dumps(numbers))
    assert copy[2] == "text" and type(copy) is ShareableList
    for one in numbers, other, copy:
        one.shm.close()
    numbers.shm.unlink()
