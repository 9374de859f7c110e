/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers: processes that play a role beside the test, in memory that they share with it, and end
 * with it.
 */
#ifndef IPCSHM_PEER_H
#define IPCSHM_PEER_H

#include <ipcshm.h>
#include <sys/mman.h>

#include "test.h"

#define MAX_PEERS	1100

struct test_queue;
struct test_region;

/**
 * struct peer_wait - the word of a region that a peer waits for
 * @offset: offset of the word
 * @size: its size, 4 or 8
 * @expected: value that the peer expects
 * @deaths: number of deaths that the peer expects
 */
struct peer_wait {
	__u64 offset;
	__u32 size;
	__u64 expected;
	__u32 deaths;
};

/**
 * struct peer_message - the messages that a peer sends or receives
 * @type: type of sent messages, or type that @match refers to
 * @match: IPCSHM_TYPE_*: which types the peer receives
 * @priority: priority of sent messages
 * @room: size of the buffer of a receiver
 * @message: the last message
 */
struct peer_message {
	__u64 type;
	__u32 match;
	__u32 priority;
	size_t room;
	struct ipcshm_message message;
};

/**
 * struct peer - a process that plays a role
 * @pid: its process, or 0 after its end
 * @region: the region that it was started for, or NULL
 * @queue: the queue that it was started for, or NULL
 * @fd: descriptor of @region or @queue
 * @other_fd: a second descriptor
 * @deadline: deadline of its call
 * @clock: clock of @deadline
 * @handles_signal: the peer handles SIGUSR1, with @sa_flags
 * @sa_flags: flags for sigaction()
 * @signals: number of handled signals
 * @ready: set by the peer once the test may continue
 * @continued: set by the test once the peer may continue
 * @done: set by the peer after its role
 * @result: result of its call
 * @value: value that it sent or received, or another result
 * @count: number of rounds, messages, bytes or seconds of its role
 * @index: its number among peers of the same role
 * @kind: variant of its role
 * @token: its member token
 * @wait: for roles that wait in a region
 * @msg: for roles that send or receive
 */
struct peer {
	pid_t pid;
	struct test_region *region;
	struct test_queue *queue;
	int fd;
	int other_fd;
	__u64 deadline;
	clockid_t clock;
	bool handles_signal;
	int sa_flags;
	unsigned int signals;
	bool ready, continued, done;
	long result;
	__u64 value;
	__u64 count;
	__u32 index;
	__u32 kind;
	__u32 token;
	struct peer_wait wait;
	struct peer_message msg;
};

/**
 * struct peers - the peers of a test
 * @list: in shared memory
 * @count: how many of them have been started
 */
struct peers {
	struct peer *list;
	unsigned int count;
};

/* The peer that this process is; NULL in the test itself. */
extern struct peer *this_peer;

void share_peers(struct peers *peers);
struct peer *start_peer(struct peers *peers, void (*role)(struct peer *), struct peer how);
long finish(struct peer *peer);
void kill_peer(struct peer *peer);
void kill_peers(struct peers *peers);
void forget_peers(struct peers *peers);
void count_peer_signal(int number);
unsigned int signals_of(struct peer *peer);

/* A peer signals the test, and the test signals a peer to continue. */

void be_ready(struct peer *peer);
bool is_ready(struct peer *peer);
bool is_done(struct peer *peer);
void let_continue(struct peer *peer);
bool may_continue(struct peer *peer);

#endif /* IPCSHM_PEER_H */
