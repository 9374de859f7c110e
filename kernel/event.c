// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling listeners what happens.
 *
 * The number of an event and its place among the others are given to it under one
 * lock: who listens sees them in order, and what is missing was lost.  Nothing
 * here sleeps, so that it can be told under whatever locks it happened under.
 */
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/netns/generic.h>

#include "event.h"
#include "uapi/linux/ipcshm.h"

/**
 * struct events - those of a network namespace
 * @lock: what is told, is told in order
 * @seq: the last one's number; protected by @lock
 */
struct events {
	spinlock_t lock;	/* the order of events */
	u64 seq;
};

/* The number, and all that an event can have. */
#define EVENT_SIZE (12 * nla_total_size_64bit(sizeof(u64)) + nla_total_size(IPCSHM_NAME_MAX + 1))

static unsigned int net_id;
static const struct genl_family *family;	/* set before anything can happen */

static int put_object(struct sk_buff *skb, const struct ipcshm_event *event)
{
	if (!event->id)
		return 0;
	if (nla_put_u64_64bit(skb, IPCSHM_A_EVENT_ID, event->id, IPCSHM_A_EVENT_PAD) ||
	    nla_put_u32(skb, IPCSHM_A_EVENT_KIND, event->kind))
		return -EMSGSIZE;
	return event->name ? nla_put_string(skb, IPCSHM_A_EVENT_NAME, event->name) : 0;
}

static int put_details(struct sk_buff *skb, const struct ipcshm_event *event)
{
	switch (event->type) {
	case IPCSHM_EVENT_TYPE_JOIN:
	case IPCSHM_EVENT_TYPE_LEAVE:
	case IPCSHM_EVENT_TYPE_DEATH:
		return nla_put_u32(skb, IPCSHM_A_EVENT_TOKEN, event->token);
	case IPCSHM_EVENT_TYPE_DROP:
		return nla_put_u64_64bit(skb, IPCSHM_A_EVENT_MESSAGES, event->messages,
					 IPCSHM_A_EVENT_PAD);
	case IPCSHM_EVENT_TYPE_QUOTA:
		return nla_put_u32(skb, IPCSHM_A_EVENT_QUOTA, event->quota) ?:
		       nla_put_u64_64bit(skb, IPCSHM_A_EVENT_AMOUNT, event->amount,
					 IPCSHM_A_EVENT_PAD);
	default:
		return 0;
	}
}

/* A PID namespace has nothing to do with those who listen: a process's own is used. */
static int put_actor(struct sk_buff *skb, const struct net *net, const struct ipcshm_event *event)
{
	kuid_t uid = event->type == IPCSHM_EVENT_TYPE_QUOTA ? event->uid : current_uid();

	return nla_put_u32(skb, IPCSHM_A_EVENT_PID, task_tgid_vnr(current)) ?:
	       nla_put_u32(skb, IPCSHM_A_EVENT_UID, from_kuid_munged(net->user_ns, uid));
}

static int put_all(struct sk_buff *skb, const struct net *net, const struct ipcshm_event *event,
		   u64 seq)
{
	return nla_put_u64_64bit(skb, IPCSHM_A_EVENT_SEQ, seq, IPCSHM_A_EVENT_PAD) ?:
	       nla_put_u32(skb, IPCSHM_A_EVENT_TYPE, event->type) ?:
	       nla_put_u64_64bit(skb, IPCSHM_A_EVENT_TIME, ktime_get_real_ns(),
				 IPCSHM_A_EVENT_PAD) ?:
	       put_object(skb, event) ?: put_actor(skb, net, event) ?: put_details(skb, event);
}

static struct sk_buff *message(const struct net *net, const struct ipcshm_event *event, u64 seq)
{
	struct sk_buff *skb = genlmsg_new(EVENT_SIZE, GFP_NOWAIT | __GFP_NOWARN);
	void *header;

	if (!skb)
		return NULL;
	header = genlmsg_put(skb, 0, 0, family, 0, IPCSHM_CMD_EVENT);
	if (WARN_ON_ONCE(!header || put_all(skb, net, event, seq))) {
		kfree_skb(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

/* Without memory for it the event is lost, and listeners are told that one was. */
static void broadcast(struct net *net, const struct ipcshm_event *event, u64 seq)
{
	struct sk_buff *skb = message(net, event, seq);

	if (skb)
		genlmsg_multicast_netns(family, net, skb, 0, 0, GFP_NOWAIT | __GFP_NOWARN);
	else
		genl_set_err(family, net, 0, 0, -ENOBUFS);
}

/**
 * ipcshm_event_send - tell listeners of an event, if there are any
 * @net: whose; the caller sees to it that it stays
 * @event: what has happened
 *
 * Numbers count what was told: as long as nobody listens nothing is.
 */
void ipcshm_event_send(struct net *net, const struct ipcshm_event *event)
{
	struct events *events = net_generic(net, net_id);

	if (!genl_has_listeners(family, net, 0))
		return;
	spin_lock(&events->lock);
	broadcast(net, event, ++events->seq);
	spin_unlock(&events->lock);
}

static int __net_init net_start(struct net *net)
{
	struct events *events = net_generic(net, net_id);

	spin_lock_init(&events->lock);
	return 0;
}

static struct pernet_operations net_ops = {
	.init = net_start,
	.id = &net_id,
	.size = sizeof(struct events),
};

int ipcshm_events_init(void)
{
	return register_pernet_subsys(&net_ops);
}

void ipcshm_events_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}

/* Which family tells; before there are any events. */
void ipcshm_events_use(const struct genl_family *to)
{
	family = to;
}
