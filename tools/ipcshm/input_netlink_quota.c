// SPDX-License-Identifier: GPL-2.0-only
/* Quotas over netlink: a nest for each, in the order of enum ipcshm_quota_type. */
#include <errno.h>
#include <string.h>

#include "input_netlink_internal.h"

static int read_quota(const struct nlattr *attribute, void *data)
{
	struct quota *quota = data;
	uint16_t type = mnl_attr_get_type(attribute);
	bool is_u64 = mnl_attr_get_payload_len(attribute) == sizeof(uint64_t);

	if (type == IPCSHM_A_QUOTA_USED && is_u64) {
		quota->has_used = true;
		quota->used = mnl_attr_get_u64(attribute);
	} else if (type == IPCSHM_A_QUOTA_MAXIMUM && is_u64) {
		quota->has_max = true;
		quota->max = mnl_attr_get_u64(attribute);
	} else if (type == IPCSHM_A_QUOTA_OWN) {
		quota->own = true;
	}
	return MNL_CB_OK;
}

static void read_u32(const struct nlattr *attribute, uint32_t *number, bool *is_set)
{
	if (mnl_attr_get_payload_len(attribute) != sizeof(*number))
		return;
	*number = mnl_attr_get_u32(attribute);
	*is_set = true;
}

static int read_quotas_attribute(const struct nlattr *attribute, void *data)
{
	struct quotas *quotas = data;
	unsigned int type = mnl_attr_get_type(attribute);
	unsigned int quota = type - IPCSHM_A_QUOTAS_OBJECTS;

	if (type == IPCSHM_A_QUOTAS_DEFAULT)
		quotas->is_default = true;
	else if (type == IPCSHM_A_QUOTAS_NET)
		quotas->is_net = true;
	else if (type == IPCSHM_A_QUOTAS_UID)
		read_u32(attribute, &quotas->uid, &quotas->has_uid);
	else if (type == IPCSHM_A_QUOTAS_USER_NS)
		read_u32(attribute, &quotas->user_ns, &quotas->has_user_ns);
	else if (type >= IPCSHM_A_QUOTAS_OBJECTS && quota < QUOTAS)
		return mnl_attr_parse_nested(attribute, read_quota, &quotas->quota[quota]);
	return MNL_CB_OK;
}

static int read_quotas(const struct nlmsghdr *header, void *data)
{
	memset(data, 0, sizeof(struct quotas));
	mnl_attr_parse(header, sizeof(struct genlmsghdr), read_quotas_attribute, data);
	return 0;
}

static void put_payer(struct nlmsghdr *header, const struct quotas *quotas)
{
	if (quotas->is_default)
		mnl_attr_put(header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	else if (quotas->is_net)
		mnl_attr_put(header, IPCSHM_A_QUOTAS_NET, 0, NULL);
	else if (quotas->has_uid)
		mnl_attr_put_u32(header, IPCSHM_A_QUOTAS_UID, quotas->uid);
}

int netlink_quotas(struct netlink *netlink, struct quotas *quotas)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_QUOTA_GET, NLM_F_ACK);

	put_payer(header, quotas);
	return exchange_messages(netlink, header, read_quotas, quotas);
}

struct all_quotas {
	int (*each)(const struct quotas *quotas, void *data);
	void *data;
};

static int each_quotas(const struct nlmsghdr *header, void *data)
{
	const struct all_quotas *all = data;
	struct quotas quotas;

	read_quotas(header, &quotas);
	return all->each(&quotas, all->data);
}

int netlink_all_quotas(struct netlink *netlink,
		       int (*each)(const struct quotas *quotas, void *data), void *data)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_QUOTA_GET, NLM_F_DUMP);
	struct all_quotas all = { each, data };

	return exchange_messages(netlink, header, each_quotas, &all);
}

int netlink_bound(struct netlink *netlink, int (*each)(const struct quotas *quotas, void *data),
		  void *data)
{
	struct quotas bound = { .is_net = true };
	int err = netlink_quotas(netlink, &bound);

	if (err == -EOPNOTSUPP || err == -EPERM)
		return 0;
	return err < 0 ? err : each(&bound, data);
}

int netlink_set_quotas(struct netlink *netlink, const struct quotas *quotas)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_QUOTA_SET, NLM_F_ACK);

	put_payer(header, quotas);
	for (unsigned int i = 0; i < QUOTAS; i++) {
		struct nlattr *nest;

		if (!quotas->quota[i].has_max)
			continue;
		nest = mnl_attr_nest_start(header, (uint16_t)(IPCSHM_A_QUOTAS_OBJECTS + i));
		mnl_attr_put_u64(header, IPCSHM_A_QUOTA_MAXIMUM, quotas->quota[i].max);
		mnl_attr_nest_end(header, nest);
	}
	return request_action(netlink, header);
}
