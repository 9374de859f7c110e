// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notifications to subscribers.
 *
 * The acting task makes the message, and puts it into a queue of its network namespace.
 * A notification gets its number and its place among the others under one lock:
 * subscribers get notifications in order, and a missing number was lost.  A work item
 * hands messages to the subscribers.
 */
#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/netns/generic.h>

#include "netlink_notify.h"
#include "uapi/linux/ipcshm.h"

/* Messages that wait for the work item, and how many of them it handles at a time. */
#define QUEUE_MAX	4096
#define TURN		32

/**
 * struct events - those of a network namespace
 * @lock: protects all below
 * @seq: the last one's number
 * @lost: how many of the last ones are not in @queue, because they are lost
 * @queue: messages, in order
 * @net: whose; immutable
 * @work: hands them to the listeners
 */
struct events {
	spinlock_t lock;	/* the order of events */
	u64 seq;
	u64 lost;
	struct sk_buff_head queue;
	struct net *net;
	struct work_struct work;
};

/* The number, and all that an event can have. */
#define EVENT_SIZE (12 * nla_total_size_64bit(sizeof(u64)) + nla_total_size(IPCSHM_NAME_MAX + 1))

static unsigned int net_id;
static const struct genl_family *family;	/* NULL: there can be no listeners */
static struct workqueue_struct *workqueue;

static int put_event_object(struct sk_buff *skb, const struct ipcshm_notification *event)
{
	if (!event->id)
		return 0;
	if (nla_put_u64_64bit(skb, IPCSHM_A_NOTIFY_ID, event->id, IPCSHM_A_NOTIFY_PAD) ||
	    nla_put_u32(skb, IPCSHM_A_NOTIFY_KIND, event->kind))
		return -EMSGSIZE;
	return event->name ? nla_put_string(skb, IPCSHM_A_NOTIFY_NAME, event->name) : 0;
}

static int put_details(struct sk_buff *skb, const struct ipcshm_notification *event)
{
	switch (event->type) {
	case IPCSHM_NOTIFY_TYPE_JOIN:
		return nla_put_u32(skb, IPCSHM_A_NOTIFY_TOKEN, event->token);
	case IPCSHM_NOTIFY_TYPE_LEAVE:
	case IPCSHM_NOTIFY_TYPE_DEATH:
		return nla_put_u32(skb, IPCSHM_A_NOTIFY_TOKEN, event->token) ?:
		       nla_put_u32(skb, IPCSHM_A_NOTIFY_END, event->end) ?:
		       nla_put_u32(skb, IPCSHM_A_NOTIFY_CODE, event->code);
	case IPCSHM_NOTIFY_TYPE_DROP:
		return nla_put_u64_64bit(skb, IPCSHM_A_NOTIFY_MESSAGES, event->messages,
					 IPCSHM_A_NOTIFY_PAD);
	case IPCSHM_NOTIFY_TYPE_QUOTA:
		return nla_put_u32(skb, IPCSHM_A_NOTIFY_QUOTA, event->quota) ?:
		       nla_put_u64_64bit(skb, IPCSHM_A_NOTIFY_AMOUNT, event->amount,
					 IPCSHM_A_NOTIFY_PAD);
	case IPCSHM_NOTIFY_TYPE_LOST:
		return nla_put_u64_64bit(skb, IPCSHM_A_NOTIFY_AMOUNT, event->amount,
					 IPCSHM_A_NOTIFY_PAD);
	default:
		return 0;
	}
}

static int put_uid(struct sk_buff *skb, const struct net *net, kuid_t uid)
{
	return nla_put_u32(skb, IPCSHM_A_NOTIFY_UID, from_kuid_munged(net->user_ns, uid));
}

/*
 * Subscribers may be in any PID namespace, so the process's own is used. A kernel thread, which
 * completes what a process has begun, is no actor.
 */
static int put_actor(struct sk_buff *skb, const struct net *net,
		     const struct ipcshm_notification *event)
{
	bool is_process = !(current->flags & PF_KTHREAD);

	if (event->type == IPCSHM_NOTIFY_TYPE_LOST)
		return 0;
	if (is_process && nla_put_u32(skb, IPCSHM_A_NOTIFY_PID, task_tgid_vnr(current)))
		return -EMSGSIZE;
	if (event->type == IPCSHM_NOTIFY_TYPE_QUOTA)
		return put_uid(skb, net, event->uid);
	return is_process ? put_uid(skb, net, current_uid()) : 0;
}

/**
 * struct marks - where the parts of a message are that are filled in with its place in the queue
 * @seq: its number
 * @time: when it got that
 */
struct marks {
	void *seq;
	void *time;
};

static struct marks *marks_of(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct marks) > sizeof_field(struct sk_buff, cb));
	return (struct marks *)skb->cb;
}

static int reserve_attr(struct sk_buff *skb, int type, void **mark)
{
	struct nlattr *attr = nla_reserve_64bit(skb, type, sizeof(u64), IPCSHM_A_NOTIFY_PAD);

	if (!attr)
		return -EMSGSIZE;
	*mark = nla_data(attr);
	return 0;
}

static int put_all(struct sk_buff *skb, const struct net *net,
		   const struct ipcshm_notification *event)
{
	return reserve_attr(skb, IPCSHM_A_NOTIFY_SEQ, &marks_of(skb)->seq) ?:
	       nla_put_u32(skb, IPCSHM_A_NOTIFY_TYPE, event->type) ?:
	       reserve_attr(skb, IPCSHM_A_NOTIFY_TIME, &marks_of(skb)->time) ?:
	       put_event_object(skb, event) ?: put_actor(skb, net, event) ?:
	       put_details(skb, event);
}

