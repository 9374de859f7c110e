// SPDX-License-Identifier: GPL-2.0-only
/* Names and numbers: the tables by which the objects of a network namespace are found. */
#include <linux/jhash.h>
#include <linux/lockdep.h>
#include <linux/rhashtable.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "object.h"
#include "registry_internal.h"

static u32 name_hash(const void *key, u32 len, u32 seed)
{
	const struct ipcshm_name *name = key;

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
	const struct ipcshm_name *name = arg->key;

	return object->ops->kind != name->kind || strcmp(object->name, name->bytes);
}

static const struct rhashtable_params by_name_params = {
	.head_offset = offsetof(struct ipcshm_object, by_name),
	.hashfn = name_hash,
	.obj_hashfn = object_hash,
	.obj_cmpfn = object_compare,
	.automatic_shrinking = true,
};

int ipcshm_names_init(struct ipcshm_registry *registry)
{
	INIT_LIST_HEAD(&registry->named);
	registry->by_id = RB_ROOT;
	return rhashtable_init(&registry->by_name, &by_name_params);
}

void ipcshm_names_destroy(struct ipcshm_registry *registry)
{
	rhashtable_destroy(&registry->by_name);
}

/* Names: fetched once, checked, then used. */

int ipcshm_name_check(struct ipcshm_name *name, enum ipcshm_kind kind, size_t len)
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

int ipcshm_name_get(struct ipcshm_name *name, enum ipcshm_kind kind, u64 address, u32 len)
{
	if (!address || !len)
		return -EINVAL;
	if (len > IPCSHM_NAME_MAX + 1)
		return -ENAMETOOLONG;
	if (copy_from_user(name->bytes, u64_to_user_ptr(address), len))
		return -EFAULT;
	return ipcshm_name_check(name, kind, len);
}

struct ipcshm_object *ipcshm_name_find(struct ipcshm_registry *registry,
				       const struct ipcshm_name *name)
{
	lockdep_assert_held(&registry->lock);
	return rhashtable_lookup_fast(&registry->by_name, name, by_name_params);
}

int ipcshm_name_link(struct ipcshm_object *object)
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

/* A concurrent list of all objects is inconsistent. */
static void count_change(struct ipcshm_registry *registry)
{
	WRITE_ONCE(registry->changes, registry->changes + 1);
}

/* Returns whether the name held a reference, which is the caller's now. */
bool ipcshm_name_unlink(struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = object->registry;
	bool persistent = object->persistent;

	lockdep_assert_held(&registry->lock);
	rhashtable_remove_fast(&registry->by_name, &object->by_name, by_name_params);
	list_del(&object->named);
	WRITE_ONCE(object->linked, false);
	object->persistent = false;
	count_change(registry);
	return persistent;
}

/* Numbers: those of objects that were opened, and haven't gone. */

static bool object_id_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipcshm_object, by_id)->id <
	       rb_entry(b, struct ipcshm_object, by_id)->id;
}

/* The object with the least number that isn't below @id, or NULL. */
struct ipcshm_object *ipcshm_id_find(struct ipcshm_registry *registry, u64 id)
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

void ipcshm_id_link(struct ipcshm_object *object)
{
	lockdep_assert_held(&object->registry->lock);
	rb_add(&object->by_id, &object->registry->by_id, object_id_less);
	count_change(object->registry);
}

bool ipcshm_id_is_linked(const struct ipcshm_object *object)
{
	return !RB_EMPTY_NODE(&object->by_id);
}

void ipcshm_id_unlink(struct ipcshm_object *object)
{
	lockdep_assert_held(&object->registry->lock);
	rb_erase(&object->by_id, &object->registry->by_id);
	count_change(object->registry);
}
