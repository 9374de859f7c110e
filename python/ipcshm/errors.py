# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Exceptions: each is an OSError with the errno of the C library's call."""

import errno
import os
from typing import NoReturn

from . import _core

__all__ = [
    "Error", "Exists", "HungUp", "NotFound", "NotPermitted", "NotRecoverable", "OwnerDied",
    "QuotaExceeded", "Revoked", "Timeout", "TooLarge", "Unavailable", "WouldBlock",
]


class Error(OSError):
    """A call has failed: errno is the reason, and the filename the call."""


class Timeout(Error, TimeoutError):
    """The timeout passed."""


class WouldBlock(Timeout, BlockingIOError):
    """The call would have to wait, and the timeout was 0."""


class OwnerDied(Error):
    """A process died that owned a mutex, had a request, or was a member of a region."""


class NotRecoverable(OwnerDied):
    """An earlier owner of the mutex died, and the data was not repaired."""


class HungUp(Error, BrokenPipeError):
    """The other side is gone."""


class Revoked(Error):
    """The object was revoked."""


class NotFound(Error, FileNotFoundError):
    """The object does not exist."""


class Exists(Error, FileExistsError):
    """The object exists."""


class NotPermitted(Error, PermissionError):
    """The caller has no permission."""


class TooLarge(Error):
    """A message or item is larger than the object takes."""


class QuotaExceeded(Error):
    """A quota of the user is exceeded."""


class Unavailable(NotFound):
    """There is no /dev/ipcshm: the kernel module is not loaded."""


_CLASSES: dict[int, type[Error]] = {
    errno.ETIMEDOUT: Timeout,
    errno.EAGAIN: WouldBlock,
    errno.EALREADY: WouldBlock,
    errno.EOWNERDEAD: OwnerDied,
    errno.ENOTRECOVERABLE: NotRecoverable,
    errno.EPIPE: HungUp,
    errno.EKEYREVOKED: Revoked,
    errno.ENOENT: NotFound,
    errno.EEXIST: Exists,
    errno.EACCES: NotPermitted,
    errno.EPERM: NotPermitted,
    errno.EMSGSIZE: TooLarge,
    errno.EDQUOT: QuotaExceeded,
}


def raise_error(number: int, call: str) -> NoReturn:
    """Raise the exception of an errno."""
    raise _CLASSES.get(number, Error)(number, os.strerror(number), call)


_core.set_raise_error(raise_error)
