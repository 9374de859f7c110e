// SPDX-License-Identifier: GPL-2.0-only
/* The objects of a network namespace: opening, unlinking and listing them. */
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "object.h"
#include "registry.h"
#include "registry_internal.h"

/* Opening, by name and by number, and unlinking. */

/* @object is NULL if no object was found. */
static struct ipcshm_object *open_found(struct ipcshm_object *object, struct ipcshm_open_how *how)
{
	if (!object)
		return ERR_PTR(-ENOENT);
	lockdep_assert_held(&object->registry->lock);
	if (how->flags & IPCSHM_EXCLUSIVE)
		return ERR_PTR(-EEXIST);
	if (!ipcshm_object_permits(object, how->flags))
		return ERR_PTR(-EACCES);
	if (how->flags & IPCSHM_TRUSTED && !ipcshm_object_is_trusted(object))
		return ERR_PTR(-EPERM);
	refcount_inc(&object->users);
	how->created = 0;
	return object;
}

static struct ipcshm_object *open_existing(struct ipcshm_registry *registry,
					   struct ipcshm_open_how *how,
					   const struct ipcshm_name *name)
{
	lockdep_assert_held(&registry->lock);
	if (registry->dead)
		return ERR_PTR(-ENXIO);
	return open_found(ipcshm_name_find(registry, name), how);
}

/* A number opens what its name would: an object without a name is its descriptors' alone. */
static struct ipcshm_object *open_numbered(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   struct ipcshm_open_how *how)
{
	struct ipcshm_object *object = ERR_PTR(-ENXIO);

	mutex_lock(&registry->lock);
	if (!registry->dead) {
		object = ipcshm_id_find(registry, how->id);
		if (object && (object->id != how->id || object->ops != ops || !object->linked))
			object = NULL;
		object = open_found(object, how);
	}
	mutex_unlock(&registry->lock);
	return object;
}

/* Give @object the name, unless there is an object of that name by now. */
static struct ipcshm_object *open_linked(struct ipcshm_object *object, struct ipcshm_open_how *how,
					 const struct ipcshm_name *name)
{
	struct ipcshm_object *other;
	int err;

	other = open_existing(object->registry, how, name);
	if (other != ERR_PTR(-ENOENT))
		return other;
	err = ipcshm_name_link(object);
	if (err)
		return ERR_PTR(err);
	return object;
}

/*
 * Creating takes its time and its memory, and is done without the lock.  So no allocation
 * under the lock sleeps until a memory cgroup has reclaimed memory.
 */
static struct ipcshm_object *open_new(struct ipcshm_registry *registry,
				      const struct ipcshm_object_ops *ops,
				      struct ipcshm_open_how *how, const void *attr,
				      const struct ipcshm_name *name)
{
	struct ipcshm_object *object = ipcshm_object_create(registry, ops, how, attr, name->bytes);
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
	struct ipcshm_name name;
	int err;

	err = ipcshm_name_get(&name, ops->kind, how->name, how->name_len);
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
 * new one isn't persistent yet: see ipcshm_object_opened().
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
		object = ipcshm_object_create(registry, ops, how, attr, NULL);
	if (!IS_ERR(object))
		how->id = object->id;
	return object;
}

int ipcshm_registry_unlink(struct ipcshm_registry *registry, const struct ipcshm_unlink_args *what)
{
	struct ipcshm_object *object;
	bool drop = false;
	struct ipcshm_name name;
	int err;

	err = ipcshm_name_get(&name, what->kind, what->name, what->name_len);
	if (err)
		return err;
	mutex_lock(&registry->lock);
	object = ipcshm_name_find(registry, &name);
	if (registry->dead)
		err = -ENXIO;
	else if (!object)
		err = -ENOENT;
	else if (!ipcshm_object_is_owned(object))
		err = -EACCES;
	else
		drop = ipcshm_object_unlink_and_notify(object);
	mutex_unlock(&registry->lock);
	if (drop)
		ipcshm_object_put(object);
	return err;
}

/* Looking at objects, without opening them. */

static struct ipcshm_object *hold_object(struct ipcshm_object *object)
{
	if (object) {
		refcount_inc(&object->users);
		object->holds++;
	}
	return object;
}

/* Returns whether it is to be freed. */
static bool unhold_object(struct ipcshm_object *object)
{
	object->holds--;
	if (!refcount_dec_and_test(&object->users))
		return false;
	ipcshm_object_end(object);
	return true;
}

/* The object with the least number that isn't below @id, or NULL. */
struct ipcshm_object *ipcshm_registry_hold_from(struct ipcshm_registry *registry, u64 id)
{
	struct ipcshm_object *object;

	mutex_lock(&registry->lock);
	object = hold_object(ipcshm_id_find(registry, id));
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
	next = hold_object(rb_entry_safe(rb_next(&object->by_id), struct ipcshm_object, by_id));
	last = unhold_object(object);
	mutex_unlock(&registry->lock);
	if (last)
		ipcshm_object_free_later(object);
	return next;
}

/* The object with that number, or NULL. */
struct ipcshm_object *ipcshm_registry_hold(struct ipcshm_registry *registry, u64 id)
{
	struct ipcshm_object *object;

	mutex_lock(&registry->lock);
	object = ipcshm_id_find(registry, id);
	object = hold_object(object && object->id == id ? object : NULL);
	mutex_unlock(&registry->lock);
	return object;
}

/* The object of that kind and name, NULL if there is none, or the name's error. */
struct ipcshm_object *ipcshm_registry_hold_named(struct ipcshm_registry *registry,
						 enum ipcshm_kind kind, const char *bytes)
{
	struct ipcshm_object *object;
	struct ipcshm_name name;
	int err;

	if (strscpy(name.bytes, bytes, sizeof(name.bytes)) < 0)
		return ERR_PTR(-ENAMETOOLONG);
	err = ipcshm_name_check(&name, kind, strlen(name.bytes));
	if (err)
		return ERR_PTR(err);
	mutex_lock(&registry->lock);
	object = ipcshm_name_find(registry, &name);
	object = hold_object(object && ipcshm_id_is_linked(object) ? object : NULL);
	mutex_unlock(&registry->lock);
	return object;
}

void ipcshm_object_unhold(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool last;

	mutex_lock(&registry->lock);
	last = unhold_object(object);
	mutex_unlock(&registry->lock);
	if (last)
		ipcshm_object_free_later(object);
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
