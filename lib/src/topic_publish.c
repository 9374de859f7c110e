// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Topics: publishers. See topic.h for how memory is found and samples are published.
 */
#include <stdlib.h>

#include "topic.h"

#define USED	UINT64_MAX	/* in @seen: not free */

static struct publisher *publisher_of(struct ipcshm_publisher *handle)
{
	return (struct publisher *)handle;
}

/* Memory. */

static void mark_used(struct publisher *publisher, uint32_t index)
{
	if (index < publisher->topic->geometry.samples)
		publisher->seen[index] = USED;
}

/* Note the owners first: a sample that is claimed after this has another generation. */
static void look_at_owners(struct publisher *publisher)
{
	const struct topic *topic = publisher->topic;
	uint32_t i, token, last = 0;
	bool last_lives = false;

	for (i = 0; i < topic->geometry.samples; i++) {
		publisher->seen[i] = atomic_load_explicit(&topic->owners[i], memory_order_acquire);
		token = (uint32_t)publisher->seen[i];
		if (!token)
			continue;
		if (token != last)
			last_lives = ipcshm_area_is_alive(topic->area, token);
		last = token;
		if (last_lives)
			mark_used(publisher, i);
	}
}

static void look_at_log(struct publisher *publisher)
{
	const struct topic *topic = publisher->topic;
	uint32_t i;

	for (i = 0; i < topic->geometry.history; i++)
		mark_used(publisher, log_index(atomic_load_explicit(&topic->log[i],
								    memory_order_acquire)));
}

static void look_at_holds(struct publisher *publisher)
{
	const struct topic *topic = publisher->topic;
	struct topic_subscriber_row *row;
	uint32_t i, k;

	for (i = 0; i < topic->geometry.subscribers; i++) {
		row = subscriber_row(topic, i);
		if (!token_is_alive(topic, &row->token))
			continue;
		for (k = 0; k < topic->geometry.max_held; k++)
			mark_used(publisher, atomic_load_explicit(&row->hold[k],
								  memory_order_acquire) - 1);
	}
}

/* A share of the rest if all handles have as many samples as they can. */
static uint32_t cache_size(const struct topic *topic)
{
	const struct topic_geometry *geometry = &topic->geometry;
	uint64_t needed = geometry->history + (uint64_t)geometry->subscribers * geometry->max_held +
			  (uint64_t)geometry->publishers * geometry->max_loans;
	uint64_t share;

	if (geometry->samples <= needed)
		return 1;
	share = (geometry->samples - needed) / geometry->publishers;
	if (share > TOPIC_CACHE)
		return TOPIC_CACHE;
	return share ? (uint32_t)share : 1;
}

/* No other process publishes: an earlier one has detached, or is dead. */
static bool is_sole(const struct topic *topic)
{
	return topic->geometry.publishers == 1;
}

