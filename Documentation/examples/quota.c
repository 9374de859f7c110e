// SPDX-License-Identifier: GPL-2.0-only
/* quota: what the calling user has in use */
#include "demo.h"

int main(void)
{
	struct ipcshm_info info;

	check(ipcshm_get_info(open_device(), &info, sizeof(info)), "ask", "/dev/ipcshm");
	printf("%llu objects, %llu bytes of regions, %llu bytes in queues\n",
	       info.objects.used, info.region_bytes.used, info.queue_bytes.used);
	return EXIT_SUCCESS;
}
