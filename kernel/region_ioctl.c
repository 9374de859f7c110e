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

static bool wait_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_region_wait_args *wait = args;
	struct ipcshm_word word = { wait->offset, wait->expected, wait->size };

	return ipcshm_word_is_valid(&word);
}

static long region_ioctl_wait(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct region_file *rf = region_file(file);
	const struct ipcshm_region_wait_args *wait = args;
	struct ipcshm_word word = { wait->offset, wait->expected, wait->size };
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_timeout_init(&timeout, wait->deadline, wait->clock, false) ?:
	      ipcshm_quotas_charge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	if (err)
		return err;
	trace_ipcshm_wait(rf->region->object.id, word.offset, word.expected, word.size,
			  wait->deaths);
	err = ipcshm_words_wait(&rf->region->words, &word, wait->deaths, &timeout);
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

static bool waitv_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_region_waitv_args *waitv = args;

	return waitv->count && waitv->count <= IPCSHM_WAITV_MAX &&
	       waitv->word_size >= IPCSHM_REGION_WORD_SIZE_VER0 && waitv->word_size <= PAGE_SIZE;
}

static long region_ioctl_waitv(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_region_waitv_args *waitv = args;
	struct ipcshm_timeout timeout;
	struct ipcshm_word *words;
	int result;

	result = ipcshm_timeout_init(&timeout, waitv->deadline, waitv->clock, false);
	if (result)
		return result;
	words = kmalloc_array(waitv->count, sizeof(*words), IPCSHM_GFP);
	if (!words)
		return -ENOMEM;
	result = waitv_words_get(words, waitv) ?:
		 wait_for_any(region_file(file), words, waitv, &timeout);
	kfree(words);
	return result;
}

static bool wake_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_region_wake_args *wake = args;

	return wake->count <= INT_MAX && !(wake->offset % 4);
}

static long region_ioctl_wake(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	const struct ipcshm_region_wake_args *wake = args;
	u32 woken;

	if (is_revoked(region))
		return -EKEYREVOKED;
	woken = ipcshm_words_wake(&region->words, wake->offset, wake->count);
	trace_ipcshm_wake(region->object.id, wake->offset, wake->count, woken);
	return woken;
}

/* Returns the offset in the structure of a member that is not valid, or 0. */
static size_t requeue_find_invalid(const struct ipcshm_region_requeue_args *args)
{
	const struct ipcshm_word word = { args->offset, args->expected, args->size };

	if ((args->size != 4 && args->size != 8) || (args->size == 4 && args->expected > U32_MAX))
		return offsetof(typeof(*args), size);
	if (!ipcshm_word_is_valid(&word))
		return offsetof(typeof(*args), offset);
	if (args->target % args->size || args->target == args->offset)
		return offsetof(typeof(*args), target);
	if (args->wake > INT_MAX)
		return offsetof(typeof(*args), wake);
	if (args->move > INT_MAX)
		return offsetof(typeof(*args), move);
	return 0;
}

static size_t requeue_find_beyond(const struct ipcshm_region_requeue_args *args, u64 end)
{
	if (args->offset >= end)
		return offsetof(typeof(*args), offset);
	return args->target >= end ? offsetof(typeof(*args), target) : 0;
}

static long region_ioctl_requeue(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_requeue_args *requeue = args;
	int result;

	requeue->invalid = requeue_find_invalid(requeue);
	if (requeue->invalid)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	requeue->invalid = requeue_find_beyond(requeue, i_size_read(region_inode(region)));
	if (requeue->invalid)
		return -EINVAL;
	result = ipcshm_words_requeue(&region->words, &(struct ipcshm_word) {
		requeue->offset, requeue->expected, requeue->size,
	}, &(struct ipcshm_requeue) { requeue->target, requeue->wake, requeue->move });
	trace_ipcshm_requeue(region->object.id, requeue->offset, requeue->target, result);
	return result;
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

static bool watch_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_region_watch_args *watch = args;
	struct ipcshm_word word = { watch->offset, watch->expected, watch->size };

	if (watch->events & ~WATCH_EVENTS)
		return false;
	if (!(watch->events & IPCSHM_WATCH_WORD))
		return !watch->size && !watch->offset && !watch->expected;
	return ipcshm_word_is_valid(&word);
}

static long region_ioctl_watch(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct region_file *rf = region_file(file);
	const struct ipcshm_region_watch_args *watch = args;
	int err;

	if (is_revoked(rf->region))
		return -EKEYREVOKED;
	if (watch->size && watch->offset >= i_size_read(region_inode(rf->region)))
		return -EINVAL;
	if (mutex_lock_killable(&rf->lock))
		return -EINTR;
	err = ipcshm_region_rearm(rf, &(struct ipcshm_word) {
		watch->offset, watch->expected, watch->size,
	});
	if (!err) {
		rf->deaths = watch->deaths;
		WRITE_ONCE(rf->events, watch->events);
	}
	mutex_unlock(&rf->lock);
	/* Make current pollers re-evaluate. */
	ipcshm_pollers_wake(&rf->watch.pollers, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
	return err;
}

static bool resize_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_region_resize_args *resize = args;

	const struct ipcshm_region *region = region_of(file);

	return resize->size <= region_max_size(region) && (resize->size || is_unbounded(region));
}