static bool claim_sample(const struct publisher *publisher, uint32_t index, uint64_t seen)
{
	_Atomic uint64_t *owner = &publisher->topic->owners[index];
	uint64_t own = owner_word(seen, publisher->token);

	if (is_sole(publisher->topic)) {
		atomic_store_explicit(owner, own, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong(owner, &seen, own);
}

static void claim_free(struct publisher *publisher)
{
	const struct topic *topic = publisher->topic;
	const uint32_t samples = topic->geometry.samples;
	const uint32_t wanted = cache_size(topic);
	uint32_t i, index;
	uint64_t seen;

	for (i = 0; i < samples && publisher->free_count < wanted; i++) {
		index = publisher->scan + 1 < samples ? publisher->scan + 1 : 0;
		publisher->scan = index;
		seen = publisher->seen[index];
		if (seen != USED && claim_sample(publisher, index, seen))
			publisher->free[publisher->free_count++] = index;
	}
}

/* Find free samples, and claim them. */
static bool find_free(struct publisher *publisher)
{
	look_at_owners(publisher);
	look_at_log(publisher);						/* F0 */
	atomic_thread_fence(memory_order_seq_cst);
	look_at_holds(publisher);					/* F1, pairs with H0 */
	claim_free(publisher);
	return publisher->free_count;
}

/* Publishers that sleep for memory may get the sample: the caller opens the gate of publishers. */
static void disown_sample(const struct topic *topic, uint32_t index)
{
	uint64_t old = atomic_load_explicit(&topic->owners[index], memory_order_relaxed);

	atomic_store(&topic->owners[index], owner_word(old, 0));
}

/* Published: the sample becomes free when it leaves the log, not by this. */
static void disown_published(const struct topic *topic, uint32_t index)
{
	uint64_t old = atomic_load_explicit(&topic->owners[index], memory_order_relaxed);

	atomic_store_explicit(&topic->owners[index], owner_word(old, 0), memory_order_release);
}

/* Loans. */

/* Returns which loan it is, or -1. */
static int find_loan(const struct publisher *publisher, const struct ipcshm_sample *sample)
{
	uint32_t i;

	for (i = 0; i < IPCSHM_TOPIC_LOANS_MAX; i++) {
		if (publisher->loans & 1U << i && publisher->loaned[i] == sample->index)
			return (int)i;
	}
	return -1;
}

static int attempt_sample_loan(void *handle, void *argument)
{
	struct publisher *publisher = handle;
	const struct topic *topic = publisher->topic;
	struct ipcshm_sample *sample = argument;
	uint32_t loan = (uint32_t)__builtin_ctz(~publisher->loans);
	uint32_t index;

	if (!publisher->free_count && !find_free(publisher))
		return -EAGAIN;
	index = publisher->free[--publisher->free_count];
	publisher->loans |= 1U << loan;
	publisher->loaned[loan] = index;
	*sample = (struct ipcshm_sample) {
		.data = sample_at(topic, index) + sizeof(struct sample_meta),
		.header = memset(sample_header(topic, index), 0, IPCSHM_TOPIC_HEADER),
		.size = sample->size,
		.index = index,
	};
	return 0;
}

int ipcshm_publisher_loan(struct ipcshm_publisher *handle, uint64_t size,
			  struct ipcshm_sample *sample, uint64_t deadline)
{
	struct publisher *publisher = publisher_of(handle);
	const struct topic *topic = publisher->topic;
	const struct gate_call call = {
		.attempt = attempt_sample_loan,
		.handle = publisher,
		.argument = sample,
		.gate = &topic->shared->room,
	};
	int ret;

	if (!token_is_own(topic, publisher->token))
		return -ESRCH;
	if (size > topic->geometry.sample_size)
		return -EMSGSIZE;
	if ((uint32_t)__builtin_popcount(publisher->loans) >= topic->geometry.max_loans)
		return -ENOBUFS;
	sample->size = size;
	ret = attempt_sample_loan(publisher, sample);
	if (ret == -EAGAIN && deadline)
		ret = gate_wait(topic->area, &call, deadline);
	return ret;
}

int ipcshm_publisher_discard(struct ipcshm_publisher *handle, const struct ipcshm_sample *sample)
{
	struct publisher *publisher = publisher_of(handle);
	const struct topic *topic = publisher->topic;
	int loan = find_loan(publisher, sample);

	if (!token_is_own(topic, publisher->token))
		return -ESRCH;
	if (loan < 0)
		return -EINVAL;
	publisher->loans &= ~(1U << loan);
	if (publisher->free_count < TOPIC_CACHE) {
		publisher->free[publisher->free_count++] = sample->index;
	} else {
		disown_sample(topic, sample->index);
		gate_open(topic->area, &topic->shared->room);
	}
	return 0;
}

/* Reliable subscribers. */

/*
 * Find the position that must not be published yet: it would overwrite the one that the slowest
 * reliable subscriber takes next. A subscriber that attaches after the epoch was loaded is not
 * counted here; publishers that have not noticed publish at most one position each, hence the
 * distance of as many.
 */
static void update_limit(struct publisher *publisher)
{
	const struct topic *topic = publisher->topic;
	struct topic_subscriber_row *row;
	uint64_t cursor, limit = NO_LIMIT;
	uint32_t i;

	publisher->epoch = atomic_load(&topic->shared->epoch);
	for (i = 0; i < topic->geometry.subscribers; i++) {
		row = subscriber_row(topic, i);
		if (!token_is_alive(topic, &row->token) ||
		    !(atomic_load_explicit(&row->flags, memory_order_acquire) &
		      IPCSHM_TOPIC_RELIABLE))
			continue;
		cursor = atomic_load(&row->cursor);
		cursor += topic->geometry.history - topic->geometry.publishers;
		if (cursor < limit)
			limit = cursor;
	}
	publisher->limit = limit;
}

static bool is_beyond_limit(struct publisher *publisher, uint64_t position)
{
	if (atomic_load(&publisher->topic->shared->epoch) == publisher->epoch &&
	    position < publisher->limit)
		return false;
	update_limit(publisher);
	return position >= publisher->limit;
}

/* Publishing. */

static void move_tail(const struct topic *topic, uint64_t position)
{
	if (is_sole(topic)) {
		atomic_store_explicit(&topic->shared->tail, position + 1, memory_order_release);
		return;
	}
	atomic_compare_exchange_strong(&topic->shared->tail, &position, position + 1);
}

static int attempt_publish(void *handle, void *argument)
{
	struct publisher *publisher = handle;
	const struct topic *topic = publisher->topic;
	const uint32_t index = *(uint32_t *)argument;
	uint64_t position, word;
	int tries;

	for (tries = 0; tries < TOPIC_TRIES; tries++) {
		position = atomic_load(&topic->shared->tail);
		word = atomic_load(log_at(topic, position));
		if (log_is_at(word, position)) {
			/* Another publisher has not moved the tail yet, or died before. */
			move_tail(topic, position);
			continue;
		}
		/* Slow: other publishers have filled the log since the tail was loaded. */
		if (!log_is_at(word, position - topic->geometry.history))
			continue;
		if (is_beyond_limit(publisher, position))
			return -EAGAIN;
		if (atomic_compare_exchange_strong(log_at(topic, position), &word,	/* T1 */
						   log_word(position, index))) {
			move_tail(topic, position);
			return 0;
		}
	}
	return -EALREADY;
}

static void write_sample_meta(const struct publisher *publisher, const struct ipcshm_sample *sample)
{
	struct sample_meta *meta = (void *)sample_at(publisher->topic, sample->index);

	atomic_store_explicit(&meta->size, sample->size, memory_order_relaxed);
	atomic_store_explicit(&meta->number, publisher->number + 1, memory_order_relaxed);
	atomic_store_explicit(&meta->time, ipcshm_deadline(0), memory_order_relaxed);
	atomic_store_explicit(&meta->publisher, publisher->token, memory_order_relaxed);
}

int ipcshm_publisher_publish(struct ipcshm_publisher *handle, const struct ipcshm_sample *sample,
			     uint64_t deadline)
{
	struct publisher *publisher = publisher_of(handle);
	const struct topic *topic = publisher->topic;
	uint32_t index = sample->index;
	const struct gate_call call = {
		.attempt = attempt_publish,
		.handle = publisher,
		.argument = &index,
		.gate = &topic->shared->room,
	};
	int loan = find_loan(publisher, sample);
	int ret;

	if (!token_is_own(topic, publisher->token))
		return -ESRCH;
	if (loan < 0)
		return -EINVAL;
	if (sample->size > topic->geometry.sample_size)
		return -EMSGSIZE;
	write_sample_meta(publisher, sample);
	ret = attempt_publish(publisher, &index);
	if ((ret == -EAGAIN || ret == -EALREADY) && deadline)
		ret = gate_wait(topic->area, &call, deadline);
	if (ret)
		return ret;
	publisher->loans &= ~(1U << loan);
	publisher->number++;
	disown_published(topic, index);
	gate_open(topic->area, &topic->shared->items);
	/* The sample that has left the log may be free. */
	gate_open(topic->area, &topic->shared->room);
	return 0;
}

int ipcshm_publisher_send(struct ipcshm_publisher *handle, const void *data, uint64_t size,
			  uint64_t deadline)
{
	struct ipcshm_sample sample;
	int ret;

	ret = ipcshm_publisher_loan(handle, size, &sample, deadline);
	if (ret)
		return ret;
	memcpy(sample.data, data, (size_t)size);
	ret = ipcshm_publisher_publish(handle, &sample, deadline);
	if (ret)
		ipcshm_publisher_discard(handle, &sample);
	return ret;
}

/* Attaching. */

int ipcshm_publisher_attach(struct ipcshm_publisher *handle, const struct ipcshm_topic *of)
{
	const struct topic *topic = (const struct topic *)of;
	struct publisher *publisher = publisher_of(handle);
	uint32_t token = area_token(topic->area);
	uint32_t i;

	if (topic->read_only)
		return -EACCES;
	if (!token)
		return area_no_token(topic->area);
	*publisher = (struct publisher) {
		.topic = topic,
		.token = token,
		.seen = calloc(topic->geometry.samples, sizeof(*publisher->seen)),
	};
	if (!publisher->seen)
		return -ENOMEM;
	for (i = 0; i < topic->geometry.publishers; i++) {
		publisher->row = &topic->publishers[i];
		if (!topic_take_row(topic, &publisher->row->token, token))
			continue;
		publisher->scan = i * (topic->geometry.samples / topic->geometry.publishers);
		update_limit(publisher);
		gate_open(topic->area, &topic->shared->peers);
		return 0;
	}
	free(publisher->seen);
	return -EUSERS;
}

void ipcshm_publisher_detach(struct ipcshm_publisher *handle)
{
	struct publisher *publisher = publisher_of(handle);
	const struct topic *topic = publisher->topic;
	uint32_t i;

	free(publisher->seen);
	publisher->seen = NULL;
	/* The parent's, in a child of fork(2). */
	if (!token_is_own(topic, publisher->token))
		return;
	for (i = 0; i < publisher->free_count; i++)
		disown_sample(topic, publisher->free[i]);
	for (i = 0; i < IPCSHM_TOPIC_LOANS_MAX; i++) {
		if (publisher->loans & 1U << i)
			disown_sample(topic, publisher->loaned[i]);
	}
	atomic_store(&publisher->row->token, 0);
	publisher->token = 0;
	gate_open(topic->area, &topic->shared->room);
}
