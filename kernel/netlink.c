// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "ipcshm": looking at objects, and steering them.
 *
 * What a socket shows is decided by the credentials of the one who opened it,
 * whoever asks and reads: a socket that is handed to a program with more rights
 * shows no more for that.  To change something, both must be allowed to.
 *
 * Dumps go by numbers, which are never used again and only get higher: what
 * comes and goes meanwhile makes nothing else be missed, or told twice.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "event.h"
#include "quota.h"
#include "member.h"
#include "netlink.h"
#include "object.h"
#include "region.h"
#include "registry.h"

static struct genl_family family;

/* Whose rights a request has. */

static const struct cred *become_opener(const struct sk_buff *request)
{
	return override_creds(NETLINK_CB(request).sk->sk_socket->file->f_cred);
}

/* The user of that number in the current user namespace, or an error that names @attr. */
static int uid_get(kuid_t *uid, const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	*uid = make_kuid(current_user_ns(), nla_get_u32(attr));
	if (uid_valid(*uid))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "no such user in the caller's user namespace");
	return -EINVAL;
}

/* Objects. */

static const struct nla_policy object_policy[IPCSHM_A_OBJECT_UID + 1] = {
	[IPCSHM_A_OBJECT_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[IPCSHM_A_OBJECT_KIND] = NLA_POLICY_RANGE(NLA_U32, IPCSHM_REGION, IPCSHM_QUEUE),
	[IPCSHM_A_OBJECT_NAME] = { .type = NLA_NUL_STRING, .len = IPCSHM_NAME_MAX + 1 },
	[IPCSHM_A_OBJECT_UID] = { .type = NLA_U32 },
};

/**
 * struct field - an attribute that is a member of a structure
 * @attr: its type; those of 4 bytes are u32, those of 8 u64
 * @offset: where it is
 * @size: how long
 * @optional: 0 means that there is none
 */
struct field {
	u8 attr;
	u8 offset;
	u8 size;
	bool optional;
};

#define FIELD_IF(is_optional, prefix, name, type, member)	\
	{							\
		.attr = prefix##name,				\
		.offset = offsetof(struct type, member),	\
		.size = sizeof_field(struct type, member),	\
		.optional = is_optional,			\
	}
#define FIELD(prefix, name, type, member) FIELD_IF(false, prefix, name, type, member)

#define REGION(name, member) FIELD(IPCSHM_A_REGION_, name, ipcshm_region_stat, member)
static const struct field region_fields[] = {
	REGION(SIZE, size),
	REGION(MAX_SIZE, max_size),
	REGION(ALLOCATED, allocated),
	REGION(MAX_MEMBERS, max_members),
	REGION(MEMBERS, members),
	REGION(JOINS, joins),
	REGION(DEATHS, deaths),
	REGION(WAITERS, waiters),
};

#define QUEUE(name, member) FIELD(IPCSHM_A_QUEUE_, name, ipcshm_queue_stat, member)
#define QUEUE_IF(name, member) FIELD_IF(true, IPCSHM_A_QUEUE_, name, ipcshm_queue_stat, member)
static const struct field queue_fields[] = {
	QUEUE(MAX_MESSAGES, max_messages),
	QUEUE(MAX_BYTES, max_bytes),
	QUEUE(MAX_MESSAGE_SIZE, max_message_size),
	QUEUE(MESSAGES, messages),
	QUEUE(BYTES, bytes),
	QUEUE(SENDERS, senders),
	QUEUE(RECEIVERS, receivers),
	QUEUE(SENT, sent),
	QUEUE(RECEIVED, received),
	QUEUE(DROPPED, dropped),
	QUEUE(PEAK_MESSAGES, peak_messages),
	QUEUE(PEAK_BYTES, peak_bytes),
	QUEUE_IF(NEXT_TIME, next_time),
	QUEUE_IF(BLOCKED_TIME, blocked_time),
	QUEUE(POOL_BYTES, pool_bytes),
	QUEUE(POOL_USED, pool_used),
	QUEUE(HELD, held),
	QUEUE(CALLS, calls),
	QUEUE(READERS, readers),
	QUEUE(WRITERS, writers),
	QUEUE(OVERFLOW, overflow),
};

#define OBJECT(name, member) FIELD(IPCSHM_A_OBJECT_, name, ipcshm_stat, member)
static const struct field object_fields[] = {
	OBJECT(ID, id),
	OBJECT(KIND, kind),
	OBJECT(UID, uid),
	OBJECT(GID, gid),
	OBJECT(MODE, mode),
	OBJECT(FLAGS, flags),
	OBJECT(OPENS, opens),
	OBJECT(BTIME, btime),
};

#define MEMBER(name, member) FIELD(IPCSHM_A_MEMBER_, name, ipcshm_member, member)
static const struct field member_fields[] = {
	MEMBER(TOKEN, token),
	MEMBER(PID, pid),
	MEMBER(UID, uid),
	MEMBER(MAPS, maps),
	MEMBER(JOINED, joined),
};

/* In every set of attributes that has 64-bit ones, padding is type 1. */
#define PAD 1
static_assert(IPCSHM_A_OBJECT_PAD == PAD && IPCSHM_A_REGION_PAD == PAD &&
	      IPCSHM_A_QUEUE_PAD == PAD && IPCSHM_A_MEMBER_PAD == PAD && IPCSHM_A_QUOTA_PAD == PAD);

static int put_field(struct sk_buff *skb, const struct field *field, const void *base)
{
	const void *value = base + field->offset;

	if (field->optional && !memchr_inv(value, 0, field->size))
		return 0;
	if (field->size == sizeof(u32))
		return nla_put_u32(skb, field->attr, *(const u32 *)value);
	return nla_put_u64_64bit(skb, field->attr, *(const u64 *)value, PAD);
}

static int put_fields(struct sk_buff *skb, const struct field *fields, size_t count,
		      const void *base)
{
	int err = 0;

	while (count-- && !err)
		err = put_field(skb, fields++, base);
	return err;
}

static int put_nest(struct sk_buff *skb, int attr, const struct field *fields, size_t count,
		    const void *base)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest || put_fields(skb, fields, count, base))
		return -EMSGSIZE;	/* the whole message is taken back */
	nla_nest_end(skb, nest);
	return 0;
}

