/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - topics: publish and subscribe, one sample for any number of readers.
 *
 * A publisher loans memory in the topic, fills it, and publishes it as a sample. Subscribers
 * take samples and read them in place. Nothing is copied, and the cost of a publication does
 * not depend on the number of subscribers: one entry in a log, and one system call if any
 * subscriber sleeps.
 *
 * Each subscriber has a position of its own in the log, which keeps the latest samples, the
 * history. A lossy subscriber that falls behind misses samples, and learns how many. A reliable
 * subscriber misses none: publishers wait for it, up to their deadline. A taken sample stays
 * unchanged until it is released, for as long as the subscriber likes, and holds up no process.
 *
 * No process repairs anything after a death. The memory that a killed publisher had loaned, the
 * samples that a killed subscriber held and the claims of a killed reliable subscriber no
 * longer count as soon as the process is dead.
 *
 *	struct ipcshm_topic_attr attr = { .max_sample_size = sizeof(struct frame), .history = 4 };
 *
 *	ipcshm_topic_open(&topic, device, "camera", 0, 0600, &attr, IPCSHM_FOREVER);
 *
 *	ipcshm_publisher_attach(&publisher, &topic);
 *	ipcshm_publisher_loan(&publisher, sizeof(struct frame), &sample, IPCSHM_FOREVER);
 *	fill(sample.data);
 *	ipcshm_publisher_publish(&publisher, &sample, IPCSHM_FOREVER);
 *
 *	ipcshm_subscriber_attach(&subscriber, &topic, 0, 0);
 *	ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_FOREVER);
 *	show(sample.data);
 *	ipcshm_subscriber_release(&subscriber, &sample);
 *
 * A topic consists of two regions: one for control, which all of its processes write, and one
 * for samples, which subscribers may map read-only. A process that writes what it likes to the
 * control region can spoil the delivery of samples; it can make no call of another process
 * crash, access other memory, or outlast its deadline.
 */
#ifndef IPCSHM_TOPIC_H
#define IPCSHM_TOPIC_H

#include <ipcshm-area.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IPCSHM_TOPIC_SAMPLES_MAX	((1U << 20) - 1)	/* samples of a topic */
#define IPCSHM_TOPIC_SIZE_MAX		(1ULL << 32)	/* bytes of a sample */
#define IPCSHM_TOPIC_HISTORY_MAX	(1U << 16)	/* samples in the log */
#define IPCSHM_TOPIC_HANDLES_MAX	4096	/* publishers, and subscribers */
#define IPCSHM_TOPIC_HELD_MAX		64	/* samples that a subscriber holds */
#define IPCSHM_TOPIC_LOANS_MAX		16	/* samples that a publisher has loaned */
#define IPCSHM_TOPIC_HEADER		64	/* bytes of a sample's user header */
#define IPCSHM_TOPIC_TYPE_MAX		63	/* bytes of a type's name */

/* Flags of ipcshm_topic_open(), beside those of ipcshm_area_open(). */
#define IPCSHM_TOPIC_READ_ONLY	0x10000U	/* map the samples read-only: subscribe only */

/* Flags of ipcshm_subscriber_attach(). */
#define IPCSHM_TOPIC_RELIABLE	0x01U	/* publishers wait for this subscriber */

/* Flags of struct ipcshm_topic_peer, beside IPCSHM_TOPIC_RELIABLE. */
#define IPCSHM_TOPIC_PUBLISHER	0x02U
#define IPCSHM_TOPIC_SUBSCRIBER	0x04U

/**
 * struct ipcshm_topic_attr - what a topic is like
 * @max_sample_size: bytes of the largest sample, 1 to IPCSHM_TOPIC_SIZE_MAX
 * @history: samples that the log keeps; rounded up to a power of two that is at least twice
 *	@publishers; 0: 8
 * @publishers: handles that publish at a time; 0: 4
 * @subscribers: handles that subscribe at a time; 0: 16
 * @max_held: samples that each subscriber holds at a time, at most IPCSHM_TOPIC_HELD_MAX; 0: 4
 * @max_loans: samples that each publisher has loaned at a time, at most IPCSHM_TOPIC_LOANS_MAX;
 *	0: 2
 * @samples: samples that there is memory for; 0: as many as all handles need together. Memory
 *	that was never used takes no space.
 * @type_version: version of the type, of the application's choice
 * @type: name of the type, of the application's choice, with a NUL at its end
 * @reserved: 0
 */
