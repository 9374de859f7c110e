/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading and unloading the module, from its file: /ipcshm.ko or IPCSHM_KO. */
#ifndef IPCSHM_MODULE_H
#define IPCSHM_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *module_file(void);
int unload_module(void);
int load_module(const char *parameters);

#endif /* IPCSHM_MODULE_H */