static int put_object(struct sk_buff *skb, struct ipcshm_object *object)
{
	union {
		struct ipcshm_stat common;
		struct ipcshm_region_stat region;
		struct ipcshm_queue_stat queue;
	} stat;
	int err;

	memset(&stat, 0, sizeof(stat));
	ipcshm_object_stat(object, &stat.common);
	err = put_fields(skb, object_fields, ARRAY_SIZE(object_fields), &stat);
	if (!err && stat.common.flags & IPCSHM_STAT_NAMED)
		err = nla_put_string(skb, IPCSHM_A_OBJECT_NAME, object->name);
	if (err)
		return err;
	if (stat.common.kind == IPCSHM_REGION)
		return put_nest(skb, IPCSHM_A_OBJECT_REGION, region_fields,
				ARRAY_SIZE(region_fields), &stat);
	return put_nest(skb, IPCSHM_A_OBJECT_QUEUE, queue_fields, ARRAY_SIZE(queue_fields), &stat);
}

/* One message, whole or not at all; @error of what was put into it. */
static int message_end(struct sk_buff *skb, void *header, int error)
{
	if (error)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return error;
}

static int message_reply(struct sk_buff *skb, void *header, int error, struct genl_info *info)
{
	if (message_end(skb, header, error)) {
		nlmsg_free(skb);
		return error;
	}
	return genlmsg_reply(skb, info);
}

/* A message of a dump; @changes: of what is dumped, to tell if that isn't all of one time. */
static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 command, u32 changes)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &family,
				   NLM_F_MULTI, command);

	cb->seq = changes ?: 1;	/* 0 would be: don't look */
	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

/* What a dump's callback returns when there was no room for any more, or no more. */
static int dump_end(const struct sk_buff *skb, int error)
{
	return error && error != -EMSGSIZE ? error : skb->len ?: error;
}

static struct ipcshm_registry *registry_of(const struct sk_buff *request)
{
	return ipcshm_registry_of(sock_net(NETLINK_CB(request).sk));
}

/* One object, chosen by its number, or by kind and name. */

static struct ipcshm_object *choose_by_name(struct genl_info *info)
{
	struct nlattr *kind = info->attrs[IPCSHM_A_OBJECT_KIND];
	struct nlattr *name = info->attrs[IPCSHM_A_OBJECT_NAME];
	struct ipcshm_object *object;

	if (!kind || !name) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, name ? IPCSHM_A_OBJECT_KIND :
				     kind ? IPCSHM_A_OBJECT_NAME : IPCSHM_A_OBJECT_ID);
		GENL_SET_ERR_MSG(info, "an object is chosen by id, or by kind and name");
		return ERR_PTR(-EINVAL);
	}
	object = ipcshm_registry_hold_named(ipcshm_registry_of(genl_info_net(info)),
					    nla_get_u32(kind), nla_data(name));
	if (IS_ERR(object))
		NL_SET_ERR_MSG_ATTR(info->extack, name, "not a name that an object can have");
	return object;
}

