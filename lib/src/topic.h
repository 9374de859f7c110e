/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Topics: the layout in shared memory, and declarations that the files of the topic share.
 *
 *	control area				samples
 *	     0	geometry, written once		stride bytes for each sample:
 *	   128	tail of the log			     0	struct sample_meta
 *	   256	gate of subscribers		    64	data
 *	   384	gate of publishers		   end	64 bytes of user header
 *	   512	epoch of reliable subscribers
 *	   640	gate of topic_wait()
 *	   768	rows of publishers
 *		rows of subscribers
 *		log: a word for each position modulo the history
 *		owners: a word for each sample
 *
 * A log word is (position modulo 2^44) << 20 | index of the sample. Publishing position p is one
 * compare and exchange of the word that holds position p - history (T1 in topic_publish.c);
 * the tail is only a hint, and any publisher moves it on. So a publisher that dies
 * at any instant has published its sample or has not.
 *
 * A subscriber holds a sample by its index in a word of its own row. It stores the index, then
 * looks at the log word again: if that has not changed, the sample is held.
 *
 *	subscriber				publisher that needs memory
 *	H0 hold = index				F0 the log does not have the index
 *	   (seq_cst)				   fence
 *	H1 is the log word unchanged?		F1 no row of a living subscriber has it
 *
 * Either H1 sees that the sample has left the log, or F1 sees H0.
 *
 * A sample is free if it is neither in the log, nor in the row of a living subscriber, nor
 * owned by a living publisher. Publishers look for many free samples at a time, and claim each
 * by its owner word, (generation << 32 | token): the generation of a sample that was claimed in
 * the meantime differs. Rows and owners of dead members do not count; that is all
 * that a death needs.
 *
 * A hostile peer can overwrite any of this at any time. A handle has its own copy of the
 * geometry, checked once. Everything else is loaded once, and used after it was masked or
 * compared. A loop without progress of its own ends after TOPIC_TRIES rounds: the call then
 * returns -EALREADY, and a call that waits looks at its deadline and goes on.
 */
#ifndef IPCSHM_TOPIC_INTERNAL_H
#define IPCSHM_TOPIC_INTERNAL_H

#include "gate.h"

#pragma GCC visibility push(default)
#include <ipcshm-topic.h>
#pragma GCC visibility pop

#define TOPIC_MAGIC	0x69706f54U	/* "Topi" */
#define TOPIC_VERSION	1U
#define TOPIC_ALIGN	128
#define TOPIC_TRIES	256
#define TOPIC_CACHE	32		/* free samples that a publisher has claimed ahead */
#define TOPIC_CACHE_BYTES	8192	/* and by default no more than so many bytes */

#define INDEX_BITS	20
#define NO_INDEX	((1U << INDEX_BITS) - 1)
#define POSITION_MASK	(~0ULL >> INDEX_BITS)

#define NO_LIMIT	UINT64_MAX

/**
 * struct topic_geometry - what a topic is like; a handle has a copy that was checked
 * @magic, @version: identify the layout
 * @sample_size: bytes of the largest sample
 * @stride: bytes from one sample to the next
 * @samples, @history, @publishers, @subscribers, @max_held, @max_loans: how many
 * @type_version, @type: of the application's choice
 */
struct topic_geometry {
	_Atomic uint32_t magic;
	uint32_t version;
	uint64_t sample_size;
	uint64_t stride;
	uint32_t samples;
	uint32_t history;
	uint32_t publishers;
	uint32_t subscribers;
	uint32_t max_held;
	uint32_t max_loans;
	uint32_t type_version;
	char type[IPCSHM_TOPIC_TYPE_MAX + 1];
};

/**
 * struct topic_shared - the control area
 * @geometry: written once, by create
 * @tail: the next position; may be one behind the log
 * @items: where subscribers sleep for samples
 * @room: where publishers sleep for memory, and for reliable subscribers
 * @epoch: count of reliable subscribers that attached
 * @peers: where tasks sleep for publishers and subscribers
 */
struct topic_shared {
	struct topic_geometry geometry;
	_Atomic uint64_t tail __attribute__((aligned(TOPIC_ALIGN)));
	struct gate items;
	struct gate room;
	_Atomic uint32_t epoch __attribute__((aligned(64)));
	struct gate peers;
} __attribute__((aligned(TOPIC_ALIGN)));

/**
 * struct topic_publisher_row - what others see of a publisher
 * @token: its member; 0: none
 */
struct topic_publisher_row {
	_Atomic uint32_t token;
} __attribute__((aligned(64)));

/**
 * struct topic_subscriber_row - what others see of a subscriber
 * @token: its member; 0: none
 * @flags: IPCSHM_TOPIC_RELIABLE
 * @cursor: the next position that it takes
 * @missed: count of samples
 * @hold: for each sample that it holds, index + 1; padded to a multiple of 64 bytes
 */
struct topic_subscriber_row {
	_Atomic uint32_t token;
	_Atomic uint32_t flags;
	_Atomic uint64_t cursor;
	_Atomic uint64_t missed;
	_Atomic uint32_t hold[];
} __attribute__((aligned(64)));

/**
 * struct sample_meta - the start of a sample's memory; written by its publisher
 * @size: bytes of data
 * @number: place in the order of its publisher
 * @time: when it was published
 * @publisher: token
 */
struct sample_meta {
	_Atomic uint64_t size;
	_Atomic uint64_t number;
	_Atomic uint64_t time;
	_Atomic uint32_t publisher;
} __attribute__((aligned(64)));

