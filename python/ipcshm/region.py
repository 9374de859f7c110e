# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Regions: shared memory, and the processes that map it."""

import enum
import errno
import multiprocessing.reduction
import os
from dataclasses import dataclass
from typing import Any

from . import _core
from ._call import TimeoutType, address_of, attempt, call, ffi, lib
from ._scope import Closing
from .device import Device, opened
from .errors import Error, raise_error

__all__ = ["End", "Member", "Region", "RegionStat"]


class End(enum.IntEnum):
    """How a member ended."""

    NONE = 0
    LEFT = 1
    EXITED = 2
    KILLED = 3
    EXEC = 4
    UNKNOWN = 5


@dataclass(frozen=True)
class Member:
    """A process that maps a region, or that did."""

    token: int
    pid: int
    uid: int
    maps: int
    joined: int
    end: End = End.NONE
    code: int = 0


@dataclass(frozen=True)
class RegionStat:
    """The state of a region."""

    id: int
    uid: int
    gid: int
    mode: int
    flags: int
    size: int
    max_size: int
    max_members: int
    members: int
    joins: int
    deaths: int
    waiters: int
    allocated: int


def open_flags(write: bool, read: bool, **flags: bool) -> int:
    """Flags of the C library: IPCSHM_READ, _WRITE and those whose names are true."""
    value: int = lib.IPCSHM_READ if read else 0
    if write:
        value |= lib.IPCSHM_WRITE
    for name, wanted in flags.items():
        if wanted:
            value |= getattr(lib, f"IPCSHM_{name.upper()}")
    return value


def check_opened(fd: int, invalid: Any, attr: Any, call_name: str) -> int:
    """Return a descriptor, or raise an exception that names the argument which is not valid."""
    if fd == -errno.EINVAL:
        name = invalid(attr)
        if name != ffi.NULL:
            raise Error(errno.EINVAL, f"invalid argument: {ffi.string(name).decode()}", call_name)
    if fd < 0:
        raise_error(-fd, call_name)
    return fd


def _unmap(address: int, size: int) -> None:
    lib.munmap(ffi.cast("void *", address), size)


def _keep(memory: object) -> None:
    pass