static struct ipcshm_object *choose_any(struct genl_info *info)
{
	struct nlattr *id = info->attrs[IPCSHM_A_OBJECT_ID];
	struct nlattr *kind = info->attrs[IPCSHM_A_OBJECT_KIND];
	struct nlattr *name = info->attrs[IPCSHM_A_OBJECT_NAME];

	if (!id)
		return choose_by_name(info);
	if (kind || name) {
		NL_SET_ERR_MSG_ATTR(info->extack, kind ?: name,
				    "an object is chosen by id, or by kind and name, not by both");
		return ERR_PTR(-EINVAL);
	}
	return ipcshm_registry_hold(ipcshm_registry_of(genl_info_net(info)), nla_get_u64(id));
}

/* Held for the caller, who may see it; or an error. */
static struct ipcshm_object *choose(struct genl_info *info)
{
	struct ipcshm_object *object = choose_any(info);

	if (IS_ERR(object))
		return object;
	if (object && ipcshm_object_is_visible(object))
		return object;
	if (object)
		ipcshm_object_unhold(object);
	GENL_SET_ERR_MSG(info, "no such object, or none that the caller may open");
	return ERR_PTR(-ENOENT);
}

static int object_reply(struct genl_info *info, struct ipcshm_object *object)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &family, 0, IPCSHM_CMD_OBJECT_GET);
	return message_reply(skb, header, put_object(skb, object), info);
}

static int object_get(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *uid = info->attrs[IPCSHM_A_OBJECT_UID];
	const struct cred *sender;
	struct ipcshm_object *object;
	int err;

	if (uid) {
		NL_SET_ERR_MSG_ATTR(info->extack, uid, "only a dump goes by owner");
		return -EINVAL;
	}
	sender = become_opener(request);
	object = choose(info);
	err = PTR_ERR_OR_ZERO(object);
	if (!err) {
		err = object_reply(info, object);
		ipcshm_object_unhold(object);
	}
	revert_creds(sender);
	return err;
}

/* Held for those who may change it: whoever opened the socket, and whoever asks. */
static struct ipcshm_object *choose_owned(const struct sk_buff *request, struct genl_info *info)
{
	const struct cred *sender = become_opener(request);
	struct ipcshm_object *object = choose(info);
	bool owned = !IS_ERR(object) && ipcshm_object_is_owned(object);

	revert_creds(sender);
	if (IS_ERR(object) || (owned && ipcshm_object_is_owned(object)))
		return object;
	ipcshm_object_unhold(object);
	GENL_SET_ERR_MSG(info, "only its owner may do that, or who has CAP_IPC_OWNER");
	return ERR_PTR(-EPERM);
}

static int object_unlink(struct sk_buff *request, struct genl_info *info)
{
	struct ipcshm_object *object = choose_owned(request, info);
	int err;

	if (IS_ERR(object))
		return PTR_ERR(object);
	err = ipcshm_object_unlink(object);
	if (err)
		GENL_SET_ERR_MSG(info, "it has no name");
	ipcshm_object_unhold(object);
	return err;
}

static int object_revoke(struct sk_buff *request, struct genl_info *info)
{
	struct ipcshm_object *object = choose_owned(request, info);
	int err;

	if (IS_ERR(object))
		return PTR_ERR(object);
	err = ipcshm_object_revoke(object);
	ipcshm_object_unhold(object);
	return err;
}

/* All objects. */

/**
 * struct object_dump - where a dump of objects is, and which it tells
 * @next: the least number that hasn't been looked at
 * @kind: or 0: any
 * @uid: owner, or INVALID_UID: any
 * @name: or NULL: any
 */
struct object_dump {
	u64 next;
	u32 kind;
	kuid_t uid;
	const char *name;
};

static int object_dump_filter(struct object_dump *dump, struct nlattr **attrs,
			      struct netlink_ext_ack *extack)
{
	*dump = (struct object_dump){ .uid = INVALID_UID };
	if (attrs[IPCSHM_A_OBJECT_ID]) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[IPCSHM_A_OBJECT_ID],
				    "one object is asked for without NLM_F_DUMP");
		return -EINVAL;
	}
	if (attrs[IPCSHM_A_OBJECT_KIND])
		dump->kind = nla_get_u32(attrs[IPCSHM_A_OBJECT_KIND]);
	if (attrs[IPCSHM_A_OBJECT_NAME])
		dump->name = nla_data(attrs[IPCSHM_A_OBJECT_NAME]);
	if (dump->name && dump->name[0] == '/')
		dump->name++;
	if (attrs[IPCSHM_A_OBJECT_UID])
		return uid_get(&dump->uid, attrs[IPCSHM_A_OBJECT_UID], extack);
	return 0;
}

