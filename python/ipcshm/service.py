# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Services: requests and replies in shared memory, many clients and servers."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import _core
from ._call import Attached, Handle, TimeoutType, address_of, attempt, call, do_nothing, ffi, lib, open_handle
from ._scope import Releasing, Scope
from .area import Area
from .device import Device, opened
from .errors import raise_error

__all__ = ["Client", "Reply", "ReplyLoan", "Request", "RequestLoan", "Server", "Service", "ServiceStat"]


@dataclass(frozen=True)
class ServiceStat:
    """The state of a service."""

    calls: int
    replies: int
    retried: int
    dropped: int
    clients: int
    servers: int
    waiting: int
    taken: int


_STAT = ("calls", "replies", "retried", "dropped", "clients", "servers", "waiting", "taken")


class Service(Attached):
    """A service. Its clients and servers keep it open."""

    NOUN = "service"

    def __init__(self, name: str, max_request_size: int, max_reply_size: int, *, clients: int = 0,
                 servers: int = 0, max_calls: int = 0, max_held: int = 0, max_replies: int = 0,
                 request_type: str = "", request_version: int = 0, reply_type: str = "",
                 reply_version: int = 0, persistent: bool = False, mode: int = 0o600,
                 timeout: TimeoutType = None, device: Device | None = None) -> None:
        """Open a service by its name, or create it; all processes do so in any order."""
        attr = ffi.new("struct ipcshm_service_attr *", {
            "max_request_size": max_request_size, "max_reply_size": max_reply_size,
            "clients": clients, "servers": servers, "max_calls": max_calls, "max_held": max_held,
            "max_replies": max_replies, "request_version": request_version,
            "reply_version": reply_version, "request_type": request_type.encode(),
            "reply_type": reply_type.encode()})
        until = _core.deadline(timeout)
        with opened(device) as device_fd:
            self._open = open_handle(
                "struct ipcshm_service *", lib.ipcshm_service_open, lib.ipcshm_service_close, device_fd,
                name.encode(), lib.IPCSHM_PERSISTENT if persistent else 0, mode, attr, until)
        self.max_request_size = int(attr.max_request_size)
        self.max_reply_size = int(attr.max_reply_size)

    @classmethod
    def anonymous(cls, max_request_size: int, max_reply_size: int, *, clients: int = 0,
                  servers: int = 0, max_calls: int = 0, max_held: int = 0,
                  max_replies: int = 0) -> "Service":
        """A new service that is shared with processes which fork() makes. Needs no kernel module.

        The death of a process is not noticed there.
        """
        attr = ffi.new("struct ipcshm_service_attr *", {
            "max_request_size": max_request_size, "max_reply_size": max_reply_size,
            "clients": clients, "servers": servers, "max_calls": max_calls, "max_held": max_held,
            "max_replies": max_replies})
        size = ffi.new("size_t *")
        call(lib.ipcshm_service_size, attr, size)
        area = Area.anonymous(size[0])
        call(lib.ipcshm_service_create, area.pointer, 0, attr)
        service = cls.__new__(cls)
        service._open = open_handle("struct ipcshm_service *", lib.ipcshm_service_attach, do_nothing,
                                    area.pointer, 0, attr, needs=(area._handle.guard,))
        service.max_request_size = max_request_size
        service.max_reply_size = max_reply_size
        return service

    def wait(self, clients: int, servers: int, timeout: TimeoutType = None) -> bool:
        """Wait for so many attached clients and servers; False: the timeout passed."""
        until = _core.deadline(timeout)
        result = attempt(lib.ipcshm_service_wait, self._handle.pointer, clients, servers, until)
        if result in (-errno.ETIMEDOUT, -errno.EAGAIN):
            return False
        if result < 0:
            raise_error(-result, "ipcshm_service_wait")
        return True

    def stat(self) -> ServiceStat:
        """Return the state of the service."""
        stat = ffi.new("struct ipcshm_service_stat *")
        self._handle.call(lib.ipcshm_service_get_stat, stat, ffi.sizeof("struct ipcshm_service_stat"))
        return ServiceStat(**{name: getattr(stat, name) for name in _STAT})

    def open_fd(self, device: Device | None = None) -> int:
        """Open a descriptor for an event loop, which the caller closes: see arm()."""
        with opened(device) as device_fd:
            return self._handle.call(lib.ipcshm_service_fd, device_fd)


