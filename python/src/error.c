// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Exceptions of the library's results. */
#include "core.h"

#include <errno.h>

static PyObject *raise_error;	/* errors.raise_error(number, call) */

PyObject *core_set_raise_error(PyObject *module, PyObject *function)
{
	(void)module;
	Py_INCREF(function);
	Py_XSETREF(raise_error, function);
	Py_RETURN_NONE;
}

/* Raise the exception of a negative result. */
void *set_error(long result, const char *call)
{
	PyObject *none = PyObject_CallFunction(raise_error, "ls", -result, call);

	Py_XDECREF(none);
	return NULL;
}

/* After -EINTR: run the handlers of Python; true: go on with the call. */
bool go_on(long result)
{
	return result == -EINTR && PyErr_CheckSignals() == 0;
}

/* The end of a call that failed for good: a handler may have raised an exception. */
void *give_up(long result, const char *call)
{
	return PyErr_Occurred() ? NULL : set_error(result, call);
}