static int object_dump_start(struct netlink_callback *cb)
{
	const struct cred *sender = become_opener(cb->skb);
	int err = object_dump_filter((struct object_dump *)cb->ctx, ipcshm_dump_attrs(cb),
				     cb->extack);

	revert_creds(sender);
	return err;
}

static bool object_dump_wants(const struct object_dump *dump, const struct ipcshm_object *object)
{
	if (dump->kind && object->ops->kind != dump->kind)
		return false;
	if (dump->name && (!READ_ONCE(object->linked) || strcmp(object->name, dump->name)))
		return false;
	if (uid_valid(dump->uid) && !uid_eq(dump->uid, ipcshm_object_uid(object)))
		return false;
	return ipcshm_object_is_visible(object);
}

static int object_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			   struct ipcshm_object *object)
{
	struct ipcshm_registry *registry = registry_of(cb->skb);
	void *header = dump_begin(skb, cb, IPCSHM_CMD_OBJECT_GET,
				  ipcshm_registry_changes(registry));

	return header ? message_end(skb, header, put_object(skb, object)) : -EMSGSIZE;
}

static int object_dump_more(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ipcshm_registry *registry = registry_of(cb->skb);
	struct object_dump *dump = (struct object_dump *)cb->ctx;
	struct ipcshm_object *object = ipcshm_registry_hold_from(registry, dump->next);
	int err = 0;

	while (object) {
		if (object_dump_wants(dump, object))
			err = object_dump_one(skb, cb, object);
		if (err)
			break;
		dump->next = object->id + 1;
		object = ipcshm_registry_hold_next(object);
		cond_resched();
	}
	if (object)
		ipcshm_object_unhold(object);
	/* For the end of the dump. */
	cb->seq = ipcshm_registry_changes(registry) ?: 1;
	return dump_end(skb, err);
}

static int object_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct cred *reader = become_opener(cb->skb);
	int len = object_dump_more(skb, cb);

	revert_creds(reader);
	return len;
}

/* Members. */

static const struct nla_policy member_policy[IPCSHM_A_MEMBER_REGION + 1] = {
	[IPCSHM_A_MEMBER_REGION] = NLA_POLICY_MIN(NLA_U64, 1),
};

/**
 * struct member_dump - where a dump of members is
 * @region: the least number of a region that isn't done
 * @last: the number of the last region that is told of
 * @member: of @region, the number of the last member that was told
 */
struct member_dump {
	u64 region;
	u64 last;
	u64 member;
};

static bool is_visible_region(const struct ipcshm_object *object)
{
	return object->ops->kind == IPCSHM_REGION && ipcshm_object_is_visible(object);
}

static int member_dump_check(struct netlink_callback *cb, const struct nlattr *id)
{
	struct ipcshm_object *object = ipcshm_registry_hold(registry_of(cb->skb), nla_get_u64(id));
	bool found = object && is_visible_region(object);

	if (object)
		ipcshm_object_unhold(object);
	if (found)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, id, "no such region, or none that the caller may open");
	return -ENOENT;
}

static int member_dump_start(struct netlink_callback *cb)
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
	sender = become_opener(cb->skb);
	err = member_dump_check(cb, id);
	revert_creds(sender);
	return err;
}

static u32 member_dump_changes(const struct netlink_callback *cb)
{
	struct ipcshm_registry *registry = registry_of(cb->skb);

	return ipcshm_registry_changes(registry) + ipcshm_registry_member_changes(registry);
}

static int put_member(struct sk_buff *skb, u64 region, const struct ipcshm_member *member)
{
	return nla_put_u64_64bit(skb, IPCSHM_A_MEMBER_REGION, region, IPCSHM_A_MEMBER_PAD) ?:
	       put_fields(skb, member_fields, ARRAY_SIZE(member_fields), member);
}

static int member_dump_one(struct sk_buff *skb, struct netlink_callback *cb, u64 region,
			   const struct ipcshm_member *member)
{
	void *header = dump_begin(skb, cb, IPCSHM_CMD_MEMBER_GET, member_dump_changes(cb));

	return header ? message_end(skb, header, put_member(skb, region, member)) : -EMSGSIZE;
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
	struct ipcshm_registry *registry = registry_of(cb->skb);
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
	return dump_end(skb, err);
}

static int member_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct cred *reader = become_opener(cb->skb);
	int len = member_dump_more(skb, cb);

	revert_creds(reader);
	return len;
}

/* Limits. */

#define LIMITS_MAX (IPCSHM_A_QUOTAS_OBJECTS + IPCSHM_NR_QUOTAS - 1)

