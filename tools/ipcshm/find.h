/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of commands that query objects. */
#ifndef FIND_H
#define FIND_H

#include "input_netlink.h"

/* Print an error (-errno) with the kernel's explanation.  Returns the exit status. */
int find_failed(const struct netlink *netlink, const char *action, const char *word, int err);

/*
 * Find the object that @word names, or print that none or two match.  Returns the exit
 * status.
 */
int find_object(struct netlink *netlink, const char *action, const char *word,
		struct object *object);

/* Open netlink, and call @each for every object that @words name, even if one of them fails. */
int find_each(const char *action, char **words,
	      int (*each)(struct netlink *netlink, const char *word, const struct object *object,
			  void *data), void *data);

/* End a command: close @netlink, print @err if it is negative.  Returns the exit status. */
int find_finish(struct netlink *netlink, const char *action, const char *word, int err);

#endif /* FIND_H */
