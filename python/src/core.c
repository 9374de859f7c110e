// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The parts of the package that have to be fast, or that Python code cannot do before
 * version 3.12: sending and receiving here, memory with the buffer protocol in memory.c.
 *
 * Everything else calls the library through cffi: see build_ffi.py.
 */
#include "core.h"

#include <errno.h>
#include <ipcshm.h>
#include <math.h>
#include <stdbool.h>
#include <structmember.h>
#include <time.h>
#include <unistd.h>

/* The first room for a message; a larger one stays in the queue and is received again. */
#define FIRST_ROOM	4096

/* The room that a batch takes at most, as far as it is for more than one message. */
#define BATCH_ROOM	(64 << 20)

static PyObject *raise_error;	/* errors.raise_error(number, call) */
static PyObject *total_seconds;	/* interned names */
static PyObject *word_timeout, *word_type, *word_priority, *word_descriptors;
static PyObject *word_except_type, *word_up_to_type;

static PyTypeObject *message_type;

/* Raise the exception of a negative result. */
static void *set_error(long result, const char *call)
{
	PyObject *none = PyObject_CallFunction(raise_error, "ls", -result, call);

	Py_XDECREF(none);
	return NULL;
}

/* After -EINTR: run the handlers of Python; true: go on with the call. */
static bool go_on(long result)
{
	return result == -EINTR && PyErr_CheckSignals() == 0;
}

/* The end of a call that failed for good: a handler may have raised an exception. */
static void *give_up(long result, const char *call)
{
	return PyErr_Occurred() ? NULL : set_error(result, call);
}

/* Time. */

static int deadline_of_seconds(double seconds, uint64_t *deadline)
{
	if (isnan(seconds)) {
		PyErr_SetString(PyExc_ValueError, "a timeout is not a number");
		return -1;
	}
	if (seconds <= 0)
		*deadline = IPCSHM_NOW;
	else if (seconds >= 9e9)
		*deadline = IPCSHM_FOREVER;
	else
		*deadline = ipcshm_deadline((uint64_t)ceil(seconds * 1e9));
	return 0;
}

/* The deadline of a timeout: None, a number of seconds, or a timedelta. */
static int get_deadline(PyObject *timeout, uint64_t *deadline)
{
	PyObject *number;
	double seconds;

	if (timeout == NULL || timeout == Py_None) {
		*deadline = IPCSHM_FOREVER;
		return 0;
	}
	if (PyFloat_CheckExact(timeout))
		return deadline_of_seconds(PyFloat_AS_DOUBLE(timeout), deadline);
	if (PyLong_Check(timeout) || PyFloat_Check(timeout)) {
		seconds = PyFloat_AsDouble(timeout);
	} else {
		number = PyObject_CallMethodNoArgs(timeout, total_seconds);
		if (!number) {
			if (PyErr_ExceptionMatches(PyExc_AttributeError))
				PyErr_SetString(PyExc_TypeError,
						"a timeout is None, a number or a timedelta");
			return -1;
		}
		seconds = PyFloat_AsDouble(number);
		Py_DECREF(number);
	}
	if (seconds == -1.0 && PyErr_Occurred())
		return -1;
	return deadline_of_seconds(seconds, deadline);
}

static PyObject *core_deadline(PyObject *module, PyObject *timeout)
{
	uint64_t deadline;

	(void)module;
	if (get_deadline(timeout, &deadline))
		return NULL;
	return PyLong_FromUnsignedLongLong(deadline);
}

static PyObject *core_set_raise_error(PyObject *module, PyObject *function)
{
	(void)module;
	Py_INCREF(function);
	Py_XSETREF(raise_error, function);
	Py_RETURN_NONE;
}

/* Messages. */

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

