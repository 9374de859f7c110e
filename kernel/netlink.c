// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "ipcshm", which inspects and administers objects.
 *
 * The credentials of a socket's opener decide which objects a request can see. A
 * socket that is passed to a more privileged program therefore reveals nothing more.
 * A change needs the rights of both the opener and the sender of the request.
 *
 * Dumps are ordered by object id. Ids grow and are never reused, so concurrent
 * creation and removal make a dump neither skip nor repeat other objects.
 */
#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "netlink.h"
#include "netlink_internal.h"
#include "netlink_notify.h"
#include "registry.h"

/* Credentials and namespaces of requests. */

const struct cred *ipcshm_nl_become_opener(const struct sk_buff *request)
{
	return override_creds(NETLINK_CB(request).sk->sk_socket->file->f_cred);
}

/* Convert a user id of the current user namespace; an error names @attr. */
int ipcshm_nl_uid_get(kuid_t *uid, const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	*uid = make_kuid(current_user_ns(), nla_get_u32(attr));
	if (uid_valid(*uid))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "no such user in the caller's user namespace");
	return -EINVAL;
}

struct ipcshm_registry *ipcshm_nl_registry(const struct sk_buff *request)
{
	return ipcshm_registry_of(sock_net(NETLINK_CB(request).sk));
}

/* Attributes of structures. */

static int put_field(struct sk_buff *skb, const struct ipcshm_nl_field *field, const void *base)
{
	const void *value = base + field->offset;

	if (field->optional && !memchr_inv(value, 0, field->size))
		return 0;
	if (field->size == sizeof(u32))
		return nla_put_u32(skb, field->attr, *(const u32 *)value);
	return nla_put_u64_64bit(skb, field->attr, *(const u64 *)value, IPCSHM_NL_PAD);
}

int ipcshm_nl_put_fields(struct sk_buff *skb, const struct ipcshm_nl_field *fields,
			 const void *base)
{
	int err = 0;

	while (fields->attr && !err)
		err = put_field(skb, fields++, base);
	return err;
}

/* Messages. */

/* Complete a message, or remove it if adding its attributes failed with @error. */
int ipcshm_nl_message_end(struct sk_buff *skb, void *header, int error)
{
	if (error)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return error;
}

int ipcshm_nl_message_reply(struct sk_buff *skb, void *header, int error, struct genl_info *info)
{
	if (ipcshm_nl_message_end(skb, header, error)) {
		nlmsg_free(skb);
		return error;
	}
	return genlmsg_reply(skb, info);
}

/* Begin a message of a dump; a change of @changes marks the dump as inconsistent. */
void *ipcshm_nl_dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 command,
			   u32 changes)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &ipcshm_nl_family, NLM_F_MULTI, command);

	cb->seq = changes ?: 1;	/* 0 disables the check */
	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

/* Convert the result of filling @skb to the return value of a dump callback. */
int ipcshm_nl_dump_end(const struct sk_buff *skb, int error)
{
	return error && error != -EMSGSIZE ? error : skb->len ?: error;
}

/* The family. */

#define POLICY(operation) \
	.policy = ipcshm_##operation##_nl_policy, \
	.maxattr = ARRAY_SIZE(ipcshm_##operation##_nl_policy) - 1

static const struct genl_ops ops[] = {
	{
		.cmd = IPCSHM_CMD_OBJECT_GET,
		POLICY(object_get_do),
		.doit = ipcshm_nl_object_get,
		.start = ipcshm_nl_object_dump_start,
		.dumpit = ipcshm_nl_object_dump,
	}, {
		.cmd = IPCSHM_CMD_OBJECT_UNLINK,
		POLICY(object_unlink),
		.doit = ipcshm_nl_object_unlink,
	}, {
		.cmd = IPCSHM_CMD_OBJECT_REVOKE,
		POLICY(object_revoke),
		.doit = ipcshm_nl_object_revoke,
	}, {
		.cmd = IPCSHM_CMD_MEMBER_GET,
		POLICY(member_get),
		.start = ipcshm_nl_member_dump_start,
		.dumpit = ipcshm_nl_member_dump,
	}, {
		.cmd = IPCSHM_CMD_QUOTA_GET,
		POLICY(quota_get_do),
		.doit = ipcshm_nl_quota_get,
		.start = ipcshm_nl_quota_dump_start,
		.dumpit = ipcshm_nl_quota_dump,
		.done = ipcshm_nl_quota_dump_done,
	}, {
		.cmd = IPCSHM_CMD_QUOTA_SET,
		POLICY(quota_set),
		.doit = ipcshm_nl_quota_set,
	},
};

/* Notifications cover all objects, so only administrators receive them. */
static const struct genl_multicast_group groups[] = {
	{ .name = IPCSHM_MCGRP_NOTIFY, .flags = GENL_MCAST_CAP_SYS_ADMIN },
};

struct genl_family ipcshm_nl_family __ro_after_init = {
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

	err = genl_register_family(&ipcshm_nl_family);
	if (!err)
		ipcshm_notify_use(&ipcshm_nl_family);
	return err;
}

/* No dump is running, since each holds the module, and no object is left to report. */
void ipcshm_netlink_exit(void)
{
	ipcshm_notify_stop();
	genl_unregister_family(&ipcshm_nl_family);
}
