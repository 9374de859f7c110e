/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The types of the module, and what its files share. */
#ifndef IPCSHM_CORE_H
#define IPCSHM_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <ipcshm.h>
#include <stdbool.h>

/* memory.c */
extern PyType_Spec guard_spec;
extern PyType_Spec memory_spec;
extern PyType_Spec lender_spec;

/* message.c */
extern PyType_Spec message_spec;
extern PyTypeObject *message_type;

PyObject *make_message(const struct ipcshm_message *from, PyObject *data, PyObject *descriptors);
bool make_descriptors(const int *fds, uint32_t count, PyObject **tuple);
void close_all(const int *fds, uint32_t count);
uint64_t get_request_id(PyObject *request);

/* queue.c, options.c */
extern PyType_Spec queue_spec;

bool intern_option_words(void);

/* error.c */
void *set_error(long result, const char *call);
bool go_on(long result);
void *give_up(long result, const char *call);
PyObject *core_set_raise_error(PyObject *module, PyObject *function);

/* timeout.c */
int get_deadline(PyObject *timeout, uint64_t *deadline);
PyObject *core_deadline(PyObject *module, PyObject *timeout);
bool intern_timeout_words(void);

#endif /* IPCSHM_CORE_H */
