/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Topics (ipcshm-topic.h) among the regions: a region NAME that has a region NAME.samples, and
 * whose contents are those of a topic.
 */
#ifndef INPUT_TOPIC_H
#define INPUT_TOPIC_H

#include <stdbool.h>

#include "object.h"

/**
 * struct topics - names of possible topics
 * @names: a tree, see tsearch(3)
 *
 * A topic's region of samples is created first, and has the lower number.  So objects in the
 * order of their numbers show which regions are worth a look, and others cost nothing.
 */
struct topics {
	void *names;
};

/* Remember the name if it is that of samples. */
void topics_note(struct topics *topics, const char *name);

/* Return whether the name is that of a possible topic. */
bool topics_have(const struct topics *topics, const char *name);

void topics_free(struct topics *topics);

/* Fill in the state of the topic that the region is.  Return whether it is one, and readable. */
bool topic_inspect(struct object *object);

/* Note the object; fill in the state if it is a topic. */
void topics_look(struct topics *topics, struct object *object);

#endif /* INPUT_TOPIC_H */
