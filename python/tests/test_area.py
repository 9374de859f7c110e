# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Areas, and the mutexes, conditions, events and cells in them."""

import mmap
import os
import struct
import threading
import time

import pytest

import ipcshm
from ipcshm import Area, Cell, Condition, Event, Mutex

MUTEX, CONDITION, EVENT, DATA = 128, 192, 256, 512


def init(area):
    Mutex(area, MUTEX).init()
    Condition(area, CONDITION).init()
    Event(area, EVENT).init()


@pytest.fixture(params=["region", "anonymous"])
def area(request):
    """Memory of both kinds."""
    if request.param == "region":
        if not os.path.exists("/dev/ipcshm"):
            pytest.skip("the kernel module is not loaded")
        with Area("area", 4096, init=init) as opened:
            yield opened
    else:
        with Area.anonymous(4096) as opened:
            init(opened)
            yield opened


def test_open_or_create():
    calls = []
    with Area("table", 4096, init=lambda area: calls.append(len(area))) as one:
        with Area("table", 4096, init=lambda area: calls.append(0)) as two, Area("table") as three:
            assert (one.created, two.created, three.created) == (True, False, False)
            assert calls == [4096]
            one.buf[DATA] = 5
            assert two.buf[DATA] == three.buf[DATA] == 5
            assert one.is_alive(two.token()) and not one.is_alive(0x12345678)
    with pytest.raises(ipcshm.NotFound):
        Area("table")


def test_an_exception_of_init_comes_back():
    def fail(area):
        raise KeyError("init")

    with pytest.raises(KeyError):
        Area("table", 4096, init=fail)
    with Area("table", 4096) as area:
        assert area.created


def test_a_killed_init_is_begun_anew(start, pipe):
    def stall(area):
        area.buf[DATA] = 1
        os.write(pipe[1], b"x")
        time.sleep(60)

    process = start(lambda: Area("table", 4096, init=stall))
    os.read(pipe[0], 1)
    with pytest.raises(ipcshm.Timeout):
        Area("table", 4096, timeout=0.01)
    process.kill()
    with Area("table", 4096, timeout=60) as area:
        assert area.created and area.buf[DATA] == 0


@pytest.mark.anonymous
def test_objects_have_to_lie_in_the_area(area):
    for offset in -4, 4096, 4092, 2:
        with pytest.raises(ValueError):
            Mutex(area, offset)
    area.close()
    with pytest.raises(ValueError):
        Mutex(area, MUTEX)


@pytest.mark.anonymous
def test_an_area_in_a_buffer():
    memory = mmap.mmap(-1, 4096)
    with Area.of_buffer(memory) as area:
        Mutex(area, 0).init().acquire()
    del area
    memory.close()
    with pytest.raises((BufferError, TypeError, ValueError)):
        Area.of_buffer(bytes(64))


@pytest.mark.anonymous
def test_mutex(area):
    mutex = Mutex(area, MUTEX)
    with mutex:
        assert not Mutex(area, MUTEX).acquire(blocking=False)
        assert not mutex.acquire(timeout=0.01)
    assert mutex.acquire()
    mutex.release()
    with pytest.raises(PermissionError):
        mutex.release()


