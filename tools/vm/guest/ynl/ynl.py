#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every operation of the netlink family, by the kernel's own generic client.

usage: ynl.py YNL SPEC    (tools/net/ynl of a kernel source, and ipcshm.yaml)

The client knows nothing of ipcshm but its specification, so what passes here shows that the two are
one.  Prints TAP.
"""

import ctypes
import fcntl
import mmap
import os
import select
import sys
import time
import unittest

YNL, SPEC = sys.argv[1:3]
sys.path.append(YNL)

from lib import NlError, YnlFamily  # noqa: E402

READ, WRITE, CREATE = 0x01, 0x02, 0x04
UNBOUNDED = 2**64 - 1


class OpenHow(ctypes.Structure):
    _fields_ = [("name", ctypes.c_uint64), ("name_len", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("mode", ctypes.c_uint32), ("created", ctypes.c_uint32), ("id", ctypes.c_uint64),
                ("invalid", ctypes.c_uint32), ("reserved", ctypes.c_uint32)]


class RegionOpen(ctypes.Structure):
    NUMBER = 0x01
    _fields_ = [("how", OpenHow), ("size", ctypes.c_uint64), ("max_size", ctypes.c_uint64),
                ("max_members", ctypes.c_uint32), ("reserved", ctypes.c_uint32)]


class QueueOpen(ctypes.Structure):
    NUMBER = 0x02
    _fields_ = [("how", OpenHow), ("max_messages", ctypes.c_uint64), ("max_bytes", ctypes.c_uint64),
                ("max_message_size", ctypes.c_uint64), ("pool_bytes", ctypes.c_uint64),
                ("overflow", ctypes.c_uint32), ("reserved", ctypes.c_uint32)]


def ioctl_number(args):
    return 3 << 30 | ctypes.sizeof(args) << 16 | 0xBC << 8 | args.NUMBER


family = YnlFamily(SPEC, "")


def do(operation, **attributes):
    return family.do(operation, attributes)


def dump(operation, **attributes):
    return family.dump(operation, attributes)


class Ynl(unittest.TestCase):
    def setUp(self):
        self.device = os.open("/dev/ipcshm", os.O_RDWR)
        self.queue = self.open_queue("ynl-queue")
        self.region = self.open("ynl-region", RegionOpen(size=4096))

    def tearDown(self):
        for fd in self.queue, self.region, self.device:
            os.close(fd)

    def open(self, name, args):
        text = ctypes.create_string_buffer(name.encode())
        args.how = OpenHow(ctypes.addressof(text), len(name), READ | WRITE | CREATE, 0o640)
        return fcntl.ioctl(self.device, ioctl_number(args), args)

    def open_queue(self, name):
        return self.open(name, QueueOpen(max_messages=8, max_bytes=UNBOUNDED, max_message_size=64))

    def get(self, kind):
        return do("object-get", kind=kind, name=f"ynl-{kind}")

    def test_object_get(self):
        os.write(self.queue, b"message")
        queue = self.get("queue")
        self.assertEqual("queue", queue["kind"])
        self.assertEqual("ynl-queue", queue["name"])
        self.assertEqual({"named"}, queue["flags"])
        self.assertEqual((0, 0, 0o640, 1), tuple(queue[key] for key in (
            "uid", "gid", "mode", "opens")))
        self.assertLess(abs(queue["btime"] / 1e9 - time.time()), 600)
        self.assertEqual((8, UNBOUNDED, 64, 1, 7, 1, 0), tuple(queue["queue"][key] for key in (
            "max-messages", "max-bytes", "max-message-size", "messages", "bytes", "sent", "received")))
        region = do("object-get", id=self.get("region")["id"])
        self.assertEqual((4096, 4096, 0, 1024, 0), tuple(region["region"][key] for key in (
            "size", "max-size", "allocated", "max-members", "members")))

    def test_object_dump(self):
        objects = dump("object-get")
        self.assertEqual(["ynl-queue", "ynl-region"], [o["name"] for o in objects])
        self.assertEqual(["ynl-region"], [o["name"] for o in dump("object-get", kind="region")])
        self.assertEqual(["ynl-queue"], [o["name"] for o in dump("object-get", name="ynl-queue")])
        self.assertEqual(objects, dump("object-get", uid=0))
        self.assertEqual([], dump("object-get", uid=12345))

    def test_object_unlink(self):
        self.assertIsNone(do("object-unlink", kind="queue", name="ynl-queue"))
        self.assertRaisesRegex(NlError, "No such file", self.get, "queue")

    def test_object_revoke(self):
        number = self.get("region")["id"]
        self.assertIsNone(do("object-revoke", id=number))
        self.assertEqual({"revoked"}, do("object-get", id=number)["flags"])

    def test_member_get(self):
        with mmap.mmap(self.region, 4096):
            member, = dump("member-get", region=self.get("region")["id"])
            self.assertEqual((os.getpid(), 0, 1), (member["pid"], member["uid"], member["maps"]))
            self.assertEqual([member], dump("member-get"))
        self.assertEqual([], dump("member-get"))

    def test_limits(self):
        usual = do("quota-get", default=True)["objects"]["maximum"]
        self.assertEqual(0, do("quota-get")["uid"])
        self.assertIsNone(do("quota-set", uid=1234, objects={"maximum": 5}, members={"maximum": 6}))
        limits = do("quota-get", uid=1234)
        self.assertEqual({"used": 0, "maximum": 5, "own": True}, limits["objects"])
        self.assertIn(limits, dump("quota-get"))
        self.assertIsNone(do("quota-set", uid=1234, objects={"maximum": UNBOUNDED}, members={"maximum": UNBOUNDED}))
        self.assertEqual({"used": 0, "maximum": usual}, do("quota-get", uid=1234)["objects"])

    def test_event(self):
        listener = YnlFamily(SPEC, "")
        listener.ntf_subscribe("notify")
        os.close(self.open_queue("ynl-event"))
        while len(listener.async_msg_queue) < 2:
            select.select([listener.sock], [], [])
            listener.check_ntf()
        events = [message["msg"] for message in listener.async_msg_queue]
        self.assertEqual(["create", "free"], [event["type"] for event in events])
        self.assertEqual(["ynl-event"] * 2, [event["name"] for event in events])
        self.assertEqual(events[0]["seq"] + 1, events[1]["seq"])
        self.assertEqual(os.getpid(), events[0]["pid"])

    def test_errors(self):
        with self.assertRaises(NlError) as refused:
            do("object-get")
        self.assertEqual("an object is chosen by id, or by kind and name",
                         refused.exception.nl_msg.extack["msg"])
        self.assertRaisesRegex(NlError, "No such file", dump, "member-get", region=self.get("queue")["id"])


def main():
    results = {"pass": 0, "fail": 0}
    for test in unittest.defaultTestLoader.loadTestsFromTestCase(Ynl):
        result = test.run()
        passed = result.wasSuccessful()
        results["pass" if passed else "fail"] += 1
        for _, trace in result.failures + result.errors:
            print("# " + trace.replace("\n", "\n# "))
        print("ok" if passed else "not ok", sum(results.values()), test.id().split(".")[-1], flush=True)
    return results["fail"] > 0


if __name__ == "__main__":
    sys.exit(main())
