/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes with descriptors of objects, from /proc.  The only file that reads fdinfo. */
#ifndef INPUT_PROC_H
#define INPUT_PROC_H

#include <stddef.h>

#include "object.h"

/*
 * Call @each for every descriptor of an object; an error that it returns ends the call.
 * @hidden: the number of processes that the caller may not inspect.  Returns 0 or -errno.
 */
int proc_holders(int (*each)(const struct holder *holder, void *data), void *data, size_t *hidden);

/*
 * Parse the fdinfo of a descriptor into @holder; @text is changed.  False: the descriptor is
 * not one of an object.
 */
bool proc_parse(char *text, struct holder *holder);

#endif /* INPUT_PROC_H */
