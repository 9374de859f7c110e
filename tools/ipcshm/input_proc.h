/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has descriptors of objects: what /proc tells.  The only file that reads fdinfo. */
#ifndef INPUT_PROC_H
#define INPUT_PROC_H

#include <stddef.h>

#include "object.h"

/*
 * All descriptors of objects that processes have; @each returns 0 to go on, or an
 * error that ends it.  @hidden: how many processes couldn't be looked into.
 * Returns 0, or -errno.
 */
int proc_holders(int (*each)(const struct holder *holder, void *data), void *data, size_t *hidden);

/*
 * Reads what a descriptor's fdinfo says into @holder; @text is changed.  False if it
 * isn't one of an object.
 */
bool proc_parse(char *text, struct holder *holder);

#endif /* INPUT_PROC_H */