static PyType_Spec message_spec = {
	.name = "ipcshm.Message",
	.basicsize = sizeof(message_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = message_slots,
};

/* Takes ownership of @data and of @descriptors. */
static PyObject *make_message(const struct ipcshm_message *from, PyObject *data,
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
static void close_all(const int *fds, uint32_t count)
{
	while (count > 0)
		close(fds[--count]);
}

/* A tuple of descriptors, or NULL for none; false: an exception, and they are closed. */
static bool make_descriptors(const int *fds, uint32_t count, PyObject **tuple)
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

/* Queues. */

typedef struct {
	PyObject_HEAD
	int fd;
	size_t max_size;
	size_t room;	/* enough for the messages so far */
} queue_object;

/* Arguments of a transfer. */
struct options {
	uint64_t deadline;
	uint64_t type;
	uint32_t match;
	uint32_t priority;
	uint32_t fd_count;
	int fds[IPCSHM_FDS_MAX];
};

static int get_match(PyObject *value, uint32_t match, struct options *options)
{
	if (value == Py_None)
		return 0;
	if (options->match) {
		PyErr_SetString(PyExc_TypeError,
				"only one of type, except_type and up_to_type can be given");
		return -1;
	}
	options->type = PyLong_AsUnsignedLongLong(value);
	options->match = match;
	return PyErr_Occurred() ? -1 : 0;
}

static int get_priority(PyObject *value, struct options *options)
{
	unsigned long priority = PyLong_AsUnsignedLong(value);

	if (PyErr_Occurred())
		return -1;
	options->priority = priority > UINT32_MAX ? UINT32_MAX : (uint32_t)priority;
	return 0;
}

static int get_descriptors(PyObject *value, struct options *options)
{
	PyObject *sequence = PySequence_Fast(value, "descriptors are a sequence");
	Py_ssize_t count;

	if (!sequence)
		return -1;
	count = PySequence_Fast_GET_SIZE(sequence);
	if (count > IPCSHM_FDS_MAX) {
		PyErr_SetString(PyExc_ValueError, "more descriptors than a message can carry");
		count = -1;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		options->fds[i] = PyObject_AsFileDescriptor(PySequence_Fast_GET_ITEM(sequence, i));
		if (options->fds[i] < 0)
			count = -1;
	}
	Py_DECREF(sequence);
	if (count < 0)
		return -1;
	options->fd_count = (uint32_t)count;
	return 0;
}

static int get_room(PyObject *value, struct options *options)
{
	unsigned long count = PyLong_AsUnsignedLong(value);

	if (PyErr_Occurred())
		return -1;
	if (count > IPCSHM_FDS_MAX) {
		PyErr_SetString(PyExc_ValueError, "more descriptors than a message can carry");
		return -1;
	}
	options->fd_count = (uint32_t)count;
	return 0;
}

static bool is_word(PyObject *name, PyObject *word)
{
	return name == word || PyUnicode_Compare(name, word) == 0;
}

static int get_option(PyObject *name, PyObject *value, bool sends, struct options *options)
{
	if (is_word(name, word_timeout))
		return get_deadline(value, &options->deadline);
	if (is_word(name, word_type) && sends) {
		options->type = PyLong_AsUnsignedLongLong(value);
		return PyErr_Occurred() ? -1 : 0;
	}
	if (is_word(name, word_type))
		return get_match(value, IPCSHM_TYPE_EQUAL, options);
	if (is_word(name, word_priority) && sends)
		return get_priority(value, options);
	if (is_word(name, word_descriptors))
		return sends ? get_descriptors(value, options) : get_room(value, options);
	if (is_word(name, word_except_type) && !sends)
		return get_match(value, IPCSHM_TYPE_NOT, options);
	if (is_word(name, word_up_to_type) && !sends)
		return get_match(value, IPCSHM_TYPE_UP_TO, options);
	PyErr_Format(PyExc_TypeError, "unexpected keyword argument %R", name);
	return -1;
}

/*
 * Read the arguments: @fixed of them, which only have a position, then the timeout, then those that
 * have a name.
 */
static int get_options(PyObject *const *args, Py_ssize_t count, PyObject *names, Py_ssize_t fixed,
		       bool sends, struct options *options)
{
	Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;

	options->deadline = IPCSHM_FOREVER;
	options->type = 0;
	options->match = 0;
	options->priority = 0;
	options->fd_count = 0;
	if (count < fixed || count > fixed + 1) {
		PyErr_Format(PyExc_TypeError, "%zd or %zd positional arguments, not %zd", fixed,
			     fixed + 1, count);
		return -1;
	}
	if (count > fixed && get_deadline(args[fixed], &options->deadline))
		return -1;
	for (Py_ssize_t i = 0; i < named; i++)
		if (get_option(PyTuple_GET_ITEM(names, i), args[count + i], sends, options))
			return -1;
	return 0;
}

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

static PyObject *queue_send(PyObject *object, PyObject *const *args, Py_ssize_t count,
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

static PyObject *queue_receive(PyObject *object, PyObject *const *args, Py_ssize_t count,
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

static PyObject *queue_receive_into(PyObject *object, PyObject *const *args, Py_ssize_t count,
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

static PyObject *queue_call(PyObject *object, PyObject *const *args, Py_ssize_t count,
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

/* The number of a request, or of a message with one; 0 and an exception if it has none. */
static uint64_t get_request_id(PyObject *request)
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

static PyObject *queue_reply(PyObject *object, PyObject *const *args, Py_ssize_t count)
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

static PyObject *queue_send_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
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

static PyObject *queue_receive_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
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

static PyType_Spec queue_spec = {
	.name = "ipcshm._core.QueueDescriptor",
	.basicsize = sizeof(queue_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = queue_slots,
};

/* The module. */

static PyMethodDef core_methods[] = {
	{ "deadline", core_deadline, METH_O, "The deadline of a timeout, as the C library takes it." },
	{ "set_raise_error", core_set_raise_error, METH_O,
	  "Set the function that raises the exception of an errno." },
	{ 0 }
};

static struct PyModuleDef core = {
	PyModuleDef_HEAD_INIT,
	.m_name = "ipcshm._core",
	.m_doc = "The parts of ipcshm that are written in C.",
	.m_size = -1,
	.m_methods = core_methods,
};

static bool intern_words(void)
{
	return (total_seconds = PyUnicode_InternFromString("total_seconds")) &&
	       (word_timeout = PyUnicode_InternFromString("timeout")) &&
	       (word_type = PyUnicode_InternFromString("type")) &&
	       (word_priority = PyUnicode_InternFromString("priority")) &&
	       (word_descriptors = PyUnicode_InternFromString("descriptors")) &&
	       (word_except_type = PyUnicode_InternFromString("except_type")) &&
	       (word_up_to_type = PyUnicode_InternFromString("up_to_type"));
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
	PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(spec);

	return type && PyModule_AddType(module, type) == 0 ? type : NULL;
}

PyMODINIT_FUNC PyInit__core(void)
{
	PyObject *module = PyModule_Create(&core);

	if (!module)
		return NULL;
	message_type = add_type(module, &message_spec);
	if (!message_type || !add_type(module, &guard_spec) || !add_type(module, &memory_spec) ||
	    !add_type(module, &lender_spec) || !add_type(module, &queue_spec) || !intern_words()) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
