// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that use a descriptor of a queue, and their ends.
 *
 * A process that shares its table of descriptors can end without closing one of them. So each
 * process that has something to lose through a descriptor is registered there, and all of its
 * registrations share an entry on the wait queue that the kernel keeps for polling a pidfd. The
 * entry's callback runs under tasklist_lock and only queues work, however many there are.
 */
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "gfp.h"
#include "process.h"
#include "work.h"

/* The most registrations that are notified in one critical section. */
#define NOTIFY_BATCH 64

/**
 * struct exit_watch - a watch for the end of a process
 * @node: in the tree of watches; protected by watches_lock, as @processes
 * @pid: the process, a reference; immutable
 * @processes: its registrations, struct ipcshm_process; those that were notified are last
 * @entry: on the wait queue of @pid
 * @work: notifies them
 */
struct exit_watch {
	struct rb_node node;
	struct pid *pid;
	struct list_head processes;
	struct wait_queue_entry entry;
	struct work_struct work;
};

/* Watches by pid. */
static DEFINE_SPINLOCK(watches_lock);
static struct rb_root watches = RB_ROOT;

void ipcshm_processes_init(struct ipcshm_processes *processes,
			   void (*exited)(struct ipcshm_process *process))
{
	processes->exited = exited;
	spin_lock_init(&processes->lock);
	processes->tree = RB_ROOT;
	processes->recent = NULL;
}

/* Every thread has exited, though the process may still be a zombie. */
static bool has_exited(struct pid *pid)
{
	struct task_struct *leader;
	bool exited;

	rcu_read_lock();
	leader = pid_task(pid, PIDTYPE_PID);
	exited = !leader || (READ_ONCE(leader->exit_state) && thread_group_empty(leader));
	rcu_read_unlock();
	return exited;
}

static int exit_callback(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	queue_work(ipcshm_workqueue, &container_of(entry, struct exit_watch, entry)->work);
	return 0;
}

/* Notify a batch of registrations; return whether there may be more. */
static bool notify_registrations(struct exit_watch *watch)
{
	struct ipcshm_process *process;
	int i;

	lockdep_assert_held(&watches_lock);
	for (i = 0; i < NOTIFY_BATCH; i++) {
		process = list_first_entry_or_null(&watch->processes, struct ipcshm_process, link);
		if (!process || process->notified)
			return false;
		process->notified = true;
		list_move_tail(&process->link, &watch->processes);
		queue_work(ipcshm_workqueue, &process->work);
	}
	return true;
}

/* The wait queue also wakes for other events than the end of the process, and more than once. */
static void watch_work(struct work_struct *work)
{
	struct exit_watch *watch = container_of(work, struct exit_watch, work);
	bool more = has_exited(watch->pid);

	while (more) {
		spin_lock(&watches_lock);
		more = notify_registrations(watch);
		spin_unlock(&watches_lock);
		cond_resched();
	}
}

static struct exit_watch *watch_create(void)
{
	struct exit_watch *watch = kzalloc(sizeof(*watch), IPCSHM_GFP);

	if (!watch)
		return NULL;
	watch->pid = get_pid(task_tgid(current));
	INIT_LIST_HEAD(&watch->processes);
	init_waitqueue_func_entry(&watch->entry, exit_callback);
	INIT_WORK(&watch->work, watch_work);
	return watch;
}

static void watch_free(struct exit_watch *watch)
{
	if (!watch)
		return;
	put_pid(watch->pid);
	kfree(watch);
}

static int watch_compare(const void *key, const struct rb_node *node)
{
	const struct pid *pid = rb_entry(node, struct exit_watch, node)->pid;

	return (const struct pid *)key < pid ? -1 : (const struct pid *)key > pid;
}

static bool watch_less(struct rb_node *a, const struct rb_node *b)
{
	return watch_compare(rb_entry(a, struct exit_watch, node)->pid, b) < 0;
}

/* Watch for the end of the current process, by @new if it has no watch; or return @new. */
static struct exit_watch *watch_process(struct ipcshm_process *process, struct exit_watch *new)
{
	struct exit_watch *watch;

	spin_lock(&watches_lock);
	watch = rb_entry_safe(rb_find(process->pid, &watches, watch_compare), struct exit_watch,
			      node);
	if (!watch) {
		watch = new;
		new = NULL;
		rb_add(&watch->node, &watches, watch_less);
		add_wait_queue(&watch->pid->wait_pidfd, &watch->entry);
	}
	process->watch = watch;
	list_add(&process->link, &watch->processes);
	spin_unlock(&watches_lock);
	return new;
}

static void unwatch_process(struct ipcshm_process *process)
{
	struct exit_watch *watch;
	bool last = false;

	spin_lock(&watches_lock);
	watch = process->watch;
	process->watch = NULL;
	if (watch) {
		list_del(&process->link);
		last = list_empty(&watch->processes);
	}
	if (last) {
		rb_erase(&watch->node, &watches);
		remove_wait_queue(&watch->pid->wait_pidfd, &watch->entry);
	}
	spin_unlock(&watches_lock);
	if (!last)
		return;
	cancel_work_sync(&watch->work);
	watch_free(watch);
}

