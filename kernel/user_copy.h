/* SPDX-License-Identifier: GPL-2.0-only */
/* Small payloads, to and from user memory. */
#ifndef IPCSHM_USER_COPY_H
#define IPCSHM_USER_COPY_H

#include <linux/fault-inject-usercopy.h>
#include <linux/uaccess.h>

/*
 * Up to this size a payload is copied word by word: what copy_from_user() does beside copying
 * costs more.
 */
#define IPCSHM_WORDS_MAX 256

static __always_inline bool ipcshm_payload_get(void *to, const void __user *from, size_t size)
{
	const unsigned long __user *user = from;
	unsigned long *word = to;

	if (should_fail_usercopy() || !user_read_access_begin(from, size))
		return false;
	for (; size >= 4 * sizeof(*word); size -= 4 * sizeof(*word), user += 4, word += 4) {
		unsafe_get_user(word[0], user, fault);
		unsafe_get_user(word[1], user + 1, fault);
		unsafe_get_user(word[2], user + 2, fault);
		unsafe_get_user(word[3], user + 3, fault);
	}
	for (; size >= sizeof(*word); size -= sizeof(*word))
		unsafe_get_user(*word++, user++, fault);
	for (to = word, from = user; size; size--, to++, from++)
		unsafe_get_user(*(u8 *)to, (const u8 __user *)from, fault);
	user_read_access_end();
	return true;

fault:
	user_read_access_end();
	return false;
}

static __always_inline bool ipcshm_payload_put(void __user *to, const void *from, size_t size)
{
	unsigned long __user *user = to;
	const unsigned long *word = from;

	if (should_fail_usercopy() || !user_write_access_begin(to, size))
		return false;
	for (; size >= 4 * sizeof(*word); size -= 4 * sizeof(*word), user += 4, word += 4) {
		unsafe_put_user(word[0], user, fault);
		unsafe_put_user(word[1], user + 1, fault);
		unsafe_put_user(word[2], user + 2, fault);
		unsafe_put_user(word[3], user + 3, fault);
	}
	for (; size >= sizeof(*word); size -= sizeof(*word))
		unsafe_put_user(*word++, user++, fault);
	for (from = word, to = user; size; size--, to++, from++)
		unsafe_put_user(*(const u8 *)from, (u8 __user *)to, fault);
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

/* A payload of at most IPCSHM_WORDS_MAX bytes, in whole words: both have room for that. */
static __always_inline void ipcshm_payload_move(void *to, const void *from, size_t size)
{
	const unsigned long *source = from, *end = from + size;
	unsigned long *word = to;

	for (; source < end; source += 4, word += 4) {
		word[0] = source[0];
		word[1] = source[1];
		word[2] = source[2];
		word[3] = source[3];
	}
}

#endif /* IPCSHM_USER_COPY_H */
