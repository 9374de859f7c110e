/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's answers as plain structures.  input_netlink.c fills them in; commands see
 * only these.
 *
 * "has" is the set of present attributes: bit N for attribute N of the message (kind_has:
 * of the nest) that the structure comes from.  A holder comes from /proc and a topic from
 * shared memory; they have attributes of their own.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include <linux/ipcshm.h>
#include <linux/ipcshm_netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "object_gen.h"

/* Times are nanoseconds: CLOCK_REALTIME, except next_time and blocked_time: CLOCK_MONOTONIC. */

/* Messages a second since the sample before. */
struct rates {
	uint64_t send;
	uint64_t receive;
};

/* The purpose of a region that is a topic; from ipcshm_topic_inspect(). */

enum topic_attribute {
	TOPIC_PUBLISH_RATE,
	TOPIC_TYPE,
	TOPIC_TYPE_VERSION,
	TOPIC_PUBLISHERS,
	TOPIC_SUBSCRIBERS,
	TOPIC_RELIABLE,
	TOPIC_PUBLISHED,
	TOPIC_LAG,
	TOPIC_MISSED,
	TOPIC_HELD,
	TOPIC_HISTORY,
	TOPIC_MAX_SAMPLE_SIZE,
	TOPIC_ATTRIBUTES
};

/* All but the rate, which takes two samples. */
#define TOPIC_ALL ((1ULL << TOPIC_ATTRIBUTES) - (1ULL << TOPIC_TYPE))

struct topic {
	uint64_t max_sample_size;
	uint64_t published;
	uint64_t lag;
	uint64_t missed;
	uint64_t publish_rate;	/* samples a second since the sample before */
	uint32_t publishers;
	uint32_t subscribers;
	uint32_t reliable;
	uint32_t held;
	uint32_t history;
	uint32_t type_version;
	char type[64];
};

struct object {
	uint64_t has;
	uint64_t kind_has;
	uint64_t topic_has;
	uint64_t id;
	uint64_t btime;
	uint32_t kind;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t flags;
	uint32_t opens;
	union {
		struct region region;
		struct queue queue;
	};
	struct rates rates;
	struct topic topic;
	char name[IPCSHM_NAME_MAX + 1];
};

struct member {
	uint64_t has;
	uint64_t region;
	uint64_t joined;
	uint32_t token;
	uint32_t pid;
	uint32_t uid;
	uint32_t maps;
};

/* A process with a descriptor of an object, or with mappings (maps is set instead of fd). */

#define PROCESS_MAX 64

enum holder_attribute {
	HOLDER_ID,
	HOLDER_KIND,
	HOLDER_NAME,
	HOLDER_PID,
	HOLDER_UID,
	HOLDER_FD,
	HOLDER_ACCESS,
	HOLDER_MAPS,
	HOLDER_HELD,
	HOLDER_CALLS,
	HOLDER_PROCESS,
};

struct holder {
	uint64_t has;
	uint64_t id;
	uint64_t held;
	uint64_t calls;
	uint32_t kind;
	uint32_t pid;
	uint32_t uid;
	uint32_t fd;
	uint32_t access; /* O_RDONLY, O_WRONLY, O_RDWR */
	uint32_t maps;
	char name[IPCSHM_NAME_MAX + 1];
	char process[PROCESS_MAX];
};

struct event {
	uint64_t has;
	uint64_t seq;
	uint64_t time;
	uint64_t id;
	uint64_t messages;
	uint64_t amount;
	uint32_t type;
	uint32_t kind;
	uint32_t pid;
	uint32_t uid;
	uint32_t token;
	uint32_t end;
	uint32_t code;
	uint32_t quota;
	char name[IPCSHM_NAME_MAX + 1];
};

#define QUOTAS (IPCSHM_QUOTA_TYPE_DESCRIPTORS + 1)

struct quota {
	bool has_used;
	bool has_max;
	bool own;	/* does not follow the default */
	uint64_t used;
	uint64_t max;
};

/**
 * struct quotas - those of a user, the default, or the bound of a network namespace
 * @is_default: the default
 * @is_net: the bound of all users of the network namespace
 * @has_uid: those of user @uid
 * @has_user_ns: the user is one of user namespace @user_ns, which is not the caller's
 * @quota: by enum ipcshm_quota_type
 */
struct quotas {
	bool is_default;
	bool is_net;
	bool has_uid;
	bool has_user_ns;
	uint32_t uid;
	uint32_t user_ns;
	struct quota quota[QUOTAS];
};

#endif /* OBJECT_H */
