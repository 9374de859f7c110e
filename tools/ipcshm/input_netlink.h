/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to the kernel over generic netlink.  Calls return 0 unless they describe
 * another result, or -errno; netlink_detail() has the kernel's explanation.
 *
 * -ENODEV: the module is not loaded.
 */
#ifndef INPUT_NETLINK_H
#define INPUT_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"

struct netlink;

int netlink_open(struct netlink **netlink);
void netlink_close(struct netlink *netlink);

/* The kernel's explanation of the last error, or "". */
const char *netlink_detail(const struct netlink *netlink);

/* Identifies an object: by its number, or if that is 0 by kind and name. */
struct which {
	uint64_t id;
	uint32_t kind;
	const char *name;
};

int netlink_object(struct netlink *netlink, const struct which *which, struct object *object);
int netlink_unlink(struct netlink *netlink, const struct which *which);
int netlink_revoke(struct netlink *netlink, const struct which *which);

/* Selects objects: all, except as far as a member is set. */
struct filter {
	uint32_t kind;
	const char *name;
	bool has_uid;
	uint32_t uid;
};

/*
 * Call @each for all objects in the order of their numbers; an error that it returns ends
 * the call.  Returns 1 if objects came or went concurrently; all others were passed.
 */
int netlink_objects(struct netlink *netlink, const struct filter *filter,
		    int (*each)(const struct object *object, void *data), void *data);

/* Call @each for the members of a region, or of all regions if @region is 0.  Returns as above. */
int netlink_members(struct netlink *netlink, uint64_t region,
		    int (*each)(const struct member *member, void *data), void *data);

/*
 * Read the quotas that @quotas names: of a user, the default, the bound of the network
 * namespace, or (none of them) the caller's.  -EOPNOTSUPP: the network namespace has no
 * bound, as the initial one.
 */
int netlink_quotas(struct netlink *netlink, struct quotas *quotas);

/* Read the default, and the quotas of all users that have a record. */
int netlink_all_quotas(struct netlink *netlink,
		       int (*each)(const struct quotas *quotas, void *data), void *data);

/*
 * Read the bound of the network namespace: call @each unless there is none, as for the initial
 * one, or the caller may not see it.
 */
int netlink_bound(struct netlink *netlink, int (*each)(const struct quotas *quotas, void *data),
		  void *data);

/* Set the maxima with has_max; IPCSHM_QUOTA_FOLLOW_DEFAULT: follow the default. */
int netlink_set_quotas(struct netlink *netlink, const struct quotas *quotas);

/*
 * Receive notifications by netlink_events() from now on; other requests are not possible
 * then.  @bytes: size of the receive buffer, up to 1 GiB, as far as the caller may set it.
 */
int netlink_listen(struct netlink *netlink, uint32_t bytes);

/* The descriptor to poll for notifications. */
int netlink_fd(const struct netlink *netlink);

/*
 * Wait for notifications and call @each for at least one.  -ENOBUFS: some were lost because
 * the buffer was full; call again.
 */
int netlink_events(struct netlink *netlink,
		   int (*each)(const struct event *event, void *data), void *data);

#endif /* INPUT_NETLINK_H */