static const struct nla_policy limit_policy[IPCSHM_A_QUOTA_MAX + 1] = {
	[IPCSHM_A_QUOTA_MAX] = { .type = NLA_U64 },
};

static const struct nla_policy limits_get_policy[IPCSHM_A_QUOTAS_NET + 1] = {
	[IPCSHM_A_QUOTAS_UID] = { .type = NLA_U32 },
	[IPCSHM_A_QUOTAS_DEFAULT] = { .type = NLA_FLAG },
	[IPCSHM_A_QUOTAS_NET] = { .type = NLA_FLAG },
};

static const struct nla_policy limits_set_policy[IPCSHM_A_QUOTAS_NET + 1] = {
	[IPCSHM_A_QUOTAS_UID] = { .type = NLA_U32 },
	[IPCSHM_A_QUOTAS_DEFAULT] = { .type = NLA_FLAG },
	[IPCSHM_A_QUOTAS_OBJECTS ... LIMITS_MAX] = NLA_POLICY_NESTED(limit_policy),
	[IPCSHM_A_QUOTAS_NET] = { .type = NLA_FLAG },
};

/* Of a user, or the default if @limits is NULL. */
static int put_limit(struct sk_buff *skb, const struct ipcshm_quotas *limits,
		     enum ipcshm_quota_type quota)
{
	struct nlattr *nest = nla_nest_start(skb, IPCSHM_A_QUOTAS_OBJECTS + quota);
	struct ipcshm_quota limit = ipcshm_quotas_read(limits, quota);
	int err = nest ? 0 : -EMSGSIZE;

	if (!err && limits)
		err = nla_put_u64_64bit(skb, IPCSHM_A_QUOTA_USED, limit.used, PAD);
	if (!err)
		err = nla_put_u64_64bit(skb, IPCSHM_A_QUOTA_MAX, limit.max, PAD);
	if (!err && ipcshm_quotas_is_own(limits, quota))
		err = nla_put_flag(skb, IPCSHM_A_QUOTA_OWN);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int put_whose(struct sk_buff *skb, const struct ipcshm_quotas *limits)
{
	const struct user_namespace *ns = ipcshm_quotas_ns(limits);

	if (!ns)
		return nla_put_flag(skb, IPCSHM_A_QUOTAS_NET);
	if (ns != current_user_ns() && nla_put_u32(skb, IPCSHM_A_QUOTAS_USER_NS, ns->ns.inum))
		return -EMSGSIZE;
	return nla_put_u32(skb, IPCSHM_A_QUOTAS_UID,
			   from_kuid_munged(current_user_ns(), ipcshm_quotas_uid(limits)));
}

static int put_limits(struct sk_buff *skb, const struct ipcshm_quotas *limits)
{
	int quota, err;

	if (limits)
		err = put_whose(skb, limits);
	else
		err = nla_put_flag(skb, IPCSHM_A_QUOTAS_DEFAULT);
	for (quota = 0; quota < IPCSHM_NR_QUOTAS && !err; quota++)
		err = put_limit(skb, limits, quota);
	return err;
}

static bool is_in(const struct user_namespace *ns, const struct user_namespace *outer)
{
	while (ns->level > outer->level)
		ns = ns->parent;
	return ns == outer;
}

/*
 * Users see their own, and an administrator of a user namespace those of its users, and
 * of the users of namespaces in it.
 */
static bool limits_are_visible(struct user_namespace *ns, kuid_t uid)
{
	if (ns == current_user_ns() && uid_eq(uid, current_fsuid()))
		return true;
	return is_in(ns, current_user_ns()) && ns_capable_noaudit(ns, CAP_IPC_OWNER);
}

/* Whose limits are meant: INVALID_UID is the default, @uid comes in as who it is unless said. */
static int limits_whose(kuid_t *uid, struct genl_info *info)
{
	struct nlattr *number = info->attrs[IPCSHM_A_QUOTAS_UID];
	struct nlattr *is_default = info->attrs[IPCSHM_A_QUOTAS_DEFAULT];
	struct nlattr *of_net = info->attrs[IPCSHM_A_QUOTAS_NET];

	if (!!number + !!is_default + !!of_net > 1) {
		NL_SET_ERR_MSG_ATTR(info->extack, is_default ?: of_net,
				    "either a user's or the default");
		return -EINVAL;
	}
	if (is_default)
		*uid = INVALID_UID;
	return number ? uid_get(uid, number, info->extack) : 0;
}

static int limits_reply(struct genl_info *info, const struct ipcshm_quotas *limits)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &family, 0, IPCSHM_CMD_QUOTA_GET);
	return message_reply(skb, header, put_limits(skb, limits), info);
}

