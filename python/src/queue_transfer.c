// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Transfers of one message: send, receive, call and reply. */
#include "queue.h"

#include <errno.h>
#include <time.h>

PyObject *queue_send(PyObject *object, PyObject *const *args, Py_ssize_t count,
			    PyObject *names)
{
	const queue_object *self = (queue_object *)object;
	struct options options;
	Py_buffer data;
	int result;

	if (get_options(args, count, names, 1, true, &options))
		return NULL;
	if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE))
		return NULL;
	do {
		if (options.fd_count) {
			const struct ipcshm_message message = {
				.data = (uintptr_t)data.buf,
				.size = (uint64_t)data.len,
				.type = options.type,
				.priority = options.priority,
				.fds = (uintptr_t)options.fds,
				.fd_count = options.fd_count,
			};

			Py_BEGIN_ALLOW_THREADS
			result = ipcshm_send_message(self->fd, &message, options.deadline);
			Py_END_ALLOW_THREADS
		} else {
			Py_BEGIN_ALLOW_THREADS
			result = ipcshm_send_typed(self->fd, data.buf, (size_t)data.len,
						   options.type, options.priority, options.deadline);
			Py_END_ALLOW_THREADS
		}
	} while (go_on(result));
	PyBuffer_Release(&data);
	if (result < 0)
		return give_up(result, "ipcshm_send");
	Py_RETURN_NONE;
}

static long receive_raw(const queue_object *self, void *room, size_t size, struct options *options,
			struct ipcshm_message *message)
{
	long result;

	do {
		if (options->fd_count) {
			memset(message, 0, sizeof(*message));
			message->data = (uintptr_t)room;
			message->size = size;
			message->type = options->type;
			message->flags = options->match;
			message->fds = (uintptr_t)options->fds;
			message->fd_count = options->fd_count;
			Py_BEGIN_ALLOW_THREADS
			result = ipcshm_receive_message(self->fd, message, options->deadline);
			Py_END_ALLOW_THREADS
		} else {
			Py_BEGIN_ALLOW_THREADS
			result = ipcshm_receive_typed(self->fd, room, size, options->type,
						      options->match, message, options->deadline);
			Py_END_ALLOW_THREADS
		}
	} while (go_on(result));
	return result;
}

/* The message that receive_raw() has filled in, with its descriptors. */
static PyObject *finish_receive(struct ipcshm_message *message, PyObject *data,
				const struct options *options)
{
	uint32_t count = message->fd_count < options->fd_count ? message->fd_count :
								 options->fd_count;
	PyObject *descriptors;

	if (!make_descriptors(options->fds, count, &descriptors)) {
		Py_DECREF(data);
		return NULL;
	}
	return make_message(message, data, descriptors);
}

PyObject *queue_receive(PyObject *object, PyObject *const *args, Py_ssize_t count,
			       PyObject *names)
{
	queue_object *self = (queue_object *)object;
	struct ipcshm_message message;
	struct options options;
	PyObject *data;
	size_t room;
	long result;

	if (get_options(args, count, names, 0, false, &options))
		return NULL;
	for (;;) {
		room = self->room;
		data = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
		if (!data)
			return NULL;
		result = receive_raw(self, PyBytes_AS_STRING(data), room, &options, &message);
		if (result != -EMSGSIZE || message.size <= room)
			break;
		Py_DECREF(data);
		self->room = message.size;
	}
	if (result < 0) {
		Py_DECREF(data);
		return give_up(result, "ipcshm_receive");
	}
	if ((size_t)result != room && _PyBytes_Resize(&data, result)) {
		close_all(options.fds, message.fd_count < options.fd_count ? message.fd_count :
									     options.fd_count);
		return NULL;
	}
	return finish_receive(&message, data, &options);
}

PyObject *queue_receive_into(PyObject *object, PyObject *const *args, Py_ssize_t count,
				    PyObject *names)
{
	struct ipcshm_message message;
	struct options options;
	Py_buffer room;
	long result;

	if (get_options(args, count, names, 1, false, &options))
		return NULL;
	if (PyObject_GetBuffer(args[0], &room, PyBUF_WRITABLE))
		return NULL;
	result = receive_raw((queue_object *)object, room.buf, (size_t)room.len, &options,
			     &message);
	PyBuffer_Release(&room);
	if (result < 0)
		return give_up(result, "ipcshm_receive");
	return finish_receive(&message, Py_NewRef(Py_None), &options);
}

/* Give up a call whose server has the request: resume it with a deadline that has passed. */
static void abandon_call(int fd, struct ipcshm_call_args *transfer)
{
	transfer->deadline = IPCSHM_NOW;
	(void)ipcshm_call_transfer(fd, transfer, sizeof(*transfer));
}

PyObject *queue_call(PyObject *object, PyObject *const *args, Py_ssize_t count,
			    PyObject *names)
{
	const queue_object *self = (queue_object *)object;
	struct ipcshm_call_args transfer;
	struct options options;
	Py_buffer request;
	PyObject *reply;
	int result;

	if (get_options(args, count, names, 1, true, &options))
		return NULL;
	if (options.fd_count) {
		PyErr_SetString(PyExc_TypeError, "a call carries no descriptors");
		return NULL;
	}
	if (PyObject_GetBuffer(args[0], &request, PyBUF_SIMPLE))
		return NULL;
	reply = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)self->max_size);
	if (!reply) {
		PyBuffer_Release(&request);
		return NULL;
	}
	memset(&transfer, 0, sizeof(transfer));
	transfer.request.data = (uintptr_t)request.buf;
	transfer.request.size = (uint64_t)request.len;
	transfer.request.type = options.type;
	transfer.request.priority = options.priority;
	transfer.reply.data = (uintptr_t)PyBytes_AS_STRING(reply);
	transfer.reply.size = self->max_size;
	transfer.deadline = options.deadline;
	transfer.clock = CLOCK_MONOTONIC;
	do {
		Py_BEGIN_ALLOW_THREADS
		result = ipcshm_call_transfer(self->fd, &transfer, sizeof(transfer));
		Py_END_ALLOW_THREADS
	} while (go_on(result));
	if (result == -EINTR && transfer.request.request_id)
		abandon_call(self->fd, &transfer);
	PyBuffer_Release(&request);
	if (result < 0) {
		Py_DECREF(reply);
		return give_up(result, "ipcshm_call");
	}
	if (_PyBytes_Resize(&reply, (Py_ssize_t)transfer.reply.size))
		return NULL;
	return reply;
}

PyObject *queue_reply(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
	const queue_object *self = (queue_object *)object;
	Py_buffer data;
	uint64_t id;
	int result;

	if (count != 2) {
		PyErr_SetString(PyExc_TypeError, "reply() takes a request and data");
		return NULL;
	}
	id = get_request_id(args[0]);
	if (!id || PyObject_GetBuffer(args[1], &data, PyBUF_SIMPLE))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	result = ipcshm_reply(self->fd, id, data.buf, (size_t)data.len);
	Py_END_ALLOW_THREADS
	PyBuffer_Release(&data);
	if (result == -ESRCH)
		Py_RETURN_FALSE;
	if (result < 0)
		return set_error(result, "ipcshm_reply");
	Py_RETURN_TRUE;
}