@pytest.mark.anonymous
def test_a_mutex_excludes_processes(area, start):
    def add():
        mutex = Mutex(area, MUTEX)
        for _ in range(500):
            with mutex:
                value, = struct.unpack_from("Q", area, DATA)
                struct.pack_into("Q", area, DATA, value + 1)

    processes = [start(add) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert struct.unpack_from("Q", area, DATA) == (1500,)


def die_with_mutex(start, pipe, name="area"):
    def hold():
        with Area(name, 4096) as area:
            Mutex(area, MUTEX).acquire()
            os.write(pipe[1], b"x")
            time.sleep(60)

    process = start(hold)
    os.read(pipe[0], 1)
    return process


@pytest.fixture
def region_area():
    with Area("area", 4096, init=init) as opened:
        yield opened


def test_the_death_of_an_owner(region_area, start, pipe):
    mutex = Mutex(region_area, MUTEX)
    die_with_mutex(start, pipe).kill()
    with pytest.raises(ipcshm.OwnerDied):
        mutex.acquire(timeout=60)
    mutex.consistent()
    mutex.release()
    with mutex:
        pass


def test_a_mutex_that_repairs(region_area, start, pipe):
    repaired = []
    mutex = Mutex(region_area, MUTEX, repair=lambda: repaired.append(1))
    process = die_with_mutex(start, pipe)
    thread = threading.Timer(0.1, process.kill)
    thread.start()
    with mutex:
        assert repaired == [1]
    thread.join()
    with mutex:
        assert repaired == [1]


def test_a_mutex_that_nothing_repairs(region_area, start, pipe):
    mutex = Mutex(region_area, MUTEX)
    die_with_mutex(start, pipe).kill()
    with pytest.raises(ipcshm.OwnerDied):
        with mutex:
            pass
    with pytest.raises(ipcshm.NotRecoverable):
        mutex.acquire(timeout=60)


def test_condition(region_area, start):
    mutex, condition = Mutex(region_area, MUTEX), Condition(region_area, CONDITION)
    with mutex:
        assert not condition.wait(mutex, 0.01)
        assert not condition.wait_for(mutex, lambda: False, 0.01)

    def child():
        with Area("area", 4096) as area, Mutex(area, MUTEX):
            area.buf[DATA] = 1
            Condition(area, CONDITION).notify()
            Condition(area, CONDITION).notify_all()

    process = start(child)
    with mutex:
        assert condition.wait_for(mutex, lambda: region_area.buf[DATA] == 1, 60)
    assert process.wait() == 0


def test_a_condition_whose_notifier_dies_with_the_mutex(region_area, start, pipe):
    mutex, condition = Mutex(region_area, MUTEX, repair=lambda: None), Condition(region_area, CONDITION)
    process = die_with_mutex(start, pipe)
    thread = threading.Timer(0.1, process.kill)
    thread.start()
    with mutex:
        assert not condition.wait_for(mutex, lambda: False, 0.01)
    thread.join()


@pytest.mark.anonymous
def test_event(area, start):
    event = Event(area, EVENT)
    assert not event.wait(0) and not event.wait(0.01)
    event.set()
    assert event.wait(0)
    assert not event.wait(0)  # it has reset itself
    process = start(lambda: Event(area, EVENT).set())
    assert event.wait(60)
    assert process.wait() == 0
    event.init(manual=True)
    event.set()
    assert event.wait() and event.wait()
    event.clear()
    assert not event.wait(0)


@pytest.mark.anonymous
def test_cell(area):
    cell = Cell(area, 8, DATA).init(struct.pack("Q", 7))
    assert cell.read() == struct.pack("Q", 7)
    assert cell.read_version() == (struct.pack("Q", 7), 1)
    cell.write(struct.pack("Q", 8))
    assert cell.wait(1, 0)
    assert not cell.wait(2, 0.01)
    room = bytearray(8)
    assert cell.read_into(room) == 2 and room == struct.pack("Q", 8)
    assert not cell.replace(struct.pack("Q", 9), 1)
    assert cell.replace(struct.pack("Q", 9), 2)
    cell.update(lambda value: struct.pack("Q", struct.unpack("Q", value)[0] + 1))
    assert cell.read() == struct.pack("Q", 10)
    with pytest.raises(ValueError):
        cell.write(b"short")
    assert Cell.size_of(65) == 64 + 4 * 128 and Cell(area, 8, DATA).read() == struct.pack("Q", 10)


@pytest.mark.anonymous
def test_a_cell_between_processes(area, start):
    cell = Cell(area, 8, DATA).init()
    process = start(lambda: [cell.write(struct.pack("Q", i)) for i in range(1, 100)])
    version = 0
    while version < 100:
        assert cell.wait(version, 60)
        value, version = cell.read_version()
        assert struct.unpack("Q", value)[0] == version - 1
    assert process.wait() == 0


@pytest.mark.anonymous
def test_views_and_objects_outlive_the_area():
    area = Area.anonymous(4096)
    view = area.buf
    mutex = Mutex(area, MUTEX).init()
    area.close()
    view[0] = 1
    with mutex:
        pass
    view.release()