/* That of the socket's network namespace, or an error. */
static struct ipcshm_quotas *bound_of(struct genl_info *info)
{
	struct ipcshm_quotas *bound =
		ipcshm_registry_bound(ipcshm_registry_of(genl_info_net(info)));

	if (bound)
		return bound;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPCSHM_A_QUOTAS_NET],
			    "the initial network namespace has no bound");
	return ERR_PTR(-EOPNOTSUPP);
}

static int bound_get(struct genl_info *info)
{
	const struct ipcshm_quotas *bound = bound_of(info);

	if (IS_ERR(bound))
		return PTR_ERR(bound);
	if (ns_capable_noaudit(genl_info_net(info)->user_ns, CAP_IPC_OWNER))
		return limits_reply(info, bound);
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPCSHM_A_QUOTAS_NET],
			    "the bound needs CAP_IPC_OWNER");
	return -EPERM;
}

static int limits_get_as_opener(struct genl_info *info)
{
	struct ipcshm_quotas *limits;
	kuid_t uid = current_fsuid();
	int err;

	err = limits_whose(&uid, info);
	if (err)
		return err;
	if (info->attrs[IPCSHM_A_QUOTAS_NET])
		return bound_get(info);
	if (uid_valid(uid) && !limits_are_visible(current_user_ns(), uid)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPCSHM_A_QUOTAS_UID],
				    "another user's limits need CAP_IPC_OWNER");
		return -EPERM;
	}
	if (!uid_valid(uid))
		return limits_reply(info, NULL);
	if (info->attrs[IPCSHM_A_QUOTAS_UID])
		limits = ipcshm_quotas_of(current_user_ns(), uid);
	else
		limits = ipcshm_registry_payer_get(ipcshm_registry_of(genl_info_net(info)));
	if (IS_ERR_OR_NULL(limits))
		return -ENOMEM;
	err = limits_reply(info, limits);
	ipcshm_quotas_put(limits);
	return err;
}

static int limits_get(struct sk_buff *request, struct genl_info *info)
{
	const struct cred *sender = become_opener(request);
	int err = limits_get_as_opener(info);

	revert_creds(sender);
	return err;
}

/**
 * struct limits_dump - where a dump of limits is
 * @next: the first record that has not been looked at, a reference, or NULL
 * @began: the default has been put
 */
struct limits_dump {
	struct ipcshm_quotas *next;
	bool began;
};

static int limits_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = ipcshm_dump_attrs(cb);
	struct nlattr *any = attrs[IPCSHM_A_QUOTAS_UID] ?: attrs[IPCSHM_A_QUOTAS_DEFAULT] ?:
			     attrs[IPCSHM_A_QUOTAS_NET];

	*(struct limits_dump *)cb->ctx = (struct limits_dump){};
	if (!any)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, any, "one user is asked for without NLM_F_DUMP");
	return -EINVAL;
}

static int limits_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct ipcshm_quotas *limits)
{
	/* A record that comes or goes meanwhile makes no other be missed. */
	void *header = dump_begin(skb, cb, IPCSHM_CMD_QUOTA_GET, 1);

	return header ? message_end(skb, header, put_limits(skb, limits)) : -EMSGSIZE;
}

static int limits_dump_users(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct limits_dump *dump = (struct limits_dump *)cb->ctx;
	int err = 0;

	while (!err && dump->next) {
		const struct ipcshm_quotas *limits = dump->next;

		if (!ipcshm_quotas_bound(limits) &&
		    limits_are_visible(ipcshm_quotas_ns(limits), ipcshm_quotas_uid(limits)))
			err = limits_dump_one(skb, cb, limits);
		if (!err)
			dump->next = ipcshm_quotas_next(dump->next);
		cond_resched();
	}
	return dump_end(skb, err);
}

static int limits_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct limits_dump *dump = (struct limits_dump *)cb->ctx;
	const struct cred *reader = become_opener(cb->skb);
	int len = 0;

	if (!dump->began)
		len = limits_dump_one(skb, cb, NULL);
	if (!dump->began)
		dump->next = ipcshm_quotas_next(NULL);
	dump->began = true;
	if (!len)
		len = limits_dump_users(skb, cb);
	revert_creds(reader);
	return len;
}

static int limits_dump_done(struct netlink_callback *cb)
{
	ipcshm_quotas_put(((struct limits_dump *)cb->ctx)->next);
	return 0;
}

/**
 * struct limits_change - what is to be set
 * @uid: whose, or INVALID_UID: the default
 * @is_recorded: a user's, or a bound, not the default
 * @given: which quotas, by their bits
 * @max: of each quota that is given
 */
