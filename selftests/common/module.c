// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

const char *module_file(void)
{
	const char *file = getenv("IPCSHM_KO");

	return file ? file : "/ipcshm.ko";
}

/* Zero, or an errno. */
int unload_module(void)
{
	return syscall(SYS_delete_module, "ipcshm", O_NONBLOCK) ? errno : 0;
}

/* Zero, or an errno. */
int load_module(const char *parameters)
{
	int fd = open(module_file(), O_RDONLY | O_CLOEXEC);
	int err = fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) ? errno : 0;

	close(fd);
	return err;
}