static long region_ioctl_resize(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_region_resize_args *resize = args;
	struct ipcshm_region *region = region_of(file);

	return ipcshm_region_resize(region,
				    is_unbounded(region) ? resize->size : PAGE_ALIGN(resize->size),
				    region_file(file)->payer == region->object.payer);
}

static long region_ioctl_revoke(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	int err;

	if (!ipcshm_object_is_owned(&region->object))
		return -EACCES;
	err = ipcshm_object_revoke(&region->object);
	if (!err)
		wait_for_completion_killable(&region->emptied);
	return err;
}

static long region_ioctl_self(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_self_args *self = args;

	return is_revoked(region) ? -EKEYREVOKED :
				    ipcshm_members_self(&region->members, &self->token);
}

static long region_ioctl_member(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);

	return is_revoked(region) ? -EKEYREVOKED : ipcshm_members_get(&region->members, args);
}

static bool members_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_region_members_args *members = args;

	return members->member_size >= IPCSHM_MEMBER_SIZE_VER0 &&
	       members->member_size <= PAGE_SIZE;
}

static long region_ioctl_members(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);

	return is_revoked(region) ? -EKEYREVOKED : ipcshm_members_list(&region->members, args);
}

/* STAT and REVOKE are the two ioctls that a revoked region still answers. */
static long region_ioctl_stat(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region_stat *stat = args;

	ipcshm_object_stat(&region_of(file)->object, &stat->stat);
	return 0;
}

#define FIRST _IOC_NR(IPCSHM_IOC_REGION_STAT)
#define NR(name) (_IOC_NR(IPCSHM_IOC_REGION_##name) - FIRST)

static const struct ipcshm_ioctl region_ioctls[] = {
	[NR(STAT)] = {
		IPCSHM_ARGS(region_stat, REGION_STAT),
		.out = IPCSHM_OUT_ALL,
		.run = region_ioctl_stat,
	},
	[NR(SELF)] = {
		IPCSHM_ARGS(region_self_args, REGION_SELF),
		.out = IPCSHM_OUT_BACK,
		.zero = { IPCSHM_SPAN(region_self_args, reserved) },
		.run = region_ioctl_self,
	},
	[NR(MEMBER)] = {
		IPCSHM_ARGS(region_member_args, REGION_MEMBER),
		.out = IPCSHM_OUT_BACK,
		IPCSHM_FLAGS(region_member_args, 0),
		.zero = { IPCSHM_SPAN(region_member_args, reserved) },
		.run = region_ioctl_member,
	},
	[NR(MEMBERS)] = {
		IPCSHM_ARGS(region_members_args, REGION_MEMBERS),
		.out = IPCSHM_OUT_BACK,
		.check = members_is_valid,
		.run = region_ioctl_members,
	},
	[NR(WAIT)] = {
		IPCSHM_ARGS(region_wait_args, REGION_WAIT),
		IPCSHM_FLAGS(region_wait_args, 0),
		IPCSHM_CLOCK(region_wait_args),
		.check = wait_is_valid,
		.run = region_ioctl_wait,
	},
	[NR(WAITV)] = {
		IPCSHM_ARGS(region_waitv_args, REGION_WAITV),
		IPCSHM_FLAGS(region_waitv_args, 0),
		.zero = { IPCSHM_SPAN(region_waitv_args, reserved) },
		IPCSHM_CLOCK(region_waitv_args),
		.check = waitv_is_valid,
		.run = region_ioctl_waitv,
	},
	[NR(WAKE)] = {
		IPCSHM_ARGS(region_wake_args, REGION_WAKE),
		IPCSHM_FLAGS(region_wake_args, 0),
		.check = wake_is_valid,
		.run = region_ioctl_wake,
	},
	[NR(REQUEUE)] = {
		IPCSHM_ARGS(region_requeue_args, REGION_REQUEUE),
		IPCSHM_FLAGS(region_requeue_args, 0),
		.zero = { IPCSHM_SPAN(region_requeue_args, reserved) },
		.invalid = offsetof(struct ipcshm_region_requeue_args, invalid),
		.access = FMODE_WRITE,
		.run = region_ioctl_requeue,
	},
	[NR(WATCH)] = {
		IPCSHM_ARGS(region_watch_args, REGION_WATCH),
		IPCSHM_FLAGS(region_watch_args, 0),
		.check = watch_is_valid,
		.run = region_ioctl_watch,
	},
	[NR(RESIZE)] = {
		IPCSHM_ARGS(region_resize_args, REGION_RESIZE),
		.check = resize_is_valid,
		.access = FMODE_WRITE,
		.run = region_ioctl_resize,
	},
	[NR(REVOKE)] = {
		IPCSHM_ARGS(region_revoke_args, REGION_REVOKE),
		IPCSHM_FLAGS(region_revoke_args, 0),
		.zero = { IPCSHM_SPAN(region_revoke_args, reserved) },
		.run = region_ioctl_revoke,
	},
};

long ipcshm_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	static const struct ipcshm_ioctls table = {
		region_ioctls, FIRST, ARRAY_SIZE(region_ioctls),
	};

	return ipcshm_ioctl_run(&table, file, cmd, arg);
}
