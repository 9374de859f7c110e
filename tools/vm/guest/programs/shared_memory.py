# SPDX-License-Identifier: GPL-2.0-only
"""Python's own shared memory, used by two processes of each way to start one."""
import multiprocessing
import subprocess
from multiprocessing.shared_memory import ShareableList, SharedMemory


def double(name: str) -> None:
    memory = SharedMemory(name)
    for i in range(50):
        memory.buf[i] *= 2
    memory.close()


def main() -> None:
    memory = SharedMemory(create=True, size=5000)
    values = ShareableList([1, "two", 3.0, None])
    listed = subprocess.run(["ipcshm", "list", "-r", "-n"], check=True, capture_output=True, text=True)
    print("regions:", len(listed.stdout.split()))
    assert memory.size >= 5000
    for i in range(100):
        memory.buf[i] = i
    for method in ("fork", "spawn"):
        process = multiprocessing.get_context(method).Process(target=double, args=(memory.name,))
        process.start()
        process.join()
        assert process.exitcode == 0, method
    assert [memory.buf[i] for i in range(50)] == [4 * i for i in range(50)]
    assert list(ShareableList(name=values.shm.name)) == [1, "two", 3.0, None]
    for shared in (memory, values.shm):
        shared.close()
        shared.unlink()


if __name__ == "__main__":
    main()
