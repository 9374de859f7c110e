// SPDX-License-Identifier: GPL-2.0-only
/* Objects and members, as the netlink family lists them. */
#include <grp.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "netlink_object.h"

/* A named region, of one page that can become four. */
int make_region(int device, const char *text, __u32 mode)
{
	struct ipcshm_region_attr attr = { .size = PAGE, .max_size = 4 * PAGE, .max_members = 8 };

	return ipcshm_region_open(device, text, READ_WRITE | CREATE_NEW, mode, &attr);
}

int make_queue(int device, const char *text, __u32 flags, __u32 mode)
{
	return open_queue(device, text, READ_WRITE | IPCSHM_CREATE | flags, mode, 8,
			  IPCSHM_UNBOUNDED, 64);
}

int open_unnamed(int device)
{
	return open_queue(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 8, 64, 64);
}

__u64 id_of(int fd)
{
	struct ipcshm_region_stat region;

	return call(fd, IPCSHM_IOC_REGION_STAT, &region) ? queue_stat(fd).stat.id : region.stat.id;
}

__u64 u64_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u64(attr) : ~0ULL;
}

__u32 u32_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u32(attr) : ~0U;
}

void take_region(const struct nlattr *nest, struct ipcshm_region_stat *to)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	mnl_attr_parse_nested(nest, collect, attrs);
	to->size = u64_of(attrs[IPCSHM_A_REGION_SIZE]);
	to->max_size = u64_of(attrs[IPCSHM_A_REGION_MAX_SIZE]);
	to->allocated = u64_of(attrs[IPCSHM_A_REGION_ALLOCATED]);
	to->max_members = u32_of(attrs[IPCSHM_A_REGION_MAX_MEMBERS]);
	to->members = u32_of(attrs[IPCSHM_A_REGION_MEMBERS]);
	to->joins = u32_of(attrs[IPCSHM_A_REGION_JOINS]);
	to->deaths = u32_of(attrs[IPCSHM_A_REGION_DEATHS]);
	to->waiters = u32_of(attrs[IPCSHM_A_REGION_WAITERS]);
}

void take_queue(const struct nlattr *nest, struct ipcshm_queue_stat *to)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	mnl_attr_parse_nested(nest, collect, attrs);
	to->max_messages = u64_of(attrs[IPCSHM_A_QUEUE_MAX_MESSAGES]);
	to->max_bytes = u64_of(attrs[IPCSHM_A_QUEUE_MAX_BYTES]);
	to->max_message_size = u64_of(attrs[IPCSHM_A_QUEUE_MAX_MESSAGE_SIZE]);
	to->messages = u64_of(attrs[IPCSHM_A_QUEUE_MESSAGES]);
	to->bytes = u64_of(attrs[IPCSHM_A_QUEUE_BYTES]);
	to->senders = u64_of(attrs[IPCSHM_A_QUEUE_SENDERS]);
	to->receivers = u64_of(attrs[IPCSHM_A_QUEUE_RECEIVERS]);
	to->sent = u64_of(attrs[IPCSHM_A_QUEUE_SENT]);
	to->received = u64_of(attrs[IPCSHM_A_QUEUE_RECEIVED]);
	to->dropped = u64_of(attrs[IPCSHM_A_QUEUE_DROPPED]);
	to->peak_messages = u64_of(attrs[IPCSHM_A_QUEUE_PEAK_MESSAGES]);
	to->peak_bytes = u64_of(attrs[IPCSHM_A_QUEUE_PEAK_BYTES]);
	to->next_time = u64_of(attrs[IPCSHM_A_QUEUE_NEXT_TIME]);
	to->blocked_time = u64_of(attrs[IPCSHM_A_QUEUE_BLOCKED_TIME]);
	to->pool_bytes = u64_of(attrs[IPCSHM_A_QUEUE_POOL_BYTES]);
	to->pool_used = u64_of(attrs[IPCSHM_A_QUEUE_POOL_USED]);
	to->held = u64_of(attrs[IPCSHM_A_QUEUE_HELD]);
	to->calls = u64_of(attrs[IPCSHM_A_QUEUE_CALLS]);
	to->readers = u32_of(attrs[IPCSHM_A_QUEUE_READERS]);
	to->writers = u32_of(attrs[IPCSHM_A_QUEUE_WRITERS]);
	to->overflow = u32_of(attrs[IPCSHM_A_QUEUE_OVERFLOW]);
	to->stalls = u64_of(attrs[IPCSHM_A_QUEUE_STALLS]);
}

