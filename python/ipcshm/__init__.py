# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Shared memory and message queues for processes that work together on one Linux machine.

The classes own what they open, and are context managers. A call that can wait takes a timeout in
seconds, or as a timedelta; None waits for ever, and 0 does not wait. A call that fails raises a
subclass of OSError. The manual pages of the C library describe the semantics of each call.
"""

from .area import Area
from .cell import Cell
from .device import Device, Info, Quota, unlink_queue, unlink_region
from .errors import (Error, Exists, HungUp, NotFound, NotPermitted, NotRecoverable, OwnerDied,
                     QuotaExceeded, Revoked, Timeout, TooLarge, Unavailable, WouldBlock)
from .objects import ObjectQueue, receive_object, send_object
from .queue import UNBOUNDED, Delivery, MappedMessage, Message, Overflow, Queue, QueueStat
from .region import End, Member, Region, RegionStat
from .ring import (PeekedItem, ReservedItem, RingAttributes, RingConsumer, RingLayout, RingProducer,
                   RingStat)
from .service import (Client, Reply, ReplyLoan, Request, RequestLoan, Server, Service, ServiceStat)
from .sync import Condition, Event, Mutex
from .topic import Loan, Publisher, Sample, Subscriber, Topic, TopicStat

__version__ = "0.2.0"

__all__ = [
    "Area", "Cell", "Client", "Condition", "Delivery", "Device", "End", "Error", "Event", "Exists",
    "HungUp", "Info", "Loan", "MappedMessage", "Member", "Message", "Mutex", "NotFound", "NotPermitted",
    "NotRecoverable", "ObjectQueue", "Overflow", "OwnerDied", "PeekedItem", "Publisher", "Queue", "QueueStat",
    "Quota", "QuotaExceeded", "Region", "RegionStat", "Reply", "ReplyLoan", "Request",
    "RequestLoan", "ReservedItem", "Revoked", "RingAttributes", "RingConsumer", "RingLayout",
    "RingProducer", "RingStat", "Sample", "Server", "Service", "ServiceStat", "Subscriber",
    "Timeout", "TooLarge", "Topic", "TopicStat", "UNBOUNDED", "Unavailable", "WouldBlock",
    "receive_object", "send_object", "unlink_queue", "unlink_region",
]
