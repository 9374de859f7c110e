// SPDX-License-Identifier: GPL-2.0-only
/* Calls: requests, replies, and calls whose callers were interrupted. */
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "gfp.h"
#include "quota.h"
#include "queue_internal.h"

/**
 * struct interrupted_call - a call whose request was received and whose caller was interrupted
 * @call: the call, moved here from the caller's stack
 * @criteria: criteria of @call
 * @payer: payer of the caller's descriptor, to which a kept reply is charged
 * @process: the caller, or NULL if it has given up; protected by the queue's lock
 * @by_id: node in the interrupted calls of @process
 * @id: its id for resuming: its request_id when it was interrupted
 * @timeout: timeout of the task that waited last
 * @busy: a task waits for it, and will free it; protected by the queue's lock
 */
struct interrupted_call {
	struct ipcshm_caller call;
	struct ipcshm_criteria criteria;
	struct ipcshm_quotas *payer;
	struct ipcshm_process *process;
	struct rb_node by_id;
	u64 id;
	struct ipcshm_timeout timeout;
	bool busy;
};

/* Calls, under the queue's lock. */

/* Remove a call from its queue file. */
static void call_unbind(struct ipcshm_caller *call)
{
	if (!call->qfile)
		return;
	rb_erase(&call->by_request_id, &call->qfile->calls);
	WRITE_ONCE(call->qfile->nr_calls, call->qfile->nr_calls - 1);
	ipcshm_ring_remove(&call->by_process);
	INIT_LIST_HEAD(&call->by_process);
	call->qfile = NULL;
}

void ipcshm_call_complete(struct ipcshm_queue *queue, struct ipcshm_caller *call, int result,
			  struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	call_unbind(call);
	ipcshm_ring_remove(&call->link);
	queue->nr_calls--;
	ipcshm_waits_remove(&call->waiter);
	if (call->waiter.task) {
		ipcshm_waiter_complete(&call->waiter, result, &effects->wakeups);
		return;
	}
	call->waiter.result = result;
	call->waiter.done = true;
	effects->steps++;	/* no task is woken */
}

static bool request_id_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipcshm_caller, by_request_id)->request_id <
	       rb_entry(b, struct ipcshm_caller, by_request_id)->request_id;
}

/*
 * Bind the call of a received request to the queue file, and to the process if that is registered
 * already: see calls_adopt().
 */
void ipcshm_call_begin(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		       struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	struct ipcshm_caller *call = msg->caller;

	lockdep_assert_held(&queue->lock);
	msg->caller = NULL;
	msg->request_id = ++queue->request_id;
	call->request = NULL;
	call->qfile = qfile;
	call->request_id = msg->request_id;
	rb_add(&call->by_request_id, &qfile->calls, request_id_less);
	WRITE_ONCE(qfile->nr_calls, qfile->nr_calls + 1);
	if (process)
		ipcshm_ring_add(&call->by_process, &process->calls);
}

static int request_id_compare(const void *key, const struct rb_node *node)
{
	const struct ipcshm_caller *call = rb_entry(node, struct ipcshm_caller, by_request_id);
	u64 request_id = *(const u64 *)key;

	return request_id < call->request_id ? -1 : request_id > call->request_id;
}

struct ipcshm_caller *ipcshm_call_find(struct ipcshm_queue_file *qfile, u64 request_id)
{
	struct rb_node *node = rb_find(&request_id, &qfile->calls, request_id_compare);

	lockdep_assert_held(&qfile->queue->lock);
	return rb_entry_safe(node, struct ipcshm_caller, by_request_id);
}

/* Undo the receipt of a request that was not delivered. Return false if its caller has gone. */
bool ipcshm_call_rewind(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg)
{
	struct ipcshm_caller *call = ipcshm_call_find(qfile, msg->request_id);

	lockdep_assert_held(&qfile->queue->lock);
	if (!call)
		return false;
	call_unbind(call);
	call->request = msg;
	msg->caller = call;
	return true;
}