/**
 * struct topic - struct ipcshm_topic
 * @area: the control area
 * @own_area: the area that ipcshm_topic_open() has opened
 * @name: as given to it; empty: another call made this handle
 * @size: bytes mapped at @samples, if they are to be unmapped
 * @read_only: @samples cannot be written
 * @shared, @publishers, @subscribers, @log, @owners, @samples: where they are
 * @row_size: bytes of a subscriber's row
 * @geometry: checked
 */
struct topic {
	const struct ipcshm_area *area;
	struct ipcshm_area own_area;
	char *name;
	size_t size;
	bool read_only;
	struct topic_shared *shared;
	struct topic_publisher_row *publishers;
	unsigned char *subscribers;
	_Atomic uint64_t *log;
	_Atomic uint64_t *owners;
	unsigned char *samples;
	size_t row_size;
	struct topic_geometry geometry;
};

/**
 * struct publisher - struct ipcshm_publisher
 * @topic: of it
 * @token: of the process
 * @row: in the control area
 * @limit: the position that must not be published yet, for reliable subscribers
 * @epoch: of @limit
 * @number: samples published
 * @scan: where to look first for free samples
 * @free_count, @free: claimed samples
 * @loans: a bit for each used entry of @loaned
 * @loaned: indices of loaned samples
 * @seen: an owner word for each sample, of the last look; where it is not USED, the sample may
 *	be free
 */
struct publisher {
	const struct topic *topic;
	uint32_t token;
	struct topic_publisher_row *row;
	uint64_t limit;
	uint32_t epoch;
	uint32_t scan;
	uint64_t number;
	uint32_t free_count;
	uint32_t free[TOPIC_CACHE];
	uint32_t loans;
	uint32_t loaned[IPCSHM_TOPIC_LOANS_MAX];
	uint64_t *seen;
};

/**
 * struct subscriber - struct ipcshm_subscriber
 * @topic: of it
 * @token: of the process
 * @row: in the control area
 * @cursor: the next position to take
 * @missed: since the last sample that was taken
 * @missed_all: since it attached
 * @used: a bit for each used hold
 * @spin: how long to look for a sample before sleeping
 * @reliable: publishers wait for it
 */
struct subscriber {
	const struct topic *topic;
	uint32_t token;
	bool reliable;
	struct topic_subscriber_row *row;
	uint64_t cursor;
	uint64_t missed;
	uint64_t missed_all;
	uint64_t used;
	struct gate_spin spin;
};

_Static_assert(sizeof(struct topic_shared) == 768, "the layout differs from the table above");
_Static_assert(sizeof(struct topic) <= sizeof(struct ipcshm_topic), "a handle is too small");
_Static_assert(sizeof(struct publisher) <= sizeof(struct ipcshm_publisher), "likewise");
_Static_assert(sizeof(struct subscriber) <= sizeof(struct ipcshm_subscriber), "likewise");

static inline uint64_t log_word(uint64_t position, uint32_t index)
{
	return position << INDEX_BITS | index;
}

static inline uint32_t log_index(uint64_t word)
{
	return word & NO_INDEX;
}

/* The word is that of @position. */
static inline bool log_is_at(uint64_t word, uint64_t position)
{
	return word >> INDEX_BITS == (position & POSITION_MASK);
}

static inline _Atomic uint64_t *log_at(const struct topic *topic, uint64_t position)
{
	return &topic->log[position & (topic->geometry.history - 1)];
}

/* The next position that may be published; the tail itself may be one behind. */
static inline uint64_t topic_find_end(const struct topic *topic)
{
	uint64_t end = atomic_load(&topic->shared->tail);

	return log_is_at(atomic_load(log_at(topic, end)), end) ? end + 1 : end;
}

static inline uint64_t owner_word(uint64_t old, uint32_t token)
{
	return ((old >> 32) + 1) << 32 | token;
}

static inline unsigned char *sample_at(const struct topic *topic, uint32_t index)
{
	return topic->samples + index * topic->geometry.stride;
}

static inline void *sample_header(const struct topic *topic, uint32_t index)
{
	return sample_at(topic, index) + topic->geometry.stride - IPCSHM_TOPIC_HEADER;
}

static inline struct topic_subscriber_row *subscriber_row(const struct topic *topic, uint32_t row)
{
	return (struct topic_subscriber_row *)(topic->subscribers + row * topic->row_size);
}

static inline bool token_is_alive(const struct topic *topic, _Atomic uint32_t *token)
{
	return ipcshm_area_is_alive(topic->area,
				    atomic_load_explicit(token, memory_order_acquire));
}

/* The handle belongs to the calling process: not so in a child of fork(2). */
static inline bool token_is_own(const struct topic *topic, uint32_t token)
{
	return area_known_token(topic->area) == token;
}

/* topic.c */

/*
 * Where the parts of a control area are, in bytes from its start.  64 bits hold the sums of all
 * sizes that are within their limits; a size_t of 32 bits does not.
 */
struct topic_places {
	uint64_t publishers, subscribers, log, owners, end;
};

static inline uint64_t topic_round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

int topic_load_geometry(const struct topic_shared *shared, struct topic_geometry *geometry);
void topic_describe_geometry(const struct topic_geometry *geometry,
			     struct ipcshm_topic_attr *attr);
struct topic_places topic_place_parts(const struct topic_geometry *geometry);
void topic_locate_parts(struct topic *topic, unsigned char *base);
bool topic_take_row(const struct topic *topic, _Atomic uint32_t *token, uint32_t own);

/* topic_stat.c */

uint32_t topic_count_publishers(const struct topic *topic);
uint32_t topic_count_subscribers(const struct topic *topic);

#endif /* IPCSHM_TOPIC_INTERNAL_H */
