/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A member page that a test writes without the module: joins and deaths, as
 * ipcshm_area_init_futex() describes them.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <ipcshm-area.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Zeroes that children share. */
static inline void *shared_memory(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline struct ipcshm_member_page *members_create(void)
{
	struct ipcshm_member_page *page = shared_memory(sizeof(*page));

	page->version = IPCSHM_MEMBER_PAGE_VERSION;
	page->max_members = IPCSHM_MEMBERS_MAX;
	return page;
}

/* The token of the next member of a slot, 0 to IPCSHM_MEMBERS_MAX - 1; generations wrap. */
static inline uint32_t members_join(struct ipcshm_member_page *page, uint32_t slot)
{
	uint32_t generation = IPCSHM_TOKEN_GENERATION(page->slot[slot] & IPCSHM_TOKEN_MASK) + 1;
	uint32_t token = (generation << IPCSHM_TOKEN_SLOT_BITS & IPCSHM_TOKEN_MASK) | slot;

	if (!IPCSHM_TOKEN_GENERATION(token))
		token |= 1U << IPCSHM_TOKEN_SLOT_BITS;

	__atomic_store_n(&page->slot[slot], token, __ATOMIC_RELEASE);
	__atomic_add_fetch(&page->joins, 1, __ATOMIC_RELEASE);
	return token;
}

static inline void members_end(struct ipcshm_member_page *page, uint32_t token, uint32_t end)
{
	__atomic_store_n(&page->slot[IPCSHM_TOKEN_SLOT(token)],
			 IPCSHM_SLOT_ENDED | (token & ~0xffffU) | end, __ATOMIC_RELEASE);
}

/* It has died; waiting members learn of it. */
static inline void members_die(struct ipcshm_member_page *page, uint32_t token)
{
	members_end(page, token, IPCSHM_SLOT_END(IPCSHM_END_KILLED, 9));
	__atomic_add_fetch(&page->deaths, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &page->deaths, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* It leaves alive; no other member is informed. */
static inline void members_leave(struct ipcshm_member_page *page, uint32_t token)
{
	members_end(page, token, IPCSHM_SLOT_END(IPCSHM_END_LEFT, 0));
}

#define WAITS_LONGER	30000000000ULL	/* nanoseconds */

static int (*members_wait)(const struct ipcshm_area *area, const uint32_t *word,
			   uint32_t expected, uint32_t deaths, uint64_t deadline);

static inline int members_wait_longer(const struct ipcshm_area *area, const uint32_t *word,
				      uint32_t expected, uint32_t deaths, uint64_t deadline)
{
	if (deadline != IPCSHM_FOREVER && deadline > ipcshm_deadline(0))
		deadline += WAITS_LONGER;
	return members_wait(area, word, expected, deaths, deadline);
}

/*
 * Makes all waits take longer than requested: a mutex regularly checks whether its owner
 * has left, so a death without a wake-up would only be late.
 */
static inline void members_be_late(struct ipcshm_area *area)
{
	static struct ipcshm_area_ops late;

	late = *area->ops;
	members_wait = late.wait;
	late.wait = members_wait_longer;
	area->ops = &late;
}

/* Returns when a process or thread sleeps, or has ended. */
static inline void await_sleep(pid_t pid)
{
	char path[32], state = 'R';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		sched_yield();
		file = fopen(path, "re");
		if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = 'X';
		if (file)
			fclose(file);
	} while (state == 'R');
}

#endif /* MEMBERS_H */