/* End a call without a reply. Withdraw its request if it has not been received. */
void ipcshm_call_end(struct ipcshm_queue *queue, struct ipcshm_caller *call, int result,
		     struct queue_effects *effects)
{
	struct ipcshm_msg *request = call->request;

	lockdep_assert_held(&queue->lock);
	if (request) {
		if (request->sender) {
			ipcshm_queue_unblock(queue, request);
		} else {
			dequeue_message(queue, request);
			ipcshm_queue_count_drop(queue, request, effects);
		}
		list_add_tail(&request->place.equals, &effects->garbage);
	}
	ipcshm_call_complete(queue, call, result, effects);
	admit_blocked(queue, effects);
}

/* Waiting for the reply. */

/* End a call that its caller gives up. Once its request was received, it must not restart. */
static int call_leave(struct ipcshm_queue *queue, struct ipcshm_caller *call, int err)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	if (!call->waiter.done) {
		if (err == -ERESTARTSYS && !call->request)
			err = -EINTR;
		ipcshm_call_end(queue, call, err, &effects);
	}
	queue_unlock(queue, &effects, 0);
	return call->waiter.result;
}

/* Interrupted calls. */

static bool interrupted_id_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct interrupted_call, by_id)->id <
	       rb_entry(b, struct interrupted_call, by_id)->id;
}

static int interrupted_id_compare(const void *key, const struct rb_node *node)
{
	u64 id = *(const u64 *)key, other = rb_entry(node, struct interrupted_call, by_id)->id;

	return id < other ? -1 : id > other;
}

static struct interrupted_call *interrupted_create(struct ipcshm_queue_file *qfile)
{
	struct interrupted_call *interrupted;
	int err;

	err = ipcshm_quotas_charge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
				   sizeof(*interrupted));
	if (err)
		return NULL;
	interrupted = kzalloc(sizeof(*interrupted), IPCSHM_GFP);
	if (!interrupted) {
		ipcshm_quotas_uncharge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
				       sizeof(*interrupted));
		return NULL;
	}
	interrupted->payer = qfile->payer;
	return interrupted;
}

static void interrupted_free(struct ipcshm_queue_file *qfile, struct interrupted_call *interrupted)
{
	struct ipcshm_msg *reply = interrupted->call.reply;

	if (reply) {
		ipcshm_msg_uncharge(reply);
		ipcshm_msg_put(reply);
	}
	ipcshm_quotas_uncharge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, sizeof(*interrupted));
	kfree(interrupted);
}

/* Move a received call from the caller's stack to @interrupted, and redirect all links to it. */
static void call_move(struct ipcshm_caller *call, struct interrupted_call *interrupted,
		      struct ipcshm_process *process, const struct ipcshm_timeout *timeout)
{
	struct ipcshm_caller *copy = &interrupted->call;

	lockdep_assert_held(&call->qfile->queue->lock);
	ipcshm_waits_remove(&call->waiter);
	*copy = *call;
	INIT_LIST_HEAD(&copy->waiter.link);
	copy->waiter.task = NULL;
	copy->stays = true;
	interrupted->criteria = *call->criteria;
	copy->criteria = &interrupted->criteria;
	list_replace(&call->link, &copy->link);
	rb_replace_node(&call->by_request_id, &copy->by_request_id, &call->qfile->calls);
	INIT_LIST_HEAD(&copy->by_process);
	if (!list_empty(&call->by_process))
		list_replace(&call->by_process, &copy->by_process);
	interrupted->id = call->request_id;
	interrupted->timeout = *timeout;
	interrupted->process = process;
	rb_add(&interrupted->by_id, &process->interrupted, interrupted_id_less);
}

/*
 * Handle the interruption of a caller. If the request was received, the call stays, under an id by
 * which the caller resumes it. It ends if the task is being killed, or without the memory or the
 * quota for that.
 */