struct ipcshm_topic_attr {
	uint64_t max_sample_size;
	uint32_t history;
	uint32_t publishers;
	uint32_t subscribers;
	uint32_t max_held;
	uint32_t max_loans;
	uint32_t samples;
	uint32_t type_version;
	uint32_t reserved[5];
	char type[IPCSHM_TOPIC_TYPE_MAX + 1];
};

/**
 * struct ipcshm_sample - a sample that a publisher has loaned, or a subscriber has taken
 * @data: the sample; subscribers must not change it
 * @header: IPCSHM_TOPIC_HEADER bytes for the application; zero in a new loan
 * @size: bytes of @data; a publisher may lower it before it publishes
 * @position: taken: place in the log; each publication has the next one
 * @number: taken: place in the order of its publisher, from 1
 * @time: taken: when it was published, CLOCK_MONOTONIC nanoseconds
 * @missed: taken: samples that the subscriber has missed since the one before
 * @publisher: taken: member token of the publisher
 * @index: which memory it is; private
 */
struct ipcshm_sample {
	void *data;
	void *header;
	uint64_t size;
	uint64_t position;
	uint64_t number;
	uint64_t time;
	uint64_t missed;
	uint32_t publisher;
	uint32_t index;
};

/**
 * struct ipcshm_topic - a process's handle of a topic
 * @opaque: private
 *
 * Its threads share it; a child of fork(2) can use its copy.
 */
struct ipcshm_topic {
	uint64_t opaque[64];
};

/**
 * struct ipcshm_publisher - a handle that publishes
 * @opaque: private: don't copy or change it
 *
 * One thread at a time uses a handle; each thread attaches its own. In a child of fork(2) the
 * parent's handles fail with -ESRCH.
 */
struct ipcshm_publisher {
	uint64_t opaque[64];
};

/**
 * struct ipcshm_subscriber - a handle that subscribes
 * @opaque: private: don't copy or change it
 *
 * As a publisher, used by one thread of one process at a time.
 */
struct ipcshm_subscriber {
	uint64_t opaque[32];
};

/**
 * struct ipcshm_topic_stat - state of a topic
 * @attr: as it was created; @history and @samples as they are
 * @published: samples since it was created
 * @publishers: handles that are attached, of living processes
 * @subscribers: handles that are attached, of living processes
 * @reliable: of @subscribers, those that publishers wait for
 * @held: samples that subscribers hold
 * @lag: samples that the slowest subscriber has not taken
 * @missed: samples that attached subscribers have missed
 */
struct ipcshm_topic_stat {
	struct ipcshm_topic_attr attr;
	uint64_t published;
	uint32_t publishers;
	uint32_t subscribers;
	uint32_t reliable;
	uint32_t held;
	uint64_t lag;
	uint64_t missed;
};

/**
 * struct ipcshm_topic_peer - a publisher or subscriber of a topic
 * @token: of its process, a member of the control region: see ipcshm_region_member()
 * @flags: IPCSHM_TOPIC_PUBLISHER; or IPCSHM_TOPIC_SUBSCRIBER, IPCSHM_TOPIC_RELIABLE
 * @held: of a subscriber: samples that it holds
 * @reserved: 0
 * @lag: of a subscriber: samples that it has not taken
 * @missed: of a subscriber: samples that it has missed since it attached
 */
struct ipcshm_topic_peer {
	uint32_t token;
	uint32_t flags;
	uint32_t held;
	uint32_t reserved;
	uint64_t lag;
	uint64_t missed;
};

/**
 * ipcshm_topic_size - calculate the memory that a topic needs
 * @attr: of the topic
 * @control: filled in: bytes of the control area
 * @samples: filled in: bytes of the memory for samples
 *
 * Return: 0, or -EINVAL: invalid attributes.
 */
int ipcshm_topic_size(const struct ipcshm_topic_attr *attr, size_t *control, size_t *samples);

