/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects and members, as the netlink family lists them. */
#ifndef IPCSHM_NETLINK_OBJECT_H
#define IPCSHM_NETLINK_OBJECT_H

#include <ipcshm.h>

#include "netlink.h"

#define PAGE		4096
#define ALICE		1001
#define BOB		1002

#define MEMBERS	256

/* An object, as netlink reports it. */
struct object {
	__u64 id, btime;
	__u32 kind, uid, gid, mode, flags, opens;
	char name[IPCSHM_NAME_MAX + 1];
	struct ipcshm_region_stat region;
	struct ipcshm_queue_stat queue;
};

/* The ids of objects, in the order of their messages. */
struct ids {
	size_t count, room;
	__u64 *id;
};

struct members {
	size_t count;
	__u64 region[MEMBERS];
	struct ipcshm_member member[MEMBERS];
};

int make_region(int device, const char *text, __u32 mode);
int make_queue(int device, const char *text, __u32 flags, __u32 mode);
int open_unnamed(int device);
__u64 id_of(int fd);
__u64 u64_of(const struct nlattr *attr);
__u32 u32_of(const struct nlattr *attr);
void take_region(const struct nlattr *nest, struct ipcshm_region_stat *to);
void take_queue(const struct nlattr *nest, struct ipcshm_queue_stat *to);
int take_object(const struct nlattr **attrs, void *data);
int ask_by_id(struct link *link, __u8 command, __u64 id, struct object *object);
int ask_by_name(struct link *link, __u8 command, __u32 kind, const char *text,
		   struct object *object);
int take_id(const struct nlattr **attrs, void *data);
int take_ids(struct link *link, struct ids *ids);
struct ids list_objects(struct link *link);
bool is_list(const struct ids *ids, const __u64 *expected, size_t count);
int become_with_link(struct link *link, uid_t user);
int take_member(const struct nlattr **attrs, void *data);
int members_of(struct link *link, __u64 region, struct members *to);
void *map_page(int fd);
bool dumps_say_what_is_wrong(void);

#endif /* IPCSHM_NETLINK_OBJECT_H */
