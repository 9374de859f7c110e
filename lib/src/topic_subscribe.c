// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Topics: subscribers. See topic.h for how a sample is held.
 */
#include "topic.h"

#define ATTACH_TRIES	16

static struct subscriber *subscriber_of(struct ipcshm_subscriber *handle)
{
	return (struct subscriber *)handle;
}

static void set_cursor(struct subscriber *subscriber, uint64_t cursor)
{
	subscriber->cursor = cursor;
	/* A publisher that waits for a reliable subscriber sets its bit, then loads this. */
	if (subscriber->reliable)
		atomic_store(&subscriber->row->cursor, cursor);
	else
		atomic_store_explicit(&subscriber->row->cursor, cursor, memory_order_release);
}

static void count_missed(struct subscriber *subscriber, uint64_t count)
{
	subscriber->missed += count;
	subscriber->missed_all += count;
	atomic_store_explicit(&subscriber->row->missed, subscriber->missed_all,
			      memory_order_relaxed);
}

/*
 * The log has passed the cursor: go on with the oldest samples, but leave a distance, since the
 * publishers go on, too.
 */
static void skip_missed(struct subscriber *subscriber)
{
	const struct topic *topic = subscriber->topic;
	uint64_t history = topic->geometry.history;
	uint64_t end = topic_find_end(topic);
	uint64_t oldest = end > history ? end - history : 0;
	uint64_t cursor = oldest + history / 8;

	if (cursor <= subscriber->cursor)
		cursor = subscriber->cursor + 1;
	count_missed(subscriber, cursor - subscriber->cursor);
	set_cursor(subscriber, cursor);
}

static _Atomic uint32_t *hold_at(const struct subscriber *subscriber, uint32_t hold)
{
	return &subscriber->row->hold[hold];
}

/* Hold the sample of a log word, if it is still there. */
static bool hold_sample(struct subscriber *subscriber, _Atomic uint64_t *log, uint64_t word,
			uint32_t hold)
{
	atomic_store(hold_at(subscriber, hold), log_index(word) + 1);		/* H0 */
	if (atomic_load(log) == word)						/* H1 */
		return true;
	atomic_store_explicit(hold_at(subscriber, hold), 0, memory_order_release);
	return false;
}

/* The sample is held: describe it. Another process may have written anything to it. */
static int describe_sample(struct subscriber *subscriber, uint64_t position, uint32_t index,
			   struct ipcshm_sample *sample)
{
	const struct topic *topic = subscriber->topic;
	struct sample_meta *meta = (void *)sample_at(topic, index);

	*sample = (struct ipcshm_sample) {
		.data = meta + 1,
		.header = sample_header(topic, index),
		.size = atomic_load_explicit(&meta->size, memory_order_relaxed),
		.position = position,
		.number = atomic_load_explicit(&meta->number, memory_order_relaxed),
		.time = atomic_load_explicit(&meta->time, memory_order_relaxed),
		.missed = subscriber->missed,
		.publisher = atomic_load_explicit(&meta->publisher, memory_order_relaxed),
		.index = index,
	};
	subscriber->missed = 0;
	return sample->size <= topic->geometry.sample_size ? 0 : -EBADMSG;
}

/* A sample at @position was found in the log: take it. */
static int take_sample(struct subscriber *subscriber, uint64_t position, uint64_t word,
		       struct ipcshm_sample *sample)
{
	const struct topic *topic = subscriber->topic;
	uint32_t hold = (uint32_t)__builtin_ctzll(~subscriber->used);
	uint32_t index = log_index(word);
	int ret;

	if (index >= topic->geometry.samples) {
		set_cursor(subscriber, position + 1);
		return -EBADMSG;
	}
	if (!hold_sample(subscriber, log_at(topic, position), word, hold))
		return -EALREADY;
	ret = describe_sample(subscriber, position, index, sample);
	if (ret)
		atomic_store(hold_at(subscriber, hold), 0);
	else
		subscriber->used |= 1ULL << hold;
	set_cursor(subscriber, position + 1);
	/* A reliable subscriber has made room. */
	if (subscriber->reliable)
		gate_open(topic->area, &topic->shared->room);
	return ret;
}

