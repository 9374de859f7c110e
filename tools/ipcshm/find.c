// SPDX-License-Identifier: GPL-2.0-only
/* Common code of commands that query objects. */
#include "find.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "parse.h"

int find_failed(const struct netlink *netlink, const char *action, const char *word, int err)
{
	const char *detail = netlink ? netlink_detail(netlink) : "";

	return error_print_errno(action, word, err, *detail ? detail : NULL);
}

static int get_object(struct netlink *netlink, const struct target *target, uint32_t kind,
		      struct object *object)
{
	struct which which = { target->id, kind, target->name };

	return netlink_object(netlink, &which, object);
}

/* Without a kind, the name can be that of a region, a queue, or both. */
static int get_object_of_any_kind(struct netlink *netlink, const struct target *target,
				  struct object *object, bool *both)
{
	struct object queue;
	int region_err = get_object(netlink, target, IPCSHM_REGION, object);
	int queue_err = get_object(netlink, target, IPCSHM_QUEUE, &queue);

	*both = !region_err && !queue_err;
	if (!queue_err)
		*object = queue;
	/* ENOENT of the region explains less than another error of the queue. */
	return !region_err || !queue_err ? 0 : queue_err == -ENOENT ? region_err : queue_err;
}

static int report_bad_target(const char *action, const char *word)
{
	return error_print(action, word, STATUS_USAGE, "not an object",
			   "write NAME, region/NAME, queue/NAME or id/NUMBER");
}

int find_object(struct netlink *netlink, const char *action, const char *word,
		struct object *object)
{
	struct target target;
	bool both = false;
	int err;

	if (!parse_target(word, &target))
		return report_bad_target(action, word);
	if (target.id || target.kind)
		err = get_object(netlink, &target, target.kind, object);
	else
		err = get_object_of_any_kind(netlink, &target, object, &both);
	if (err)
		return find_failed(netlink, action, word, err);
	if (both)
		return error_print(action, word, STATUS_USAGE,
				   "a region and a queue have this name",
				   "write region/NAME or queue/NAME");
	return STATUS_OK;
}

int find_each(const char *action, char **words,
	      int (*each)(struct netlink *netlink, const char *word, const struct object *object,
			  void *data),
	      void *data)
{
	struct target target;
	struct netlink *netlink;
	struct object object;
	int failed = STATUS_OK, err;

	/* A wrong command line has no effect. */
	for (char **word = words; *word; word++)
		if (!parse_target(*word, &target))
			return report_bad_target(action, *word);
	err = netlink_open(&netlink);
	if (err)
		return find_failed(netlink, action, NULL, err);
	for (; *words; words++) {
		int status = find_object(netlink, action, *words, &object);

		if (!status)
			status = each(netlink, *words, &object, data);
		if (status)
			failed = status;
	}
	netlink_close(netlink);
	return failed;
}

int find_finish(struct netlink *netlink, const char *action, const char *word, int err)
{
	int status = err < 0 ? find_failed(netlink, action, word, err) : STATUS_OK;

	netlink_close(netlink);
	return status;
}
