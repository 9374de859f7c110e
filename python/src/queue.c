// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The type of queues: their descriptors, and the table of their methods. */
#include "queue.h"

#include <structmember.h>
#include <unistd.h>

/* The first room for a message; a larger one stays in the queue and is received again. */
#define FIRST_ROOM	4096

static int queue_init(PyObject *object, PyObject *args, PyObject *keywords)
{
	queue_object *self = (queue_object *)object;
	unsigned long long max_size;
	int fd;

	(void)keywords;
	if (!PyArg_ParseTuple(args, "iK", &fd, &max_size))
		return -1;
	self->fd = fd;
	self->max_size = max_size;
	self->room = max_size < FIRST_ROOM ? max_size : FIRST_ROOM;
	return 0;
}

static PyObject *queue_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	queue_object *self = (queue_object *)type->tp_alloc(type, 0);

	(void)args, (void)keywords;
	if (self)
		self->fd = -1;
	return (PyObject *)self;
}

static void queue_close_now(queue_object *self)
{
	int fd = self->fd;

	self->fd = -1;
	if (fd >= 0)
		close(fd);
}

static void queue_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	queue_close_now((queue_object *)object);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *queue_close(PyObject *object, PyObject *unused)
{
	(void)unused;
	queue_close_now((queue_object *)object);
	Py_RETURN_NONE;
}

static PyObject *queue_fileno(PyObject *object, PyObject *unused)
{
	(void)unused;
	if (((queue_object *)object)->fd < 0) {
		PyErr_SetString(PyExc_ValueError, "the queue is closed");
		return NULL;
	}
	return PyLong_FromLong(((queue_object *)object)->fd);
}

#define FAST(name, doc)	{ #name, _PyCFunction_CAST(queue_##name), METH_FASTCALL | METH_KEYWORDS, doc }

static PyMethodDef queue_methods[] = {
	{ "fileno", queue_fileno, METH_NOARGS, "The descriptor; it belongs to the queue." },
	{ "close", queue_close, METH_NOARGS, "Close the descriptor; the queue may live on." },
	FAST(send, "send($self, data, /, timeout=None, *, type=0, priority=0, descriptors=())\n--\n\n"
	     "Send one message; waits while the queue is full."),
	FAST(receive, "receive($self, /, timeout=None, *, type=None, except_type=None, "
	     "up_to_type=None, descriptors=0)\n--\n\n"
	     "Receive one message; waits while there is none.\n\n"
	     "descriptors is the number of file descriptors that the caller takes; others are closed."),
	FAST(receive_into, "receive_into($self, buffer, /, timeout=None, *, type=None, "
	     "except_type=None, up_to_type=None, descriptors=0)\n--\n\n"
	     "Receive one message into memory of the caller, such as a bytearray."),
	FAST(call, "call($self, request, /, timeout=None, *, type=0, priority=0)\n--\n\n"
	     "Send a request, wait for its reply, and return that."),
	{ "reply", _PyCFunction_CAST(queue_reply), METH_FASTCALL,
	  "reply($self, request, data, /)\n--\n\n"
	  "Reply to a request; False: the caller has gone." },
	FAST(send_batch, "send_batch($self, messages, /, timeout=None, *, type=0, priority=0)\n--\n\n"
	     "Send several messages by one system call; returns how many were sent."),
	FAST(receive_batch, "receive_batch($self, count, /, timeout=None, *, type=None, "
	     "except_type=None, up_to_type=None)\n--\n\n"
	     "Receive up to count messages by one system call; waits for the first one."),
	{ 0 }
};

static PyMemberDef queue_members[] = {
	{ "max_message_size", T_PYSSIZET, offsetof(queue_object, max_size), READONLY,
	  "Bytes of the largest message." },
	{ 0 }
};

static PyType_Slot queue_slots[] = {
	{ Py_tp_doc, "The descriptor of a queue: see ipcshm.Queue." },
	{ Py_tp_new, queue_new },
	{ Py_tp_init, queue_init },
	{ Py_tp_dealloc, queue_dealloc },
	{ Py_tp_methods, queue_methods },
	{ Py_tp_members, queue_members },
	{ 0, NULL }
};

PyType_Spec queue_spec = {
	.name = "ipcshm._core.QueueDescriptor",
	.basicsize = sizeof(queue_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = queue_slots,
};
