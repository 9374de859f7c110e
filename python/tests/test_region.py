# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Regions."""

import os
import select
import struct
import threading
import time
from datetime import timedelta

import numpy
import pytest

import ipcshm


def test_two_opens_share_the_memory():
    with ipcshm.Region("shared", 4096, create=True) as one, ipcshm.Region("shared") as two:
        assert one.created and not two.created and one.id == two.id
        one.buf[10:15] = b"hello"
        assert bytes(two.buf[10:15]) == b"hello"
        assert len(two) == two.size == 4096


def test_numpy_works_on_the_memory_itself():
    with ipcshm.Region(size=8192) as region:
        array = numpy.frombuffer(region, dtype=numpy.uint32)
        array[3] = 77
        assert struct.unpack_from("I", region, 12) == (77,)
        assert array.__array_interface__["data"][0] == region._memory.address
        del array


def test_views_outlive_the_region():
    region = ipcshm.Region(size=4096)
    view = memoryview(region)
    region.close()
    view[0] = 1
    assert view[0] == 1
    with pytest.raises(ValueError):
        memoryview(region)
    with pytest.raises(ValueError):
        region.fileno()
    view.release()


def test_read_only_memory_cannot_be_written():
    with ipcshm.Region("readonly", 4096, create=True), ipcshm.Region("readonly", write=False) as region:
        assert memoryview(region).readonly
        with pytest.raises(TypeError):
            region.buf[0] = 1


def test_resize():
    with ipcshm.Region(size=4096, max_size=16384) as region:
        region.resize(8192)
        assert len(memoryview(region)) == 8192
        region.buf[8191] = 5
        assert region.stat().max_size == 16384
        with pytest.raises(OSError):
            region.resize(1 << 20)


def test_unbounded_region_is_mapped_as_it_grows():
    with ipcshm.Region(max_size=ipcshm.UNBOUNDED) as region, \
            ipcshm.Region.from_fd(os.dup(region.fileno())) as other:
        assert len(memoryview(region)) == 0 and region.size == 0
        region.resize(100)
        assert len(memoryview(region)) == 100
        region.buf[99] = 1
        before = memoryview(region)
        region.resize(1 << 20)
        region.buf[(1 << 20) - 1] = 7
        assert before[99] == 1
        assert other.size == 1 << 20 and other.buf[99] == 1 and other.buf[(1 << 20) - 1] == 7
        before.release()
        region.resize(0)
        assert region.size == 0 and len(memoryview(region)) == 0


def test_errors_are_oserrors_with_their_own_classes():
    with pytest.raises(FileNotFoundError) as missing:
        ipcshm.Region("no such region")
    assert isinstance(missing.value, ipcshm.NotFound) and missing.value.errno == 2
    assert missing.value.filename == "ipcshm_region_open"
    with ipcshm.Region("once", 4096, create=True):
        with pytest.raises(ipcshm.Exists):
            ipcshm.Region("once", 4096, create=True, exclusive=True)
    with pytest.raises(ipcshm.Error, match="invalid argument: size"):
        ipcshm.Region("nothing", 0, create=True)


def test_by_id_and_from_fd():
    with ipcshm.Region("numbered", 4096, create=True) as region:
        with ipcshm.Region(id=region.id) as same, ipcshm.Region.from_fd(os.dup(region.fileno())) as third:
            same.buf[0] = 9
            assert third.buf[0] == 9


def test_unlink_and_persistence(device):
    ipcshm.Region("stays", 4096, create=True, persistent=True).close()
    ipcshm.Region("stays").close()
    device.unlink_region("stays")
    with pytest.raises(ipcshm.NotFound):
        ipcshm.unlink_region("stays")


def test_members_and_their_end(start, pipe):
    with ipcshm.Region(size=4096) as region:
        def child():
            os.write(pipe[1], struct.pack("I", region.token()))
            os.read(region_end[0], 1)

        region_end = os.pipe()
        try:
            process = start(child)
            token, = struct.unpack("I", os.read(pipe[0], 4))
            assert {m.pid for m in region.members()} == {os.getpid(), process.pid}
            assert region.member(token).pid == process.pid
            pidfd = region.member_pidfd(token)
            deaths = region.deaths
            process.kill()
            assert select.select([pidfd], [], [], 60)[0]
            os.close(pidfd)
        finally:
            os.close(region_end[0])
            os.close(region_end[1])
        with pytest.raises(ipcshm.OwnerDied):
            region.wait(0, 0, 60, deaths=deaths)
        member = region.member(token)
        assert (member.end, member.code) == (ipcshm.End.KILLED, 9)


def test_wait_and_wake(start):
    with ipcshm.Region(size=4096) as region:
        def child():
            while region.stat().waiters == 0:
                time.sleep(0.01)
            region.buf[0] = 1
            region.wake(0)

        process = start(child)
        try:
            region.wait(0, 0, 60)
        except ipcshm.OwnerDied:
            pass
        assert region.buf[0] == 1
        region.wait(0, 0, 60)  # another value: no wait
        assert process.wait() == 0


@pytest.mark.parametrize("timeout", [0.01, 0, timedelta(milliseconds=10), -1])
def test_timeouts(timeout):
    with ipcshm.Region(size=4096) as region:
        with pytest.raises(TimeoutError) as passed:
            region.wait(0, 0, timeout)
        assert isinstance(passed.value, ipcshm.Timeout)


@pytest.mark.parametrize("timeout", ["1", float("nan"), object()])
def test_invalid_timeouts(timeout):
    with ipcshm.Region(size=4096) as region:
        with pytest.raises((TypeError, ValueError)):
            region.wait(0, 0, timeout)


def test_revoke_ends_a_wait():
    with ipcshm.Region(size=4096) as region:
        def revoke():
            while region.stat().waiters == 0:
                time.sleep(0.01)
            region.revoke()

        thread = threading.Thread(target=revoke)
        thread.start()
        with pytest.raises(ipcshm.Revoked):
            region.wait(0, 0, 60)
        thread.join()


def test_watch():
    with ipcshm.Region(size=4096) as region:
        region.watch(0, 0)
        assert not select.select([region], [], [], 0)[0]
        region.buf[0] = 1
        region.wake(0)
        assert select.select([region], [], [], 60)[0]


def test_info(device):
    with ipcshm.Region(size=4096):
        info = device.info()
    assert info.abi_version == 1
    assert 1 <= info.objects.used <= info.objects.max