static int call_interrupt(struct ipcshm_queue_file *qfile, struct ipcshm_caller *call,
			  const struct ipcshm_timeout *timeout, u64 *id)
{
	struct ipcshm_process *process = ipcshm_process_get(&qfile->processes);
	struct interrupted_call *interrupted;
	bool moved;

	if (IS_ERR(process) || fatal_signal_pending(current))
		return call_leave(qfile->queue, call, -ERESTARTSYS);
	interrupted = interrupted_create(qfile);
	if (!interrupted)
		return call_leave(qfile->queue, call, -ERESTARTSYS);
	spin_lock(&qfile->queue->lock);
	moved = !call->waiter.done && call->qfile;
	if (moved)
		call_move(call, interrupted, process, timeout);
	spin_unlock(&qfile->queue->lock);
	if (!moved) {
		interrupted_free(qfile, interrupted);
		return call_leave(qfile->queue, call, -ERESTARTSYS);
	}
	*id = interrupted->id;
	return -ERESTARTSYS;
}

/* Claim the interrupted call @id of the current process for this task, or return an error. */
static struct interrupted_call *resume_begin(struct ipcshm_queue_file *qfile, u64 id,
					     struct ipcshm_receive_buffer *reply,
					     const struct ipcshm_timeout *timeout)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	struct interrupted_call *interrupted = NULL;
	struct rb_node *node;

	if (!process)
		return ERR_PTR(-ESRCH);
	spin_lock(&qfile->queue->lock);
	node = rb_find(&id, &process->interrupted, interrupted_id_compare);
	if (node)
		interrupted = rb_entry(node, struct interrupted_call, by_id);
	if (!interrupted) {
		interrupted = ERR_PTR(-ESRCH);
	} else if (interrupted->busy) {
		interrupted = ERR_PTR(-EBUSY);
	} else {
		interrupted->busy = true;
		interrupted->timeout = *timeout;
		interrupted->call.waiter.task = current;
		ipcshm_waits_add(&qfile->waits, &interrupted->call.waiter);
		interrupted->criteria.room = reply->criteria.room;
	}
	spin_unlock(&qfile->queue->lock);
	return interrupted;
}

/* Return the result of a call; after -ERESTARTSYS or -EMSGSIZE it can be resumed. */
static int resume_end(struct ipcshm_queue *queue, struct interrupted_call *interrupted,
		      struct ipcshm_receive_buffer *reply, int err, struct queue_effects *effects)
{
	struct ipcshm_caller *call = &interrupted->call;

	lockdep_assert_held(&queue->lock);
	if (!call->waiter.done && err != -ERESTARTSYS)
		ipcshm_call_end(queue, call, err, effects);
	ipcshm_waits_remove(&call->waiter);
	reply->criteria.needed = interrupted->criteria.needed;
	if (call->waiter.done) {
		err = call->waiter.result;
		if (call->reply && call->reply->size > reply->criteria.room)
			err = -EMSGSIZE;
	}
	if (interrupted->process && (!call->waiter.done || err == -EMSGSIZE)) {
		interrupted->busy = false;
		call->waiter.task = NULL;
		if (call->reply)
			ipcshm_msg_charge_force(call->reply, interrupted->payer);
		return err;
	}
	if (interrupted->process)
		rb_erase(&interrupted->by_id, &interrupted->process->interrupted);
	interrupted->process = NULL;
	if (!err) {
		reply->msg = call->reply;
		call->reply = NULL;
		ipcshm_msg_uncharge(reply->msg);
	}
	return err;
}

/**
 * ipcshm_queue_resume - wait for the reply to a call that was interrupted
 * @qfile: the queue file through which the call was made
 * @id: the id from ipcshm_queue_call()
 * @reply: buffer of the reply; filled in
 * @timeout: when to give up
 *
 * Return: as ipcshm_queue_call(); -ESRCH: the current process has no such call; -EBUSY: another
 * thread resumes it. After -ERESTARTSYS, and -EMSGSIZE if there is a reply, it can be resumed.
 */