/**
 * ipcshm_topic_create - create a topic in an area
 * @area: the control area
 * @offset: where in it, a multiple of 128
 * @attr: of the topic
 *
 * For memory that the application sets up; ipcshm_topic_open() does all of it. One process
 * calls this, before others attach.
 *
 * Return: 0, or -EINVAL: invalid attributes, or @offset is not aligned; -ENOSPC: the area is too
 * small.
 */
int ipcshm_topic_create(const struct ipcshm_area *area, uint64_t offset,
			const struct ipcshm_topic_attr *attr);

/**
 * ipcshm_topic_attach - get a handle of a topic in an area
 * @topic: filled in
 * @area: the control area, which stays while the handle is used
 * @offset: as given to ipcshm_topic_create()
 * @samples: the memory for samples, at a multiple of 128; each process may map it elsewhere
 * @size: bytes of it
 * @attr: NULL, or what the caller expects: @max_sample_size, @type and @type_version, as far as
 *	they are not 0; filled in with those of the topic, even if they differ
 *
 * Return: 0, or -EINVAL: @offset or @samples is not aligned; -EPROTO: no topic, another layout
 * version, or it exceeds the memory; -EPROTOTYPE: the topic differs from @attr.
 */
int ipcshm_topic_attach(struct ipcshm_topic *topic, const struct ipcshm_area *area,
			uint64_t offset, void *samples, size_t size,
			struct ipcshm_topic_attr *attr);

/**
 * ipcshm_topic_open - open a topic by its name, or create it
 * @topic: filled in
 * @device: from ipcshm_open()
 * @name: the topic's name: its regions are called NAME and NAME.samples
 * @flags: IPCSHM_PERSISTENT, IPCSHM_POPULATE, IPCSHM_HUGE, of a new topic;
 *	IPCSHM_TOPIC_READ_ONLY; or 0
 * @mode: permission bits of a new topic, less the umask
 * @attr: of a new topic; with @max_sample_size 0, only an existing topic is opened, and @flags
 *	may have IPCSHM_TOPIC_READ_ONLY only; out: of the one opened, also with -EPROTOTYPE
 * @deadline: CLOCK_MONOTONIC nanoseconds, or IPCSHM_FOREVER: how long to wait for a process
 *	that creates the topic
 *
 * Processes may call it in any order. If one dies while it creates the topic, another one
 * creates it.
 *
 * Return: 0, or -EINVAL; -ENOENT: there is no such topic, and @attr has no size to create
 * it; -EPROTO: the regions of that name are no topic; -EPROTOTYPE: its sample size, type or type
 * version differs from @attr; -ETIMEDOUT; -EINTR; -ENOMEM; the errors of ipcshm_area_open() and
 * ipcshm_region_open().
 */
int ipcshm_topic_open(struct ipcshm_topic *topic, int device, const char *name, uint32_t flags,
		      mode_t mode, struct ipcshm_topic_attr *attr, uint64_t deadline);

/**
 * ipcshm_topic_close - close a topic from ipcshm_topic_open()
 * @topic: the topic; detach its publishers and subscribers before
 */
void ipcshm_topic_close(struct ipcshm_topic *topic);

/**
 * ipcshm_topic_wait - wait for peers
 * @topic: the topic
 * @publishers: how many publishers of living processes have to be attached
 * @subscribers: how many subscribers
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * Return: 0, or -ETIMEDOUT, -EINTR; the errors of ipcshm_area_wait() except a death.
 */
int ipcshm_topic_wait(const struct ipcshm_topic *topic, uint32_t publishers,
		      uint32_t subscribers, uint64_t deadline);

/**
 * ipcshm_topic_get_stat - get the state of a topic
 * @topic: the topic
 * @stat: filled in; the counters may change during the call
 * @size: sizeof(*@stat); later versions of the structure are longer
 *
 * Return: 0, or -EINVAL: @size is smaller than the first version of the structure.
 */
int ipcshm_topic_get_stat(const struct ipcshm_topic *topic, struct ipcshm_topic_stat *stat,
			  size_t size);

/**
 * ipcshm_topic_inspect - get the state of a topic without opening it
 * @fd: descriptor of the topic's control region, the region that has its name, open for reading
 * @stat: filled in; the counters may change during the call
 * @size: sizeof(*@stat); later versions of the structure are longer
 *
 * The process becomes no member and writes nothing. Any process that may write to the region can
 * make the numbers wrong.
 *
 * Return: 0, or -EPROTO: the region is no topic that was opened by name; -EINVAL: @size is
 * smaller than the first version of the structure; -EBADF; -EKEYREVOKED; -ENOMEM.
 */
