/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening a topic by its name, for the commands of ipcshm topic. */
#ifndef TOPIC_OPEN_H
#define TOPIC_OPEN_H

#include <ipcshm-topic.h>

/*
 * Open a topic, or create it if @attr has a size.  @device is left open.  Returns STATUS_OK, or
 * prints why not and returns the exit status.
 */
int topic_open(const char *action, const char *word, uint32_t flags, mode_t mode,
	       struct ipcshm_topic_attr *attr, struct ipcshm_topic *topic, int *device);

/* Return the name in a word "NAME", "/NAME" or "region/NAME"; or print what is wrong: NULL. */
const char *topic_parse_name(const char *action, const char *word);

#endif /* TOPIC_OPEN_H */
