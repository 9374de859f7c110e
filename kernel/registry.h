/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects, and the names of each network namespace. */
#ifndef IPCSHM_REGISTRY_H
#define IPCSHM_REGISTRY_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"

struct file;
struct inode;
struct ipcshm_limits;
struct ipcshm_object;
struct ipcshm_registry;

/**
 * struct ipcshm_object_ops - what tells a region from a queue
 * @kind: its name space
 * @create: a new object with what is its own filled in, or an error pointer;
 *	@attr is the structure of the open call, @name is NULL if there is none,
 *	@payer pays, @mode is less the umask
 * @open: a new file of it, which takes over the caller's reference, or an error
 *	pointer
 * @describe: fill the members of @attr that tell what was opened
 * @release: the last reference is gone, and so is the name: free it
 */
struct ipcshm_object_ops {
	enum ipcshm_kind kind;
	struct ipcshm_object *(*create)(const void *attr, const char *name,
					struct ipcshm_limits *payer, umode_t mode);
	struct file *(*open)(struct ipcshm_object *object, u32 flags);
	void (*describe)(const struct ipcshm_object *object, void *attr);
	void (*release)(struct ipcshm_object *object);
};

/**
 * struct ipcshm_object - what a region and a queue have in common
 * @ops: immutable
 * @registry: where its name is or was; a reference; immutable
 * @payer: whose quotas it counts for; immutable
 * @users: one for each file, and one for the name if it is persistent; the last
 *	is dropped under the registry's lock
 * @id: immutable
 * @btime: when it was created, CLOCK_REALTIME; immutable
 * @inode: holds owner, group and mode if there is one; immutable
 * @uid: owner, if there is no inode; immutable
 * @gid: group, likewise
 * @mode: permission bits, likewise
 * @name: NULL if it has none (any more); protected by the registry's lock
 * @persistent: the name holds a reference; protected by the registry's lock
 * @by_name: in the registry's table, if it has a name; protected by the registry's lock
 * @named: in the registry's list, likewise
 */
struct ipcshm_object {
	const struct ipcshm_object_ops *ops;
	struct ipcshm_registry *registry;
	struct ipcshm_limits *payer;
	refcount_t users;
	u64 id;
	u64 btime;
	struct inode *inode;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	char *name;
	bool persistent;
	struct rhash_head by_name;
	struct list_head named;
};

int ipcshm_registry_init(void);
void ipcshm_registry_exit(void);

struct ipcshm_registry *ipcshm_registry_get_current(void);
void ipcshm_registry_put(struct ipcshm_registry *registry);

struct ipcshm_object *ipcshm_registry_open(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   struct ipcshm_open_how *how, const void *attr);
void ipcshm_registry_keep(struct ipcshm_object *object);
int ipcshm_registry_unlink(struct ipcshm_registry *registry, const struct ipcshm_unlink *what);

bool ipcshm_object_is_owned(const struct ipcshm_object *object);
void ipcshm_object_unlink(struct ipcshm_object *object);
void ipcshm_object_put(struct ipcshm_object *object);
void ipcshm_object_stat(const struct ipcshm_object *object, struct ipcshm_stat *stat);

#endif /* IPCSHM_REGISTRY_H */
