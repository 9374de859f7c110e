// SPDX-License-Identifier: GPL-2.0-only
/* Objects, and the names of each network namespace. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "compat.h"
#include "event.h"
#include "quota.h"
#include "registry.h"
#include "trace.h"
#include "work.h"

/**
 * struct ipcshm_registry - the objects of a network namespace
 * @refs: the namespace, each object, and each file of /dev/ipcshm
 * @user_ns: whose CAP_IPC_OWNER counts; a reference; immutable
 * @bound: what all users together may have in it, a reference; NULL in the initial
 *	network namespace; immutable
 * @limits: records with maxima that were set in the namespace, which keeps them
 * @net: whom to tell of events, NULL when the namespace ends; RCU keeps it
 * @member_changes: how often a process joined or left a region
 * @last_id: of the object that was created last
 * @lock: protects all below, the members of objects that say so, and the end
 *	of an object: one that is found here can be referenced
 * @dead: the namespace has ended, there are no names any more
 * @changes: how often an object came, went, or lost its name
 * @by_name: objects by kind and name
 * @named: the objects in @by_name
 * @by_id: objects that were opened, by their numbers
 */
struct ipcshm_registry {
	refcount_t refs;
	struct user_namespace *user_ns;
	struct ipcshm_quotas *bound;
	struct list_head limits;
	struct net __rcu *net;
	atomic_t member_changes;
	atomic64_t last_id;
	struct mutex lock;	/* objects */
	bool dead;
	u32 changes;
	struct rhashtable by_name;
	struct list_head named;
	struct rb_root by_id;
};

/**
 * struct name - what an object is found by
 * @kind: the name space
 * @len: bytes in @bytes
 * @bytes: with room for a leading '/', and a NUL
 */
struct name {
	enum ipcshm_kind kind;
	size_t len;
	char bytes[IPCSHM_NAME_MAX + 2];
};

static unsigned int net_id;

static u32 name_hash(const void *key, u32 len, u32 seed)
{
	const struct name *name = key;

	return jhash(name->bytes, name->len, seed);
}

static u32 object_hash(const void *object, u32 len, u32 seed)
{
	const char *name = ((const struct ipcshm_object *)object)->name;

	return jhash(name, strlen(name), seed);
}

static int object_compare(struct rhashtable_compare_arg *arg, const void *entry)
{
	const struct ipcshm_object *object = entry;
	const struct name *name = arg->key;

	return object->ops->kind != name->kind || strcmp(object->name, name->bytes);
}

static const struct rhashtable_params by_name_params = {
	.head_offset = offsetof(struct ipcshm_object, by_name),
	.hashfn = name_hash,
	.obj_hashfn = object_hash,
	.obj_cmpfn = object_compare,
	.automatic_shrinking = true,
};

/* Names: fetched once, checked, then used. */

static int name_check(struct name *name, enum ipcshm_kind kind, size_t len)
{
	if (name->bytes[0] == '/')
		memmove(name->bytes, name->bytes + 1, --len);
	name->bytes[len] = '\0';
	name->len = len;
	name->kind = kind;
	if (len > IPCSHM_NAME_MAX)
		return -ENAMETOOLONG;
	if (!len || strlen(name->bytes) != len || strchr(name->bytes, '/') ||
	    !strcmp(name->bytes, ".") || !strcmp(name->bytes, ".."))
		return -EINVAL;
	return 0;
}

static int name_get(struct name *name, enum ipcshm_kind kind, u64 address, u32 len)
{
	if (!address || !len)
		return -EINVAL;
	if (len > IPCSHM_NAME_MAX + 1)
		return -ENAMETOOLONG;
	if (copy_from_user(name->bytes, u64_to_user_ptr(address), len))
		return -EFAULT;
	return name_check(name, kind, len);
}

static struct ipcshm_object *name_find(struct ipcshm_registry *registry, const struct name *name)
{
	lockdep_assert_held(&registry->lock);
	return rhashtable_lookup_fast(&registry->by_name, name, by_name_params);
}

