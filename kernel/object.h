/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects: the base of regions and queues. */
#ifndef IPCSHM_OBJECT_H
#define IPCSHM_OBJECT_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "netlink_notify.h"
#include "uapi/linux/ipcshm.h"

struct file;
struct inode;
struct ipcshm_quotas;
struct ipcshm_object;
struct ipcshm_registry;
struct seq_file;

/**
 * struct ipcshm_object_ops - operations of a kind of object
 * @kind: its name space
 * @create: a new object with its own part filled in, or an error pointer;
 *	@attr is the structure of the open call, @name is NULL if there is none,
 *	@payer pays, @mode is less the umask
 * @open: a new file of it, which takes over the caller's reference, or an error
 *	pointer
 * @opened: the file of @open is about to be given out, no later step can fail; or NULL
 * @describe: fill the members of @attr that describe the opened object
 * @stat: fill the kind's own part of its stat structure, of which @stat is the head;
 *	the rest is zero, or filled in; it may add to the flags
 * @revoke: take it from all users; an error, or 0
 * @release: the last reference is gone, and so is the name: free it
 */
struct ipcshm_object_ops {
	enum ipcshm_kind kind;
	struct ipcshm_object *(*create)(const void *attr, const char *name,
					struct ipcshm_quotas *payer, umode_t mode);
	struct file *(*open)(struct ipcshm_object *object, u32 flags);
	void (*opened)(struct file *file);
	void (*describe)(const struct ipcshm_object *object, void *attr);
	void (*stat)(struct ipcshm_object *object, struct ipcshm_stat *stat);
	int (*revoke)(struct ipcshm_object *object);
	void (*release)(struct ipcshm_object *object);
};

/**
 * struct ipcshm_object - the common part of a region and a queue
 * @ops: immutable
 * @registry: where its name is or was; a reference; immutable
 * @payer: whose quotas it counts for; a reference; immutable
 * @users: one for each file, one for the name if it is persistent, and @holds;
 *	the last is dropped under the registry's lock
 * @holds: other references, of readers that look at it for a moment; protected by the
 *	registry's lock
 * @id: immutable
 * @btime: when it was created, CLOCK_REALTIME; immutable
 * @inode: holds owner, group and mode; set by the kind's create; immutable
 * @name: that it has, or had, or NULL; set before others can find it
 * @linked: it has its name; protected by the registry's lock
 * @persistent: the name holds a reference; protected by the registry's lock
 * @by_name: in the registry's table, if @linked; protected by the registry's lock
 * @named: in the registry's list, if @linked; protected by the registry's lock
 * @by_id: in the registry's tree, once it was opened; protected by the registry's lock
 * @work: frees it, if that is done later
 */
struct ipcshm_object {
	const struct ipcshm_object_ops *ops;
	struct ipcshm_registry *registry;
	struct ipcshm_quotas *payer;
	refcount_t users;
	u32 holds;
	u64 id;
	u64 btime;
	struct inode *inode;
	char *name;
	bool linked;
	bool persistent;
	struct rhash_head by_name;
	struct list_head named;
	struct rb_node by_id;
	struct work_struct work;
};

void ipcshm_object_opened(struct ipcshm_object *object, bool keep);
bool ipcshm_object_is_owned(const struct ipcshm_object *object);
bool ipcshm_object_is_visible(const struct ipcshm_object *object);
kuid_t ipcshm_object_uid(const struct ipcshm_object *object);
int ipcshm_object_unlink(struct ipcshm_object *object);
int ipcshm_object_revoke(struct ipcshm_object *object);
void ipcshm_object_put(struct ipcshm_object *object);
void ipcshm_object_put_later(struct ipcshm_object *object);
struct ipcshm_quotas *ipcshm_object_payer_get(const struct ipcshm_object *object);
void ipcshm_object_stat(struct ipcshm_object *object, struct ipcshm_stat *stat);
void ipcshm_object_show(const struct ipcshm_object *object, struct seq_file *seq);
void ipcshm_object_notify(const struct ipcshm_object *object, struct ipcshm_notification event);
void ipcshm_object_members_changed(const struct ipcshm_object *object);

#endif /* IPCSHM_OBJECT_H */
