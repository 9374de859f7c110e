// SPDX-License-Identifier: GPL-2.0-only
/* Objects over netlink: get, dump, unlink, revoke. */
#include <linux/cred.h>
#include <linux/sched.h>
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_internal.h"
#include "object.h"
#include "registry.h"

static int put_nest(struct sk_buff *skb, int attr, const struct ipcshm_nl_field *fields,
		    const void *base)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest || ipcshm_nl_put_fields(skb, fields, base))
		return -EMSGSIZE;	/* the caller removes the whole message */
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
	err = ipcshm_nl_put_fields(skb, ipcshm_nl_object_fields, &stat);
	if (!err && stat.common.flags & IPCSHM_STAT_NAMED)
		err = nla_put_string(skb, IPCSHM_A_OBJECT_NAME, object->name);
	if (err)
		return err;
	if (stat.common.kind == IPCSHM_REGION)
		return put_nest(skb, IPCSHM_A_OBJECT_REGION, ipcshm_nl_region_fields, &stat);
	return put_nest(skb, IPCSHM_A_OBJECT_QUEUE, ipcshm_nl_queue_fields, &stat);
}

/* One object, chosen by id, or by kind and name. */

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
		NL_SET_ERR_MSG_ATTR(info->extack, name, "not a valid object name");
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

/* Hold the chosen object if the caller may see it; else return an error. */
static struct ipcshm_object *choose_visible(struct genl_info *info)
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
	header = genlmsg_put_reply(skb, info, &ipcshm_nl_family, 0, IPCSHM_CMD_OBJECT_GET);
	return ipcshm_nl_message_reply(skb, header, put_object(skb, object), info);
}

int ipcshm_nl_object_get(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *uid = info->attrs[IPCSHM_A_OBJECT_UID];
	const struct cred *sender;
	struct ipcshm_object *object;
	int err;

	if (uid) {
		NL_SET_ERR_MSG_ATTR(info->extack, uid,
				    "only a dump can select by owner (set NLM_F_DUMP)");
		return -EINVAL;
	}
	sender = ipcshm_nl_become_opener(request);
	object = choose_visible(info);
	err = PTR_ERR_OR_ZERO(object);
	if (!err) {
		err = object_reply(info, object);
		ipcshm_object_unhold(object);
	}
	revert_creds(sender);
	return err;
}

/* Hold the chosen object if both the socket's opener and the sender may change it. */
static struct ipcshm_object *choose_owned(const struct sk_buff *request, struct genl_info *info)
{
	const struct cred *sender = ipcshm_nl_become_opener(request);
	struct ipcshm_object *object = choose_visible(info);
	bool owned = !IS_ERR(object) && ipcshm_object_is_owned(object);

	revert_creds(sender);
	if (IS_ERR(object) || (owned && ipcshm_object_is_owned(object)))
		return object;
	ipcshm_object_unhold(object);
	GENL_SET_ERR_MSG(info, "needs the owner or CAP_IPC_OWNER");
	return ERR_PTR(-EPERM);
}

int ipcshm_nl_object_unlink(struct sk_buff *request, struct genl_info *info)
{
	struct ipcshm_object *object = choose_owned(request, info);
	int err;

	if (IS_ERR(object))
		return PTR_ERR(object);
	err = ipcshm_object_unlink(object);
	if (err)
		GENL_SET_ERR_MSG(info, "the object has no name");
	ipcshm_object_unhold(object);
	return err;
}

int ipcshm_nl_object_revoke(struct sk_buff *request, struct genl_info *info)
{
	struct ipcshm_object *object = choose_owned(request, info);
	int err;

	if (IS_ERR(object))
		return PTR_ERR(object);
	err = ipcshm_object_revoke(object);
	ipcshm_object_unhold(object);
	return err;
}

/* Dump of objects. */

/**
 * struct object_dump - position and filter of a dump of objects
 * @next: the smallest id that has not been visited
 * @kind: kind of objects, or 0 for all
 * @uid: owner of objects, or INVALID_UID for all
 * @name: name of objects, or NULL for all
 */
struct object_dump {
	u64 next;
	u32 kind;
	kuid_t uid;
	const char *name;
};

static_assert(sizeof(struct object_dump) <= sizeof_field(struct netlink_callback, ctx));

static int object_dump_filter(struct object_dump *dump, struct nlattr **attrs,
			      struct netlink_ext_ack *extack)
{
	*dump = (struct object_dump){ .uid = INVALID_UID };
	if (attrs[IPCSHM_A_OBJECT_ID]) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[IPCSHM_A_OBJECT_ID],
				    "one object is not a dump (clear NLM_F_DUMP)");
		return -EINVAL;
	}
	if (attrs[IPCSHM_A_OBJECT_KIND])
		dump->kind = nla_get_u32(attrs[IPCSHM_A_OBJECT_KIND]);
	if (attrs[IPCSHM_A_OBJECT_NAME])
		dump->name = nla_data(attrs[IPCSHM_A_OBJECT_NAME]);
	if (dump->name && dump->name[0] == '/')
		dump->name++;
	if (attrs[IPCSHM_A_OBJECT_UID])
		return ipcshm_nl_uid_get(&dump->uid, attrs[IPCSHM_A_OBJECT_UID], extack);
	return 0;
}

int ipcshm_nl_object_dump_start(struct netlink_callback *cb)
{
	const struct cred *sender = ipcshm_nl_become_opener(cb->skb);
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
	struct ipcshm_registry *registry = ipcshm_nl_registry(cb->skb);
	void *header = ipcshm_nl_dump_begin(skb, cb, IPCSHM_CMD_OBJECT_GET,
					    ipcshm_registry_changes(registry));

	return header ? ipcshm_nl_message_end(skb, header, put_object(skb, object)) : -EMSGSIZE;
}

static int object_dump_more(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ipcshm_registry *registry = ipcshm_nl_registry(cb->skb);
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
	/* The final message of the dump is checked against this. */
	cb->seq = ipcshm_registry_changes(registry) ?: 1;
	return ipcshm_nl_dump_end(skb, err);
}

int ipcshm_nl_object_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct cred *reader = ipcshm_nl_become_opener(cb->skb);
	int len = object_dump_more(skb, cb);

	revert_creds(reader);
	return len;
}