class _Loaned(_core.Lender):
    """Memory that is loaned, with the buffer protocol."""

    def __init__(self, handle: Handle, item: Any) -> None:
        self._handle: Handle | None = handle
        self._item = item
        self._memory = _core.Memory(address_of(item.data), item.size, False, lambda: bool(handle))

    def _loaned(self) -> Handle:
        if self._handle is None:
            raise ValueError("the memory is no longer loaned")
        return self._handle


class RequestLoan(_Loaned):
    """Memory for a request, with the buffer protocol; discarded unless it is called."""

    def call(self, size: int | None = None, *, retry: bool = False) -> int:
        """Send the request, or its first size bytes, and return the id of the call.

        retry: if the server dies, another one takes the request.
        """
        handle = self._loaned()
        if size is not None:
            self._item.size = size
        handle.call(lib.ipcshm_client_call, self._item, lib.IPCSHM_SERVICE_RETRY if retry else 0)
        self._handle = self._memory = None
        return int(self._item.id)

    def discard(self) -> None:
        """Return the memory."""
        if self._handle is not None:
            self._handle.attempt(lib.ipcshm_client_discard, self._item)
        self._handle = self._memory = None

    def __del__(self) -> None:
        self.discard()


class Reply(_core.Lender, Releasing):
    """A reply that was taken, with the buffer protocol, read-only.

    It stays unchanged until release(), or until the last view of it is gone.
    """

    def __init__(self, handle: Handle, reply: Any) -> None:
        self._memory = handle.lend(reply.data, reply.size, True, lib.ipcshm_client_release, reply)
        self.id = int(reply.id)
        self.size = int(reply.size)
        self.number = int(reply.number)
        self.status = int(reply.status)
        self.server = int(reply.server)
        self.attempt = int(reply.attempt)
        self.last = bool(reply.last)

    def release(self) -> None:
        """Release the reply when there is no view of it."""
        self._memory = None

    def __len__(self) -> int:
        return self.size


class Client(Attached):
    """Calls a service. One thread at a time uses it; each process attaches its own."""

    NOUN = "client"

    def __init__(self, service: Service) -> None:
        self._open = open_handle(
            "struct ipcshm_client *", lib.ipcshm_client_attach, lib.ipcshm_client_detach,
            service._handle.pointer, needs=(service._handle.guard,))
        self._max_size = service.max_request_size

    def loan(self, size: int | None = None, timeout: TimeoutType = None) -> RequestLoan:
        """Get memory for a request, with undefined content."""
        until = _core.deadline(timeout)
        request = ffi.new("struct ipcshm_service_request *")
        self._handle.call(lib.ipcshm_client_loan, self._max_size if size is None else size, request,
                          until)
        return RequestLoan(self._handle, request)

    def send(self, data: Any, *, retry: bool = False, timeout: TimeoutType = None) -> int:
        """Send a copy as a request, and return the id of the call."""
        with memoryview(data) as view:
            loan = self.loan(view.nbytes, timeout)
            if view.nbytes:
                with loan.buf as room:
                    room[:] = view.cast("B")
        return loan.call(retry=retry)

    def take(self, id: int = 0, timeout: TimeoutType = None) -> Reply:
        """Take a reply to a call, or to any call; waits for one.

        Raises OwnerDied if the server has died, and the call ends with that.
        """
        until = _core.deadline(timeout)
        reply = ffi.new("struct ipcshm_service_reply *")
        self._handle.call(lib.ipcshm_client_take, id, reply, until)
        return Reply(self._handle, reply)

    def call(self, data: Any, *, retry: bool = False, timeout: TimeoutType = None) -> bytes:
        """Send a copy as a request, wait for its only reply, and return a copy of it."""
        id = self.send(data, retry=retry, timeout=timeout)
        try:
            reply = self.take(id, timeout)
        except BaseException:
            self._handle.attempt(lib.ipcshm_client_cancel, id)
            raise
        with reply:
            if not reply.last:
                self.cancel(id)
                raise_error(errno.EMSGSIZE, "ipcshm_client_take")
            return bytes(reply)

    def cancel(self, id: int) -> None:
        """Give up a call."""
        self._handle.call(lib.ipcshm_client_cancel, id)

    def arm(self, fd: int) -> bool:
        """Have a descriptor of Service.open_fd() report a reply; True: there is one already."""
        return self._handle.call(lib.ipcshm_client_arm, fd) == 1


