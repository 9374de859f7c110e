/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of a few words from and to user memory. */
#ifndef IPCSHM_USER_COPY_H
#define IPCSHM_USER_COPY_H

#include <linux/fault-inject-usercopy.h>
#include <linux/uaccess.h>

/*
 * Payloads up to this size are copied word by word. For larger ones the overhead of
 * copy_from_user() is small.
 */
#define IPCSHM_WORDS_MAX 256

/*
 * ipcshm_get_u64() and its siblings read an integer from user memory, between
 * user_read_access_begin() and user_read_access_end(). A failure sets @err, which is 0 before,
 * and the result is undefined. The caller checks @err once, after the last integer.
 *
 * They use unsafe_get_user() if the compiler supports outputs of "asm goto". Without these,
 * unsafe_get_user() sets and tests an error for each integer, at three times the cost.
 */
#if defined(CONFIG_X86_64) && !defined(CONFIG_CC_HAS_ASM_GOTO_OUTPUT) && !defined(CONFIG_KMSAN)
#include <asm/asm.h>

#define IPCSHM_DEFINE_GET(type, move)							\
static __always_inline type ipcshm_get_##type(const type __user *user, int *err)	\
{											\
	type value;									\
											\
	asm volatile("1: " move "\n"							\
		     "2:\n"								\
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[error])	\
		     : [to] "=r" (value), [error] "+r" (*err)				\
		     : [from] "m" (*user));						\
	return value;									\
}

IPCSHM_DEFINE_GET(u8, "movzbl %[from], %k[to]")
IPCSHM_DEFINE_GET(u32, "movl %[from], %[to]")
IPCSHM_DEFINE_GET(u64, "movq %[from], %[to]")
#else
#define IPCSHM_DEFINE_GET(type)								\
static __always_inline type ipcshm_get_##type(const type __user *user, int *err)	\
{											\
	type value;									\
											\
	unsafe_get_user(value, user, fault);						\
	return value;									\
											\
fault:											\
	*err = -EFAULT;									\
	return 0;									\
}

IPCSHM_DEFINE_GET(u8)
IPCSHM_DEFINE_GET(u32)
IPCSHM_DEFINE_GET(u64)
#endif

static __always_inline void ipcshm_get_words(u64 *words, const u64 __user *user, size_t count,
					     int *err)
{
	size_t i;

#pragma GCC unroll 16
	for (i = 0; i < count; i++)
		words[i] = ipcshm_get_u64(user + i, err);
}

static __always_inline bool ipcshm_put_words(u64 __user *user, const u64 *words, size_t count)
{
	size_t i;

#pragma GCC unroll 16
	for (i = 0; i < count; i++)
		unsafe_put_user(words[i], user + i, fault);
	return true;

fault:
	return false;
}

/* Copy rows of eight words, then the rest by the bits of its size, of which few are set. */
static __always_inline bool ipcshm_payload_get(void *to, const void __user *from, size_t size)
{
	int err = 0;

	if (should_fail_usercopy() || !user_read_access_begin(from, size))
		return false;
	for (; size >= 64; size -= 64, to += 64, from += 64)
		ipcshm_get_words(to, from, 8, &err);
	if (size & 32) {
		ipcshm_get_words(to, from, 4, &err);
		to += 32;
		from += 32;
	}
	if (size & 16) {
		ipcshm_get_words(to, from, 2, &err);
		to += 16;
		from += 16;
	}
	if (size & 8) {
		ipcshm_get_words(to, from, 1, &err);
		to += 8;
		from += 8;
	}
	for (size &= 7; size; size--, to++, from++)
		*(u8 *)to = ipcshm_get_u8(from, &err);
	user_read_access_end();
	return likely(!err);
}

static __always_inline bool ipcshm_payload_put(void __user *to, const void *from, size_t size)
{
	if (should_fail_usercopy() || !user_write_access_begin(to, size))
		return false;
	for (; size >= 64; size -= 64, to += 64, from += 64)
		if (!ipcshm_put_words(to, from, 8))
			goto fault;
	if (size & 32) {
		if (!ipcshm_put_words(to, from, 4))
			goto fault;
		to += 32;
		from += 32;
	}
	if (size & 16) {
		if (!ipcshm_put_words(to, from, 2))
			goto fault;
		to += 16;
		from += 16;
	}
	if (size & 8) {
		if (!ipcshm_put_words(to, from, 1))
			goto fault;
		to += 8;
		from += 8;
	}
	for (size &= 7; size; size--, to++, from++)
		unsafe_put_user(*(const u8 *)from, (u8 __user *)to, fault);
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

/*
 * Copy a payload that fits in a slot, with page faults disabled: false if that faults. The copy in
 * words has no hardened checks, since the slot's size is known to be large enough.
 */
static __always_inline bool ipcshm_slot_get(void *to, const void __user *from, size_t size)
{
	if (likely(size <= IPCSHM_WORDS_MAX))
		return ipcshm_payload_get(to, from, size);
	return access_ok(from, size) && !__copy_from_user_inatomic(to, from, size);
}

static __always_inline bool ipcshm_slot_put(void __user *to, const void *from, size_t size)
{
	if (likely(size <= IPCSHM_WORDS_MAX))
		return ipcshm_payload_put(to, from, size);
	return access_ok(to, size) && !__copy_to_user_inatomic(to, from, size);
}

#endif /* IPCSHM_USER_COPY_H */
