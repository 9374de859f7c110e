/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Queues: their object, the arguments of a transfer, and the methods that other files define. */
#ifndef IPCSHM_QUEUE_OBJECT_H
#define IPCSHM_QUEUE_OBJECT_H

#include "core.h"

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

int get_options(PyObject *const *args, Py_ssize_t count, PyObject *names, Py_ssize_t fixed,
		bool sends, struct options *options);

/* queue_transfer.c */
PyObject *queue_send(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *queue_receive(PyObject *object, PyObject *const *args, Py_ssize_t count,
			PyObject *names);
PyObject *queue_receive_into(PyObject *object, PyObject *const *args, Py_ssize_t count,
			     PyObject *names);
PyObject *queue_call(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *queue_reply(PyObject *object, PyObject *const *args, Py_ssize_t count);

/* queue_batch.c */
PyObject *queue_send_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
			   PyObject *names);
PyObject *queue_receive_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names);

#endif /* IPCSHM_QUEUE_OBJECT_H */
