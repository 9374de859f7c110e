// SPDX-License-Identifier: GPL-2.0-only
/* Quotas over netlink: of users, of network namespaces, and the defaults. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_internal.h"
#include "quota.h"
#include "registry.h"

/* Add the quotas of a user, or the defaults if @quotas is NULL. */
static int put_quota(struct sk_buff *skb, const struct ipcshm_quotas *quotas,
		     enum ipcshm_quota_type quota)
{
	struct nlattr *nest = nla_nest_start(skb, IPCSHM_A_QUOTAS_OBJECTS + quota);
	struct ipcshm_quota value = ipcshm_quotas_read(quotas, quota);
	int err = nest ? 0 : -EMSGSIZE;

	if (!err && quotas)
		err = nla_put_u64_64bit(skb, IPCSHM_A_QUOTA_USED, value.used, IPCSHM_NL_PAD);
	if (!err)
		err = nla_put_u64_64bit(skb, IPCSHM_A_QUOTA_MAXIMUM, value.max, IPCSHM_NL_PAD);
	if (!err && ipcshm_quotas_is_own(quotas, quota))
		err = nla_put_flag(skb, IPCSHM_A_QUOTA_OWN);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int put_payer(struct sk_buff *skb, const struct ipcshm_quotas *quotas)
{
	const struct user_namespace *ns = ipcshm_quotas_ns(quotas);

	if (!ns)
		return nla_put_flag(skb, IPCSHM_A_QUOTAS_NET);
	if (ns != current_user_ns() && nla_put_u32(skb, IPCSHM_A_QUOTAS_USER_NS, ns->ns.inum))
		return -EMSGSIZE;
	return nla_put_u32(skb, IPCSHM_A_QUOTAS_UID,
			   from_kuid_munged(current_user_ns(), ipcshm_quotas_uid(quotas)));
}

static int put_quotas(struct sk_buff *skb, const struct ipcshm_quotas *quotas)
{
	int quota, err;

	if (quotas)
		err = put_payer(skb, quotas);
	else
		err = nla_put_flag(skb, IPCSHM_A_QUOTAS_DEFAULT);
	for (quota = 0; quota < IPCSHM_NR_QUOTAS && !err; quota++)
		err = put_quota(skb, quotas, quota);
	return err;
}

static bool is_in(const struct user_namespace *ns, const struct user_namespace *outer)
{
	while (ns->level > outer->level)
		ns = ns->parent;
	return ns == outer;
}

/*
 * A user can see their own quotas. An administrator of a user namespace can see those of
 * its users and of the users of descendant namespaces.
 */
static bool quotas_are_visible(struct user_namespace *ns, kuid_t uid)
{
	if (ns == current_user_ns() && uid_eq(uid, current_fsuid()))
		return true;
	return is_in(ns, current_user_ns()) && ns_capable_noaudit(ns, CAP_IPC_OWNER);
}

/* Read the user of a request: INVALID_UID means the defaults; without one, keep @uid. */
static int choose_user(kuid_t *uid, struct genl_info *info)
{
	struct nlattr *number = info->attrs[IPCSHM_A_QUOTAS_UID];
	struct nlattr *is_default = info->attrs[IPCSHM_A_QUOTAS_DEFAULT];
	struct nlattr *of_net = info->attrs[IPCSHM_A_QUOTAS_NET];

	if (!!number + !!is_default + !!of_net > 1) {
		NL_SET_ERR_MSG_ATTR(info->extack, is_default ?: of_net,
				    "user, network namespace and defaults exclude each other");
		return -EINVAL;
	}
	if (is_default)
		*uid = INVALID_UID;
	return number ? ipcshm_nl_uid_get(uid, number, info->extack) : 0;
}

static int quotas_reply(struct genl_info *info, const struct ipcshm_quotas *quotas)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &ipcshm_nl_family, 0, IPCSHM_CMD_QUOTA_GET);
	return ipcshm_nl_message_reply(skb, header, put_quotas(skb, quotas), info);
}

/* Return the bound of the socket's network namespace, or an error. */
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
		return quotas_reply(info, bound);
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPCSHM_A_QUOTAS_NET],
			    "the bound needs CAP_IPC_OWNER");
	return -EPERM;
}

static int quotas_get_as_opener(struct genl_info *info)
{
	struct ipcshm_quotas *quotas;
	kuid_t uid = current_fsuid();
	int err;

	err = choose_user(&uid, info);
	if (err)
		return err;
	if (info->attrs[IPCSHM_A_QUOTAS_NET])
		return bound_get(info);
	if (uid_valid(uid) && !quotas_are_visible(current_user_ns(), uid)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPCSHM_A_QUOTAS_UID],
				    "another user's quotas need CAP_IPC_OWNER");
		return -EPERM;
	}
	if (!uid_valid(uid))
		return quotas_reply(info, NULL);
	if (info->attrs[IPCSHM_A_QUOTAS_UID])
		quotas = ipcshm_quotas_of(current_user_ns(), uid);
	else
		quotas = ipcshm_registry_payer_get(ipcshm_registry_of(genl_info_net(info)));
	if (IS_ERR_OR_NULL(quotas))
		return -ENOMEM;
	err = quotas_reply(info, quotas);
	ipcshm_quotas_put(quotas);
	return err;
}

