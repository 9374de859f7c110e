/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The types of the module that memory.c defines. */
#ifndef IPCSHM_CORE_H
#define IPCSHM_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyType_Spec guard_spec;
extern PyType_Spec memory_spec;
extern PyType_Spec lender_spec;

#endif /* IPCSHM_CORE_H */