class ReplyLoan(_Loaned):
    """Memory for a reply, with the buffer protocol."""

    def __init__(self, handle: Handle, request: "Request", item: Any) -> None:
        super().__init__(handle, item)
        self._request = request

    def reply(self, size: int | None = None, *, status: int = 0, more: bool = False) -> None:
        """Send the reply, or its first size bytes; more: others follow it."""
        handle = self._loaned()
        if size is not None:
            self._item.size = size
        self._item.status = status
        handle.call(lib.ipcshm_server_reply, self._request._item, self._item,
                    lib.IPCSHM_SERVICE_MORE if more else 0)
        self._handle = self._memory = None
        if not more:
            self._request._finish()


class Request(_core.Lender, Scope):
    """A request that was taken, with the buffer protocol, read-only.

    It stays unchanged until its last reply. If the object is dropped without one, another server
    takes the request.
    """

    def __init__(self, handle: Handle, item: Any) -> None:
        self._handle: Handle | None = handle
        self._item = item
        self._memory = _core.Memory(address_of(item.data), item.size, True, lambda: bool(handle))
        self.id = int(item.id)
        self.size = int(item.size)
        self.time = int(item.time)
        self.client = int(item.client)
        self.attempt = int(item.attempt)

    def _taken(self) -> Handle:
        if self._handle is None:
            raise ValueError("the request is finished")
        return self._handle

    def _finish(self) -> None:
        self._handle = self._memory = None

    def loan(self, size: int, timeout: TimeoutType = None) -> ReplyLoan:
        """Get memory for a reply, with undefined content."""
        until = _core.deadline(timeout)
        reply = ffi.new("struct ipcshm_service_reply *")
        handle = self._taken()
        handle.call(lib.ipcshm_server_loan, self._item, size, reply, until)
        return ReplyLoan(handle, self, reply)

    def reply(self, data: Any, *, status: int = 0, more: bool = False,
              timeout: TimeoutType = None) -> None:
        """Send a copy as a reply; more: others follow it."""
        with memoryview(data) as view:
            loan = self.loan(view.nbytes, timeout)
            if view.nbytes:
                with loan.buf as room:
                    room[:] = view.cast("B")
        loan.reply(status=status, more=more)

    def give_back(self) -> None:
        """Give the request to another server."""
        if self._handle is not None:
            self._handle.attempt(lib.ipcshm_server_return, self._item)
        self._finish()

    def __len__(self) -> int:
        return self.size

    def _end(self) -> None:
        self.give_back()

    def __del__(self) -> None:
        self.give_back()


class Server(Attached):
    """Serves a service. One thread at a time uses it; each process attaches its own.

    Iteration takes requests for ever.
    """

    NOUN = "server"

    def __init__(self, service: Service) -> None:
        self._open = open_handle(
            "struct ipcshm_server *", lib.ipcshm_server_attach, lib.ipcshm_server_detach,
            service._handle.pointer, needs=(service._handle.guard,))

    def take(self, timeout: TimeoutType = None) -> Request:
        """Take the next request; waits for one."""
        until = _core.deadline(timeout)
        request = ffi.new("struct ipcshm_service_request *")
        self._handle.call(lib.ipcshm_server_take, request, until)
        return Request(self._handle, request)

    def arm(self, fd: int) -> bool:
        """Have a descriptor of Service.open_fd() report a request; True: there is one already."""
        return self._handle.call(lib.ipcshm_server_arm, fd) == 1

    def __iter__(self) -> Iterator[Request]:
        while True:
            yield self.take()
