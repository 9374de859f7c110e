// SPDX-License-Identifier: GPL-2.0-only
/* Members of regions over netlink. */
#include <linux/cred.h>
#include <linux/sched.h>
#include <net/genetlink.h>

#include "compat.h"
#include "member.h"
#include "netlink_internal.h"
#include "object.h"
#include "region.h"
#include "registry.h"

/**
 * struct member_dump - where a dump of members is
 * @region: the least number of a region that isn't done
 * @last: the number of the last region whose members were written
 * @member: of @region, the number of the last member that was written
 */
struct member_dump {
	u64 region;
	u64 last;
	u64 member;
};

static_assert(sizeof(struct member_dump) <= sizeof_field(struct netlink_callback, ctx));

static bool is_visible_region(const struct ipcshm_object *object)
{
	return object->ops->kind == IPCSHM_REGION && ipcshm_object_is_visible(object);
}

static int member_dump_check(struct netlink_callback *cb, const struct nlattr *id)
{
	struct ipcshm_object *object =
		ipcshm_registry_hold(ipcshm_nl_registry(cb->skb), nla_get_u64(id));
	bool found = object && is_visible_region(object);

	if (object)
		ipcshm_object_unhold(object);
	if (found)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, id, "no such region, or none that the caller may open");
	return -ENOENT;
}

int ipcshm_nl_member_dump_start(struct netlink_callback *cb)
{
	const struct nlattr *id = ipcshm_dump_attrs(cb)[IPCSHM_A_MEMBER_REGION];
	struct member_dump *dump = (struct member_dump *)cb->ctx;
	const struct cred *sender;
	int err = 0;

	*dump = (struct member_dump){ .last = U64_MAX };
	if (!id)
		return 0;
	dump->region = nla_get_u64(id);
	dump->last = dump->region;
	sender = ipcshm_nl_become_opener(cb->skb);
	err = member_dump_check(cb, id);
	revert_creds(sender);
	return err;
}

static u32 member_dump_changes(const struct netlink_callback *cb)
{
	struct ipcshm_registry *registry = ipcshm_nl_registry(cb->skb);

	return ipcshm_registry_changes(registry) + ipcshm_registry_member_changes(registry);
}

static int put_member(struct sk_buff *skb, u64 region, const struct ipcshm_member *member)
{
	return nla_put_u64_64bit(skb, IPCSHM_A_MEMBER_REGION, region, IPCSHM_A_MEMBER_PAD) ?:
	       ipcshm_nl_put_fields(skb, ipcshm_nl_member_fields, member);
}

static int member_dump_one(struct sk_buff *skb, struct netlink_callback *cb, u64 region,
			   const struct ipcshm_member *member)
{
	void *header = ipcshm_nl_dump_begin(skb, cb, IPCSHM_CMD_MEMBER_GET,
					    member_dump_changes(cb));

	if (!header)
		return -EMSGSIZE;
	return ipcshm_nl_message_end(skb, header, put_member(skb, region, member));
}

static int member_dump_region(struct sk_buff *skb, struct netlink_callback *cb,
			      struct ipcshm_object *object)
{
	struct member_dump *dump = (struct member_dump *)cb->ctx;
	struct ipcshm_member member;
	u64 number;
	int err;

	if (object->id != dump->region)
		dump->member = 0;	/* the region that it was in is gone */
	dump->region = object->id;
	number = dump->member;
	while (ipcshm_members_next(ipcshm_region_members(object), &number, &member)) {
		err = member_dump_one(skb, cb, object->id, &member);
		if (err)
			return err;
		dump->member = number;
	}
	return 0;
}

static int member_dump_more(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ipcshm_registry *registry = ipcshm_nl_registry(cb->skb);
	struct member_dump *dump = (struct member_dump *)cb->ctx;
	struct ipcshm_object *object = ipcshm_registry_hold_from(registry, dump->region);
	int err = 0;

	while (object && object->id <= dump->last) {
		if (is_visible_region(object))
			err = member_dump_region(skb, cb, object);
		if (err)
			break;
		dump->region = object->id + 1;
		dump->member = 0;
		object = ipcshm_registry_hold_next(object);
		cond_resched();
	}
	if (object)
		ipcshm_object_unhold(object);
	/* For the end of the dump. */
	cb->seq = member_dump_changes(cb) ?: 1;
	return ipcshm_nl_dump_end(skb, err);
}

int ipcshm_nl_member_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct cred *reader = ipcshm_nl_become_opener(cb->skb);
	int len = member_dump_more(skb, cb);

	revert_creds(reader);
	return len;
}