int take_object(const struct nlattr **attrs, void *data)
{
	struct object *to = data;

	*to = (struct object) {
		.id = u64_of(attrs[IPCSHM_A_OBJECT_ID]),
		.btime = u64_of(attrs[IPCSHM_A_OBJECT_BTIME]),
		.kind = u32_of(attrs[IPCSHM_A_OBJECT_KIND]),
		.uid = u32_of(attrs[IPCSHM_A_OBJECT_UID]),
		.gid = u32_of(attrs[IPCSHM_A_OBJECT_GID]),
		.mode = u32_of(attrs[IPCSHM_A_OBJECT_MODE]),
		.flags = u32_of(attrs[IPCSHM_A_OBJECT_FLAGS]),
		.opens = u32_of(attrs[IPCSHM_A_OBJECT_OPENS]),
	};
	if (attrs[IPCSHM_A_OBJECT_NAME])
		strcpy(to->name, mnl_attr_get_str(attrs[IPCSHM_A_OBJECT_NAME]));
	if (attrs[IPCSHM_A_OBJECT_REGION])
		take_region(attrs[IPCSHM_A_OBJECT_REGION], &to->region);
	if (attrs[IPCSHM_A_OBJECT_QUEUE])
		take_queue(attrs[IPCSHM_A_OBJECT_QUEUE], &to->queue);
	return 0;
}

/* A request about one object; 0 or -errno. */
int ask_by_id(struct link *link, __u8 command, __u64 id, struct object *object)
{
	ask(link, command);
	mnl_attr_put_u64(link->header, IPCSHM_A_OBJECT_ID, id);
	return link_talk(link, object ? take_object : NULL, object);
}

int ask_by_name(struct link *link, __u8 command, __u32 kind, const char *text,
		   struct object *object)
{
	ask(link, command);
	mnl_attr_put_u32(link->header, IPCSHM_A_OBJECT_KIND, kind);
	mnl_attr_put_strz(link->header, IPCSHM_A_OBJECT_NAME, text);
	return link_talk(link, object ? take_object : NULL, object);
}

int take_id(const struct nlattr **attrs, void *data)
{
	struct ids *ids = data;

	if (ids->count == ids->room) {
		ids->room = 2 * ids->room + 64;
		ids->id = realloc(ids->id, ids->room * sizeof(*ids->id));
	}
	ids->id[ids->count++] = u64_of(attrs[IPCSHM_A_OBJECT_ID]);
	return 0;
}

int take_ids(struct link *link, struct ids *ids)
{
	ids->count = 0;
	return link_talk(link, take_id, ids);
}

struct ids list_objects(struct link *link)
{
	struct ids ids = { 0 };

	ask_all(link, IPCSHM_CMD_OBJECT_GET);
	if (take_ids(link, &ids))
		abort();
	return ids;
}

bool is_list(const struct ids *ids, const __u64 *expected, size_t count)
{
	return ids->count == count && !memcmp(ids->id, expected, count * sizeof(*expected));
}

/* Become another user, and get a socket of that user's. */
int become_with_link(struct link *link, uid_t user)
{
	if (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user))
		return -errno;
	link_close(link);
	return link_open(link);
}

int take_member(const struct nlattr **attrs, void *data)
{
	struct members *to = data;

	if (to->count == MEMBERS)
		return -E2BIG;
	to->region[to->count] = u64_of(attrs[IPCSHM_A_MEMBER_REGION]);
	to->member[to->count++] = (struct ipcshm_member) {
		.token = u32_of(attrs[IPCSHM_A_MEMBER_TOKEN]),
		.pid = u32_of(attrs[IPCSHM_A_MEMBER_PID]),
		.uid = u32_of(attrs[IPCSHM_A_MEMBER_UID]),
		.maps = u32_of(attrs[IPCSHM_A_MEMBER_MAPS]),
		.joined = u64_of(attrs[IPCSHM_A_MEMBER_JOINED]),
	};
	return 0;
}

int members_of(struct link *link, __u64 region, struct members *to)
{
	to->count = 0;
	ask_all(link, IPCSHM_CMD_MEMBER_GET);
	if (region)
		mnl_attr_put_u64(link->header, IPCSHM_A_MEMBER_REGION, region);
	return link_talk(link, take_member, to);
}

void *map_page(int fd)
{
	return mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
}

/*
 * Whether this kernel passes on the text of a dump that cannot start. 6.1 passes on
 * the error number alone.
 */
bool dumps_say_what_is_wrong(void)
{
	unsigned int major, minor;
	struct utsname system;

	uname(&system);
	sscanf(system.release, "%u.%u", &major, &minor);
	return major > 6 || minor >= 12;
}
