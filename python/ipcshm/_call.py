# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Calls of the C library, and the structures that they work on."""

import errno
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from . import _core
from ._ffi import ffi, lib
from ._scope import Closing
from .errors import raise_error

TimeoutType = float | timedelta | None
"""Seconds, a timedelta, 0: do not wait, or None: wait for ever."""

_INTERRUPTED = -errno.EINTR


def call(function: Any, *arguments: Any) -> int:
    """Call a function that returns a number or -errno; after a signal handler, call it again."""
    while True:
        result: int = function(*arguments)
        if result >= 0:
            return result
        if result != _INTERRUPTED:
            raise_error(-result, function.__name__)


def attempt(function: Any, *arguments: Any) -> int:
    """As call(), but return the errors."""
    while True:
        result: int = function(*arguments)
        if result != _INTERRUPTED:
            return result


def address_of(pointer: Any) -> int:
    """The address in a pointer."""
    return int(ffi.cast("uintptr_t", pointer))


def do_nothing(pointer: Any) -> None:
    """Close a handle that holds nothing by itself."""


def text_of(array: Any) -> str:
    """The text in an array of char."""
    return str(ffi.string(array).decode())


class Handle:
    """A structure of the library that one thread at a time uses; detached with its last user."""

    def __init__(self, pointer: Any, detach: Callable[[Any], object], *needs: object) -> None:
        self.pointer = pointer
        self.guard = _core.Guard(detach, pointer, needs)
        # A thread may come back while it holds the lock: from a signal handler or a finalizer.
        self._lock = threading.RLock()
        self._unused: list[tuple[Any, Any]] = []

    def call(self, function: Any, *arguments: Any) -> int:
        """As call(), with the structure as the first argument."""
        result = self.attempt(function, *arguments)
        if result < 0:
            raise_error(-result, function.__name__)
        return result

    def attempt(self, function: Any, *arguments: Any) -> int:
        """As attempt(), with the structure as the first argument."""
        with self._lock:
            result = attempt(function, self.pointer, *arguments)
        if self._unused:
            self._give_back()
        return result

    def lend(self, data: Any, size: int, readonly: bool, function: Any, item: Any) -> _core.Memory:
        """Memory that is given back by a function of the library when it has no view."""

        def free() -> None:
            self._unused.append((function, item))
            self._give_back()

        return _core.Memory(address_of(data), size, readonly, free)

    def _give_back(self) -> None:
        # If another thread has the lock, it does this when it is done.
        while self._unused and self._lock.acquire(blocking=False):
            try:
                while self._unused:
                    function, item = self._unused.pop()
                    function(self.pointer, item)
            finally:
                self._lock.release()


def open_handle(structure: str, open: Any, close: Callable[[Any], object], *arguments: Any,
                needs: tuple[object, ...] = ()) -> Handle:
    """A handle that a function of the library fills in."""
    pointer = ffi.new(structure)
    call(open, pointer, *arguments)
    return Handle(pointer, close, *needs)


class Attached(Closing):
    """An object that is used through a handle until it is closed."""

    NOUN = ""
    _open: Handle | None = None

    @property
    def _handle(self) -> Handle:
        if self._open is None:
            raise ValueError(f"the {self.NOUN} is closed")
        return self._open

    def close(self) -> None:
        """Detach when nothing that came from the object is in use."""
        self._open = None


__all__ = [
    "Attached", "Handle", "TimeoutType", "address_of", "attempt", "call", "do_nothing", "ffi", "lib",
    "open_handle", "text_of",
]