static int name_link(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	int err;

	lockdep_assert_held(&registry->lock);
	err = rhashtable_insert_fast(&registry->by_name, &object->by_name, by_name_params);
	if (err)
		return err;
	list_add_tail(&object->named, &registry->named);
	WRITE_ONCE(object->linked, true);
	return 0;
}

/* A list of all objects that is made just now isn't what it was. */
static void change(struct ipcshm_registry *registry)
{
	WRITE_ONCE(registry->changes, registry->changes + 1);
}

/* Returns whether the name held a reference, which is the caller's now. */
static bool name_unlink(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool persistent = object->persistent;

	lockdep_assert_held(&registry->lock);
	rhashtable_remove_fast(&registry->by_name, &object->by_name, by_name_params);
	list_del(&object->named);
	WRITE_ONCE(object->linked, false);
	object->persistent = false;
	change(registry);
	return persistent;
}

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

/* For a task that only looks: a refusal is not audited. */
static bool looker_privileged(const struct ipcshm_object *object)
{
	return ns_capable_noaudit(object->registry->user_ns, CAP_IPC_OWNER);
}

/* What the inode permits: its mode, its ACL, and the security modules decide. */
static bool inode_permits(const struct ipcshm_object *object, u32 flags, int mask)
{
	if (flags & IPCSHM_READ)
		mask |= MAY_READ;
	if (flags & IPCSHM_WRITE)
		mask |= MAY_WRITE;
	return !ipcshm_inode_permission(object->inode, mask);
}

static bool object_permits(const struct ipcshm_object *object, u32 flags)
{
	return inode_permits(object, flags, MAY_OPEN) || object_privileged(object);
}

/* As access(2) does, for which policies have rules of their own. */
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

/* An object is shown to its owner, to each task that may open it, and to an administrator. */
bool ipcshm_object_is_visible(const struct ipcshm_object *object)
{
	return uid_eq(ipcshm_object_uid(object), current_fsuid()) || looker_privileged(object) ||
	       (READ_ONCE(object->linked) && object_may_be_opened(object));
}

/* What happens. */

/**
 * ipcshm_object_tell - tell listeners what happened to an object
 * @object: which
 * @event: what; the object's own is filled in
 */
void ipcshm_object_tell(const struct ipcshm_object *object, struct ipcshm_notification event)
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

static void tell(const struct ipcshm_object *object, enum ipcshm_notify_type type)
{
	ipcshm_object_tell(object, (struct ipcshm_notification){ .type = type });
}

/* Tracepoints of objects take the same arguments. */
#define TRACE_OBJECT(event, object)					\
	trace_ipcshm_##event((object)->id, (object)->ops->kind,		\
			     __kuid_val(ipcshm_object_uid(object)), (object)->name)

/* What a look at all members may have missed. */
void ipcshm_object_members_changed(const struct ipcshm_object *object)
{
	atomic_inc(&object->registry->member_changes);
}

/* Numbers: those of objects that were opened, and haven't gone. */

static bool id_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipcshm_object, by_id)->id <
	       rb_entry(b, struct ipcshm_object, by_id)->id;
}

/* The object with the least number that isn't below @id, or NULL. */
static struct ipcshm_object *id_find(struct ipcshm_registry *registry, u64 id)
{
	struct rb_node *node = registry->by_id.rb_node;
	struct ipcshm_object *object, *found = NULL;

	lockdep_assert_held(&registry->lock);
	while (node) {
		object = rb_entry(node, struct ipcshm_object, by_id);
		if (object->id < id) {
			node = node->rb_right;
		} else {
			found = object;
			node = node->rb_left;
		}
	}
	return found;
}

static void id_link(struct ipcshm_object *object)
{
	lockdep_assert_held(&object->registry->lock);
	rb_add(&object->by_id, &object->registry->by_id, id_less);
	change(object->registry);
}

static bool id_is_linked(const struct ipcshm_object *object)
{
	return !RB_EMPTY_NODE(&object->by_id);
}

static void id_unlink(struct ipcshm_object *object)
{
	lockdep_assert_held(&object->registry->lock);
	rb_erase(&object->by_id, &object->registry->by_id);
	change(object->registry);
}

/* The life of an object. */

