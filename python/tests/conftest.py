# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Fixtures: processes that are waited for, and a check that each test leaves nothing behind."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator

import pytest

import ipcshm

HAVE_MODULE = os.path.exists("/dev/ipcshm")
"""Without the module, only tests run that do not need it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not HAVE_MODULE and "anonymous" not in item.keywords:
            item.add_marker(pytest.mark.skip(reason="the kernel module is not loaded"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "anonymous: needs no kernel module")


def open_files() -> dict[int, str]:
    files = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            files[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            pass  # the descriptor of the directory itself
    return files


def mappings() -> list[str]:
    with open("/proc/self/maps", encoding="ascii") as file:
        return [line for line in file if "ipcshm" in line.split()[-1] and ".so" not in line]


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    before = open_files()
    yield
    gc.collect()
    after = open_files()
    assert {fd: name for fd, name in after.items() if before.get(fd) != name} == {}
    assert mappings() == []


class Process:
    """A process that runs a function."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                function()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        self.waited = False

    def wait(self) -> int:
        self.waited = True
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL


@pytest.fixture
def start() -> Iterator[Callable[[Callable[[], object]], Process]]:
    processes: list[Process] = []

    def begin(function: Callable[[], object]) -> Process:
        processes.append(Process(function))
        return processes[-1]

    yield begin
    for process in processes:
        if not process.waited:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """For words between processes."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def device() -> Iterator[ipcshm.Device]:
    with ipcshm.Device() as opened:
        yield opened
