/* SPDX-License-Identifier: GPL-2.0-only */
/* Data whose words follow from the first, so that a mixture of two is noticed. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void words_fill(void *data, size_t count, uint64_t value)
{
	uint64_t *words = data;
	size_t i;

	for (i = 0; i < count; i++)
		__atomic_store_n(&words[i], value + i, __ATOMIC_RELAXED);
}

static inline bool words_are_whole(const void *data, size_t count)
{
	const uint64_t *words = data;
	size_t i;

	for (i = 0; i < count; i++) {
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) != words[0] + i)
			return false;
	}
	return true;
}

static inline uint64_t words_value(const void *data)
{
	return *(const uint64_t *)data;
}

#endif /* WORDS_H */
