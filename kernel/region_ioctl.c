// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a region.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "gfp.h"
#include "ioctl.h"
#include "quota.h"
#include "region_internal.h"
#include "trace.h"
#include "waiter.h"

static long region_ioctl_wait(struct file *file, struct ipcshm_uarg uarg)
{
	struct region_file *rf = region_file(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_region_wait_args args;
	struct ipcshm_word word;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WAIT_SIZE_VER0, uarg);
	if (!err)
		err = ipcshm_timeout_init(&timeout, args.deadline, args.clock, false);
	if (err)
		return err;
	word = (struct ipcshm_word){ args.offset, args.expected, args.size };
	if (args.flags || !ipcshm_word_is_valid(&word))
		return -EINVAL;
	err = ipcshm_quotas_charge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	if (err)
		return err;
	trace_ipcshm_wait(rf->region->object.id, word.offset, word.expected, word.size,
			  args.deaths);
	err = ipcshm_words_wait(&rf->region->words, &word, args.deaths, &timeout);
	trace_ipcshm_wait_end(rf->region->object.id, word.offset, err);
	ipcshm_quotas_uncharge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	ipcshm_region_settle(rf->region);
	return err;
}

/* Reads @args->count words into @words. */
static int waitv_words_get(struct ipcshm_word *words, const struct ipcshm_region_waitv_args *args)
{
	struct ipcshm_region_word word;
	int err;
	u32 i;

	for (i = 0; i < args->count; i++) {
		err = copy_struct_from_user(&word, sizeof(word),
					    u64_to_user_ptr(args->words + i * args->word_size),
					    args->word_size);
		if (err)
			return err;
		words[i] = (struct ipcshm_word){ word.offset, word.expected, word.size };
		if (word.reserved || !ipcshm_word_is_valid(&words[i]))
			return -EINVAL;
	}
	return 0;
}

static int wait_for_any(struct region_file *rf, const struct ipcshm_word *words,
			const struct ipcshm_region_waitv_args *args,
			const struct ipcshm_timeout *timeout)
{
	u64 id = rf->region->object.id;
	int result;
	u32 i;

	result = ipcshm_quotas_charge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, args->count);
	if (result)
		return result;
	for (i = 0; i < args->count; i++)
		trace_ipcshm_wait(id, words[i].offset, words[i].expected, words[i].size,
				  args->deaths);
	result = ipcshm_words_wait_any(&rf->region->words, words, args->count, args->deaths,
				       timeout);
	trace_ipcshm_wait_end(id, words[max(result, 0)].offset, min(result, 0));
	ipcshm_quotas_uncharge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, args->count);
	ipcshm_region_settle(rf->region);
	return result;
}

static long region_ioctl_waitv(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region_waitv_args args;
	struct ipcshm_timeout timeout;
	struct ipcshm_word *words;
	int result;

	result = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WAITV_SIZE_VER0, uarg);
	if (!result)
		result = ipcshm_timeout_init(&timeout, args.deadline, args.clock, false);
	if (result)
		return result;
	if (args.flags || args.reserved || !args.count || args.count > IPCSHM_WAITV_MAX ||
	    args.word_size < IPCSHM_REGION_WORD_SIZE_VER0 || args.word_size > PAGE_SIZE)
		return -EINVAL;
	words = kmalloc_array(args.count, sizeof(*words), IPCSHM_GFP);
	if (!words)
		return -ENOMEM;
	result = waitv_words_get(words, &args) ?:
		 wait_for_any(region_file(file), words, &args, &timeout);
	kfree(words);
	return result;
}

static long region_ioctl_wake(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_wake_args args;
	u32 woken;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WAKE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.count > INT_MAX || args.offset % 4)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	woken = ipcshm_words_wake(&region->words, args.offset, args.count);
	trace_ipcshm_wake(region->object.id, args.offset, args.count, woken);
	return woken;
}

