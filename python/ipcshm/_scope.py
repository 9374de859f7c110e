# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Objects that a with statement ends."""

from types import TracebackType
from typing import Self


class Scope:
    """An object that a with statement ends."""

    def _end(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end()


class Closing(Scope):
    """An object that a with statement closes."""

    def close(self) -> None:
        """Close the object."""
        raise NotImplementedError

    def _end(self) -> None:
        self.close()


class Releasing(Scope):
    """An object that a with statement releases."""

    def release(self) -> None:
        """Release the object."""
        raise NotImplementedError

    def _end(self) -> None:
        self.release()


class Discarding(Scope):
    """An object that a with statement discards, as its last reference does."""

    def discard(self) -> None:
        """Discard the object."""
        raise NotImplementedError

    def _end(self) -> None:
        self.discard()

    def __del__(self) -> None:
        self.discard()
