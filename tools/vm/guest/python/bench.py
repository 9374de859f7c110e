# SPDX-License-Identifier: GPL-2.0-only
"""Compare a message of 64 bytes through a queue with os.write() and os.read() on a pipe, and frames
of two sizes that NumPy fills in a topic.

Prints TAP. The rounds of the two alternate, and the quickest round of each counts: other programs of
the machine only ever make one slower.
"""

import os
import sys
import time

import ipcshm
import numpy

ROUNDS, MESSAGES = 100, 200
QUEUE_LIMIT = 1.3
TOPIC_LIMIT = 1.3


def measure(step):
    """Nanoseconds of a call of step."""
    start = time.perf_counter_ns()
    for _ in range(MESSAGES):
        step()
    return (time.perf_counter_ns() - start) / MESSAGES


def compare(one, other):
    """The quickest rounds of both."""
    pairs = [(measure(one), measure(other)) for _ in range(ROUNDS)]
    ones, others = zip(*pairs)
    return min(ones), min(others)


def bench_queue():
    data = bytes(64)
    reader, writer = os.pipe()
    with ipcshm.Queue(max_messages=8, max_message_size=64) as queue:
        def by_queue(send=queue.send, receive=queue.receive):
            send(data)
            receive()

        def by_pipe(write=os.write, read=os.read):
            write(writer, data)
            read(reader, 64)

        queue_time, pipe_time = compare(by_queue, by_pipe)
    ratio = queue_time / pipe_time
    os.close(reader)
    os.close(writer)
    print(f"# 64 bytes, send and receive: queue {queue_time:.0f} ns, pipe {pipe_time:.0f} ns, "
          f"ratio {ratio:.2f}")
    return ratio <= QUEUE_LIMIT


def bench_topic():
    """A frame of 1 MiB must not cost more than one of 4 KiB, by a factor that a copy would exceed."""
    def rounds(topic):
        publisher, subscriber = ipcshm.Publisher(topic), ipcshm.Subscriber(topic)
        size = topic.max_sample_size

        def step():
            loan = publisher.loan(size)
            frame = numpy.frombuffer(loan, dtype=numpy.uint8)
            frame[0] = 1
            del frame
            loan.publish()
            with subscriber.take() as sample:
                assert numpy.frombuffer(sample, dtype=numpy.uint8)[0] == 1

        return step

    with ipcshm.Topic("bench-small", 4096) as small, ipcshm.Topic("bench-large", 1 << 20) as large:
        large_time, small_time = compare(rounds(large), rounds(small))
        frame, room = numpy.zeros(1 << 20, dtype=numpy.uint8), numpy.zeros(1 << 20, dtype=numpy.uint8)
        start = time.perf_counter_ns()
        for _ in range(50):
            room[:] = frame
        copy = (time.perf_counter_ns() - start) / 50
    print(f"# frame by topic: 1 MiB {large_time:.0f} ns, 4 KiB {small_time:.0f} ns, ratio "
          f"{large_time / small_time:.2f}; a copy of 1 MiB takes {copy:.0f} ns")
    return large_time / small_time <= TOPIC_LIMIT


BENCHES = {"queue-64": bench_queue, "topic-1MiB": bench_topic}


def main():
    failed = 0
    print("TAP version 13")
    for number, (name, bench) in enumerate(BENCHES.items(), 1):
        passed = bench()
        failed += not passed
        print("ok" if passed else "not ok", number, name, flush=True)
    print(f"1..{len(BENCHES)}")
    print(f"# Totals: pass:{len(BENCHES) - failed} fail:{failed} xfail:0 xpass:0 skip:0 error:0")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