class Region(_core.Lender, Closing):
    """Shared memory, with the buffer protocol.

    memoryview(region) and numpy.frombuffer(region) are the memory itself. The mapping stays as
    long as there is such a view of it, even after close().
    """

    def __init__(self, name: str | None = None, size: int = 0, *, create: bool = False,
                 exclusive: bool = False, persistent: bool = False, populate: bool = False,
                 huge: bool = False, trusted: bool = False, write: bool = True, mode: int = 0o600,
                 max_size: int = 0, max_members: int = 0, id: int | None = None,
                 device: Device | None = None) -> None:
        """Open a region by its name or its number, or create it.

        A region without name and id is created; only its descriptor leads to it. With trusted, an
        existing region must belong to the user or root (PermissionError). With a max_size of
        UNBOUNDED the size can be 0 and is exact, and the quota pays for the size.
        """
        self._fd = -1
        create = create or (name is None and id is None)
        flags = open_flags(write, True, create=create, exclusive=exclusive, persistent=persistent,
                           populate=populate, huge=huge, trusted=trusted,
                           by_id=id is not None)
        attr = ffi.new("struct ipcshm_region_attr *", {
            "size": size, "max_size": max_size, "max_members": max_members, "id": id or 0})
        with opened(device) as device_fd:
            fd = lib.ipcshm_region_open(device_fd, ffi.NULL if name is None else name.encode(), flags,
                                        mode if create else 0, attr)
        self._fd = check_opened(fd, lib.ipcshm_region_invalid, attr, "ipcshm_region_open")
        self.created = bool(attr.created)
        self._map(write)

    @classmethod
    def from_fd(cls, fd: int, *, write: bool = True) -> "Region":
        """A region by a descriptor, of which the object takes ownership."""
        region = cls.__new__(cls)
        region._fd = fd
        region.created = False
        region._map(write)
        return region

    def _map(self, write: bool) -> None:
        self._writable = write
        try:
            stat = self.stat()
            self._mapping: _core.Memory | None = self._make_mapping(stat.size)
        except BaseException:
            self.close()
            raise
        self.id = stat.id
        self._lend(min(stat.size, len(self._mapping)))

    def _make_mapping(self, size: int) -> _core.Memory:
        """Map all that the region can grow to, or what there is of an unbounded one."""
        address, length = ffi.new("void **"), ffi.new("size_t *")
        access = lib.IPCSHM_READ | (lib.IPCSHM_WRITE if self._writable else 0)
        if size == 0:
            return _core.Memory(0, 0, not self._writable, lambda: None)
        call(lib.ipcshm_region_map, self._fd, access, address, length)
        place, mapped = address_of(address[0]), int(length[0])
        return _core.Memory(place, mapped, not self._writable, lambda: _unmap(place, mapped))

    def _lend(self, size: int) -> None:
        mapping = self._mapping
        if mapping is None:
            raise ValueError("the region is closed")
        if size > len(mapping):
            # An unbounded region has grown. Views of the old mapping stay valid.
            mapping = self._mapping = self._make_mapping(size)
            size = min(size, len(mapping))
        if self._memory is None or len(self._memory) != size:
            self._memory = _core.Memory(mapping.address, size, not self._writable,
                                        lambda: _keep(mapping))

    def fileno(self) -> int:
        """The descriptor; it belongs to the region."""
        if self._fd < 0:
            raise ValueError("the region is closed")
        return self._fd

    def close(self) -> None:
        """Close the descriptor, and leave the region when there is no view of it."""
        fd, self._fd = self._fd, -1
        self._memory = None
        self._mapping = None
        if fd >= 0:
            os.close(fd)

    @property
    def size(self) -> int:
        """Bytes, as they are now: another process may have resized the region."""
        size = self.stat().size
        self._lend(size)
        return size

    def __len__(self) -> int:
        return self.size

    def stat(self) -> RegionStat:
        """Return the state of the region."""
        return get_stat(self.fileno())

    def resize(self, size: int) -> None:
        """Grow the region up to its max_size, or shrink it while no other process maps it."""
        call(lib.ipcshm_region_resize, self.fileno(), size)
        self._lend(self.stat().size)

    def revoke(self) -> None:
        """Take the region away from all processes."""
        call(lib.ipcshm_region_revoke, self.fileno())

    def token(self) -> int:
        """The member token of the calling process."""
        token = ffi.new("uint32_t *")
        call(lib.ipcshm_region_self, self.fileno(), token)
        return int(token[0])

    def members(self) -> list[Member]:
        """The processes that map the region."""
        room = 16
        while True:
            found = ffi.new("struct ipcshm_member[]", room)
            count = call(lib.ipcshm_region_members, self.fileno(), found, room,
                         ffi.sizeof("struct ipcshm_member"))
            if count <= room:
                return [Member(m.token, m.pid, m.uid, m.maps, m.joined) for m in found[0:count]]
            room = count

    def member(self, token: int) -> Member:
        """A member by its token; also how it ended, until its slot is used again."""
        args = ffi.new("struct ipcshm_region_member_args *")
        call(lib.ipcshm_region_member, self.fileno(), token, args)
        return Member(token, args.pid, args.uid, args.maps, args.joined, End(args.end), args.code)

    def member_pidfd(self, token: int) -> int:
        """Open a descriptor of a member's process, as os.pidfd_open() does."""
        return call(lib.ipcshm_region_member_pidfd, self.fileno(), token)

    @property
    def deaths(self) -> int:
        """How many members have died."""
        return self.stat().deaths

    def wait(self, offset: int, expected: int, timeout: TimeoutType = None, *, size: int = 4,
             deaths: int | None = None) -> None:
        """Wait while a word has a value, as futex(2) does.

        Raises OwnerDied when a member dies, or if the count of deaths is another than deaths.
        """
        until = _core.deadline(timeout)
        known = self.deaths if deaths is None else deaths
        result = attempt(lib.ipcshm_region_wait, self.fileno(), offset, size, expected, known, until)
        if result < 0 and result != -errno.EAGAIN:
            raise_error(-result, "ipcshm_region_wait")

    def wake(self, offset: int, count: int = 2**31 - 1) -> int:
        """Wake waiters of a word; returns how many."""
        return call(lib.ipcshm_region_wake, self.fileno(), offset, count)

    def watch(self, offset: int, expected: int, *, size: int = 4, deaths: int | None = None) -> None:
        """Have poll() report when a word has another value (POLLIN), or a death (POLLPRI)."""
        known = self.deaths if deaths is None else deaths
        call(lib.ipcshm_region_watch, self.fileno(), offset, size, expected, known)

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        duplicate: Any = multiprocessing.reduction.DupFd(self.fileno())
        return _restore, (type(self), duplicate, self._writable)


def _restore(kind: type[Region], duplicate: Any, write: bool) -> Region:
    return kind.from_fd(duplicate.detach(), write=write)


def get_stat(fd: int) -> RegionStat:
    """The state of the region of a descriptor."""
    stat = ffi.new("struct ipcshm_region_stat *")
    call(lib.ipcshm_region_get_stat, fd, stat, ffi.sizeof("struct ipcshm_region_stat"))
    about = stat.stat
    return RegionStat(about.id, about.uid, about.gid, about.mode, about.flags, stat.size, stat.max_size,
                      stat.max_members, stat.members, stat.joins, stat.deaths, stat.waiters,
                      stat.allocated)
