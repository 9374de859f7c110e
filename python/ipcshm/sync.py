# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Mutexes, conditions and events between processes."""

import errno
from collections.abc import Callable
from types import TracebackType

from . import _core
from ._call import TimeoutType, attempt, call, ffi, lib
from .area import Area, InArea
from .errors import OwnerDied, raise_error

__all__ = ["Condition", "Event", "Mutex"]


class Mutex(InArea):
    """A robust mutex in an area.

    If the last owner has died, the mutex calls repair, which makes whole what it protects, and is
    locked. Without repair, acquire() raises OwnerDied with the mutex locked: repair the data and
    call consistent(), or release the mutex for good. A with statement does the latter.
    """

    SIZE: int = ffi.sizeof("struct ipcshm_mutex")

    def __init__(self, area: Area, offset: int = Area.HEADER,
                 repair: Callable[[], object] | None = None) -> None:
        super().__init__(area, "struct ipcshm_mutex *", offset, self.SIZE, 4)
        self._repair = repair

    def init(self) -> "Mutex":
        """Make the mutex, unlocked, before other processes use it."""
        lib.ipcshm_mutex_init(self._pointer)
        return self

    def acquire(self, blocking: bool = True, timeout: TimeoutType = None) -> bool:
        """Lock the mutex; False: the timeout passed."""
        if not blocking:
            timeout = 0
        until = _core.deadline(timeout)
        result = attempt(lib.ipcshm_mutex_lock, self._area, self._pointer, until)
        if result in (-errno.ETIMEDOUT, -errno.EAGAIN):
            return False
        self.check(result)
        return True

    def check(self, result: int) -> None:
        """Finish a call that has locked the mutex, or not: repair the data if an owner died."""
        if result == -errno.EOWNERDEAD and self._repair is not None:
            try:
                self._repair()
                self.consistent()
            except BaseException:
                lib.ipcshm_mutex_unlock(self._area, self._pointer)
                raise
        elif result < 0:
            raise_error(-result, "ipcshm_mutex_lock")

    def release(self) -> None:
        """Unlock the mutex."""
        call(lib.ipcshm_mutex_unlock, self._area, self._pointer)

    def consistent(self) -> None:
        """Mark the data as repaired, after OwnerDied."""
        call(lib.ipcshm_mutex_consistent, self._area, self._pointer)

    def __enter__(self) -> "Mutex":
        try:
            self.acquire()
        except OwnerDied as error:
            if error.errno == errno.EOWNERDEAD and self._repair is None:
                self.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.release()


class Condition(InArea):
    """A condition variable in an area. A death ends each wait() as a notification does."""

    SIZE: int = ffi.sizeof("struct ipcshm_cond")

    def __init__(self, area: Area, offset: int) -> None:
        super().__init__(area, "struct ipcshm_cond *", offset, self.SIZE, 4)

    def init(self) -> "Condition":
        """Make the condition, before other processes use it."""
        lib.ipcshm_cond_init(self._pointer)
        return self

    def notify(self) -> None:
        """Wake one waiter."""
        call(lib.ipcshm_cond_signal, self._area, self._pointer)

    def notify_all(self) -> None:
        """Wake all waiters."""
        call(lib.ipcshm_cond_broadcast, self._area, self._pointer)

    def wait(self, mutex: Mutex, timeout: TimeoutType = None) -> bool:
        """Unlock the mutex, wait, and lock it again; False: the timeout passed.

        May end for no reason: see wait_for().
        """
        return self._wait_until(mutex, _core.deadline(timeout))

    def wait_for(self, mutex: Mutex, predicate: Callable[[], bool],
                 timeout: TimeoutType = None) -> bool:
        """Wait until the predicate is true, and return its last value."""
        until = _core.deadline(timeout)
        while not (done := predicate()):
            if not self._wait_until(mutex, until):
                return predicate()
        return done

    def _wait_until(self, mutex: Mutex, until: int) -> bool:
        deaths = lib.ipcshm_area_deaths(self._area)
        result: int = lib.ipcshm_cond_wait(self._area, self._pointer, mutex._pointer, deaths, until)
        if result in (0, -errno.EINTR):
            return True
        if result == -errno.ETIMEDOUT:
            return False
        if result == -errno.EBUSY:  # another process has the mutex, after the deadline
            mutex.acquire()
            return False
        if result == -errno.EOWNERDEAD:
            mutex.check(result)
            return True
        raise_error(-result, "ipcshm_cond_wait")


class Event(InArea):
    """An event in an area: a flag to wait for."""

    SIZE: int = ffi.sizeof("struct ipcshm_event")

    def __init__(self, area: Area, offset: int = Area.HEADER) -> None:
        super().__init__(area, "struct ipcshm_event *", offset, self.SIZE, 4)

    def init(self, *, manual: bool = False) -> "Event":
        """Make the event, before other processes use it; manual: it stays set until clear()."""
        call(lib.ipcshm_event_init, self._pointer, lib.IPCSHM_EVENT_MANUAL if manual else 0)
        return self

    def set(self) -> None:
        """Set the event, and wake its waiters: one if it resets itself, else all."""
        call(lib.ipcshm_event_set, self._area, self._pointer)

    def clear(self) -> None:
        """Reset the event."""
        call(lib.ipcshm_event_reset, self._pointer)

    def wait(self, timeout: TimeoutType = None) -> bool:
        """Wait until the event is set; False: the timeout passed."""
        until = _core.deadline(timeout)
        while True:
            deaths = lib.ipcshm_area_deaths(self._area)
            result = attempt(lib.ipcshm_event_wait, self._area, self._pointer, deaths, until)
            if result in (-errno.ETIMEDOUT, -errno.EAGAIN):
                return False
            if result >= 0:
                return True
            if result != -errno.EOWNERDEAD:
                raise_error(-result, "ipcshm_event_wait")
