// SPDX-License-Identifier: GPL-2.0-only
/* Objects, and the names of each network namespace. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "limits.h"
#include "registry.h"

/**
 * struct ipcshm_registry - the names of a network namespace
 * @refs: the namespace, each object, and each file of /dev/ipcshm
 * @user_ns: whose CAP_IPC_OWNER counts; a reference; immutable
 * @lock: protects all below, the members of objects that say so, and the end
 *	of an object: one that is found in @by_name can be referenced
 * @dead: the namespace has ended, there are no names any more
 * @by_name: objects by kind and name
 * @named: the objects in @by_name
 */
struct ipcshm_registry {
	refcount_t refs;
	struct user_namespace *user_ns;
	struct mutex lock;	/* names */
	bool dead;
	struct rhashtable by_name;
	struct list_head named;
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
static atomic64_t last_id = ATOMIC64_INIT(0);

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

static int name_get(struct name *name, enum ipcshm_kind kind, u64 address, u32 len)
{
	if (!address || !len)
		return -EINVAL;
	if (len > IPCSHM_NAME_MAX + 1)
		return -ENAMETOOLONG;
	if (copy_from_user(name->bytes, u64_to_user_ptr(address), len))
		return -EFAULT;
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

static struct ipcshm_object *name_find(struct ipcshm_registry *registry, const struct name *name)
{
	lockdep_assert_held(&registry->lock);
	return rhashtable_lookup_fast(&registry->by_name, name, by_name_params);
}

static int name_link(struct ipcshm_object *object, const struct name *name)
{
	struct ipcshm_registry *registry = object->registry;
	int err;

	lockdep_assert_held(&registry->lock);
	object->name = kmemdup(name->bytes, name->len + 1, GFP_KERNEL_ACCOUNT);
	if (!object->name)
		return -ENOMEM;
	err = rhashtable_insert_fast(&registry->by_name, &object->by_name, by_name_params);
	if (err) {
		kfree(object->name);
		object->name = NULL;
		return err;
	}
	list_add_tail(&object->named, &registry->named);
	return 0;
}

/* Returns whether the name held a reference, which is the caller's now. */
static bool name_unlink(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool persistent = object->persistent;

	lockdep_assert_held(&registry->lock);
	rhashtable_remove_fast(&registry->by_name, &object->by_name, by_name_params);
	list_del(&object->named);
	kfree(object->name);
	object->name = NULL;
	object->persistent = false;
	return persistent;
}

/* Permission: that of IPC objects, owner or group or others, whichever fits first. */

static umode_t object_access(const struct ipcshm_object *object, kuid_t *uid, kgid_t *gid)
{
	*uid = object->inode ? object->inode->i_uid : object->uid;
	*gid = object->inode ? object->inode->i_gid : object->gid;
	return (object->inode ? READ_ONCE(object->inode->i_mode) : object->mode) & 0777;
}

static bool object_privileged(const struct ipcshm_object *object)
{
	return ns_capable(object->registry->user_ns, CAP_IPC_OWNER);
}

static bool object_permits(const struct ipcshm_object *object, u32 flags)
{
	unsigned int wanted = 0;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;

	if (flags & IPCSHM_READ)
		wanted |= 04;
	if (flags & IPCSHM_WRITE)
		wanted |= 02;
	mode = object_access(object, &uid, &gid);
	if (uid_eq(uid, current_fsuid()))
		mode >>= 6;
	else if (in_group_p(gid))
		mode >>= 3;
	return !(wanted & ~mode) || object_privileged(object);
}

bool ipcshm_object_is_owned(const struct ipcshm_object *object)
{
	kuid_t uid;
	kgid_t gid;

	object_access(object, &uid, &gid);
	return uid_eq(uid, current_fsuid()) || object_privileged(object);
}

/* The life of an object. */

static void object_free(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;

	ipcshm_limits_uncharge(object->payer, IPCSHM_QUOTA_OBJECTS, 1);
	object->ops->release(object);
	ipcshm_registry_put(registry);
}

static struct ipcshm_object *object_create(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   const struct ipcshm_open_how *how, const void *attr,
					   const char *name)
{
	struct ipcshm_limits *payer = ipcshm_limits_of(current_fsuid());
	umode_t mode = how->mode & ~current_umask();
	struct ipcshm_object *object;
	int err;

	if (IS_ERR(payer))
		return ERR_CAST(payer);
	err = ipcshm_limits_charge(payer, IPCSHM_QUOTA_OBJECTS, 1);
	if (err)
		return ERR_PTR(err);
	object = ops->create(attr, name, payer, mode);
	if (IS_ERR(object)) {
		ipcshm_limits_uncharge(payer, IPCSHM_QUOTA_OBJECTS, 1);
		return object;
	}
	refcount_inc(&registry->refs);
	object->registry = registry;
	object->ops = ops;
	object->payer = payer;
	refcount_set(&object->users, 1);
	object->id = atomic64_inc_return(&last_id);
	object->btime = ktime_get_real_ns();
	object->uid = current_fsuid();
	object->gid = current_fsgid();
	object->mode = mode;
	return object;
}

/*
 * The last reference is dropped under the lock, so that an object that is found
 * by its name can't be on its way out.
 */
void ipcshm_object_put(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;

	if (!refcount_dec_and_mutex_lock(&object->users, &registry->lock))
		return;
	if (object->name)
		name_unlink(object);
	mutex_unlock(&registry->lock);
	object_free(object);
}

void ipcshm_object_stat(const struct ipcshm_object *object, struct ipcshm_stat *stat)
{
	struct ipcshm_registry *registry = object->registry;
	kuid_t uid;
	kgid_t gid;

	memset(stat, 0, sizeof(*stat));
	stat->id = object->id;
	stat->btime = object->btime;
	stat->mode = object_access(object, &uid, &gid);
	stat->uid = from_kuid_munged(current_user_ns(), uid);
	stat->gid = from_kgid_munged(current_user_ns(), gid);
	stat->kind = object->ops->kind;
	mutex_lock(&registry->lock);
	stat->flags = (object->name ? IPCSHM_STAT_NAMED : 0) |
		      (object->persistent ? IPCSHM_STAT_PERSISTENT : 0);
	stat->opens = refcount_read(&object->users) - object->persistent;
	mutex_unlock(&registry->lock);
}

/* Opening and unlinking by name. */

static struct ipcshm_object *open_existing(struct ipcshm_registry *registry,
					   struct ipcshm_open_how *how, const struct name *name)
{
	struct ipcshm_object *object;

	lockdep_assert_held(&registry->lock);
	if (registry->dead)
		return ERR_PTR(-ENXIO);
	object = name_find(registry, name);
	if (!object)
		return ERR_PTR(-ENOENT);
	if (how->flags & IPCSHM_EXCLUSIVE)
		return ERR_PTR(-EEXIST);
	if (!object_permits(object, how->flags))
		return ERR_PTR(-EACCES);
	refcount_inc(&object->users);
	how->created = 0;
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
	err = name_link(object, name);
	if (err)
		return ERR_PTR(err);
	return object;
}

/* Creating takes its time and its memory, and is done without the lock. */
static struct ipcshm_object *open_new(struct ipcshm_registry *registry,
				      const struct ipcshm_object_ops *ops,
				      struct ipcshm_open_how *how, const void *attr,
				      const struct name *name)
{
	struct ipcshm_object *object = object_create(registry, ops, how, attr, name->bytes);
	struct ipcshm_object *opened;

	if (IS_ERR(object))
		return object;
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
 * @how: name, flags and mode, which have been checked; id and created are filled in
 * @attr: for @ops->create
 *
 * Return: the object with a reference for the caller, or an error pointer.  A
 * new one isn't persistent yet: see ipcshm_registry_keep().
 */
struct ipcshm_object *ipcshm_registry_open(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   struct ipcshm_open_how *how, const void *attr)
{
	struct ipcshm_object *object;

	how->created = 1;
	if (how->name)
		object = open_named(registry, ops, how, attr);
	else
		object = object_create(registry, ops, how, attr, NULL);
	if (!IS_ERR(object))
		how->id = object->id;
	return object;
}

/*
 * From now on the name keeps the object.  This is the last step of creating it,
 * when nothing can fail any more: without it, all that has been done is undone
 * by dropping the caller's reference.
 */
void ipcshm_registry_keep(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;

	mutex_lock(&registry->lock);
	if (object->name) {
		object->persistent = true;
		refcount_inc(&object->users);
	}
	mutex_unlock(&registry->lock);
}

/* The object loses its name, if it has one. */
void ipcshm_object_unlink(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool drop = false;

	mutex_lock(&registry->lock);
	if (object->name)
		drop = name_unlink(object);
	mutex_unlock(&registry->lock);
	if (drop)
		ipcshm_object_put(object);
}

int ipcshm_registry_unlink(struct ipcshm_registry *registry, const struct ipcshm_unlink *what)
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
		drop = name_unlink(object);
	mutex_unlock(&registry->lock);
	if (drop)
		ipcshm_object_put(object);
	return err;
}

/* Network namespaces. */

static struct ipcshm_registry *registry_create(struct user_namespace *user_ns)
{
	struct ipcshm_registry *registry;
	int err;

	registry = kzalloc(sizeof(*registry), GFP_KERNEL_ACCOUNT);
	if (!registry)
		return ERR_PTR(-ENOMEM);
	err = rhashtable_init(&registry->by_name, &by_name_params);
	if (err) {
		kfree(registry);
		return ERR_PTR(err);
	}
	refcount_set(&registry->refs, 1);
	registry->user_ns = get_user_ns(user_ns);
	mutex_init(&registry->lock);
	INIT_LIST_HEAD(&registry->named);
	return registry;
}

void ipcshm_registry_put(struct ipcshm_registry *registry)
{
	if (!refcount_dec_and_test(&registry->refs))
		return;
	rhashtable_destroy(&registry->by_name);
	put_user_ns(registry->user_ns);
	mutex_destroy(&registry->lock);
	kfree(registry);
}

/* The names go with their namespace; an object that is in use stays without. */
static void registry_end(struct ipcshm_registry *registry)
{
	struct ipcshm_object *object, *next;
	LIST_HEAD(drop);

	mutex_lock(&registry->lock);
	registry->dead = true;
	list_for_each_entry_safe(object, next, &registry->named, named) {
		if (name_unlink(object))
			list_add(&object->named, &drop);
	}
	mutex_unlock(&registry->lock);
	list_for_each_entry_safe(object, next, &drop, named)
		ipcshm_object_put(object);
}

static struct ipcshm_registry **registry_slot(struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init net_start(struct net *net)
{
	struct ipcshm_registry *registry = registry_create(net->user_ns);

	if (IS_ERR(registry))
		return PTR_ERR(registry);
	*registry_slot(net) = registry;
	return 0;
}

static void __net_exit net_end(struct net *net)
{
	struct ipcshm_registry *registry = *registry_slot(net);

	registry_end(registry);
	ipcshm_registry_put(registry);
}

static struct pernet_operations net_ops = {
	.init = net_start,
	.exit = net_end,
	.id = &net_id,
	.size = sizeof(struct ipcshm_registry *),
};

/* The registry of the network namespace that the caller is in, with a reference. */
struct ipcshm_registry *ipcshm_registry_get_current(void)
{
	struct ipcshm_registry *registry = *registry_slot(current->nsproxy->net_ns);

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
