// SPDX-License-Identifier: GPL-2.0-only
/* Two processes, one memory: the child writes a line, the parent reads it. */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int check(int result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "hello-region: %s: %s\n", what, strerror(-result));
	exit(EXIT_FAILURE);
}

/* Any process that may open the region gets the same memory by its name. */
static char *attach(uint32_t flags, mode_t mode, struct ipcshm_region_attr *attr)
{
	int device = check(ipcshm_open(), "open /dev/ipcshm");
	int fd = check(ipcshm_region_open(device, "hello", flags, mode, attr), "open hello");
	void *memory;
	size_t size;

	check(ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &memory, &size), "map hello");
	return memory;
}

int main(void)
{
	struct ipcshm_region_attr attr = { .size = 4096 };
	char *text = attach(IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &attr);
	pid_t child = fork();
	int status;

	if (child == 0) {
		strcpy(attach(IPCSHM_READ | IPCSHM_WRITE, 0, NULL), "Hello from the child!");
		return EXIT_SUCCESS;
	}
	check(child < 0 ? -errno : 0, "fork");
	if (wait(&status) < 0 || status != 0)
		return EXIT_FAILURE;
	printf("the parent reads: %s\n", text);
	return EXIT_SUCCESS;
}
