/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Common code of all objects that lie in an area, beside ipcshm-area.h.
 */
#ifndef IPCSHM_AREA_INTERNAL_H
#define IPCSHM_AREA_INTERNAL_H

#include "internal.h"

/* 0 if it has to be asked for. */
static inline uint32_t area_known_token(const struct ipcshm_area *area)
{
	return __atomic_load_n(area->token, __ATOMIC_RELAXED);
}

/* As ipcshm_area_token(), with no call where it matters. */
static inline uint32_t area_token(const struct ipcshm_area *area)
{
	uint32_t token = area_known_token(area);

	return token ? token : ipcshm_area_token(area);
}

/*
 * Why the process has no token, after area_token() has returned 0: the reason stands
 * behind the token, on the page that fork(2) wipes.
 */
static inline int area_no_token(const struct ipcshm_area *area)
{
	uint32_t reason = __atomic_load_n(area->token + 1, __ATOMIC_RELAXED);

	return reason ? -(int)reason : -ESRCH;
}

/* In a loop that waits for another processor. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif /* IPCSHM_AREA_INTERNAL_H */
