/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading and unloading kernel modules.  Calls return 0 or -errno. */
#ifndef INPUT_KMOD_H
#define INPUT_KMOD_H

/* The name of the module. */
#define KMOD_NAME "ipcshm"

/* Load a module by its name, with its dependencies, or from a file; @parameters as in "a=1 b=2". */
int kmod_load(const char *module, const char *parameters);

/* Unload a module.  -ENOENT: not loaded; -EAGAIN: in use. */
int kmod_unload(const char *name);

#endif /* INPUT_KMOD_H */
