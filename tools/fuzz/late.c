// SPDX-License-Identifier: GPL-2.0-only
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../../selftests/common/fuse.h"
#include "late.h"

#define PAGE		4096UL
#define FUSE_PAGES	4
#define LAZY_PAGES	(LATE_PAGES - FUSE_PAGES)
#define LAZY_MS		20

static struct fuse_memory memory;
static bool has_fuse;
static uint8_t *lazy;			/* a page each for userfaultfd, */
static uint8_t lazy_content[LAZY_PAGES * PAGE] __attribute__((aligned(4096)));	/* and what it gets */
static int fault_file = -1;

static void set_modes(unsigned int page)
{
	switch (page) {
	case 0:
		fuse_memory_delay(&memory, page, 1);
		break;
	case 1:
		fuse_memory_delay(&memory, page, 15);
		break;
	case 2:
		fuse_memory_fail(&memory, page);
		break;
	default:
		break;	/* blocks, until the server learns of a signal */
	}
}

static void *answer_faults(void *none)
{
	struct uffd_msg message;
	struct uffdio_copy copy;
	unsigned int ms = 0;

	while (read(fault_file, &message, sizeof(message)) == sizeof(message)) {
		if (message.event != UFFD_EVENT_PAGEFAULT)
			continue;
		usleep(1000 * (ms++ % LAZY_MS));
		copy = (struct uffdio_copy) {
			.dst = message.arg.pagefault.address & ~(PAGE - 1),
			.len = PAGE,
		};
		copy.src = (uintptr_t)lazy_content + copy.dst - (uintptr_t)lazy;
		ioctl(fault_file, UFFDIO_COPY, &copy);
	}
	return none;
}

static bool register_faults(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)lazy, .len = LAZY_PAGES * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pthread_t thread;

	fault_file = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	return fault_file >= 0 && !ioctl(fault_file, UFFDIO_API, &api) &&
	       !ioctl(fault_file, UFFDIO_REGISTER, &range) &&
	       !pthread_create(&thread, NULL, answer_faults, NULL);
}

bool late_prepare(void)
{
	unsigned int page;

	has_fuse = !fuse_memory_open(&memory, FUSE_PAGES);
	lazy = mmap(NULL, LATE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (lazy == MAP_FAILED)
		return false;
	for (page = 0; has_fuse && page < FUSE_PAGES; page++)
		set_modes(page);
	if (!register_faults())
		fprintf(stderr, "fuzz: no userfaultfd\n");
	return true;
}

/* Without FUSE, in the place of its pages are those behind the others. */
uint8_t *late_page(unsigned int page)
{
	if (page < FUSE_PAGES && has_fuse)
		return memory.map + page * PAGE;
	return lazy + (page + LAZY_PAGES) % LATE_PAGES * PAGE;
}

uint8_t *late_content(unsigned int page)
{
	if (page < FUSE_PAGES)
		return has_fuse ? memory.content + page * PAGE : late_page(page);
	return lazy_content + (page - FUSE_PAGES) * PAGE;
}

void late_renew(unsigned int page)
{
	if (page >= FUSE_PAGES) {
		madvise(late_page(page), PAGE, MADV_DONTNEED);
	} else if (has_fuse && !fuse_memory_is_waiting(&memory, page)) {
		fuse_memory_block(&memory, page);
		set_modes(page);
	}
}