struct limits_change {
	kuid_t uid;
	bool is_recorded;
	u32 given;
	u64 max[IPCSHM_NR_QUOTAS];
};

static int limit_change_get(struct limits_change *change, enum ipcshm_quota_type quota,
			    const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct nlattr *limit[IPCSHM_A_QUOTA_MAX + 1];
	u64 max;
	int err;

	err = nla_parse_nested(limit, IPCSHM_A_QUOTA_MAX, attr, limit_policy, extack);
	if (err)
		return err;
	if (NL_REQ_ATTR_CHECK(extack, attr, limit, IPCSHM_A_QUOTA_MAX)) {
		NL_SET_ERR_MSG(extack, "the maximum is missing");
		return -EINVAL;
	}
	max = nla_get_u64(limit[IPCSHM_A_QUOTA_MAX]);
	if (max > IPCSHM_QUOTA_MAX &&
	    !(max == IPCSHM_QUOTA_FOLLOW_DEFAULT && change->is_recorded)) {
		NL_SET_ERR_MSG_ATTR(extack, limit[IPCSHM_A_QUOTA_MAX],
				    "more than any limit, and not a user's return to the default");
		return -ERANGE;
	}
	change->max[quota] = max;
	change->given |= BIT(quota);
	return 0;
}

static int limits_change_get(struct limits_change *change, struct genl_info *info)
{
	int quota, err;

	*change = (struct limits_change){ .uid = INVALID_UID };
	if (!info->attrs[IPCSHM_A_QUOTAS_UID] && !info->attrs[IPCSHM_A_QUOTAS_DEFAULT] &&
	    !info->attrs[IPCSHM_A_QUOTAS_NET]) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, IPCSHM_A_QUOTAS_UID);
		GENL_SET_ERR_MSG(info, "whose limits: a user's, or the default?");
		return -EINVAL;
	}
	err = limits_whose(&change->uid, info);
	change->is_recorded = uid_valid(change->uid) || info->attrs[IPCSHM_A_QUOTAS_NET];
	for (quota = 0; quota < IPCSHM_NR_QUOTAS && !err; quota++) {
		const struct nlattr *attr = info->attrs[IPCSHM_A_QUOTAS_OBJECTS + quota];

		if (attr)
			err = limit_change_get(change, quota, attr, info->extack);
	}
	if (!err && !change->given) {
		GENL_SET_ERR_MSG(info, "no limit is given");
		err = -EINVAL;
	}
	return err;
}

/* Both the one who opened the socket, and the one who asks. */
static bool may_set_limits(const struct sk_buff *request, struct user_namespace *ns)
{
	const struct cred *sender = become_opener(request);
	bool opener_may = ns_capable(ns, CAP_SYS_RESOURCE);

	revert_creds(sender);
	return opener_may && ns_capable(ns, CAP_SYS_RESOURCE);
}

static int refuse_ceiling(struct genl_info *info, enum ipcshm_quota_type quota)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPCSHM_A_QUOTAS_OBJECTS + quota],
			    "more than the namespace above allows");
	return -ERANGE;
}

static int limits_apply(struct genl_info *info, struct ipcshm_quotas *limits,
			const struct limits_change *change,
			u64 (*ceiling)(const struct ipcshm_quotas *limits,
				       enum ipcshm_quota_type quota))
{
	int quota;

	for (quota = 0; quota < IPCSHM_NR_QUOTAS && ceiling; quota++) {
		if (change->given & BIT(quota) &&
		    change->max[quota] != IPCSHM_QUOTA_FOLLOW_DEFAULT &&
		    change->max[quota] > ceiling(limits, quota))
			return refuse_ceiling(info, quota);
	}
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		if (change->given & BIT(quota))
			ipcshm_quotas_set(limits, quota, change->max[quota]);
	}
	return 0;
}

static int set_check_rights(const struct sk_buff *request, struct genl_info *info)
{
	struct user_namespace *of_net = genl_info_net(info)->user_ns;
	struct user_namespace *ns = current_user_ns();

	if (info->attrs[IPCSHM_A_QUOTAS_NET]) {
		if (may_set_limits(request, of_net))
			return 0;
		GENL_SET_ERR_MSG(info, "needs CAP_SYS_RESOURCE over the network namespace");
	} else if (!info->attrs[IPCSHM_A_QUOTAS_UID]) {
		if (may_set_limits(request, &init_user_ns))
			return 0;
		GENL_SET_ERR_MSG(info, "needs CAP_SYS_RESOURCE in the initial user namespace");
	} else if (!may_set_limits(request, ns)) {
		GENL_SET_ERR_MSG(info, "needs CAP_SYS_RESOURCE in the caller's user namespace");
	} else {
		if (ns == &init_user_ns || of_net == ns)
			return 0;
		GENL_SET_ERR_MSG(info, "needs a network namespace of the caller's user namespace");
	}
	return -EPERM;
}