int ipcshm_topic_inspect(int fd, struct ipcshm_topic_stat *stat, size_t size);

/**
 * ipcshm_topic_peers - list the publishers and subscribers of a topic
 * @fd: as for ipcshm_topic_inspect()
 * @peers: array, filled in with as many as fit: publishers, then subscribers
 * @count: how many fit
 * @size: sizeof(*@peers); later versions of the structure are longer
 *
 * Return: the number of all peers, which may be more than @count; or an error of
 * ipcshm_topic_inspect().
 */
int ipcshm_topic_peers(int fd, struct ipcshm_topic_peer *peers, uint32_t count, size_t size);

/**
 * ipcshm_publisher_attach - become a publisher of a topic
 * @publisher: filled in
 * @topic: the topic, which stays open while the publisher is attached
 *
 * Return: 0, or -EUSERS: as many publishers as the topic takes are attached; -EACCES: the topic
 * was opened with IPCSHM_TOPIC_READ_ONLY; -ENOMEM; -ESRCH: the process is not a member of the
 * area.
 */
int ipcshm_publisher_attach(struct ipcshm_publisher *publisher, const struct ipcshm_topic *topic);

/**
 * ipcshm_publisher_detach - detach a publisher
 * @publisher: attached; its loans are discarded
 */
void ipcshm_publisher_detach(struct ipcshm_publisher *publisher);

/**
 * ipcshm_publisher_loan - get memory for a sample
 * @publisher: attached
 * @size: bytes, 0 to the topic's max_sample_size
 * @sample: filled in: data, header, size
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * The data is uninitialized. If subscribers hold all memory, the call waits for a release.
 *
 * Return: 0, or -EAGAIN: no memory is free, with IPCSHM_NOW; -ETIMEDOUT; -EINTR;
 * -EMSGSIZE: @size is too large; -ENOBUFS: max_loans are loaned; -ESRCH: the publisher belongs
 * to another process; the errors of ipcshm_area_wait() except a death.
 */
int ipcshm_publisher_loan(struct ipcshm_publisher *publisher, uint64_t size,
			  struct ipcshm_sample *sample, uint64_t deadline);

/**
 * ipcshm_publisher_publish - publish a loaned sample
 * @publisher: attached
 * @sample: from ipcshm_publisher_loan(); after success, no longer the publisher's
 * @deadline: as for ipcshm_publisher_loan()
 *
 * Waits if a reliable subscriber is as far behind as the history is long.
 *
 * Return: 0, or -EAGAIN: a reliable subscriber is behind, with IPCSHM_NOW; -EALREADY:
 * contention, with IPCSHM_NOW; -ETIMEDOUT; -EINTR; -EMSGSIZE: its size was raised above
 * the topic's; -EINVAL: not a loan of this publisher; -ESRCH, or the errors of
 * ipcshm_area_wait() except a death. After an error the sample is still loaned.
 */
int ipcshm_publisher_publish(struct ipcshm_publisher *publisher,
			     const struct ipcshm_sample *sample, uint64_t deadline);

/**
 * ipcshm_publisher_discard - return a loan
 * @publisher: attached
 * @sample: from ipcshm_publisher_loan()
 *
 * Return: 0, or -EINVAL: not a loan of this publisher; -ESRCH.
 */
int ipcshm_publisher_discard(struct ipcshm_publisher *publisher,
			     const struct ipcshm_sample *sample);

/**
 * ipcshm_publisher_send - publish a copy
 * @publisher: attached
 * @data: the sample
 * @size: bytes
 * @deadline: as for ipcshm_publisher_loan()
 *
 * Return: as ipcshm_publisher_loan() and ipcshm_publisher_publish().
 */
int ipcshm_publisher_send(struct ipcshm_publisher *publisher, const void *data, uint64_t size,
			  uint64_t deadline);

