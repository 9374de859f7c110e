/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes of a test that are members of their own.  Some run one instruction at a time, until
 * they are killed.
 */
#ifndef PEER_H
#define PEER_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "members.h"

#define PEER_KILLED	1000	/* in place of an exit status */

struct peer {
	pid_t pid;
	uint32_t token;
};

/* As fork(2): returns in the child as well, there with no process id. */
static inline struct peer peer_fork(struct ipcshm_member_page *members,
				    const struct ipcshm_area *area, uint32_t slot)
{
	struct peer peer = { .token = members_join(members, slot) };

	peer.pid = fork();
	if (!peer.pid)
		ipcshm_area_set_token(area, peer.token);
	return peer;
}

/* Returns the exit status, or PEER_KILLED; the membership does not end. */
static inline int peer_finish(struct peer peer)
{
	int status;

	if (waitpid(peer.pid, &status, 0) != peer.pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : PEER_KILLED;
}

/* As peer_finish(); the membership ends, too. */
static inline int peer_end(struct ipcshm_member_page *members, struct peer peer)
{
	int status = peer_finish(peer);

	members_die(members, peer.token);
	return status;
}

/* Returns the exit status of one that had ended before. */
static inline int peer_kill(struct ipcshm_member_page *members, struct peer peer)
{
	kill(peer.pid, SIGKILL);
	return peer_end(members, peer);
}

/* In the child: what follows runs step by step. */
static inline void peer_be_stepped(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
}

/* Waits for peer_be_stepped(). */
static inline void peer_await_steps(struct peer peer)
{
	waitpid(peer.pid, NULL, WUNTRACED);
}

/* Returns whether the peer is alive after so many instructions. */
static inline bool peer_step(struct peer peer, unsigned int steps)
{
	int status;

	while (steps--)
		if (ptrace(PTRACE_SINGLESTEP, peer.pid, NULL, NULL) ||
		    waitpid(peer.pid, &status, 0) != peer.pid || !WIFSTOPPED(status))
			return false;
	return true;
}

#endif /* PEER_H */
