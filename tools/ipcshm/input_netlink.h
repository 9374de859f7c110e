/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking the kernel, over generic netlink.  All calls return 0 (or what is said),
 * or -errno; netlink_detail() has what the kernel says beyond that.
 *
 * -ENODEV: the module isn't loaded.
 */
#ifndef INPUT_NETLINK_H
#define INPUT_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"

struct netlink;

int netlink_open(struct netlink **netlink);
void netlink_close(struct netlink *netlink);

/* What was wrong with the last request, in the kernel's words, or "". */
const char *netlink_detail(const struct netlink *netlink);

/* One object: by its number, or if that is 0 by its kind and name. */
struct which {
	uint64_t id;
	uint32_t kind;
	const char *name;
};

int netlink_object(struct netlink *netlink, const struct which *which, struct object *object);
int netlink_unlink(struct netlink *netlink, const struct which *which);
int netlink_revoke(struct netlink *netlink, const struct which *which);

/* Which objects: all but for what is set. */
struct filter {
	uint32_t kind;
	const char *name;
	bool has_uid;
	uint32_t uid;
};

/*
 * All objects in the order of their numbers, one at a time; @each returns 0 to go
 * on, or an error that ends it.  Returns 1 if objects came or went meanwhile: those
 * that were there all the time are told.
 */
int netlink_objects(struct netlink *netlink, const struct filter *filter,
		    int (*each)(const struct object *object, void *data), void *data);

/* Likewise the members of a region, or of all if @region is 0. */
int netlink_members(struct netlink *netlink, uint64_t region,
		    int (*each)(const struct member *member, void *data), void *data);

/*
 * Read the quotas that @quotas names: of a user, the default, the bound of the network
 * namespace, or (none of them) the caller's.  -EOPNOTSUPP: the network namespace has no
 * bound, which is so for the initial one.
 */
int netlink_quotas(struct netlink *netlink, struct quotas *quotas);

/* Read the default, and the quotas of all users that have a record. */
int netlink_all_quotas(struct netlink *netlink,
		       int (*each)(const struct quotas *quotas, void *data), void *data);

/* Set the maxima with has_max; IPCSHM_QUOTA_FOLLOW_DEFAULT: follow the default. */
int netlink_set_quotas(struct netlink *netlink, const struct quotas *quotas);

/*
 * From now on netlink_events() hands on what happens; nothing else is asked then.
 * @bytes, up to 1 GiB: room for what happens until it is taken, if one may have that much.
 */
int netlink_listen(struct netlink *netlink, uint32_t bytes);

/* To poll for events. */
int netlink_fd(const struct netlink *netlink);

/*
 * Waits for events and hands on at least one.  -ENOBUFS: they came faster than
 * they were taken, and some were lost; go on.
 */
int netlink_events(struct netlink *netlink,
		   int (*each)(const struct event *event, void *data), void *data);

#endif /* INPUT_NETLINK_H */
