// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Batches: several messages by one system call. */
#include "queue.h"

/* The room that a batch takes at most, as far as it is for more than one message. */
#define BATCH_ROOM	(64 << 20)

PyObject *queue_send_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
				  PyObject *names)
{
	const queue_object *self = (queue_object *)object;
	struct ipcshm_message *messages;
	struct options options;
	Py_ssize_t wanted, ready = 0;
	PyObject *list;
	Py_buffer *buffers;
	int result = 0;

	if (get_options(args, count, names, 1, true, &options))
		return NULL;
	if (options.fd_count) {
		PyErr_SetString(PyExc_TypeError, "a batch carries no descriptors");
		return NULL;
	}
	list = PySequence_Fast(args[0], "messages are a sequence");
	if (!list)
		return NULL;
	wanted = PySequence_Fast_GET_SIZE(list);
	if (wanted > IPCSHM_BATCH_MAX)
		wanted = IPCSHM_BATCH_MAX;
	messages = PyMem_Calloc((size_t)wanted + 1, sizeof(*messages));
	buffers = PyMem_Calloc((size_t)wanted + 1, sizeof(*buffers));
	if (!messages || !buffers) {
		PyErr_NoMemory();
		goto end;
	}
	for (; ready < wanted; ready++) {
		if (PyObject_GetBuffer(PySequence_Fast_GET_ITEM(list, ready), &buffers[ready],
				       PyBUF_SIMPLE))
			goto end;
		messages[ready].data = (uintptr_t)buffers[ready].buf;
		messages[ready].size = (uint64_t)buffers[ready].len;
		messages[ready].type = options.type;
		messages[ready].priority = options.priority;
	}
	if (!wanted)
		goto end;
	do {
		Py_BEGIN_ALLOW_THREADS
		result = ipcshm_send_batch(self->fd, messages, (uint32_t)wanted, 0,
					   options.deadline);
		Py_END_ALLOW_THREADS
	} while (go_on(result));
	if (result < 0)
		give_up(result, "ipcshm_send_batch");
end:
	while (ready > 0)
		PyBuffer_Release(&buffers[--ready]);
	PyMem_Free(buffers);
	PyMem_Free(messages);
	Py_DECREF(list);
	return PyErr_Occurred() ? NULL : PyLong_FromLong(result);
}

/* The payloads of a batch that was received, as messages. */
static PyObject *make_batch(const struct ipcshm_message *messages, PyObject **payloads, int count)
{
	PyObject *list = PyList_New(count);

	for (int i = 0; list && i < count; i++) {
		PyObject *message = NULL;

		if (_PyBytes_Resize(&payloads[i], (Py_ssize_t)messages[i].size) == 0)
			message = make_message(&messages[i], Py_NewRef(payloads[i]), NULL);
		if (message)
			PyList_SET_ITEM(list, i, message);
		else
			Py_CLEAR(list);
	}
	return list;
}

PyObject *queue_receive_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
				     PyObject *names)
{
	const queue_object *self = (queue_object *)object;
	struct ipcshm_message *messages;
	PyObject **payloads, *list = NULL;
	struct options options;
	Py_ssize_t wanted, ready = 0;
	int result;

	if (get_options(args, count, names, 1, false, &options))
		return NULL;
	wanted = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
	if (wanted == -1 && PyErr_Occurred())
		return NULL;
	if (wanted < 1 || options.fd_count) {
		PyErr_SetString(PyExc_ValueError, "a batch has at least one message, and no descriptors");
		return NULL;
	}
	if (wanted > IPCSHM_BATCH_MAX)
		wanted = IPCSHM_BATCH_MAX;
	if ((size_t)wanted > BATCH_ROOM / self->max_size)
		wanted = (Py_ssize_t)(BATCH_ROOM / self->max_size);
	if (wanted < 1)
		wanted = 1;
	messages = PyMem_Calloc((size_t)wanted, sizeof(*messages));
	payloads = PyMem_Calloc((size_t)wanted, sizeof(*payloads));
	if (!messages || !payloads) {
		PyErr_NoMemory();
		goto end;
	}
	for (; ready < wanted; ready++) {
		payloads[ready] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)self->max_size);
		if (!payloads[ready])
			goto end;
		messages[ready].data = (uintptr_t)PyBytes_AS_STRING(payloads[ready]);
		messages[ready].size = self->max_size;
		messages[ready].type = options.type;
		messages[ready].flags = options.match;
	}
	do {
		Py_BEGIN_ALLOW_THREADS
		result = ipcshm_receive_batch(self->fd, messages, (uint32_t)wanted, 0,
					      options.deadline);
		Py_END_ALLOW_THREADS
	} while (go_on(result));
	if (result < 0)
		give_up(result, "ipcshm_receive_batch");
	else
		list = make_batch(messages, payloads, result);
end:
	while (ready > 0)
		Py_XDECREF(payloads[--ready]);
	PyMem_Free(payloads);
	PyMem_Free(messages);
	return list;
}