/* The word is that of an earlier position than @position: there is no sample yet. */
static bool is_earlier(uint64_t word, uint64_t position)
{
	return ((word >> INDEX_BITS) - position) & (POSITION_MASK ^ POSITION_MASK >> 1);
}

static int attempt_sample_take(void *handle, void *argument)
{
	struct subscriber *subscriber = handle;
	const struct topic *topic = subscriber->topic;
	uint64_t position, word;
	int tries, ret;

	for (tries = 0; tries < TOPIC_TRIES; tries++) {
		position = subscriber->cursor;
		word = atomic_load(log_at(topic, position));
		if (log_is_at(word, position)) {
			ret = take_sample(subscriber, position, word, argument);
			if (ret != -EALREADY)
				return ret;
			skip_missed(subscriber);
		} else if (is_earlier(word, position)) {
			return -EAGAIN;
		} else {
			skip_missed(subscriber);
		}
	}
	return -EALREADY;
}

static int check_handle(const struct subscriber *subscriber)
{
	if (!token_is_own(subscriber->topic, subscriber->token))
		return -ESRCH;
	return (uint32_t)__builtin_popcountll(subscriber->used) >=
	       subscriber->topic->geometry.max_held ? -ENOBUFS : 0;
}

int ipcshm_subscriber_take(struct ipcshm_subscriber *handle, struct ipcshm_sample *sample,
			   uint64_t deadline)
{
	struct subscriber *subscriber = subscriber_of(handle);
	const struct topic *topic = subscriber->topic;
	const struct gate_call call = {
		.attempt = attempt_sample_take,
		.handle = subscriber,
		.argument = sample,
		.gate = &topic->shared->items,
		.spin = &subscriber->spin,
	};
	int ret = check_handle(subscriber);

	if (ret)
		return ret;
	ret = attempt_sample_take(subscriber, sample);
	if ((ret == -EAGAIN || ret == -EALREADY) && deadline)
		ret = gate_wait(topic->area, &call, deadline);
	return ret;
}

int ipcshm_subscriber_latest(struct ipcshm_subscriber *handle, struct ipcshm_sample *sample)
{
	struct subscriber *subscriber = subscriber_of(handle);
	const struct topic *topic = subscriber->topic;
	int tries, ret = check_handle(subscriber);
	uint64_t end, word;

	if (ret)
		return ret;
	for (tries = 0; tries < TOPIC_TRIES; tries++) {
		end = topic_find_end(topic);
		if (!end)
			return -EAGAIN;
		word = atomic_load(log_at(topic, end - 1));
		if (!log_is_at(word, end - 1))
			continue;
		if (end - 1 > subscriber->cursor) {
			count_missed(subscriber, end - 1 - subscriber->cursor);
			set_cursor(subscriber, end - 1);
		}
		ret = take_sample(subscriber, end - 1, word, sample);
		if (ret != -EALREADY)
			return ret;
	}
	return -EALREADY;
}

int ipcshm_subscriber_release(struct ipcshm_subscriber *handle, const struct ipcshm_sample *sample)
{
	struct subscriber *subscriber = subscriber_of(handle);
	const struct topic *topic = subscriber->topic;
	uint32_t i;

	if (!token_is_own(topic, subscriber->token))
		return -ESRCH;
	for (i = 0; i < topic->geometry.max_held; i++) {
		if (!(subscriber->used & 1ULL << i) ||
		    atomic_load_explicit(hold_at(subscriber, i), memory_order_relaxed) !=
		    sample->index + 1)
			continue;
		subscriber->used &= ~(1ULL << i);
		atomic_store(hold_at(subscriber, i), 0);
		gate_open(topic->area, &topic->shared->room);
		return 0;
	}
	return -EINVAL;
}

int ipcshm_subscriber_set_busy_poll(struct ipcshm_subscriber *handle, uint32_t nanoseconds)
{
	subscriber_of(handle)->spin = (struct gate_spin) { .max = nanoseconds, .now = nanoseconds };
	return 0;
}

