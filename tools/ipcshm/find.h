/* SPDX-License-Identifier: GPL-2.0-only */
/* What commands that ask the kernel about objects have in common. */
#ifndef FIND_H
#define FIND_H

#include "input_netlink.h"

/* Tells an error (-errno), with what the kernel said of it.  Returns a status. */
int find_failed(const struct netlink *netlink, const char *action, const char *word, int err);

/* The object that somebody means by @word.  Tells if there is none, or if there are two. */
int find_object(struct netlink *netlink, const char *action, const char *word,
		struct object *object);

/* Opens netlink and does something with each object that @words name, to the end. */
int find_each(const char *action, char **words,
	      int (*each)(struct netlink *netlink, const char *word, const struct object *object,
			  void *data), void *data);

/* The end of a command: closes, tells @err if it is one.  Returns a status. */
int find_finish(struct netlink *netlink, const char *action, const char *word, int err);

#endif /* FIND_H */
