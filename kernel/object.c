// SPDX-License-Identifier: GPL-2.0-only
/* Objects, the base of regions and queues: permission, life, state. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "netlink_notify.h"
#include "object.h"
#include "quota.h"
#include "registry.h"
#include "registry_internal.h"
#include "trace.h"
#include "work.h"

/* Permission. */

static umode_t object_access(const struct ipcshm_object *object, kuid_t *uid, kgid_t *gid)
{
	*uid = object->inode->i_uid;
	*gid = object->inode->i_gid;
	return READ_ONCE(object->inode->i_mode) & 0777;
}

static bool object_privileged(const struct ipcshm_object *object)
{
	return ns_capable(object->registry->user_ns, CAP_IPC_OWNER);
}

/* Return whether a task may see every object. Looking is no access, so a refusal is not audited. */
static bool looker_privileged(const struct ipcshm_object *object)
{
	return ns_capable_noaudit(object->registry->user_ns, CAP_IPC_OWNER);
}

/* The rights by the inode's mode, its ACL, and the security modules. */
static bool inode_permits(const struct ipcshm_object *object, u32 flags, int mask)
{
	if (flags & IPCSHM_READ)
		mask |= MAY_READ;
	if (flags & IPCSHM_WRITE)
		mask |= MAY_WRITE;
	return !ipcshm_inode_permission(object->inode, mask);
}

bool ipcshm_object_permits(const struct ipcshm_object *object, u32 flags)
{
	return inode_permits(object, flags, MAY_OPEN) || object_privileged(object);
}

/* Check as access(2) does: security policies have separate rules for that. */
static bool object_may_be_opened(const struct ipcshm_object *object)
{
	return inode_permits(object, IPCSHM_READ, MAY_ACCESS) ||
	       inode_permits(object, IPCSHM_WRITE, MAY_ACCESS);
}

kuid_t ipcshm_object_uid(const struct ipcshm_object *object)
{
	kuid_t uid;
	kgid_t gid;

	object_access(object, &uid, &gid);
	return uid;
}

bool ipcshm_object_is_owned(const struct ipcshm_object *object)
{
	return uid_eq(ipcshm_object_uid(object), current_fsuid()) || object_privileged(object);
}

/* Return whether the owner is the current user, or root here or in the initial user namespace. */
bool ipcshm_object_is_trusted(const struct ipcshm_object *object)
{
	kuid_t uid = ipcshm_object_uid(object);

	return uid_eq(uid, current_fsuid()) || uid_eq(uid, GLOBAL_ROOT_UID) ||
	       uid_eq(uid, make_kuid(object->registry->user_ns, 0));
}

/* An object is shown to its owner, to each task that may open it, and to an administrator. */
bool ipcshm_object_is_visible(const struct ipcshm_object *object)
{
	return uid_eq(ipcshm_object_uid(object), current_fsuid()) || looker_privileged(object) ||
	       (READ_ONCE(object->linked) && object_may_be_opened(object));
}

/* Notifications. */

/**
 * ipcshm_object_notify - notify subscribers of an object
 * @object: the object
 * @event: the notification; the object's own members are filled in
 */
void ipcshm_object_notify(const struct ipcshm_object *object, struct ipcshm_notification event)
{
	struct net *net;

	event.id = object->id;
	event.kind = object->ops->kind;
	event.name = object->name;
	rcu_read_lock();
	net = rcu_dereference(object->registry->net);
	if (net)
		ipcshm_notify(net, &event);
	rcu_read_unlock();
}

static void notify_type(const struct ipcshm_object *object, enum ipcshm_notify_type type)
{
	ipcshm_object_notify(object, (struct ipcshm_notification){ .type = type });
}

/* Tracepoints of objects take the same arguments. */
#define TRACE_OBJECT(event, object)					\
	trace_ipcshm_##event((object)->id, (object)->ops->kind,		\
			     __kuid_val(ipcshm_object_uid(object)), (object)->name)

/* A concurrent list of all members may have missed the change. */
void ipcshm_object_members_changed(const struct ipcshm_object *object)
{
	atomic_inc(&object->registry->member_changes);
}

/* The life of an object. */

static void object_free(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	struct ipcshm_quotas *payer = object->payer;
	char *name = object->name;

	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_OBJECTS, 1);
	object->ops->release(object);	/* which may notify of lost messages */
	ipcshm_quotas_put(payer);
	kfree(name);
	ipcshm_registry_put(registry);
}

static void object_free_work(struct work_struct *work)
{
	object_free(container_of(work, struct ipcshm_object, work));
}

/* A queue can have very many messages, to free which no request of netlink waits. */
void ipcshm_object_free_later(struct ipcshm_object *object)
{
	queue_work(ipcshm_workqueue, &object->work);
}

struct ipcshm_object *ipcshm_object_create(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   const struct ipcshm_open_how *how, const void *attr,
					   const char *name)
{
	struct ipcshm_quotas *payer = ipcshm_registry_payer_get(registry);
	umode_t mode = how->mode & ~current_umask();
	struct ipcshm_object *object;
	int err;

	if (IS_ERR(payer))
		return ERR_CAST(payer);
	err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_OBJECTS, 1);
	if (err)
		goto put_payer;
	object = ops->create(attr, name, payer, mode);
	if (IS_ERR(object)) {
		err = PTR_ERR(object);
		goto uncharge;
	}
	refcount_inc(&registry->refs);
	object->registry = registry;
	object->ops = ops;
	object->payer = payer;
	refcount_set(&object->users, 1);
	object->id = atomic64_inc_return(&registry->last_id);
	INIT_WORK(&object->work, object_free_work);
	object->btime = ktime_get_real_ns();
	RB_CLEAR_NODE(&object->by_id);
	return object;

