/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of publishers and subscribers of topics. */
#ifndef OUTPUT_TOPIC_H
#define OUTPUT_TOPIC_H

#include "output_json.h"

/* Print a table of a topic's peers; nothing if it has none, or cannot be read. */
void topic_table(const char *name);

/* Write them as the value of a key; null if the topic is gone. */
void topic_array(const char *name, struct json *json);

#endif /* OUTPUT_TOPIC_H */