int ipcshm_queue_resume(struct ipcshm_queue_file *qfile, u64 id,
			struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout)
{
	struct interrupted_call *interrupted = resume_begin(qfile, id, reply, timeout);
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	bool ended;
	int err;

	if (IS_ERR(interrupted))
		return PTR_ERR(interrupted);
	err = ipcshm_waiter_sleep(&interrupted->call.waiter, timeout);
	queue_lock(qfile->queue, &effects);
	err = resume_end(qfile->queue, interrupted, reply, err, &effects);
	ended = !interrupted->process;
	queue_unlock(qfile->queue, &effects, 0);
	trace_ipcshm_call(qfile->queue->object.id, id, reply->msg ? reply->msg->size : 0, err);
	if (ended)
		interrupted_free(qfile, interrupted);
	return err;
}

/* Return a call to free, which the process can no longer resume, or NULL. */
static struct interrupted_call *interrupted_take(struct ipcshm_queue_file *qfile,
						 struct ipcshm_process *process)
{
	struct interrupted_call *interrupted;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	bool busy = false;

	do {
		queue_lock(qfile->queue, &effects);
		interrupted =
			rb_entry_safe(process->interrupted.rb_node, struct interrupted_call, by_id);
		if (interrupted) {
			rb_erase(&interrupted->by_id, &process->interrupted);
			interrupted->process = NULL;
			busy = interrupted->busy;
			if (!interrupted->call.waiter.done)
				ipcshm_call_end(qfile->queue, &interrupted->call, -EINTR, &effects);
		}
		queue_unlock(qfile->queue, &effects, 0);
		cond_resched();
	} while (interrupted && busy);
	return interrupted;
}

void ipcshm_interrupted_end_all(struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	struct interrupted_call *interrupted;

	while ((interrupted = interrupted_take(qfile, process)))
		interrupted_free(qfile, interrupted);
}

/* Calling. */

static int call_send(struct ipcshm_queue_file *qfile, struct ipcshm_caller *call,
		     const struct ipcshm_timeout *timeout)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int err;

	queue_lock(queue, &effects);
	effects.wakeups.sync = true;
	ipcshm_ring_add(&call->link, &queue->calls);
	ipcshm_waits_add(&qfile->waits, &call->waiter);
	queue->nr_calls++;
	err = ipcshm_queue_offer(queue, call->request, timeout->nonblock ? NULL : &call->waiter,
				 &effects);
	if (err && err != -EINPROGRESS) {
		list_del(&call->link);
		ipcshm_waits_remove(&call->waiter);
		queue->nr_calls--;
	}
	queue_unlock(queue, &effects, READABLE);
	return err == -EINPROGRESS ? 0 : err;
}

/* Initialize a call of the current task, whose reply has to meet @criteria. */
void ipcshm_caller_init(struct ipcshm_caller *call, struct ipcshm_criteria *criteria)
{
	*call = (struct ipcshm_caller){ .criteria = criteria };
	ipcshm_waiter_init(&call->waiter);
	INIT_LIST_HEAD(&call->by_process);
}

/* Wait for the reply to a request that was sent. Return as ipcshm_queue_call(). */
int ipcshm_caller_wait(struct ipcshm_queue_file *qfile, struct ipcshm_caller *call,
		       struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
		       u64 *id)
{
	int err = ipcshm_waiter_sleep(&call->waiter, timeout);

	if (err == -ERESTARTSYS)
		err = call_interrupt(qfile, call, timeout, id);
	else if (err)
		err = call_leave(qfile->queue, call, err);
	else
		err = call->waiter.result;
	reply->msg = call->reply;
	trace_ipcshm_call(qfile->queue->object.id, call->request_id,
			  call->reply ? call->reply->size : 0, err);
	return err;
}