int ipcshm_nl_quota_get(struct sk_buff *request, struct genl_info *info)
{
	const struct cred *sender = ipcshm_nl_become_opener(request);
	int err = quotas_get_as_opener(info);

	revert_creds(sender);
	return err;
}

/**
 * struct quotas_dump - position of a dump of quotas
 * @next: reference to the first record that has not been visited, or NULL
 * @began: the defaults are in the dump
 */
struct quotas_dump {
	struct ipcshm_quotas *next;
	bool began;
};

static_assert(sizeof(struct quotas_dump) <= sizeof_field(struct netlink_callback, ctx));

int ipcshm_nl_quota_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = ipcshm_dump_attrs(cb);
	struct nlattr *any = attrs[IPCSHM_A_QUOTAS_UID] ?: attrs[IPCSHM_A_QUOTAS_DEFAULT] ?:
			     attrs[IPCSHM_A_QUOTAS_NET];

	*(struct quotas_dump *)cb->ctx = (struct quotas_dump){};
	if (!any)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, any, "one user's quotas are not a dump (clear NLM_F_DUMP)");
	return -EINVAL;
}

static int quotas_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct ipcshm_quotas *quotas)
{
	/* Concurrent additions and removals make the dump skip no other record. */
	void *header = ipcshm_nl_dump_begin(skb, cb, IPCSHM_CMD_QUOTA_GET, 1);

	return header ? ipcshm_nl_message_end(skb, header, put_quotas(skb, quotas)) : -EMSGSIZE;
}

static int quotas_dump_users(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct quotas_dump *dump = (struct quotas_dump *)cb->ctx;
	int err = 0;

	while (!err && dump->next) {
		const struct ipcshm_quotas *quotas = dump->next;

		if (!ipcshm_quotas_bound(quotas) &&
		    quotas_are_visible(ipcshm_quotas_ns(quotas), ipcshm_quotas_uid(quotas)))
			err = quotas_dump_one(skb, cb, quotas);
		if (!err)
			dump->next = ipcshm_quotas_next(dump->next);
		cond_resched();
	}
	return ipcshm_nl_dump_end(skb, err);
}

int ipcshm_nl_quota_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct quotas_dump *dump = (struct quotas_dump *)cb->ctx;
	const struct cred *reader = ipcshm_nl_become_opener(cb->skb);
	int len = 0;

	if (!dump->began)
		len = quotas_dump_one(skb, cb, NULL);
	if (!dump->began)
		dump->next = ipcshm_quotas_next(NULL);
	dump->began = true;
	if (!len)
		len = quotas_dump_users(skb, cb);
	revert_creds(reader);
	return len;
}

int ipcshm_nl_quota_dump_done(struct netlink_callback *cb)
{
	ipcshm_quotas_put(((struct quotas_dump *)cb->ctx)->next);
	return 0;
}

/**
 * struct quotas_change - a request to set quotas
 * @uid: the user, or INVALID_UID for the defaults
 * @is_recorded: sets quotas of a user or of a network namespace, not the defaults
 * @given: bit mask of the quotas to set
 * @max: new maximum of each quota in @given
 */
struct quotas_change {
	kuid_t uid;
	bool is_recorded;
	u32 given;
	u64 max[IPCSHM_NR_QUOTAS];
};

static int quota_change_get(struct quotas_change *change, enum ipcshm_quota_type quota,
			    const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[IPCSHM_A_QUOTA_OWN + 1];
	const struct nlattr *other;
	u64 max;
	int err;

	err = nla_parse_nested(attrs, IPCSHM_A_QUOTA_OWN, attr, ipcshm_quota_nl_policy, extack);
	if (err)
		return err;
	other = attrs[IPCSHM_A_QUOTA_USED] ?: attrs[IPCSHM_A_QUOTA_OWN];
	if (other) {
		NL_SET_ERR_MSG_ATTR(extack, other, "only the maximum can be set");
		return -EINVAL;
	}
	if (NL_REQ_ATTR_CHECK(extack, attr, attrs, IPCSHM_A_QUOTA_MAXIMUM)) {
		NL_SET_ERR_MSG(extack, "the maximum is missing");
		return -EINVAL;
	}
	max = nla_get_u64(attrs[IPCSHM_A_QUOTA_MAXIMUM]);
	if (max > IPCSHM_QUOTA_MAX &&
	    !(max == IPCSHM_QUOTA_FOLLOW_DEFAULT && change->is_recorded)) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[IPCSHM_A_QUOTA_MAXIMUM],
				    "the maximum is out of range");
		return -ERANGE;
	}
	change->max[quota] = max;
	change->given |= BIT(quota);
	return 0;
}

