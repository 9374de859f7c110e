// SPDX-License-Identifier: GPL-2.0-only
#include "peer.h"

struct peer *this_peer;

void share_peers(struct peers *peers)
{
	peers->count = 0;
	peers->list = mmap(NULL, MAX_PEERS * sizeof(*peers->list), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* A handler of signals. */
void count_peer_signal(int number)
{
	(void)number;
	__atomic_add_fetch(&this_peer->signals, 1, __ATOMIC_RELEASE);
}

unsigned int signals_of(struct peer *peer)
{
	return __atomic_load_n(&peer->signals, __ATOMIC_ACQUIRE);
}

void be_ready(struct peer *peer)
{
	__atomic_store_n(&peer->ready, true, __ATOMIC_RELEASE);
}

bool is_ready(struct peer *peer)
{
	return __atomic_load_n(&peer->ready, __ATOMIC_ACQUIRE);
}

bool is_done(struct peer *peer)
{
	return __atomic_load_n(&peer->done, __ATOMIC_ACQUIRE);
}

void let_continue(struct peer *peer)
{
	__atomic_store_n(&peer->continued, true, __ATOMIC_RELEASE);
}

bool may_continue(struct peer *peer)
{
	return __atomic_load_n(&peer->continued, __ATOMIC_ACQUIRE);
}

static void play_role(struct peer *peer, void (*role)(struct peer *))
{
	struct sigaction action = { .sa_handler = count_peer_signal, .sa_flags = peer->sa_flags };

	this_peer = peer;
	if (peer->handles_signal)
		sigaction(SIGUSR1, &action, NULL);
	role(peer);
	__atomic_store_n(&peer->done, true, __ATOMIC_RELEASE);
	_exit(0);
}

struct peer *start_peer(struct peers *peers, void (*role)(struct peer *), struct peer how)
{
	struct peer *peer = &peers->list[peers->count++];
	pid_t pid;

	*peer = how;
	if (!peer->deadline)
		peer->deadline = IPCSHM_FOREVER;
	pid = fork_peer();
	if (!pid)
		play_role(peer, role);
	peer->pid = pid;
	return peer;
}

/* Waits for the end of a peer; returns the result of its call. */
long finish(struct peer *peer)
{
	int status = wait_child(peer->pid);

	peer->pid = 0;
	return status ? -1000 + status : peer->result;
}

void kill_peer(struct peer *peer)
{
	kill_child(peer->pid);
	peer->pid = 0;
}

void kill_peers(struct peers *peers)
{
	unsigned int i;

	for (i = 0; i < peers->count; i++)
		if (peers->list[i].pid > 0)
			kill_peer(&peers->list[i]);
}

/* Ready for the next round of a race. */
void forget_peers(struct peers *peers)
{
	peers->count = 0;
}