int ipcshm_region_rearm(struct region_file *rf, const struct ipcshm_word *word)
{
	bool was_armed = rf->watch.word.size;
	int err = 0;

	lockdep_assert_held(&rf->lock);
	if (word->size && !was_armed)
		err = ipcshm_quotas_charge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	if (err)
		return err;
	err = ipcshm_watch_set(&rf->region->words, &rf->watch, word);
	if ((was_armed || word->size) && !rf->watch.word.size)
		ipcshm_quotas_uncharge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	return err;
}

#define WATCH_EVENTS (IPCSHM_WATCH_WORD | IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE)

static bool watch_is_valid(const struct ipcshm_region_watch_args *args)
{
	struct ipcshm_word word = { args->offset, args->expected, args->size };

	if (args->flags || args->events & ~WATCH_EVENTS)
		return false;
	if (!(args->events & IPCSHM_WATCH_WORD))
		return !args->size && !args->offset && !args->expected;
	return ipcshm_word_is_valid(&word);
}

static long region_ioctl_watch(struct file *file, struct ipcshm_uarg uarg)
{
	struct region_file *rf = region_file(file);
	struct ipcshm_region_watch_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WATCH_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!watch_is_valid(&args))
		return -EINVAL;
	if (is_revoked(rf->region))
		return -EKEYREVOKED;
	if (args.size && args.offset >= i_size_read(region_inode(rf->region)))
		return -EINVAL;
	if (mutex_lock_killable(&rf->lock))
		return -EINTR;
	err = ipcshm_region_rearm(rf, &(struct ipcshm_word) {
		args.offset, args.expected, args.size,
	});
	if (!err) {
		rf->deaths = args.deaths;
		WRITE_ONCE(rf->events, args.events);
	}
	mutex_unlock(&rf->lock);
	/* Make current pollers re-evaluate. */
	ipcshm_pollers_wake(&rf->watch.pollers, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
	return err;
}

static long region_ioctl_resize(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_resize_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_RESIZE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!args.size || args.size > region->max_size)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return ipcshm_region_resize(region, PAGE_ALIGN(args.size));
}

static long region_ioctl_revoke(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_revoke_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_REVOKE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	if (!ipcshm_object_is_owned(&region->object))
		return -EACCES;
	err = ipcshm_object_revoke(&region->object);
	if (!err)
		wait_for_completion_killable(&region->emptied);
	return err;
}

static long region_ioctl_self(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_self_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_SELF_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.reserved)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	err = ipcshm_members_self(&region->members, &args.token);
	return err ?: ipcshm_args_put(&args, sizeof(args), uarg);
}

static long region_ioctl_member(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_member_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_MEMBER_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	err = ipcshm_members_get(&region->members, &args);
	return err ?: ipcshm_args_put(&args, sizeof(args), uarg);
}

static long region_ioctl_members(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_members_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_MEMBERS_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.member_size < IPCSHM_MEMBER_SIZE_VER0 || args.member_size > PAGE_SIZE)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	err = ipcshm_members_list(&region->members, &args);
	return err ?: ipcshm_args_put(&args, sizeof(args), uarg);
}

/* STAT and REVOKE are the two ioctls that a revoked region still answers. */
static long region_ioctl_stat(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_stat args = {};

	if (uarg.size < IPCSHM_REGION_STAT_SIZE_VER0)
		return -EINVAL;
	ipcshm_object_stat(&region->object, &args.stat);
	return ipcshm_args_fill(&args, sizeof(args), uarg);
}

long ipcshm_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);

	switch (ipcshm_ioctl_nr(cmd)) {
	case _IOC_NR(IPCSHM_IOC_REGION_STAT):
		return region_ioctl_stat(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_SELF):
		return region_ioctl_self(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_MEMBER):
		return region_ioctl_member(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_MEMBERS):
		return region_ioctl_members(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WAIT):
		return region_ioctl_wait(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WAITV):
		return region_ioctl_waitv(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WAKE):
		return region_ioctl_wake(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WATCH):
		return region_ioctl_watch(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_RESIZE):
		return region_ioctl_resize(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_REVOKE):
		return region_ioctl_revoke(file, uarg);
	default:
		return -ENOTTY;
	}
}
