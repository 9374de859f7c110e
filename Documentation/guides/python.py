# SPDX-License-Identifier: GPL-2.0-only
"""A camera, jobs, deliveries, a configuration, accounts and a log, each between processes, in Python."""

import multiprocessing
import os
import signal
import struct

import numpy

import ipcshm

HEIGHT, WIDTH = 480, 640
RATE = struct.Struct("=II")  # frames per second, exposure
BALANCES = struct.Struct("=qq")
PLACE = 256  # of the balances, after the mutex


def start(function, *arguments):
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
    process.start()
    return process


def finish(process):
    process.join()
    assert process.exitcode == 0
    process.close()


# A camera: frames are filled and read in place, by any number of subscribers.

def open_camera():
    return ipcshm.Topic("python-camera", HEIGHT * WIDTH * 2, history=4, type="frame16")


def show(frames):
    with open_camera() as topic, ipcshm.Subscriber(topic, reliable=True) as subscriber:
        for number in range(frames):
            with subscriber.take(60) as sample:
                frame = numpy.frombuffer(sample, dtype=numpy.uint16).reshape(HEIGHT, WIDTH)
                assert frame[0, 0] == frame[-1, -1] == number
                del frame


def run_camera(frames=10):
    with open_camera() as topic, ipcshm.Publisher(topic) as publisher:
        viewers = [start(show, frames) for _ in range(2)]
        assert topic.wait(0, 2, 60)
        for number in range(frames):
            with publisher.loan() as loan:
                frame = numpy.frombuffer(loan, dtype=numpy.uint16).reshape(HEIGHT, WIDTH)
                frame[:] = number
                del frame
                loan.publish()
        for viewer in viewers:
            finish(viewer)


# Jobs: if a worker dies with a job, the call fails, and another worker gets the job.

def work(dies):
    with ipcshm.Queue("python-jobs") as jobs:
        for job in jobs:
            if dies:
                os._exit(1)
            jobs.reply(job, b"done " + job.data)


def run_jobs():
    with ipcshm.Queue("python-jobs", 16, 64, create=True) as jobs:
        worker = start(work, True)
        try:
            answer = jobs.call(b"resize a.jpg", 60)
        except ipcshm.HungUp:
            worker.join()
            worker = start(work, False)
            answer = jobs.call(b"resize a.jpg", 60)
        assert answer == b"done resize a.jpg"
        worker.kill()
        worker.join()


# Deliveries: a job whose worker is killed goes to another one, and after three of them to the dead
# letters. A with statement acknowledges the job at its end; an exception returns it.

def deliver():
    with ipcshm.Queue("python-deliveries") as jobs:
        while True:
            with jobs.receive_acknowledged(60) as job:
                if job.data == b"poison":
                    os.kill(os.getpid(), signal.SIGKILL)


def run_deliveries():
    with ipcshm.Queue("python-dead", 16, 64, create=True) as dead, \
            ipcshm.Queue("python-deliveries", 16, 64, create=True, max_deliveries=3,
                         dead_letters=dead) as jobs:
        for job in b"resize a.jpg", b"poison", b"resize b.jpg":
            jobs.send(job)
        for _ in range(3):
            start(deliver).join()
        assert dead.receive(60).data == b"poison"
        try:
            with jobs.receive_acknowledged(60):
                raise RuntimeError("a failure during the work")
        except RuntimeError:
            pass
        with jobs.receive_acknowledged(60) as job:
            assert job.data == b"resize b.jpg" and job.returns == 1
        assert jobs.stat().messages == 0


# A configuration: the latest value, whole at any time.

def init_configuration(area):
    ipcshm.Cell(area, RATE.size).init(RATE.pack(30, 100))


def open_configuration():
    area = ipcshm.Area("python-configuration", 4096, init=init_configuration)
    return ipcshm.Cell(area, RATE.size)


def follow():
    cell, version, rate = open_configuration(), 0, 0
    while rate != 60:
        assert cell.wait(version, 60)
        value, version = cell.read_version()
        rate, exposure = RATE.unpack(value)
        assert exposure == 3000 // rate


def run_configuration():
    cell = open_configuration()
    follower = start(follow)
    for rate in 40, 50, 60:
        cell.write(RATE.pack(rate, 3000 // rate))
    finish(follower)


# Accounts: a mutex whose owner may be killed at any time, and the repair.

class Accounts:
    def __init__(self):
        self.area = ipcshm.Area("python-accounts", 4096, init=self.init)
        self.mutex = ipcshm.Mutex(self.area, ipcshm.Area.HEADER, repair=self.repair)

    @staticmethod
    def init(area):
        ipcshm.Mutex(area, ipcshm.Area.HEADER).init()
        BALANCES.pack_into(area, PLACE, 100, 0)

    def repair(self):
        left, _ = BALANCES.unpack_from(self.area, PLACE)
        BALANCES.pack_into(self.area, PLACE, left, 100 - left)

    def transfer(self, amount, die=False):
        with self.mutex:
            left, right = BALANCES.unpack_from(self.area, PLACE)
            BALANCES.pack_into(self.area, PLACE, left - amount, right)
            if die:
                os.kill(os.getpid(), signal.SIGKILL)
            BALANCES.pack_into(self.area, PLACE, left - amount, right + amount)


def run_accounts():
    accounts = Accounts()
    killed = start(lambda: Accounts().transfer(10, die=True))
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    accounts.transfer(5)
    assert BALANCES.unpack_from(accounts.area, PLACE) == (85, 15)


# A log: writers never wait, and a full queue drops the oldest line.

def write_lines(count):
    with ipcshm.Queue("python-log", read=False) as log:
        for number in range(count):
            log.send(b"line %d" % number, 0)


def run_log(count=1000, kept=64):
    with ipcshm.Queue("python-log", kept, 128, create=True,
                      overflow=ipcshm.Overflow.DROP_OLDEST) as log:
        finish(start(write_lines, count))
        lines = [message.data for message in log.receive_batch(kept)]
        assert lines == [b"line %d" % number for number in range(count - kept, count)]


if __name__ == "__main__":
    run_camera()
    run_jobs()
    run_deliveries()
    run_configuration()
    run_accounts()
    run_log()
    print("camera, jobs, deliveries, configuration, accounts and log: as they should be")
