# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, NoReturn, TypeAlias

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    Buffer: TypeAlias = Any

_Timeout = float | timedelta | None

def deadline(timeout: _Timeout, /) -> int: ...
def set_raise_error(function: Callable[[int, str], NoReturn], /) -> None: ...

class Guard:
    def __init__(
        self, close: Callable[[Any], object], pointer: Any, needs: tuple[object, ...], /
    ) -> None: ...

class Memory:
    def __init__(
        self, address: int, size: int, readonly: bool, free: Callable[[], object]
    ) -> None: ...
    @property
    def address(self) -> int: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

class Lender:
    _memory: Memory | None
    @property
    def buf(self) -> memoryview: ...
    def __bytes__(self) -> bytes: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

class Message:
    @property
    def data(self) -> bytes: ...
    @property
    def type(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def request_id(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def pid(self) -> int: ...
    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def descriptors(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...

class QueueDescriptor:
    def __init__(self, fd: int, max_message_size: int) -> None: ...
    @property
    def max_message_size(self) -> int: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...
    def send(
        self,
        data: Buffer,
        /,
        timeout: _Timeout = None,
        *,
        type: int = 0,
        priority: int = 0,
        descriptors: Sequence[int] = (),
    ) -> None: ...
    def receive(
        self,
        /,
        timeout: _Timeout = None,
        *,
        type: int | None = None,
        except_type: int | None = None,
        up_to_type: int | None = None,
        descriptors: int = 0,
    ) -> Message: ...
    def receive_into(
        self,
        buffer: Buffer,
        /,
        timeout: _Timeout = None,
        *,
        type: int | None = None,
        except_type: int | None = None,
        up_to_type: int | None = None,
        descriptors: int = 0,
    ) -> Message: ...
    def call(
        self, request: Buffer, /, timeout: _Timeout = None, *, type: int = 0, priority: int = 0
    ) -> bytes: ...
    def reply(self, request: Message | int, data: Buffer, /) -> bool: ...
    def send_batch(
        self,
        messages: Iterable[Buffer],
        /,
        timeout: _Timeout = None,
        *,
        type: int = 0,
        priority: int = 0,
    ) -> int: ...
    def receive_batch(
        self,
        count: int,
        /,
        timeout: _Timeout = None,
        *,
        type: int | None = None,
        except_type: int | None = None,
        up_to_type: int | None = None,
    ) -> list[Message]: ...