int ipcshm_subscriber_arm(struct ipcshm_subscriber *handle, int fd)
{
	struct subscriber *subscriber = subscriber_of(handle);
	const struct topic *topic = subscriber->topic;
	struct gate *gate = &topic->shared->items;
	uint32_t deaths = ipcshm_area_deaths(topic->area);
	uint32_t word;

	if (!token_is_own(topic, subscriber->token))
		return -ESRCH;
	if (topic->area->fd < 0)
		return -EOPNOTSUPP;
	word = gate_enter(gate);
	if (!is_earlier(atomic_load(log_at(topic, subscriber->cursor)), subscriber->cursor))
		return 1;
	return ipcshm_region_watch(fd, gate_offset(topic->area, gate), sizeof(word), word,
				   deaths);
}

/* Attaching. */

static void clear_row(const struct topic *topic, struct topic_subscriber_row *row)
{
	uint32_t i;

	atomic_store(&row->flags, 0);
	for (i = 0; i < topic->geometry.max_held; i++)
		atomic_store_explicit(&row->hold[i], 0, memory_order_relaxed);
	atomic_store_explicit(&row->missed, 0, memory_order_relaxed);
}

static uint64_t choose_first_position(const struct topic *topic, uint32_t history)
{
	uint64_t end = topic_find_end(topic);

	return end > history ? end - history : 0;
}

/*
 * Begin at the first position, and have publishers wait from there on. Publishers that have not
 * noticed the epoch may have passed it by now: then begin anew.
 */
static int be_reliable(struct subscriber *subscriber, uint32_t history)
{
	const struct topic *topic = subscriber->topic;
	uint64_t room = topic->geometry.history - topic->geometry.publishers;
	int tries;

	subscriber->reliable = true;
	for (tries = 0; tries < ATTACH_TRIES; tries++) {
		set_cursor(subscriber, choose_first_position(topic, history));
		atomic_store(&subscriber->row->flags, IPCSHM_TOPIC_RELIABLE);
		atomic_fetch_add(&topic->shared->epoch, 1);
		if (topic_find_end(topic) - subscriber->cursor <= room)
			return 0;
		atomic_store(&subscriber->row->flags, 0);
	}
	return -EALREADY;
}

int ipcshm_subscriber_attach(struct ipcshm_subscriber *handle, const struct ipcshm_topic *of,
			     uint32_t flags, uint32_t history)
{
	const struct topic *topic = (const struct topic *)of;
	struct subscriber *subscriber = subscriber_of(handle);
	uint32_t most = topic->geometry.history;
	uint32_t token = area_token(topic->area);
	int ret = 0;
	uint32_t i;

	if (flags & ~IPCSHM_TOPIC_RELIABLE)
		return -EINVAL;
	if (!token)
		return area_no_token(topic->area);
	if (flags)
		most -= topic->geometry.publishers;
	if (history > most)
		history = most;
	*subscriber = (struct subscriber) {
		.topic = topic,
		.token = token,
		.spin = { .max = GATE_SPIN_MAX, .now = GATE_SPIN_MAX },
	};
	for (i = 0; i < topic->geometry.subscribers; i++) {
		subscriber->row = subscriber_row(topic, i);
		if (!topic_take_row(topic, &subscriber->row->token, token))
			continue;
		clear_row(topic, subscriber->row);
		if (flags)
			ret = be_reliable(subscriber, history);
		else
			set_cursor(subscriber, choose_first_position(topic, history));
		if (ret)
			ipcshm_subscriber_detach(handle);
		gate_open(topic->area, &topic->shared->peers);
		gate_open(topic->area, &topic->shared->room);
		return ret;
	}
	return -EUSERS;
}

void ipcshm_subscriber_detach(struct ipcshm_subscriber *handle)
{
	struct subscriber *subscriber = subscriber_of(handle);
	const struct topic *topic = subscriber->topic;

	/* The parent's, in a child of fork(2). */
	if (!token_is_own(topic, subscriber->token))
		return;
	atomic_store(&subscriber->row->token, 0);
	subscriber->token = 0;
	gate_open(topic->area, &topic->shared->room);
}
