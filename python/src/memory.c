// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Memory with the buffer protocol, objects that lend it, and guards: what closes the handles that
 * it belongs to.
 */
#include "core.h"

#include <structmember.h>

/* Call a function of one argument, or of none, while an object is freed. */
static void call_at_end(PyObject *function, PyObject *argument)
{
	PyObject *type, *value, *trace, *result;

	PyErr_Fetch(&type, &value, &trace);
	result = argument ? PyObject_CallOneArg(function, argument) : PyObject_CallNoArgs(function);
	if (!result)
		PyErr_WriteUnraisable(function);
	Py_XDECREF(result);
	PyErr_Restore(type, value, trace);
}

/*
 * Guards: what closes a handle of the library.
 *
 * The garbage collector calls the finalizers of a cycle in any order, and would close a topic
 * before its subscribers. It does not know guards and memory: they end when nothing refers to
 * them, and only then give up the guards that they need.
 */

typedef struct {
	PyObject_HEAD
	PyObject *close;
	PyObject *pointer;
	PyObject *needs;
} guard_object;

static PyObject *guard_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	PyObject *close, *pointer, *needs;
	guard_object *self;

	(void)keywords;
	if (!PyArg_ParseTuple(args, "OOO!", &close, &pointer, &PyTuple_Type, &needs))
		return NULL;
	self = (guard_object *)type->tp_alloc(type, 0);
	if (!self)
		return NULL;
	self->close = Py_NewRef(close);
	self->pointer = Py_NewRef(pointer);
	self->needs = Py_NewRef(needs);
	return (PyObject *)self;
}

static void guard_dealloc(PyObject *object)
{
	guard_object *self = (guard_object *)object;
	PyTypeObject *type = Py_TYPE(object);

	call_at_end(self->close, self->pointer);
	Py_DECREF(self->close);
	Py_DECREF(self->pointer);
	Py_DECREF(self->needs);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyType_Slot guard_slots[] = {
	{ Py_tp_doc, "Calls a function with a pointer when nothing refers to it." },
	{ Py_tp_new, guard_new },
	{ Py_tp_dealloc, guard_dealloc },
	{ 0, NULL }
};

PyType_Spec guard_spec = {
	.name = "ipcshm._core.Guard",
	.basicsize = sizeof(guard_object),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = guard_slots,
};

/* Memory. */

typedef struct {
	PyObject_HEAD
	char *address;
	Py_ssize_t size;
	int readonly;
	PyObject *free;
} memory_object;

static PyObject *memory_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "address", "size", "readonly", "free", NULL };
	unsigned long long address;
	memory_object *self;
	PyObject *free;
	Py_ssize_t size;
	int readonly;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "KnpO", names, &address, &size, &readonly,
					 &free))
		return NULL;
	self = (memory_object *)type->tp_alloc(type, 0);
	if (!self)
		return NULL;
	self->address = (char *)(uintptr_t)address;
	self->size = size;
	self->readonly = readonly;
	self->free = Py_NewRef(free);
	return (PyObject *)self;
}

/* Runs when the last view is gone: a view refers to the object. */
static void memory_dealloc(PyObject *object)
{
	memory_object *self = (memory_object *)object;
	PyTypeObject *type = Py_TYPE(object);

	call_at_end(self->free, NULL);
	Py_DECREF(self->free);
	type->tp_free(object);
	Py_DECREF(type);
}

static int memory_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
	memory_object *self = (memory_object *)object;

	return PyBuffer_FillInfo(view, object, self->address, self->size, self->readonly, flags);
}

static Py_ssize_t memory_length(PyObject *object)
{
	return ((memory_object *)object)->size;
}

static PyObject *memory_address(PyObject *object, void *unused)
{
	(void)unused;
	return PyLong_FromVoidPtr(((memory_object *)object)->address);
}

static PyGetSetDef memory_getset[] = {
	{ "address", memory_address, NULL, "Where the memory begins.", NULL },
	{ 0 }
};

static PyType_Slot memory_slots[] = {
	{ Py_tp_doc, "Memory with the buffer protocol, which is freed after its last view." },
	{ Py_tp_new, memory_new },
	{ Py_tp_dealloc, memory_dealloc },
	{ Py_tp_getset, memory_getset },
	{ Py_sq_length, memory_length },
	{ Py_bf_getbuffer, memory_getbuffer },
	{ 0, NULL }
};

PyType_Spec memory_spec = {
	.name = "ipcshm._core.Memory",
	.basicsize = sizeof(memory_object),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = memory_slots,
};

/* Objects that lend their memory, until they are closed. */

typedef struct {
	PyObject_HEAD
	PyObject *memory;
} lender_object;

static void lender_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	Py_CLEAR(((lender_object *)object)->memory);
	type->tp_free(object);
	Py_DECREF(type);
}

static int lender_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
	PyObject *memory = ((lender_object *)object)->memory;

	if (!memory || memory == Py_None) {
		view->obj = NULL;
		PyErr_SetString(PyExc_ValueError, "the memory was released");
		return -1;
	}
	return PyObject_GetBuffer(memory, view, flags);
}

/* NumPy keeps a view, and not only the object, if the object has such a function. */
static void lender_releasebuffer(PyObject *object, Py_buffer *view)
{
	(void)object;
	(void)view;
}

static PyObject *lender_bytes(PyObject *object, PyObject *unused)
{
	(void)unused;
	return PyBytes_FromObject(object);
}

static PyObject *lender_buf(PyObject *object, void *unused)
{
	(void)unused;
	return PyMemoryView_FromObject(object);
}

static PyMethodDef lender_methods[] = {
	{ "__bytes__", lender_bytes, METH_NOARGS, "A copy of the memory." },
	{ 0 }
};

static PyGetSetDef lender_getset[] = {
	{ "buf", lender_buf, NULL, "A view of the memory.", NULL },
	{ 0 }
};

static PyMemberDef lender_members[] = {
	{ "_memory", T_OBJECT, offsetof(lender_object, memory), 0, "The memory; None: released." },
	{ 0 }
};

static PyType_Slot lender_slots[] = {
	{ Py_tp_doc, "An object with the buffer protocol: that of its memory." },
	{ Py_tp_dealloc, lender_dealloc },
	{ Py_tp_members, lender_members },
	{ Py_tp_methods, lender_methods },
	{ Py_tp_getset, lender_getset },
	{ Py_bf_getbuffer, lender_getbuffer },
	{ Py_bf_releasebuffer, lender_releasebuffer },
	{ 0, NULL }
};

PyType_Spec lender_spec = {
	.name = "ipcshm._core.Lender",
	.basicsize = sizeof(lender_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = lender_slots,
};