static struct sk_buff *make_message(const struct net *net, const struct ipcshm_notification *event,
				    gfp_t gfp)
{
	const struct genl_family *from = READ_ONCE(family);
	struct sk_buff *skb = genlmsg_new(EVENT_SIZE, gfp | __GFP_NOWARN | __GFP_ACCOUNT);
	void *header;

	if (!skb)
		return NULL;
	header = genlmsg_put(skb, 0, 0, from, 0, IPCSHM_CMD_NOTIFY);
	if (WARN_ON_ONCE(!header || put_all(skb, net, event))) {
		kfree_skb(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

static void fill_marks(struct sk_buff *skb, u64 seq)
{
	u64 now = ktime_get_real_ns();

	memcpy(marks_of(skb)->seq, &seq, sizeof(seq));
	memcpy(marks_of(skb)->time, &now, sizeof(now));
}

/* Returns whether it is in the queue; if not, it is lost. */
static bool enqueue_event(struct events *events, struct sk_buff *skb)
{
	lockdep_assert_held(&events->lock);
	events->seq++;
	if (!skb || events->queue.qlen >= QUEUE_MAX) {
		events->lost++;
		return false;
	}
	fill_marks(skb, events->seq);
	__skb_queue_tail(&events->queue, skb);
	events->lost = 0;	/* this one leaves a gap, by which it is noticed */
	return true;
}

/**
 * ipcshm_notify - notify listeners of an event, if there are any
 * @net: whose; the caller sees to it that it stays
 * @event: the event
 *
 * The work for the listeners is done later, so their number costs the caller nothing.
 * Without memory, or if the queue is full, the event is lost, which listeners notice.
 * Doesn't sleep.  Numbers count events while there are listeners.
 */
void ipcshm_notify(struct net *net, const struct ipcshm_notification *event)
{
	struct events *events = net_generic(net, net_id);
	struct sk_buff *skb;
	bool queued;

	if (!READ_ONCE(family) || !genl_has_listeners(family, net, 0))
		return;
	skb = make_message(net, event, GFP_NOWAIT);
	spin_lock(&events->lock);
	queued = enqueue_event(events, skb);
	spin_unlock(&events->lock);
	if (!queued)
		kfree_skb(skb);
	queue_work(workqueue, &events->work);
}

/* The report of lost notifications has the number of the last one. */
static struct sk_buff *make_loss_report(struct events *events)
{
	struct ipcshm_notification event = {
		.type = IPCSHM_NOTIFY_TYPE_LOST,
		.amount = READ_ONCE(events->lost),
	};
	struct sk_buff *skb;
	bool holds;

	if (!event.amount)
		return NULL;
	skb = make_message(events->net, &event, GFP_KERNEL);
	if (!skb)
		return NULL;
	spin_lock(&events->lock);
	/* Not if more have been lost since, or a queued one leaves a gap. */
	holds = events->lost == event.amount;
	if (holds) {
		fill_marks(skb, events->seq);
		events->lost = 0;
	}
	spin_unlock(&events->lock);
	if (holds)
		return skb;
	kfree_skb(skb);
	return NULL;
}

static struct sk_buff *dequeue_event(struct events *events)
{
	struct sk_buff *skb;

	spin_lock(&events->lock);
	skb = __skb_dequeue(&events->queue);
	spin_unlock(&events->lock);
	return skb ?: make_loss_report(events);
}

/*
 * Returns whether there is more.  A listener's copy is an allocation that can sleep, and
 * so lets other tasks run between two listeners.
 */
static bool deliver_messages(struct events *events, unsigned int count)
{
	struct sk_buff *skb;

	while (count--) {
		skb = dequeue_event(events);
		if (!skb)
			return false;
		memset(skb->cb, 0, sizeof(skb->cb));
		genlmsg_multicast_netns(family, events->net, skb, 0, 0, GFP_KERNEL);
		cond_resched();
	}
	return true;
}

static void events_work(struct work_struct *work)
{
	struct events *events = container_of(work, struct events, work);

	if (deliver_messages(events, TURN))
		queue_work(workqueue, work);	/* behind other namespaces */
}

static int __net_init events_start(struct net *net)
{
	struct events *events = net_generic(net, net_id);

	spin_lock_init(&events->lock);
	__skb_queue_head_init(&events->queue);
	events->net = net;
	INIT_WORK(&events->work, events_work);
	return 0;
}

/*
 * The namespace has ended; listeners of other namespaces, which can listen to all, get
 * the rest of its notifications.
 */
static void __net_exit events_end(struct net *net)
{
	struct events *events = net_generic(net, net_id);

	cancel_work_sync(&events->work);
	if (family)
		deliver_messages(events, QUEUE_MAX + 1);
	__skb_queue_purge(&events->queue);
}

static struct pernet_operations net_ops = {
	.init = events_start,
	.exit = events_end,
	.id = &net_id,
	.size = sizeof(struct events),
};

int ipcshm_notify_init(void)
{
	int err;

	workqueue = alloc_workqueue("ipcshm-events", WQ_UNBOUND, 0);
	if (!workqueue)
		return -ENOMEM;
	err = register_pernet_subsys(&net_ops);
	if (err)
		destroy_workqueue(workqueue);
	return err;
}

void ipcshm_notify_exit(void)
{
	unregister_pernet_subsys(&net_ops);
	destroy_workqueue(workqueue);
}

/* Sets the family of the subscribers, before the first notification. */
void ipcshm_notify_use(const struct genl_family *to)
{
	WRITE_ONCE(family, to);
}

/* Send all pending notifications; there are no later ones. */
void ipcshm_notify_stop(void)
{
	drain_workqueue(workqueue);
	WRITE_ONCE(family, NULL);
}
