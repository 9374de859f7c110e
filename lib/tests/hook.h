/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the compiler's -include: a hook runs before each atomic access of the library, so
 * that a test can act at just that point.
 */
#ifndef HOOK_H
#define HOOK_H

#include <stdatomic.h>

void before_access(const volatile void *address);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_add
#undef atomic_fetch_or_explicit
#undef atomic_fetch_or
#undef atomic_fetch_and_explicit
#undef atomic_fetch_and
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit

/* gcc's operations take any pointer, and a value without the qualifier. */
#ifdef __clang__
#define atomic_load_explicit(p, order) \
	(before_access(p), __c11_atomic_load(p, order))
#define atomic_store_explicit(p, value, order) \
	(before_access(p), __c11_atomic_store(p, value, order))
#define atomic_exchange_explicit(p, value, order) \
	(before_access(p), __c11_atomic_exchange(p, value, order))
#define atomic_fetch_add_explicit(p, value, order) \
	(before_access(p), __c11_atomic_fetch_add(p, value, order))
#define atomic_fetch_or_explicit(p, value, order) \
	(before_access(p), __c11_atomic_fetch_or(p, value, order))
#define atomic_fetch_and_explicit(p, value, order) \
	(before_access(p), __c11_atomic_fetch_and(p, value, order))
#define atomic_compare_exchange_strong_explicit(p, expected, value, yes, no) \
	(before_access(p), __c11_atomic_compare_exchange_strong(p, expected, value, yes, no))
#else
#define atomic_load_explicit(p, order) \
	(before_access(p), __atomic_load_n(p, order))
#define atomic_store_explicit(p, value, order) \
	(before_access(p), __atomic_store_n(p, value, order))
#define atomic_exchange_explicit(p, value, order) \
	(before_access(p), __atomic_exchange_n(p, value, order))
#define atomic_fetch_add_explicit(p, value, order) \
	(before_access(p), __atomic_fetch_add(p, value, order))
#define atomic_fetch_or_explicit(p, value, order) \
	(before_access(p), __atomic_fetch_or(p, value, order))
#define atomic_fetch_and_explicit(p, value, order) \
	(before_access(p), __atomic_fetch_and(p, value, order))
#define atomic_compare_exchange_strong_explicit(p, expected, value, yes, no) \
	(before_access(p), __atomic_compare_exchange_n(p, expected, value, 0, yes, no))
#endif
#define atomic_fetch_add(p, value) atomic_fetch_add_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, value) atomic_fetch_or_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, value) atomic_fetch_and_explicit(p, value, __ATOMIC_SEQ_CST)
/* It fails for no reason only where the processor does. */
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit

#endif /* HOOK_H */
