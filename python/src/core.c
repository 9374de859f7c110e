// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The module: the parts of the package that have to be fast, or that Python code cannot do before
 * version 3.12.
 *
 * Everything else calls the library through cffi: see build_ffi.py.
 */
#include "core.h"

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
	    !add_type(module, &lender_spec) || !add_type(module, &queue_spec) ||
	    !intern_timeout_words() || !intern_option_words()) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