uncharge:
	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_OBJECTS, 1);
put_payer:
	ipcshm_quotas_put(payer);
	return ERR_PTR(err);
}

/* Return the record that pays for whatever the current task takes from an object. */
struct ipcshm_quotas *ipcshm_object_payer_get(const struct ipcshm_object *object)
{
	return ipcshm_registry_payer_get(object->registry);
}

/**
 * ipcshm_object_opened - an object was opened
 * @object: the object
 * @keep: its name keeps it from now on
 *
 * This is the last step, which cannot fail: without it, dropping the caller's reference
 * undoes all.  With the first such step the object appears.
 */
void ipcshm_object_opened(struct ipcshm_object *object, bool keep)
{
	struct ipcshm_registry *registry = object->registry;

	mutex_lock(&registry->lock);
	if (keep && object->linked) {
		object->persistent = true;
		refcount_inc(&object->users);
	}
	if (ipcshm_id_is_linked(object)) {
		TRACE_OBJECT(open, object);
		notify_type(object, IPCSHM_NOTIFY_TYPE_OPEN);
	} else {
		ipcshm_id_link(object);
		TRACE_OBJECT(create, object);
		notify_type(object, IPCSHM_NOTIFY_TYPE_CREATE);
	}
	mutex_unlock(&registry->lock);
}

/* An object that was never visible ends without a notification. */
void ipcshm_object_end(struct ipcshm_object *object)
{
	if (object->linked)
		ipcshm_name_unlink(object);
	if (!ipcshm_id_is_linked(object))
		return;
	ipcshm_id_unlink(object);
	TRACE_OBJECT(free, object);
	notify_type(object, IPCSHM_NOTIFY_TYPE_FREE);
}

/*
 * The last reference is dropped under the lock, so that an object that is found
 * can't be on its way out.
 */
void ipcshm_object_put(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;

	if (!refcount_dec_and_mutex_lock(&object->users, &registry->lock))
		return;
	ipcshm_object_end(object);
	mutex_unlock(&registry->lock);
	object_free(object);
}

/* Drop a reference as ipcshm_object_put() does, but leave freeing the object to a work item. */
void ipcshm_object_put_later(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;

	if (!refcount_dec_and_mutex_lock(&object->users, &registry->lock))
		return;
	ipcshm_object_end(object);
	mutex_unlock(&registry->lock);
	ipcshm_object_free_later(object);
}

/* Unlink a name on request, and notify subscribers. */
bool ipcshm_object_unlink_and_notify(struct ipcshm_object *object)
{
	bool drop = ipcshm_name_unlink(object);

	TRACE_OBJECT(unlink, object);
	notify_type(object, IPCSHM_NOTIFY_TYPE_UNLINK);
	return drop;
}

/* The object loses its name; -ENOENT if it has none. */
int ipcshm_object_unlink(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool linked, drop = false;

	mutex_lock(&registry->lock);
	linked = object->linked;
	if (linked)
		drop = ipcshm_object_unlink_and_notify(object);
	mutex_unlock(&registry->lock);
	if (drop)
		ipcshm_object_put_later(object);
	return linked ? 0 : -ENOENT;
}

/* Takes the object from all its users. */
int ipcshm_object_revoke(struct ipcshm_object *object)
{
	int err = object->ops->revoke(object);

	if (err)
		return err;
	TRACE_OBJECT(revoke, object);
	notify_type(object, IPCSHM_NOTIFY_TYPE_REVOKE);
	return 0;
}

/**
 * ipcshm_object_stat - fill the common state of an object
 * @object: the object
 * @stat: the head of its kind's structure, which is zero
 */
void ipcshm_object_stat(struct ipcshm_object *object, struct ipcshm_stat *stat)
{
	struct ipcshm_registry *registry = object->registry;
	kuid_t uid;
	kgid_t gid;

	stat->id = object->id;
	stat->btime = object->btime;
	stat->mode = object_access(object, &uid, &gid);
	stat->uid = from_kuid_munged(current_user_ns(), uid);
	stat->gid = from_kgid_munged(current_user_ns(), gid);
	stat->kind = object->ops->kind;
	mutex_lock(&registry->lock);
	stat->flags = (object->linked ? IPCSHM_STAT_NAMED : 0) |
		      (object->persistent ? IPCSHM_STAT_PERSISTENT : 0);
	stat->opens = refcount_read(&object->users) - object->persistent - object->holds;
	mutex_unlock(&registry->lock);
	object->ops->stat(object, stat);
}

/**
 * ipcshm_object_show - what fdinfo has of all descriptors of an object
 * @object: the object
 * @seq: where to
 *
 * A name can be of any bytes: what isn't printable ASCII is written in octal.
 */
void ipcshm_object_show(const struct ipcshm_object *object, struct seq_file *seq)
{
	seq_printf(seq, "ipcshm-kind:\t%s\nipcshm-id:\t%llu\n",
		   object->ops->kind == IPCSHM_REGION ? "region" : "queue", object->id);
	if (!READ_ONCE(object->linked))
		return;
	seq_puts(seq, "ipcshm-name:\t");
	seq_escape_mem(seq, object->name, strlen(object->name),
		       ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND, "\\");
	seq_putc(seq, '\n');
}
