// SPDX-License-Identifier: GPL-2.0-only
/* Quotas over netlink: of a user, of all users, of a network namespace, and the defaults. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_internal.h"
#include "quota.h"
#include "registry.h"

/* Of a user, or the default if @limits is NULL. */
static int put_limit(struct sk_buff *skb, const struct ipcshm_quotas *limits,
		     enum ipcshm_quota_type quota)
{
	struct nlattr *nest = nla_nest_start(skb, IPCSHM_A_QUOTAS_OBJECTS + quota);
	struct ipcshm_quota limit = ipcshm_quotas_read(limits, quota);
	int err = nest ? 0 : -EMSGSIZE;

	if (!err && limits)
		err = nla_put_u64_64bit(skb, IPCSHM_A_QUOTA_USED, limit.used, IPCSHM_NL_PAD);
	if (!err)
		err = nla_put_u64_64bit(skb, IPCSHM_A_QUOTA_MAXIMUM, limit.max, IPCSHM_NL_PAD);
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
	return number ? ipcshm_nl_uid_get(uid, number, info->extack) : 0;
}

static int limits_reply(struct genl_info *info, const struct ipcshm_quotas *limits)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &ipcshm_nl_family, 0, IPCSHM_CMD_QUOTA_GET);
	return ipcshm_nl_message_reply(skb, header, put_limits(skb, limits), info);
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

int ipcshm_nl_quota_get(struct sk_buff *request, struct genl_info *info)
{
	const struct cred *sender = ipcshm_nl_become_opener(request);
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

static_assert(sizeof(struct limits_dump) <= sizeof_field(struct netlink_callback, ctx));

int ipcshm_nl_quota_dump_start(struct netlink_callback *cb)
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
	void *header = ipcshm_nl_dump_begin(skb, cb, IPCSHM_CMD_QUOTA_GET, 1);

	return header ? ipcshm_nl_message_end(skb, header, put_limits(skb, limits)) : -EMSGSIZE;
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
	return ipcshm_nl_dump_end(skb, err);
}

int ipcshm_nl_quota_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct limits_dump *dump = (struct limits_dump *)cb->ctx;
	const struct cred *reader = ipcshm_nl_become_opener(cb->skb);
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

int ipcshm_nl_quota_dump_done(struct netlink_callback *cb)
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
	struct nlattr *limit[IPCSHM_A_QUOTA_OWN + 1];
	const struct nlattr *other;
	u64 max;
	int err;

	err = nla_parse_nested(limit, IPCSHM_A_QUOTA_OWN, attr, ipcshm_quota_nl_policy, extack);
	if (err)
		return err;
	other = limit[IPCSHM_A_QUOTA_USED] ?: limit[IPCSHM_A_QUOTA_OWN];
	if (other) {
		NL_SET_ERR_MSG_ATTR(extack, other, "only the maximum can be set");
		return -EINVAL;
	}
	if (NL_REQ_ATTR_CHECK(extack, attr, limit, IPCSHM_A_QUOTA_MAXIMUM)) {
		NL_SET_ERR_MSG(extack, "the maximum is missing");
		return -EINVAL;
	}
	max = nla_get_u64(limit[IPCSHM_A_QUOTA_MAXIMUM]);
	if (max > IPCSHM_QUOTA_MAX &&
	    !(max == IPCSHM_QUOTA_FOLLOW_DEFAULT && change->is_recorded)) {
		NL_SET_ERR_MSG_ATTR(extack, limit[IPCSHM_A_QUOTA_MAXIMUM],
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
	const struct cred *sender = ipcshm_nl_become_opener(request);
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

int ipcshm_nl_quota_set(struct sk_buff *request, struct genl_info *info)
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
