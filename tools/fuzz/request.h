/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the module's netlink family, right and wrong ones. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdint.h>

/* How long an attribute is, where that isn't just a number of bytes. */
#define SIZE_FLAG	100	/* it has no value */
#define SIZE_TEXT	101
#define SIZE_QUOTA	102	/* a nest with one maximum */

/* Finds the family, once for all; false if the kernel doesn't have it. */
bool request_prepare(void);

int request_open(void);
/* From now on the socket gets the events. */
void request_subscribe(int fd);

struct nlmsghdr *request_begin(uint8_t command, uint16_t flags);
void request_put(struct nlmsghdr *request, uint16_t type, uint16_t size, uint64_t value);
/* Some bits of it become others, wherever that is. */
void request_break(struct nlmsghdr *request, uint64_t how);
/* Sends it, and reads what comes of it without waiting, @room bytes at a time. */
void request_end(struct nlmsghdr *request, int fd, uint64_t room);

/* Set all quotas: the default to @max, or those of user @uid to follow the default. */
void request_quotas(int fd, const uint32_t *uid, const uint64_t *max);

#endif /* REQUEST_H */
