// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least program, C and C++ alike: is the library there, and is it the
 * kernel that answers?
 */
#include <errno.h>
#include <ipcshm.h>

int main(void)
{
	struct ipcshm_info info;

	if (!ipcshm_deadline(0))
		return 1;
	return ipcshm_get_info(-1, &info, sizeof(info)) != -EBADF;
}