/**
 * ipcshm_subscriber_attach - subscribe to a topic
 * @subscriber: filled in
 * @topic: the topic, which stays open while the subscriber is attached
 * @flags: IPCSHM_TOPIC_RELIABLE, or 0
 * @history: how many of the samples that were published before are taken first, at most those
 *	that the topic keeps; for a reliable subscriber at most the history less the publishers
 *
 * Return: 0, or -EUSERS: as many subscribers as the topic takes are attached; -EINVAL; -ESRCH:
 * the process is not a member of the area; -EALREADY: publishers were faster than each of many
 * attempts.
 */
int ipcshm_subscriber_attach(struct ipcshm_subscriber *subscriber,
			     const struct ipcshm_topic *topic, uint32_t flags, uint32_t history);

/**
 * ipcshm_subscriber_detach - detach a subscriber
 * @subscriber: attached; the samples that it holds are released
 */
void ipcshm_subscriber_detach(struct ipcshm_subscriber *subscriber);

/**
 * ipcshm_subscriber_take - take the next sample
 * @subscriber: attached
 * @sample: filled in
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * Waits until there is a sample. It stays unchanged until ipcshm_subscriber_release().
 *
 * Return: 0, or -EAGAIN: no new sample, with IPCSHM_NOW; -EALREADY: contention, with
 * IPCSHM_NOW; -ETIMEDOUT; -EINTR; -ENOBUFS: the subscriber holds max_held; -EBADMSG: a
 * process wrote to the sample or the log what no call writes; -ESRCH: the subscriber belongs to
 * another process; the errors of ipcshm_area_wait() except a death.
 */
int ipcshm_subscriber_take(struct ipcshm_subscriber *subscriber, struct ipcshm_sample *sample,
			   uint64_t deadline);

/**
 * ipcshm_subscriber_latest - take the latest sample, without waiting
 * @subscriber: attached
 * @sample: filled in
 *
 * Older samples that the subscriber has not taken count as missed; the sample may be one that
 * it has taken before. Its next take is of a newer one.
 *
 * Return: 0, or -EAGAIN: none was published yet; -EALREADY, -ENOBUFS, -EBADMSG, -ESRCH as
 * ipcshm_subscriber_take().
 */
int ipcshm_subscriber_latest(struct ipcshm_subscriber *subscriber, struct ipcshm_sample *sample);

/**
 * ipcshm_subscriber_release - release a sample
 * @subscriber: attached
 * @sample: from ipcshm_subscriber_take() or ipcshm_subscriber_latest(), in any order
 *
 * Return: 0, or -EINVAL: the subscriber does not hold it; -ESRCH.
 */
int ipcshm_subscriber_release(struct ipcshm_subscriber *subscriber,
			      const struct ipcshm_sample *sample);

/**
 * ipcshm_subscriber_arm - report a new sample to an event loop
 * @subscriber: attached to a topic in a region
 * @fd: a descriptor of the topic's control region, open for reading; one that no other word is
 *	watched with
 *
 * After it returned 0, poll(2) and epoll(7) report EPOLLIN on @fd when there is a sample to
 * take. Call it again each time before waiting.
 *
 * Return: 0: wait; 1: there is a sample already; or -EOPNOTSUPP: the area is not a region;
 * -ESRCH; the errors of ipcshm_region_watch().
 */
int ipcshm_subscriber_arm(struct ipcshm_subscriber *subscriber, int fd);

/**
 * ipcshm_subscriber_set_busy_poll - set how long a take looks for a sample before it sleeps
 * @subscriber: attached
 * @nanoseconds: at most; 0: not at all; 20000 by default
 *
 * The time adapts: it shrinks while samples come later, and is restored when one comes in time.
 *
 * Return: 0.
 */
int ipcshm_subscriber_set_busy_poll(struct ipcshm_subscriber *subscriber, uint32_t nanoseconds);

/**
 * ipcshm_topic_fd - open a descriptor for an event loop
 * @topic: from ipcshm_topic_open()
 * @device: from ipcshm_open()
 *
 * Return: a new descriptor of the control region, for ipcshm_subscriber_arm(), which the caller
 * closes; or -EOPNOTSUPP: the topic was not opened by name; the errors of ipcshm_region_open().
 */
int ipcshm_topic_fd(const struct ipcshm_topic *topic, int device);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_TOPIC_H */
