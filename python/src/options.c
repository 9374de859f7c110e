// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The arguments of a transfer. */
#include "queue.h"

static PyObject *word_timeout, *word_type, *word_priority, *word_descriptors;	/* interned names */
static PyObject *word_except_type, *word_up_to_type;

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
int get_options(PyObject *const *args, Py_ssize_t count, PyObject *names, Py_ssize_t fixed,
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

bool intern_option_words(void)
{
	return (word_timeout = PyUnicode_InternFromString("timeout")) &&
	       (word_type = PyUnicode_InternFromString("type")) &&
	       (word_priority = PyUnicode_InternFromString("priority")) &&
	       (word_descriptors = PyUnicode_InternFromString("descriptors")) &&
	       (word_except_type = PyUnicode_InternFromString("except_type")) &&
	       (word_up_to_type = PyUnicode_InternFromString("up_to_type"));
}
