/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Rings: how items are copied, and cache lines asked for.
 */
#ifndef IPCSHM_RING_COPY_H
#define IPCSHM_RING_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x)	__builtin_expect(!!(x), 1)
#define UNLIKELY(x)	__builtin_expect(!!(x), 0)
#define ALWAYS_INLINE	inline __attribute__((always_inline))

/*
 * A few words are worth no call, which would have the caller save what it knows.  They are
 * loaded one by one, as they were most likely written just before, and a wider load would
 * wait for these stores; but stored in pairs: how many lines are on their way to the
 * producer at once is how many items the stores that a processor can have pending are for.
 */
typedef uint64_t ring_pair __attribute__((vector_size(16), aligned(1), may_alias));

static ALWAYS_INLINE bool is_few_words(size_t size)
{
	return !(size % 8) && size <= 64;
}

static ALWAYS_INLINE uint64_t word_at(const void *from, size_t offset)
{
	uint64_t word;

	memcpy(&word, (const char *)from + offset, 8);
	return word;
}

static ALWAYS_INLINE void copy_pair(void *to, const void *from)
{
	ring_pair pair = { word_at(from, 0) };

#ifdef __x86_64__
	/* Else the compiler makes one load of the two. */
	__asm__("" : "+x" (pair));
#endif
	pair[1] = word_at(from, 8);
	*(ring_pair *)to = pair;
}

static ALWAYS_INLINE void copy_words(void *to, const void *from, size_t size)
{
	uint64_t last;
	size_t i;

	for (i = 0; i + 16 <= size; i += 16)
		copy_pair((char *)to + i, (const char *)from + i);
	if (i < size) {
		last = word_at(from, i);
		memcpy((char *)to + i, &last, 8);
	}
}

static ALWAYS_INLINE void copy_item(void *to, const void *from, size_t size)
{
	if (LIKELY(is_few_words(size)))
		copy_words(to, from, size);
	else
		memcpy(to, from, size);
}

/*
 * A producer asks for the lines it will write next before it needs them, so that several
 * are on their way at once; only those that are free: the others are the consumer's.
 */
#define RING_AHEAD	256	/* bytes */

static ALWAYS_INLINE void prepare_to_write(const unsigned char *at)
{
#ifdef __x86_64__
	/*
	 * The compiler takes the other one, for which the line stays the consumer's as well,
	 * without a target processor that has this.  Processors without it ignore it.
	 */
	__asm__ volatile("prefetchw %0" : : "m" (*at));
#else
	__builtin_prefetch(at, 1);
#endif
}

#endif /* IPCSHM_RING_COPY_H */
