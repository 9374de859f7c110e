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

struct peer {
	pid_t pid;			/* 0: it has ended */
	struct test_region *region;	/* that it was started in, or */
	struct test_queue *queue;	/* that it was started at */
	int fd;				/* of that region or queue */
	int other_fd;			/* a second descriptor */
	__u64 deadline;			/* of its call */
	clockid_t clock;
	bool handles_signal;		/* SIGUSR1, with these: */
	int sa_flags;
	unsigned int signals;		/* how many were handled */
	bool ready, told, done;
	long result;			/* of the call */
	__u64 value;			/* sent or received, or a result of the role */

	/* How much of it, and which of several. */
	__u64 count;			/* rounds, messages, bytes or seconds */
	__u32 index;
	__u32 kind;

	/* At a queue: */
	size_t room;
	__u32 priority;
	__u64 type;			/* sent, or accepted */
	__u32 match;			/* types that are accepted */
	struct ipcshm_message message;

	/* In a region: */
	__u32 token;
	__u64 offset;			/* a wait: on this word, */
	__u32 size;			/* of so many bytes */
	__u64 expected;
	__u32 deaths;
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
void tell(struct peer *peer);
bool is_told(struct peer *peer);

#endif /* IPCSHM_PEER_H */
