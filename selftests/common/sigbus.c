// SPDX-License-Identifier: GPL-2.0-only
/* Accesses that may be a SIGBUS. */
#include <setjmp.h>
#include <signal.h>

#include "sigbus.h"

static sigjmp_buf after_sigbus;

static void handle_sigbus(int number)
{
	siglongjmp(after_sigbus, number);
}

static void expect_sigbus(void)
{
	sigaction(SIGBUS, &(struct sigaction) { .sa_handler = handle_sigbus }, NULL);
}

bool can_read(unsigned char *at)
{
	expect_sigbus();
	if (sigsetjmp(after_sigbus, 1))
		return false;
	(void)*(volatile unsigned char *)at;
	return true;
}

bool can_write(unsigned char *at)
{
	expect_sigbus();
	if (sigsetjmp(after_sigbus, 1))
		return false;
	*(volatile unsigned char *)at = 1;
	return true;
}

size_t readable_pages(struct test_region *region, unsigned char *at, size_t count)
{
	size_t i, readable = 0;

	for (i = 0; i < count; i++)
		readable += can_read(at + i * region->page_size);
	return readable;
}
