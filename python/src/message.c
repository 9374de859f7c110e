// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Messages that were received, with their descriptors. */
#include "core.h"

#include <structmember.h>
#include <unistd.h>

PyTypeObject *message_type;

typedef struct {
	PyObject_HEAD
	PyObject *data;
	PyObject *descriptors;	/* NULL: none */
	unsigned long long type;
	unsigned long long size;
	unsigned long long time;
	unsigned long long request_id;
	unsigned int priority;
	unsigned int pid;
	unsigned int uid;
	unsigned int gid;
} message_object;

static void message_dealloc(PyObject *object)
{
	message_object *self = (message_object *)object;
	PyTypeObject *type = Py_TYPE(object);

	Py_XDECREF(self->data);
	Py_XDECREF(self->descriptors);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *message_descriptors(PyObject *object, void *unused)
{
	message_object *self = (message_object *)object;

	(void)unused;
	return self->descriptors ? Py_NewRef(self->descriptors) : PyTuple_New(0);
}

static PyObject *message_repr(PyObject *object)
{
	message_object *self = (message_object *)object;

	return PyUnicode_FromFormat("<ipcshm.Message %R, type %llu, priority %u, from process %u>",
				    self->data, self->type, self->priority, self->pid);
}

static PyObject *message_bytes(PyObject *object, PyObject *unused)
{
	(void)unused;
	return PyObject_Bytes(((message_object *)object)->data);
}

static Py_ssize_t message_length(PyObject *object)
{
	return (Py_ssize_t)((message_object *)object)->size;
}

static PyMemberDef message_members[] = {
	{ "data", T_OBJECT, offsetof(message_object, data), READONLY,
	  "The payload, as bytes; None after receive_into()." },
	{ "type", T_ULONGLONG, offsetof(message_object, type), READONLY,
	  "The tag that the sender has chosen." },
	{ "size", T_ULONGLONG, offsetof(message_object, size), READONLY, "Bytes of the payload." },
	{ "time", T_ULONGLONG, offsetof(message_object, time), READONLY,
	  "When it was sent: nanoseconds, as of time.monotonic_ns()." },
	{ "request_id", T_ULONGLONG, offsetof(message_object, request_id), READONLY,
	  "If not 0, the sender waits for Queue.reply()." },
	{ "priority", T_UINT, offsetof(message_object, priority), READONLY, "The priority." },
	{ "pid", T_UINT, offsetof(message_object, pid), READONLY, "The sending process." },
	{ "uid", T_UINT, offsetof(message_object, uid), READONLY, "The sender's user ID." },
	{ "gid", T_UINT, offsetof(message_object, gid), READONLY, "The sender's group ID." },
	{ 0 }
};

static PyMethodDef message_methods[] = {
	{ "__bytes__", message_bytes, METH_NOARGS, "The payload." },
	{ 0 }
};

static PyGetSetDef message_getset[] = {
	{ "descriptors", message_descriptors, NULL,
	  "Received file descriptors, which belong to the receiver.", NULL },
	{ 0 }
};

static PyType_Slot message_slots[] = {
	{ Py_tp_doc, "A message that was received." },
	{ Py_tp_dealloc, message_dealloc },
	{ Py_tp_members, message_members },
	{ Py_tp_methods, message_methods },
	{ Py_tp_getset, message_getset },
	{ Py_tp_repr, message_repr },
	{ Py_sq_length, message_length },
	{ 0, NULL }
};

PyType_Spec message_spec = {
	.name = "ipcshm.Message",
	.basicsize = sizeof(message_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = message_slots,
};

/* Takes ownership of @data and of @descriptors. */
PyObject *make_message(const struct ipcshm_message *from, PyObject *data,
			      PyObject *descriptors)
{
	message_object *self = (message_object *)message_type->tp_alloc(message_type, 0);

	if (!self) {
		Py_XDECREF(data);
		Py_XDECREF(descriptors);
		return NULL;
	}
	self->data = data;
	self->descriptors = descriptors;
	self->type = from->type;
	self->size = from->size;
	self->time = from->time;
	self->request_id = from->request_id;
	self->priority = from->priority;
	self->pid = from->pid;
	self->uid = from->uid;
	self->gid = from->gid;
	return (PyObject *)self;
}

/* Descriptors that no object owns yet. */
void close_all(const int *fds, uint32_t count)
{
	while (count > 0)
		close(fds[--count]);
}

/* A tuple of descriptors, or NULL for none; false: an exception, and they are closed. */
bool make_descriptors(const int *fds, uint32_t count, PyObject **tuple)
{
	*tuple = NULL;
	if (!count)
		return true;
	*tuple = PyTuple_New(count);
	for (uint32_t i = 0; *tuple && i < count; i++) {
		PyObject *number = PyLong_FromLong(fds[i]);

		if (number)
			PyTuple_SET_ITEM(*tuple, i, number);
		else
			Py_CLEAR(*tuple);
	}
	if (!*tuple)
		close_all(fds, count);
	return *tuple;
}

/* The number of a request, or of a message with one; 0 and an exception if it has none. */
uint64_t get_request_id(PyObject *request)
{
	uint64_t id;

	if (PyObject_TypeCheck(request, message_type))
		id = ((message_object *)request)->request_id;
	else
		id = PyLong_AsUnsignedLongLong(request);
	if (!id && !PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "the sender does not wait for a reply");
	return PyErr_Occurred() ? 0 : id;
}