static int quotas_change_get(struct quotas_change *change, struct genl_info *info)
{
	int quota, err;

	*change = (struct quotas_change){ .uid = INVALID_UID };
	if (!info->attrs[IPCSHM_A_QUOTAS_UID] && !info->attrs[IPCSHM_A_QUOTAS_DEFAULT] &&
	    !info->attrs[IPCSHM_A_QUOTAS_NET]) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, IPCSHM_A_QUOTAS_UID);
		GENL_SET_ERR_MSG(info, "needs a user, a network namespace or the defaults");
		return -EINVAL;
	}
	err = choose_user(&change->uid, info);
	change->is_recorded = uid_valid(change->uid) || info->attrs[IPCSHM_A_QUOTAS_NET];
	for (quota = 0; quota < IPCSHM_NR_QUOTAS && !err; quota++) {
		const struct nlattr *attr = info->attrs[IPCSHM_A_QUOTAS_OBJECTS + quota];

		if (attr)
			err = quota_change_get(change, quota, attr, info->extack);
	}
	if (!err && !change->given) {
		GENL_SET_ERR_MSG(info, "needs at least one quota");
		err = -EINVAL;
	}
	return err;
}

/* Both the socket's opener and the sender need the capability. */
static bool may_set_quotas(const struct sk_buff *request, struct user_namespace *ns)
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

static int quotas_apply(struct genl_info *info, struct ipcshm_quotas *quotas,
			const struct quotas_change *change,
			u64 (*ceiling)(const struct ipcshm_quotas *quotas,
				       enum ipcshm_quota_type quota))
{
	int quota;

	for (quota = 0; quota < IPCSHM_NR_QUOTAS && ceiling; quota++) {
		if (change->given & BIT(quota) &&
		    change->max[quota] != IPCSHM_QUOTA_FOLLOW_DEFAULT &&
		    change->max[quota] > ceiling(quotas, quota))
			return refuse_ceiling(info, quota);
	}
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		if (change->given & BIT(quota))
			ipcshm_quotas_set(quotas, quota, change->max[quota]);
	}
	return 0;
}

static int set_check_rights(const struct sk_buff *request, struct genl_info *info)
{
	struct user_namespace *of_net = genl_info_net(info)->user_ns;
	struct user_namespace *ns = current_user_ns();

	if (info->attrs[IPCSHM_A_QUOTAS_NET]) {
		if (may_set_quotas(request, of_net))
			return 0;
		GENL_SET_ERR_MSG(info, "needs CAP_SYS_RESOURCE over the network namespace");
	} else if (!info->attrs[IPCSHM_A_QUOTAS_UID]) {
		if (may_set_quotas(request, &init_user_ns))
			return 0;
		GENL_SET_ERR_MSG(info, "needs CAP_SYS_RESOURCE in the initial user namespace");
	} else if (!may_set_quotas(request, ns)) {
		GENL_SET_ERR_MSG(info, "needs CAP_SYS_RESOURCE in the caller's user namespace");
	} else {
		if (ns == &init_user_ns || of_net == ns)
			return 0;
		GENL_SET_ERR_MSG(info, "needs a network namespace of the caller's user namespace");
	}
	return -EPERM;
}

static u64 default_ceiling(const struct ipcshm_quotas *quotas, enum ipcshm_quota_type quota)
{
	return ipcshm_quotas_bound_default(quota);
}

/* The administrator of a namespace can lower its bound; the machine's can set any value. */
static int bound_set(const struct sk_buff *request, struct genl_info *info,
		     const struct quotas_change *change)
{
	struct ipcshm_quotas *bound = bound_of(info);

	if (IS_ERR(bound))
		return PTR_ERR(bound);
	return quotas_apply(info, bound, change,
			    may_set_quotas(request, &init_user_ns) ? NULL : default_ceiling);
}

/* Set quotas of a user of the caller's user namespace. */
static int user_set(struct genl_info *info, const struct quotas_change *change)
{
	struct user_namespace *ns = current_user_ns();
	struct ipcshm_quotas *quotas;
	int err;

	quotas = ipcshm_quotas_of(ns, change->uid);
	if (!quotas)
		return -ENOMEM;
	err = quotas_apply(info, quotas, change, ipcshm_quotas_ceiling);
	if (!err && ns != &init_user_ns)
		ipcshm_registry_keep(ipcshm_registry_of(genl_info_net(info)), quotas);
	ipcshm_quotas_put(quotas);
	return err;
}

int ipcshm_nl_quota_set(struct sk_buff *request, struct genl_info *info)
{
	struct quotas_change change;
	int err = set_check_rights(request, info);

	if (!err)
		err = quotas_change_get(&change, info);
	if (err)
		return err;
	if (info->attrs[IPCSHM_A_QUOTAS_NET])
		return bound_set(request, info, &change);
	if (uid_valid(change.uid))
		return user_set(info, &change);
	return quotas_apply(info, NULL, &change, NULL);
}
