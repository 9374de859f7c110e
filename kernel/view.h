/* SPDX-License-Identifier: GPL-2.0-only */
/* A message's sender and time, as seen in the namespaces of the current task. */
#ifndef IPCSHM_VIEW_H
#define IPCSHM_VIEW_H

#include <linux/cred.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "message.h"
#include "waiter.h"

/**
 * struct ipcshm_view - the namespaces of a receiver
 * @users: its user namespace
 * @pids: its PID namespace
 * @time_offset: offset of CLOCK_MONOTONIC in its time namespace
 */
struct ipcshm_view {
	struct user_namespace *users;
	const struct pid_namespace *pids;
	s64 time_offset;
};

static inline struct ipcshm_view ipcshm_view_current(void)
{
	return (struct ipcshm_view){
		.users = current_user_ns(),
		.pids = ns_of_pid(task_pid(current)),
		.time_offset = ipcshm_timens_offset(),
	};
}

static inline u32 ipcshm_pid_seen(const struct ipcshm_view *view, const struct pid *pid)
{
	unsigned int level = view->pids->level;

	if (level > pid->level || pid->numbers[level].ns != view->pids)
		return 0;
	return pid->numbers[level].nr;
}

static inline u32 ipcshm_uid_seen(const struct ipcshm_view *view, kuid_t uid)
{
	return likely(view->users == &init_user_ns) ? __kuid_val(uid) :
						      from_kuid_munged(view->users, uid);
}

static inline u32 ipcshm_gid_seen(const struct ipcshm_view *view, kgid_t gid)
{
	return likely(view->users == &init_user_ns) ? __kgid_val(gid) :
						      from_kgid_munged(view->users, gid);
}

/* Write the description of a message to the receiver's structure. */
static __always_inline bool ipcshm_msg_describe(const struct ipcshm_msg *msg,
						const struct ipcshm_view *view, u64 request_id,
						u64 ack_id, u64 data,
						struct ipcshm_message __user *to)
{
	u32 uid = ipcshm_uid_seen(view, msg->uid), gid = ipcshm_gid_seen(view, msg->gid);
	u32 pid = ipcshm_pid_seen(view, msg->pid);

	if (should_fail_usercopy() || !user_write_access_begin(to, sizeof(*to)))
		return false;
	unsafe_put_user(data, &to->data, fault);
	unsafe_put_user(msg->size, &to->size, fault);
	unsafe_put_user(msg->type, &to->type, fault);
	unsafe_put_user(msg->priority, &to->priority, fault);
	unsafe_put_user(pid, &to->pid, fault);
	unsafe_put_user(uid, &to->uid, fault);
	unsafe_put_user(gid, &to->gid, fault);
	unsafe_put_user(msg->time + view->time_offset, &to->time, fault);
	unsafe_put_user(msg->nr_files, &to->fd_count, fault);
	unsafe_put_user(msg->returns, &to->returns, fault);
	unsafe_put_user(request_id, &to->request_id, fault);
	unsafe_put_user(ack_id, &to->ack_id, fault);
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

#endif /* IPCSHM_VIEW_H */