static void process_free(struct ipcshm_process *process)
{
	put_pid(process->pid);
	kfree(process->leases);
	kfree_rcu(process, rcu);
}

/* Returns true if the caller unregistered the process, and frees it. */
static bool unregister_process(struct ipcshm_processes *processes, struct ipcshm_process *process)
{
	bool registered;

	spin_lock(&processes->lock);
	registered = !RB_EMPTY_NODE(&process->node);
	if (registered) {
		rb_erase(&process->node, &processes->tree);
		RB_CLEAR_NODE(&process->node);
	}
	if (processes->recent == process)
		WRITE_ONCE(processes->recent, NULL);
	spin_unlock(&processes->lock);
	return registered;
}

/* Runs once, when the process has ended. */
static void exit_work(struct work_struct *work)
{
	struct ipcshm_process *process = container_of(work, struct ipcshm_process, work);

	unwatch_process(process);
	process->processes->exited(process);
	if (unregister_process(process->processes, process))
		process_free(process);
}

/* No task uses the descriptor any longer. */
void ipcshm_processes_destroy(struct ipcshm_processes *processes)
{
	struct ipcshm_process *process;
	struct rb_node *node;

	for (;;) {
		spin_lock(&processes->lock);
		node = processes->tree.rb_node;
		process = rb_entry_safe(node, struct ipcshm_process, node);
		if (node) {
			rb_erase(node, &processes->tree);
			RB_CLEAR_NODE(node);
		}
		spin_unlock(&processes->lock);
		if (!process)
			break;
		unwatch_process(process);
		cancel_work_sync(&process->work);
		processes->exited(process);
		process_free(process);
		cond_resched();
	}
}

static int pid_compare(const void *key, const struct rb_node *node)
{
	const struct pid *pid = rb_entry(node, struct ipcshm_process, node)->pid;

	return (const struct pid *)key < pid ? -1 : (const struct pid *)key > pid;
}

static bool pid_less(struct rb_node *a, const struct rb_node *b)
{
	return pid_compare(rb_entry(a, struct ipcshm_process, node)->pid, b) < 0;
}

static struct ipcshm_process *search_process(struct ipcshm_processes *processes,
					     const struct pid *pid)
{
	struct rb_node *node = rb_find(pid, &processes->tree, pid_compare);

	return rb_entry_safe(node, struct ipcshm_process, node);
}

/**
 * ipcshm_process_find - find the current process
 * @processes: where it may be registered
 *
 * Return: the process, which stays registered as long as a thread of it lives; or NULL.
 */
struct ipcshm_process *ipcshm_process_find(struct ipcshm_processes *processes)
{
	struct pid *pid = task_tgid(current);
	struct ipcshm_process *process;

	if (!READ_ONCE(processes->tree.rb_node))
		return NULL;
	rcu_read_lock();
	process = READ_ONCE(processes->recent);
	if (process && process->pid != pid)
		process = NULL;
	rcu_read_unlock();
	if (process)
		return process;
	spin_lock(&processes->lock);
	process = search_process(processes, pid);
	if (process)
		WRITE_ONCE(processes->recent, process);
	spin_unlock(&processes->lock);
	return process;
}

static struct ipcshm_process *process_create(struct ipcshm_processes *processes)
{
	struct ipcshm_process *process = kzalloc(sizeof(*process), IPCSHM_GFP);

	if (!process)
		return NULL;
	process->processes = processes;
	process->pid = get_pid(task_tgid(current));
	INIT_LIST_HEAD(&process->calls);
	process->interrupted = RB_ROOT;
	RB_CLEAR_NODE(&process->node);
	INIT_WORK(&process->work, exit_work);
	return process;
}

/* Returns the process that is registered: another thread may have been faster. */
static struct ipcshm_process *register_process(struct ipcshm_processes *processes,
					       struct ipcshm_process *process,
					       struct exit_watch *watch)
{
	struct ipcshm_process *other;

	spin_lock(&processes->lock);
	other = search_process(processes, process->pid);
	if (!other) {
		rb_add(&process->node, &processes->tree, pid_less);
		watch = watch_process(process, watch);
	}
	WRITE_ONCE(processes->recent, other ?: process);
	spin_unlock(&processes->lock);
	watch_free(watch);
	return other ?: process;
}

/**
 * ipcshm_process_get - find the current process, or register it
 * @processes: where
 *
 * Return: as ipcshm_process_find(), or -ENOMEM.
 */
struct ipcshm_process *ipcshm_process_get(struct ipcshm_processes *processes)
{
	struct ipcshm_process *process = ipcshm_process_find(processes), *registered;
	struct exit_watch *watch;

	if (process)
		return process;
	watch = watch_create();
	process = watch ? process_create(processes) : NULL;
	if (!process) {
		watch_free(watch);
		return ERR_PTR(-ENOMEM);
	}
	registered = register_process(processes, process, watch);
	if (registered != process)
		process_free(process);
	return registered;
}
