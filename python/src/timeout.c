// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Timeouts of Python, as deadlines of the library. */
#include "core.h"

#include <math.h>

static PyObject *total_seconds;	/* an interned name */

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
int get_deadline(PyObject *timeout, uint64_t *deadline)
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

PyObject *core_deadline(PyObject *module, PyObject *timeout)
{
	uint64_t deadline;

	(void)module;
	if (get_deadline(timeout, &deadline))
		return NULL;
	return PyLong_FromUnsignedLongLong(deadline);
}

bool intern_timeout_words(void)
{
	return (total_seconds = PyUnicode_InternFromString("total_seconds"));
}