static void object_free(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	struct ipcshm_quotas *payer = object->payer;
	char *name = object->name;

	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_OBJECTS, 1);
	object->ops->release(object);	/* which may tell that messages are lost */
	ipcshm_quotas_put(payer);
	kfree(name);
	ipcshm_registry_put(registry);
}

static void object_free_work(struct work_struct *work)
{
	object_free(container_of(work, struct ipcshm_object, work));
}

/* A queue can have very many messages, to free which no request of netlink waits. */
static void object_free_later(struct ipcshm_object *object)
{
	queue_work(ipcshm_workqueue, &object->work);
}

static struct ipcshm_object *object_create(struct ipcshm_registry *registry,
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

/* What nobody could open, or look at, was never there. */
static void object_end(struct ipcshm_object *object)
{
	if (object->linked)
		name_unlink(object);
	if (!id_is_linked(object))
		return;
	id_unlink(object);
	TRACE_OBJECT(free, object);
	tell(object, IPCSHM_NOTIFY_TYPE_FREE);
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
	object_end(object);
	mutex_unlock(&registry->lock);
	object_free(object);
}

/**
 * ipcshm_object_stat - all that can be told of an object
 * @object: which
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
 * @object: which
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

/* Opening, by name and by number, and unlinking. */

/* @object is what was found, or NULL. */
static struct ipcshm_object *open_found(struct ipcshm_object *object, struct ipcshm_open_how *how)
{
	if (!object)
		return ERR_PTR(-ENOENT);
	lockdep_assert_held(&object->registry->lock);
	if (how->flags & IPCSHM_EXCLUSIVE)
		return ERR_PTR(-EEXIST);
	if (!object_permits(object, how->flags))
		return ERR_PTR(-EACCES);
	refcount_inc(&object->users);
	how->created = 0;
	return object;
}

static struct ipcshm_object *open_existing(struct ipcshm_registry *registry,
					   struct ipcshm_open_how *how, const struct name *name)
{
	lockdep_assert_held(&registry->lock);
	if (registry->dead)
		return ERR_PTR(-ENXIO);
	return open_found(name_find(registry, name), how);
}

/* A number opens what its name would: an object without a name is its descriptors' alone. */
static struct ipcshm_object *open_numbered(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   struct ipcshm_open_how *how)
{
	struct ipcshm_object *object = ERR_PTR(-ENXIO);

	mutex_lock(&registry->lock);
	if (!registry->dead) {
		object = id_find(registry, how->id);
		if (object && (object->id != how->id || object->ops != ops || !object->linked))
			object = NULL;
		object = open_found(object, how);
	}
	mutex_unlock(&registry->lock);
	return object;
}

/* Give @object the name, unless there is an object of that name by now. */
static struct ipcshm_object *open_linked(struct ipcshm_object *object, struct ipcshm_open_how *how,
					 const struct name *name)
{
	struct ipcshm_object *other;
	int err;

	other = open_existing(object->registry, how, name);
	if (other != ERR_PTR(-ENOENT))
		return other;
	err = name_link(object);
	if (err)
		return ERR_PTR(err);
	return object;
}

/*
 * Creating takes its time and its memory, and is done without the lock.  So nothing is
 * allocated under the lock that could sleep for what a memory cgroup has to reclaim.
 */
static struct ipcshm_object *open_new(struct ipcshm_registry *registry,
				      const struct ipcshm_object_ops *ops,
				      struct ipcshm_open_how *how, const void *attr,
				      const struct name *name)
{
	struct ipcshm_object *object = object_create(registry, ops, how, attr, name->bytes);
	struct ipcshm_object *opened;

	if (IS_ERR(object))
		return object;
	object->name = kmemdup(name->bytes, name->len + 1, GFP_KERNEL_ACCOUNT);
	if (!object->name) {
		ipcshm_object_put(object);
		return ERR_PTR(-ENOMEM);
	}
	mutex_lock(&registry->lock);
	opened = open_linked(object, how, name);
	mutex_unlock(&registry->lock);
	if (opened != object)
		ipcshm_object_put(object);
	return opened;
}

static struct ipcshm_object *open_named(struct ipcshm_registry *registry,
					const struct ipcshm_object_ops *ops,
					struct ipcshm_open_how *how, const void *attr)
{
	struct ipcshm_object *object;
	struct name name;
	int err;

	err = name_get(&name, ops->kind, how->name, how->name_len);
	if (err)
		return ERR_PTR(err);
	mutex_lock(&registry->lock);
	object = open_existing(registry, how, &name);
	mutex_unlock(&registry->lock);
	if (object == ERR_PTR(-ENOENT) && how->flags & IPCSHM_CREATE)
		return open_new(registry, ops, how, attr, &name);
	return object;
}

/**
 * ipcshm_registry_open - find or make an object
 * @registry: where its name belongs
 * @ops: its kind
 * @how: name or number, flags and mode, which have been checked; id and created are filled
 *	in
 * @attr: for @ops->create
 *
 * Return: the object with a reference for the caller, or an error pointer.  A
 * new one isn't persistent yet: see ipcshm_registry_opened().
 */
struct ipcshm_object *ipcshm_registry_open(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   struct ipcshm_open_how *how, const void *attr)
{
	struct ipcshm_object *object;

	how->created = 1;
	if (how->flags & IPCSHM_BY_ID)
		object = open_numbered(registry, ops, how);
	else if (how->name)
		object = open_named(registry, ops, how, attr);
	else
		object = object_create(registry, ops, how, attr, NULL);
	if (!IS_ERR(object))
		how->id = object->id;
	return object;
}

/**
 * ipcshm_registry_opened - an object was opened
 * @object: which
 * @keep: its name keeps it from now on
 *
 * This is the last step, when nothing can fail any more: without it, all that has
 * been done is undone by dropping the caller's reference.  With the first of
 * them the object appears.
 */
void ipcshm_registry_opened(struct ipcshm_object *object, bool keep)
{
	struct ipcshm_registry *registry = object->registry;

	mutex_lock(&registry->lock);
	if (keep && object->linked) {
		object->persistent = true;
		refcount_inc(&object->users);
	}
	if (id_is_linked(object)) {
		TRACE_OBJECT(open, object);
		tell(object, IPCSHM_NOTIFY_TYPE_OPEN);
	} else {
		id_link(object);
		TRACE_OBJECT(create, object);
		tell(object, IPCSHM_NOTIFY_TYPE_CREATE);
	}
	mutex_unlock(&registry->lock);
}

/* As ipcshm_object_put(), and without the time that freeing the object takes. */
static void object_put_later(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;

	if (!refcount_dec_and_mutex_lock(&object->users, &registry->lock))
		return;
	object_end(object);
	mutex_unlock(&registry->lock);
	object_free_later(object);
}

/* As name_unlink(), for someone who asked for it. */
static bool unlink_and_tell(struct ipcshm_object *object)
{
	bool drop = name_unlink(object);

	TRACE_OBJECT(unlink, object);
	tell(object, IPCSHM_NOTIFY_TYPE_UNLINK);
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
		drop = unlink_and_tell(object);
	mutex_unlock(&registry->lock);
	if (drop)
		object_put_later(object);
	return linked ? 0 : -ENOENT;
}

/* It is taken from all who use it. */
int ipcshm_object_revoke(struct ipcshm_object *object)
{
	int err = object->ops->revoke(object);

	if (err)
		return err;
	TRACE_OBJECT(revoke, object);
	tell(object, IPCSHM_NOTIFY_TYPE_REVOKE);
	return 0;
}

int ipcshm_registry_unlink(struct ipcshm_registry *registry, const struct ipcshm_unlink_args *what)
{
	struct ipcshm_object *object;
	bool drop = false;
	struct name name;
	int err;

	err = name_get(&name, what->kind, what->name, what->name_len);
	if (err)
		return err;
	mutex_lock(&registry->lock);
	object = name_find(registry, &name);
	if (registry->dead)
		err = -ENXIO;
	else if (!object)
		err = -ENOENT;
	else if (!ipcshm_object_is_owned(object))
		err = -EACCES;
	else
		drop = unlink_and_tell(object);
	mutex_unlock(&registry->lock);
	if (drop)
		ipcshm_object_put(object);
	return err;
}

/* Looking at objects, without opening them. */

static struct ipcshm_object *hold(struct ipcshm_object *object)
{
	if (object) {
		refcount_inc(&object->users);
		object->holds++;
	}
	return object;
}

/* Returns whether it is to be freed. */
static bool unhold(struct ipcshm_object *object)
{
	object->holds--;
	if (!refcount_dec_and_test(&object->users))
		return false;
	object_end(object);
	return true;
}

/* The object with the least number that isn't below @id, or NULL. */
struct ipcshm_object *ipcshm_registry_hold_from(struct ipcshm_registry *registry, u64 id)
{
	struct ipcshm_object *object;

	mutex_lock(&registry->lock);
	object = hold(id_find(registry, id));
	mutex_unlock(&registry->lock);
	return object;
}

/* The object after @object, whose reference is dropped; or NULL. */
struct ipcshm_object *ipcshm_registry_hold_next(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	struct ipcshm_object *next;
	bool last;

	mutex_lock(&registry->lock);
	next = hold(rb_entry_safe(rb_next(&object->by_id), struct ipcshm_object, by_id));
	last = unhold(object);
	mutex_unlock(&registry->lock);
	if (last)
		object_free_later(object);
	return next;
}

/* The object with that number, or NULL. */
struct ipcshm_object *ipcshm_registry_hold(struct ipcshm_registry *registry, u64 id)
{
	struct ipcshm_object *object;

	mutex_lock(&registry->lock);
	object = id_find(registry, id);
	object = hold(object && object->id == id ? object : NULL);
	mutex_unlock(&registry->lock);
	return object;
}

/* The object of that kind and name, NULL if there is none, or the name's error. */
struct ipcshm_object *ipcshm_registry_hold_named(struct ipcshm_registry *registry,
						 enum ipcshm_kind kind, const char *bytes)
{
	struct ipcshm_object *object;
	struct name name;
	int err;

	if (strscpy(name.bytes, bytes, sizeof(name.bytes)) < 0)
		return ERR_PTR(-ENAMETOOLONG);
	err = name_check(&name, kind, strlen(name.bytes));
	if (err)
		return ERR_PTR(err);
	mutex_lock(&registry->lock);
	object = name_find(registry, &name);
	object = hold(object && id_is_linked(object) ? object : NULL);
	mutex_unlock(&registry->lock);
	return object;
}

void ipcshm_object_unhold(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool last;

	mutex_lock(&registry->lock);
	last = unhold(object);
	mutex_unlock(&registry->lock);
	if (last)
		object_free_later(object);
}

/* How often an object came, went, or lost its name. */
u32 ipcshm_registry_changes(struct ipcshm_registry *registry)
{
	return READ_ONCE(registry->changes);
}

/* How often a process joined or left a region. */
u32 ipcshm_registry_member_changes(struct ipcshm_registry *registry)
{
	return atomic_read(&registry->member_changes);
}

/**
 * ipcshm_registry_payer_get - the record that pays for what the current task gets now
 * @registry: where it gets it
 *
 * Return: a reference, for ipcshm_quotas_put(), or an error pointer: -ENOMEM.
 */
struct ipcshm_quotas *ipcshm_registry_payer_get(const struct ipcshm_registry *registry)
{
	return ipcshm_quotas_get_current(registry->bound);
}

/* What all users together may have in it, or NULL: as much as their quotas allow. */
struct ipcshm_quotas *ipcshm_registry_bound(const struct ipcshm_registry *registry)
{
	return registry->bound;
}

/* As long as its network namespace is there. */
void ipcshm_registry_keep(struct ipcshm_registry *registry, struct ipcshm_quotas *limits)
{
	ipcshm_quotas_keep(limits, &registry->limits);
}

/* The same, for what the current task gets of an object. */
struct ipcshm_quotas *ipcshm_object_payer_get(const struct ipcshm_object *object)
{
	return ipcshm_registry_payer_get(object->registry);
}

/* Network namespaces. */

/*
 * A number says nothing about other namespaces, and is hardly ever one of another
 * namespace as well.  It is at most 2^53, which JSON can hold.
 */
static u64 first_id(const struct net *net)
{
	return net_eq(net, &init_net) ? 0 : (u64)(get_random_u32() | BIT(31)) << 21;
}

static struct ipcshm_registry *registry_create(const struct net *net)
{
	struct ipcshm_registry *registry;
	int err = -ENOMEM;

	registry = kzalloc(sizeof(*registry), GFP_KERNEL_ACCOUNT);
	if (!registry)
		return ERR_PTR(-ENOMEM);
	if (!net_eq(net, &init_net)) {
		registry->bound = ipcshm_quotas_create_bound();
		if (!registry->bound)
			goto free;
	}
	err = rhashtable_init(&registry->by_name, &by_name_params);
	if (err)
		goto put_bound;
	refcount_set(&registry->refs, 1);
	registry->user_ns = get_user_ns(net->user_ns);
	mutex_init(&registry->lock);
	INIT_LIST_HEAD(&registry->limits);
	INIT_LIST_HEAD(&registry->named);
	atomic64_set(&registry->last_id, first_id(net));
	registry->by_id = RB_ROOT;
	return registry;

put_bound:
	ipcshm_quotas_put(registry->bound);
free:
	kfree(registry);
	return ERR_PTR(err);
}

void ipcshm_registry_put(struct ipcshm_registry *registry)
{
	if (!refcount_dec_and_test(&registry->refs))
		return;
	rhashtable_destroy(&registry->by_name);
	ipcshm_quotas_put(registry->bound);
	put_user_ns(registry->user_ns);
	mutex_destroy(&registry->lock);
	kfree(registry);
}

/* Names that are taken from their objects before the lock is dropped. */
#define NAME_BATCH 64

/* Returns whether there may be more names. */
static bool names_unlink(struct ipcshm_registry *registry)
{
	struct ipcshm_object *object, *next;
	LIST_HEAD(drop);
	int count = 0;

	mutex_lock(&registry->lock);
	list_for_each_entry_safe(object, next, &registry->named, named) {
		if (count++ == NAME_BATCH)
			break;
		if (name_unlink(object))
			list_add(&object->named, &drop);
	}
	mutex_unlock(&registry->lock);
	list_for_each_entry_safe(object, next, &drop, named)
		ipcshm_object_put(object);
	return count > NAME_BATCH;
}

/* The names go with their namespace; an object that is in use stays without. */
static void registry_end(struct ipcshm_registry *registry)
{
	mutex_lock(&registry->lock);
	registry->dead = true;		/* from here on no name is given */
	mutex_unlock(&registry->lock);
	while (names_unlink(registry))
		cond_resched();
}

static struct ipcshm_registry **registry_slot(const struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init net_start(struct net *net)
{
	struct ipcshm_registry *registry = registry_create(net);

	if (IS_ERR(registry))
		return PTR_ERR(registry);
	rcu_assign_pointer(registry->net, net);
	*registry_slot(net) = registry;
	return 0;
}

/* Between this and net_end(), RCU's readers are waited for. */
static void __net_exit net_pre_end(struct net *net)
{
	RCU_INIT_POINTER((*registry_slot(net))->net, NULL);
}

static void __net_exit net_end(struct net *net)
{
	struct ipcshm_registry *registry = *registry_slot(net);

	registry_end(registry);
	ipcshm_quotas_unkeep_all(&registry->limits);
	ipcshm_registry_put(registry);
}

static struct pernet_operations net_ops = {
	.init = net_start,
	.pre_exit = net_pre_end,
	.exit = net_end,
	.id = &net_id,
	.size = sizeof(struct ipcshm_registry *),
};

/* The registry of a network namespace, as long as that is there. */
struct ipcshm_registry *ipcshm_registry_of(const struct net *net)
{
	return *registry_slot(net);
}

/* The registry of the network namespace that the caller is in, with a reference. */
struct ipcshm_registry *ipcshm_registry_get_current(void)
{
	struct ipcshm_registry *registry = ipcshm_registry_of(current->nsproxy->net_ns);

	refcount_inc(&registry->refs);
	return registry;
}

int ipcshm_registry_init(void)
{
	return register_pernet_subsys(&net_ops);
}

void ipcshm_registry_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