/**
 * ipcshm_queue_call - send a request and wait for the reply
 * @qfile: the caller's queue file
 * @request: the request, whose ownership passes to the queue
 * @reply: buffer of the reply; filled in
 * @timeout: when to give up
 * @id: with -ERESTARTSYS, set to the id for resuming if the request was received
 *
 * Return: 0, and @reply owns the reply; or an error.
 */
int ipcshm_queue_call(struct ipcshm_queue_file *qfile, struct ipcshm_msg *request,
		      struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
		      u64 *id)
{
	struct ipcshm_caller call IPCSHM_UNINITIALIZED;
	int err;

	ipcshm_caller_init(&call, &reply->criteria);
	call.request = request;
	request->caller = &call;
	request->plain = false;
	do
		err = call_send(qfile, &call, timeout);
	while (should_retry(err));
	if (err) {
		ipcshm_msg_put(request);
		return err;
	}
	return ipcshm_caller_wait(qfile, &call, reply, timeout, id);
}

/* Return whether the deadline of an interrupted call has expired, unnoticed by any task. */
static bool call_has_expired(struct ipcshm_caller *call)
{
	const struct ipcshm_timeout *timeout =
		&container_of(call, struct interrupted_call, call)->timeout;
	ktime_t now;

	if (call->waiter.task)
		return false;
	now = timeout->clock == CLOCK_REALTIME ? ktime_get_real() :
	      timeout->clock == CLOCK_BOOTTIME ? ktime_get_boottime() : ktime_get();
	return ktime_compare(now, timeout->expires) >= 0;
}

/* Charge the reply to an interrupted call, which is kept, to the caller's user. */
static void call_charge(struct ipcshm_caller *call)
{
	struct interrupted_call *interrupted = container_of(call, struct interrupted_call, call);

	ipcshm_msg_charge_force(call->reply, interrupted->payer);
}

/* Return false if the deadline has ended the call. */
static bool call_answer(struct ipcshm_queue *queue, struct ipcshm_caller *call,
			struct ipcshm_msg *reply, struct queue_effects *effects)
{
	int result = 0;

	lockdep_assert_held(&queue->lock);
	if (call_has_expired(call)) {
		list_add(&reply->place.equals, &effects->garbage);
		ipcshm_call_complete(queue, call, -ETIMEDOUT, effects);
		return false;
	}
	call->criteria->needed = reply->size;
	if (reply->size > call->criteria->room && !call->stays) {
		result = -EMSGSIZE;
		list_add(&reply->place.equals, &effects->garbage);
	} else {
		call->reply = reply;
		if (!call->waiter.task)
			call_charge(call);
	}
	ipcshm_call_complete(queue, call, result, effects);
	return true;
}

/**
 * ipcshm_queue_reply - reply to a call
 * @qfile: the queue file that has received the request
 * @request_id: id of the request
 * @reply: the reply, whose ownership passes to the queue
 * @sync: the current task is about to sleep
 *
 * Return: 0, or -ESRCH if no caller waits for it.
 */
int ipcshm_queue_reply(struct ipcshm_queue_file *qfile, u64 request_id, struct ipcshm_msg *reply,
		       bool sync)
{
	struct ipcshm_queue *queue = qfile->queue;
	size_t size = reply->size;
	struct ipcshm_caller *call;
	bool answered = false;
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	effects.wakeups.sync = sync;
	call = ipcshm_call_find(qfile, request_id);
	if (call)
		answered = call_answer(queue, call, reply, &effects);
	else
		list_add(&reply->place.equals, &effects.garbage);
	queue_unlock(queue, &effects, 0);
	trace_ipcshm_reply(queue->object.id, request_id, size, answered ? 0 : -ESRCH);
	return answered ? 0 : -ESRCH;
}

/* End the call of a request that was received in a way without replies. */
void ipcshm_queue_refuse(struct ipcshm_queue_file *qfile, u64 request_id, int err)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_caller *call;
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	call = ipcshm_call_find(qfile, request_id);
	if (call)
		ipcshm_call_complete(queue, call, err, &effects);
	queue_unlock(queue, &effects, 0);
}
