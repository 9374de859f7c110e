/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that use a descriptor of a queue, and their ends. */
#ifndef IPCSHM_PROCESS_H
#define IPCSHM_PROCESS_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct exit_watch;
struct ipcshm_leases;
struct ipcshm_process;
struct pid;

/**
 * struct ipcshm_processes - the processes that have something through a descriptor
 * @exited: releases everything that a process has, which has exited
 * @lock: protects @tree
 * @tree: by pid
 * @recent: the process that was looked for most recently, or NULL; read under RCU
 */
struct ipcshm_processes {
	void (*exited)(struct ipcshm_process *process);
	spinlock_t lock;	/* processes */
	struct rb_root tree;
	struct ipcshm_process *recent;
};

/**
 * struct ipcshm_process - a process that has received calls, or holds or leases messages
 * @processes: where it is registered; immutable
 * @pid: identifies it, a reference; immutable
 * @calls: the calls that it has received; protected by the queue's lock
 * @interrupted: the calls that it made and can resume, by id; protected by the queue's lock
 * @leases: the messages that it has to acknowledge; NULL before its first acknowledged receive
 * @node: in the tree of @processes
 * @watch: the watch of @pid that queues @work, or NULL; protected by watches_lock, as the next two
 * @link: in the processes of @watch
 * @notified: @work has been queued, since the process has ended
 * @work: calls exited() of @processes
 * @rcu: readers of the most recent one may still look at @pid's address
 */
struct ipcshm_process {
	struct ipcshm_processes *processes;
	struct pid *pid;
	struct list_head calls;
	struct rb_root interrupted;
	struct ipcshm_leases *leases;
	struct rb_node node;
	struct exit_watch *watch;
	struct list_head link;
	bool notified;
	struct work_struct work;
	struct rcu_head rcu;
};

void ipcshm_processes_init(struct ipcshm_processes *processes,
			   void (*exited)(struct ipcshm_process *process));
void ipcshm_processes_destroy(struct ipcshm_processes *processes);
struct ipcshm_process *ipcshm_process_find(struct ipcshm_processes *processes);
struct ipcshm_process *ipcshm_process_get(struct ipcshm_processes *processes);

#endif /* IPCSHM_PROCESS_H */
