/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers: processes that play a role beside the test, in memory that they share
 * with it, and end with it.
 */
#ifndef PEER_TEST_H
#define PEER_TEST_H

#include <ipcshm.h>
#include <sys/mman.h>

#include "common/harness.h"

#define MAX_PEERS	1100

struct peer {
	pid_t pid;			/* 0: it has ended */
	int fd;				/* of the region or queue */
	__u64 deadline;			/* of its call */
	clockid_t clock;
	bool handles_signal;		/* SIGUSR1, with these: */
	int sa_flags;
	unsigned int signals;		/* how many were handled */
	bool ready, told, done;
	long result;			/* of the call */
	__u64 value;			/* sent or received, or what the role says */

	/* At a queue: */
	size_t room;
	__u32 priority;
	__u64 type;			/* sent, or wished for */
	__u32 match;			/* which types are */
	struct ipcshm_message message;

	/* In a region: */
	__u32 token;
	__u64 offset;			/* a wait: on this word, */
	__u32 size;			/* of so many bytes */
	__u64 expected;
	__u32 deaths;
};

/* Each test is a process of its own, so that what it works on can be static. */
static struct peer *peers;
static unsigned int peer_count;
static struct peer *me;

static inline void share_peers(void)
{
	peers = mmap(NULL, MAX_PEERS * sizeof(*peers), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline void handle_signal(int number)
{
	(void)number;
	__atomic_add_fetch(&me->signals, 1, __ATOMIC_RELEASE);
}

static inline unsigned int signals_of(struct peer *peer)
{
	return __atomic_load_n(&peer->signals, __ATOMIC_ACQUIRE);
}

/* A peer tells the test. */

static inline void be_ready(struct peer *peer)
{
	__atomic_store_n(&peer->ready, true, __ATOMIC_RELEASE);
}

static inline bool is_ready(struct peer *peer)
{
	return __atomic_load_n(&peer->ready, __ATOMIC_ACQUIRE);
}

static inline bool is_done(struct peer *peer)
{
	return __atomic_load_n(&peer->done, __ATOMIC_ACQUIRE);
}

/* The other way round: the test tells a peer to go on. */

static inline void tell(struct peer *peer)
{
	__atomic_store_n(&peer->told, true, __ATOMIC_RELEASE);
}

static inline bool is_told(struct peer *peer)
{
	return __atomic_load_n(&peer->told, __ATOMIC_ACQUIRE);
}

static inline void play(struct peer *peer, void (*role)(struct peer *))
{
	struct sigaction action = { .sa_handler = handle_signal, .sa_flags = peer->sa_flags };

	me = peer;
	if (peer->handles_signal)
		sigaction(SIGUSR1, &action, NULL);
	role(peer);
	__atomic_store_n(&peer->done, true, __ATOMIC_RELEASE);
	_exit(0);
}

static inline struct peer *start_peer(void (*role)(struct peer *), struct peer how)
{
	struct peer *peer = &peers[peer_count++];
	pid_t pid;

	*peer = how;
	if (!peer->deadline)
		peer->deadline = IPCSHM_FOREVER;
	pid = fork_peer();
	if (!pid)
		play(peer, role);
	peer->pid = pid;
	return peer;
}

/* Waits for the end of a peer: what its call returned. */
static inline long finish(struct peer *peer)
{
	int status = wait_child(peer->pid);

	peer->pid = 0;
	return status ? -1000 + status : peer->result;
}

static inline void kill_peer(struct peer *peer)
{
	kill_child(peer->pid);
	peer->pid = 0;
}

static inline void kill_peers(void)
{
	unsigned int i;

	for (i = 0; i < peer_count; i++)
		if (peers[i].pid > 0)
			kill_peer(&peers[i]);
}

/* Ready for the next round of a race. */
static inline void forget_peers(void)
{
	peer_count = 0;
}

#endif /* PEER_TEST_H */
