/* SPDX-License-Identifier: GPL-2.0-only */
/* Markers, which the profiler of tools/bench/profile looks for, and processors do nothing for. */
#ifndef MARK_H
#define MARK_H

#define MARK_BEGIN	0x69706301
#define MARK_END	0x69706302
#define MARK_DUMP	0x69706303

#ifdef __x86_64__
#define MARK(marker) __asm__ volatile("nopl %c0(%%rax)" : : "i"(marker) : "memory")
#else
#define MARK(marker) ((void)0)
#endif

#endif /* MARK_H */