static u64 default_ceiling(const struct ipcshm_quotas *limits, enum ipcshm_quota_type quota)
{
	return ipcshm_quotas_bound_default(quota);
}

/* The administrator of a namespace can lower its bound, that of the machine set any. */
static int bound_set(const struct sk_buff *request, struct genl_info *info,
		     const struct limits_change *change)
{
	struct ipcshm_quotas *bound = bound_of(info);

	if (IS_ERR(bound))
		return PTR_ERR(bound);
	return limits_apply(info, bound, change,
			    may_set_limits(request, &init_user_ns) ? NULL : default_ceiling);
}

/* Of a user of the caller's user namespace. */
static int user_set(struct genl_info *info, const struct limits_change *change)
{
	struct user_namespace *ns = current_user_ns();
	struct ipcshm_quotas *limits;
	int err;

	limits = ipcshm_quotas_of(ns, change->uid);
	if (!limits)
		return -ENOMEM;
	err = limits_apply(info, limits, change, ipcshm_quotas_ceiling);
	if (!err && ns != &init_user_ns)
		ipcshm_registry_keep(ipcshm_registry_of(genl_info_net(info)), limits);
	ipcshm_quotas_put(limits);
	return err;
}

static int limits_set(struct sk_buff *request, struct genl_info *info)
{
	struct limits_change change;
	int err = set_check_rights(request, info);

	if (!err)
		err = limits_change_get(&change, info);
	if (err)
		return err;
	if (info->attrs[IPCSHM_A_QUOTAS_NET])
		return bound_set(request, info, &change);
	if (uid_valid(change.uid))
		return user_set(info, &change);
	return limits_apply(info, NULL, &change, NULL);
}

/* The family. */

static_assert(sizeof(struct object_dump) <= sizeof_field(struct netlink_callback, ctx));
static_assert(sizeof(struct member_dump) <= sizeof_field(struct netlink_callback, ctx));
static_assert(sizeof(struct limits_dump) <= sizeof_field(struct netlink_callback, ctx));

static const struct genl_ops ops[] = {
	{
		.cmd = IPCSHM_CMD_OBJECT_GET,
		.policy = object_policy,
		.maxattr = ARRAY_SIZE(object_policy) - 1,
		.doit = object_get,
		.start = object_dump_start,
		.dumpit = object_dump,
	}, {
		.cmd = IPCSHM_CMD_OBJECT_UNLINK,
		.policy = object_policy,
		.maxattr = IPCSHM_A_OBJECT_NAME,	/* not the owner, which is for dumps */
		.doit = object_unlink,
	}, {
		.cmd = IPCSHM_CMD_OBJECT_REVOKE,
		.policy = object_policy,
		.maxattr = IPCSHM_A_OBJECT_NAME,	/* not the owner, which is for dumps */
		.doit = object_revoke,
	}, {
		.cmd = IPCSHM_CMD_MEMBER_GET,
		.policy = member_policy,
		.maxattr = ARRAY_SIZE(member_policy) - 1,
		.start = member_dump_start,
		.dumpit = member_dump,
	}, {
		.cmd = IPCSHM_CMD_QUOTA_GET,
		.policy = limits_get_policy,
		.maxattr = ARRAY_SIZE(limits_get_policy) - 1,
		.doit = limits_get,
		.start = limits_dump_start,
		.dumpit = limits_dump,
		.done = limits_dump_done,
	}, {
		.cmd = IPCSHM_CMD_QUOTA_SET,
		.policy = limits_set_policy,
		.maxattr = ARRAY_SIZE(limits_set_policy) - 1,
		.doit = limits_set,
	},
};

/* Events tell of everything, and so are for those who may see everything. */
static const struct genl_multicast_group groups[] = {
	{ .name = IPCSHM_MCGRP_NOTIFY, .flags = GENL_MCAST_CAP_SYS_ADMIN },
};

static struct genl_family family __ro_after_init = {
	.name = IPCSHM_FAMILY_NAME,
	.version = IPCSHM_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

int ipcshm_netlink_init(void)
{
	int err;

	err = genl_register_family(&family);
	if (!err)
		ipcshm_notify_use(&family);
	return err;
}

/* Nobody dumps: who does holds the module.  And nothing happens any more. */
void ipcshm_netlink_exit(void)
{
	ipcshm_notify_stop();
	genl_unregister_family(&family);
}
