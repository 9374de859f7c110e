// SPDX-License-Identifier: GPL-2.0-only
/* Each network namespace has a registry of its objects, and a bound of their quotas. */
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "object.h"
#include "quota.h"
#include "registry.h"
#include "registry_internal.h"

static unsigned int net_id;

/*
 * A number discloses nothing about other namespaces, and hardly ever exists in another
 * namespace as well.  It is at most 2^53, which JSON can hold.
 */
static u64 first_id(const struct net *net)
{
	return net_eq(net, &init_net) ? 0 : (u64)(get_random_u32() | BIT(31)) << 21;
}

static struct ipcshm_registry *registry_create(const struct net *net)
{
	struct ipcshm_registry *registry;
	int err = -ENOMEM;

	registry = kzalloc(sizeof(*registry), GFP_KERNEL_ACCOUNT);
	if (!registry)
		return ERR_PTR(-ENOMEM);
	if (!net_eq(net, &init_net)) {
		registry->bound = ipcshm_quotas_create_bound();
		if (!registry->bound)
			goto free;
	}
	err = ipcshm_names_init(registry);
	if (err)
		goto put_bound;
	refcount_set(&registry->refs, 1);
	registry->user_ns = get_user_ns(net->user_ns);
	mutex_init(&registry->lock);
	INIT_LIST_HEAD(&registry->quotas);
	atomic64_set(&registry->last_id, first_id(net));
	return registry;

put_bound:
	ipcshm_quotas_put(registry->bound);
free:
	kfree(registry);
	return ERR_PTR(err);
}

void ipcshm_registry_put(struct ipcshm_registry *registry)
{
	if (!refcount_dec_and_test(&registry->refs))
		return;
	ipcshm_names_destroy(registry);
	ipcshm_quotas_put(registry->bound);
	put_user_ns(registry->user_ns);
	mutex_destroy(&registry->lock);
	kfree(registry);
}

/* Names that are taken from their objects before the lock is dropped. */
#define NAME_BATCH 64

/* Returns whether there may be more names. */
static bool names_unlink(struct ipcshm_registry *registry)
{
	struct ipcshm_object *object, *next;
	LIST_HEAD(drop);
	int count = 0;

	mutex_lock(&registry->lock);
	list_for_each_entry_safe(object, next, &registry->named, named) {
		if (count++ == NAME_BATCH)
			break;
		if (ipcshm_name_unlink(object))
			list_add(&object->named, &drop);
	}
	mutex_unlock(&registry->lock);
	list_for_each_entry_safe(object, next, &drop, named)
		ipcshm_object_put(object);
	return count > NAME_BATCH;
}

/* The names go with their namespace; an object that is in use stays without. */
static void registry_end(struct ipcshm_registry *registry)
{
	mutex_lock(&registry->lock);
	registry->dead = true;		/* from here on no name is given */
	mutex_unlock(&registry->lock);
	while (names_unlink(registry))
		cond_resched();
}

static struct ipcshm_registry **registry_slot(const struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init netns_start(struct net *net)
{
	struct ipcshm_registry *registry = registry_create(net);

	if (IS_ERR(registry))
		return PTR_ERR(registry);
	rcu_assign_pointer(registry->net, net);
	*registry_slot(net) = registry;
	return 0;
}

/* Between this and netns_end(), RCU's readers are waited for. */
static void __net_exit netns_pre_end(struct net *net)
{
	RCU_INIT_POINTER((*registry_slot(net))->net, NULL);
}

static void __net_exit netns_end(struct net *net)
{
	struct ipcshm_registry *registry = *registry_slot(net);

	registry_end(registry);
	ipcshm_quotas_unkeep_all(&registry->quotas);
	ipcshm_registry_put(registry);
}

static struct pernet_operations net_ops = {
	.init = netns_start,
	.pre_exit = netns_pre_end,
	.exit = netns_end,
	.id = &net_id,
	.size = sizeof(struct ipcshm_registry *),
};

/* The registry of a network namespace, as long as that is there. */
struct ipcshm_registry *ipcshm_registry_of(const struct net *net)
{
	return *registry_slot(net);
}

/* The registry of the network namespace that the caller is in, with a reference. */
struct ipcshm_registry *ipcshm_registry_get_current(void)
{
	struct ipcshm_registry *registry = ipcshm_registry_of(current->nsproxy->net_ns);

	refcount_inc(&registry->refs);
	return registry;
}

/**
 * ipcshm_registry_payer_get - the record that pays for charges of the current task
 * @registry: where it gets it
 *
 * Return: a reference, for ipcshm_quotas_put(), or an error pointer: -ENOMEM.
 */
struct ipcshm_quotas *ipcshm_registry_payer_get(const struct ipcshm_registry *registry)
{
	return ipcshm_quotas_get_current(registry->bound);
}

/* The quotas of all users together, or NULL: no bound besides their own. */
struct ipcshm_quotas *ipcshm_registry_bound(const struct ipcshm_registry *registry)
{
	return registry->bound;
}

/* Keep a record as long as the network namespace exists. */
void ipcshm_registry_keep(struct ipcshm_registry *registry, struct ipcshm_quotas *quotas)
{
	ipcshm_quotas_keep(quotas, &registry->quotas);
}

int ipcshm_registry_init(void)
{
	return register_pernet_subsys(&net_ops);
}

void ipcshm_registry_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
