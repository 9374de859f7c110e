// SPDX-License-Identifier: GPL-2.0-only
#include "swap.h"

bool has_swap(void)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[256];
	int lines = 0;

	while (file && fgets(line, sizeof(line), file))
		lines++;
	if (file)
		fclose(file);
	return lines > 1;
}

bool is_resident(void *address, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE), i;
	unsigned char *resident = calloc(1, size / page);
	bool any = false;

	if (!mincore(address, size, resident))
		for (i = 0; i < size / page; i++)
			any |= resident[i] & 1;
	free(resident);
	return any;
}

/* Pages in the page table alone are paged out. */
void touch_pages(void *address, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE), i;

	for (i = 0; i < size; i += page)
		(void)*(volatile char *)((char *)address + i);
}

/* False if the memory doesn't go to swap. */
bool page_out(void *address, size_t size)
{
	return WAIT_UNTIL((touch_pages(address, size), !madvise(address, size, MADV_PAGEOUT) &&
			   !is_resident(address, size)));
}

/* A field of /proc/self/smaps, in bytes, for the mapping that starts at an address. */
__u64 smaps_field(const void *address, const char *field)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long long start, kib;
	bool inside = false;
	char line[512], found[64];
	__u64 sum = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%*x %*s", &start) == 1 && strchr(line, '-'))
			inside = start == (uintptr_t)address;
		else if (inside && sscanf(line, "%63[^:]: %llu kB", found, &kib) == 2 &&
			 !strcmp(found, field))
			sum += kib * 1024;
	}
	if (file)
		fclose(file);
	return sum;
}

/*
 * Sets the system's mode of huge pages for shared memory. Returns the previous mode, or NULL
 * if it cannot be set.
 */
const char *set_huge_pages(const char *mode)
{
	static char was[32];
	char modes[128] = "", *chosen;
	int fd = open(SHMEM_ENABLED, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (read(fd, modes, sizeof(modes) - 1) > 0 && (chosen = strchr(modes, '[')))
		sscanf(chosen, "[%31[^]]", was);
	if (write(fd, mode, strlen(mode)) != (ssize_t)strlen(mode))
		was[0] = '\0';
	close(fd);
	return was[0] ? was : NULL;
}

/* Huge pages on request. */
const char *allow_huge_pages(void)
{
	return set_huge_pages("advise");
}

void restore_huge_pages(const char *was)
{
	int fd = open(SHMEM_ENABLED, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, was, strlen(was)) < 0)
		perror(SHMEM_ENABLED);
	close(fd);
}
