/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by object.c, names.c, registry.c and netns.c: the registry, and its tables. */
#ifndef IPCSHM_REGISTRY_INTERNAL_H
#define IPCSHM_REGISTRY_INTERNAL_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>

#include "uapi/linux/ipcshm.h"

struct ipcshm_object;
struct ipcshm_object_ops;
struct ipcshm_open_how;
struct ipcshm_quotas;
struct net;
struct user_namespace;

/**
 * struct ipcshm_registry - the objects of a network namespace
 * @refs: the namespace, each object, and each file of /dev/ipcshm
 * @user_ns: whose CAP_IPC_OWNER counts; a reference; immutable
 * @bound: quotas of all users together, a reference; NULL in the initial network
 *	namespace; immutable
 * @quotas: records with maxima that were set in the namespace, which keeps them
 * @net: the namespace to notify, NULL when it ends; RCU keeps it
 * @member_changes: how often a process joined or left a region
 * @last_id: of the object that was created last
 * @lock: protects all below, the members of objects that are marked so, and the end
 *	of an object: one that is found here can be referenced
 * @dead: the namespace has ended, and all names with it
 * @changes: how often an object came, went, or lost its name
 * @by_name: objects by kind and name
 * @named: the objects in @by_name
 * @by_id: objects that were opened, by their numbers
 */
struct ipcshm_registry {
	refcount_t refs;
	struct user_namespace *user_ns;
	struct ipcshm_quotas *bound;
	struct list_head quotas;
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
 * struct ipcshm_name - what an object is found by
 * @kind: the name space
 * @len: bytes in @bytes
 * @bytes: with room for a leading '/', and a NUL
 */
struct ipcshm_name {
	enum ipcshm_kind kind;
	size_t len;
	char bytes[IPCSHM_NAME_MAX + 2];
};

int ipcshm_names_init(struct ipcshm_registry *registry);
void ipcshm_names_destroy(struct ipcshm_registry *registry);
int ipcshm_name_check(struct ipcshm_name *name, enum ipcshm_kind kind, size_t len);
int ipcshm_name_get(struct ipcshm_name *name, enum ipcshm_kind kind, u64 address, u32 len);
struct ipcshm_object *ipcshm_name_find(struct ipcshm_registry *registry,
				       const struct ipcshm_name *name);
int ipcshm_name_link(struct ipcshm_object *object);
bool ipcshm_name_unlink(struct ipcshm_object *object);

struct ipcshm_object *ipcshm_id_find(struct ipcshm_registry *registry, u64 id);
void ipcshm_id_link(struct ipcshm_object *object);
bool ipcshm_id_is_linked(const struct ipcshm_object *object);
void ipcshm_id_unlink(struct ipcshm_object *object);

bool ipcshm_object_permits(const struct ipcshm_object *object, u32 flags);
bool ipcshm_object_is_trusted(const struct ipcshm_object *object);
struct ipcshm_object *ipcshm_object_create(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   const struct ipcshm_open_how *how, const void *attr,
					   const char *name);
bool ipcshm_object_unlink_and_notify(struct ipcshm_object *object);
void ipcshm_object_end(struct ipcshm_object *object);
void ipcshm_object_free_later(struct ipcshm_object *object);

#endif /* IPCSHM_REGISTRY_INTERNAL_H */
