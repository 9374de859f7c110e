/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: Documentation/tracepoints.rst tells when each comes, and what its fields mean. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipcshm

#if !defined(IPCSHM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IPCSHM_TRACE_H

#include <linux/pid.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "queue.h"
#include "registry.h"
#include "uapi/linux/ipcshm_netlink.h"

#define IPCSHM_TRACE_KIND(kind) __print_symbolic(kind, { 1, "region" }, { 2, "queue" })
#define IPCSHM_TRACE_QUOTA(quota) __print_symbolic(quota,	\
		{ 0, "objects" },				\
		{ 1, "region-bytes" },				\
		{ 2, "queue-bytes" },				\
		{ 3, "members" },				\
		{ 4, "waiters" },				\
		{ 5, "descriptors" })

#define IPCSHM_TRACE_END(end)					\
	__print_symbolic(end,					\
		{ 2, "exited" },				\
		{ 3, "killed" },				\
		{ 4, "exec" },					\
		{ 5, "unknown" })

DECLARE_EVENT_CLASS(ipcshm_object,
	TP_PROTO(const struct ipcshm_object *object),
	TP_ARGS(object),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, kind)
		__field(u32, uid)
		__string(name, object->name ?: "")
	),
	TP_fast_assign(
		__entry->id = object->id;
		__entry->kind = object->ops->kind;
		__entry->uid = __kuid_val(ipcshm_object_uid(object));
		ipcshm_assign_str(name, object->name ?: "");
	),
	TP_printk("id=%llu kind=%s uid=%u name=%s", __entry->id,
		  IPCSHM_TRACE_KIND(__entry->kind), __entry->uid, __get_str(name))
);

DEFINE_EVENT(ipcshm_object, ipcshm_create,
	TP_PROTO(const struct ipcshm_object *object), TP_ARGS(object));
DEFINE_EVENT(ipcshm_object, ipcshm_open,
	TP_PROTO(const struct ipcshm_object *object), TP_ARGS(object));
DEFINE_EVENT(ipcshm_object, ipcshm_unlink,
	TP_PROTO(const struct ipcshm_object *object), TP_ARGS(object));
DEFINE_EVENT(ipcshm_object, ipcshm_free,
	TP_PROTO(const struct ipcshm_object *object), TP_ARGS(object));
DEFINE_EVENT(ipcshm_object, ipcshm_revoke,
	TP_PROTO(const struct ipcshm_object *object), TP_ARGS(object));

DECLARE_EVENT_CLASS(ipcshm_member,
	TP_PROTO(u64 id, u32 token, u32 members),
	TP_ARGS(id, token, members),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, token)
		__field(u32, members)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->token = token;
		__entry->members = members;
	),
	TP_printk("id=%llu token=%#x members=%u", __entry->id, __entry->token, __entry->members)
);

DEFINE_EVENT(ipcshm_member, ipcshm_join,
	TP_PROTO(u64 id, u32 token, u32 members), TP_ARGS(id, token, members));
DEFINE_EVENT(ipcshm_member, ipcshm_leave,
	TP_PROTO(u64 id, u32 token, u32 members), TP_ARGS(id, token, members));

TRACE_EVENT(ipcshm_death,
	TP_PROTO(u64 id, u32 token, u32 members, u32 end, u32 code),
	TP_ARGS(id, token, members, end, code),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, token)
		__field(u32, members)
		__field(u32, end)
		__field(u32, code)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->token = token;
		__entry->members = members;
		__entry->end = end;
		__entry->code = code;
	),
	TP_printk("id=%llu token=%#x members=%u end=%s code=%u", __entry->id, __entry->token,
		  __entry->members, IPCSHM_TRACE_END(__entry->end), __entry->code)
);

TRACE_EVENT(ipcshm_wait,
	TP_PROTO(u64 id, u64 offset, u64 expected, u32 size, u32 deaths),
	TP_ARGS(id, offset, expected, size, deaths),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u64, expected)
		__field(u32, size)
		__field(u32, deaths)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->offset = offset;
		__entry->expected = expected;
		__entry->size = size;
		__entry->deaths = deaths;
	),
	TP_printk("id=%llu offset=%#llx expected=%#llx size=%u deaths=%u", __entry->id,
		  __entry->offset, __entry->expected, __entry->size, __entry->deaths)
);

TRACE_EVENT(ipcshm_wait_end,
	TP_PROTO(u64 id, u64 offset, int result),
	TP_ARGS(id, offset, result),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->offset = offset;
		__entry->result = result;
	),
	TP_printk("id=%llu offset=%#llx result=%d", __entry->id, __entry->offset, __entry->result)
);

TRACE_EVENT(ipcshm_wake,
	TP_PROTO(u64 id, u64 offset, u32 count, u32 woken),
	TP_ARGS(id, offset, count, woken),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u32, count)
		__field(u32, woken)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->offset = offset;
		__entry->count = count;
		__entry->woken = woken;
	),
	TP_printk("id=%llu offset=%#llx count=%u woken=%u", __entry->id, __entry->offset,
		  __entry->count, __entry->woken)
);

DECLARE_EVENT_CLASS(ipcshm_message,
	TP_PROTO(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg),
	TP_ARGS(queue, msg),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, size)
		__field(u64, type)
		__field(u64, messages)
		__field(u32, priority)
		__field(u32, pid)
	),
	TP_fast_assign(
		__entry->id = queue->object.id;
		__entry->size = msg->size;
		__entry->type = msg->type;
		__entry->messages = queue->messages;
		__entry->priority = msg->priority;
		__entry->pid = pid_nr(msg->pid);
	),
	TP_printk("id=%llu size=%llu priority=%u type=%llu pid=%u messages=%llu", __entry->id,
		  __entry->size, __entry->priority, __entry->type, __entry->pid, __entry->messages)
);

DEFINE_EVENT(ipcshm_message, ipcshm_send,
	TP_PROTO(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg),
	TP_ARGS(queue, msg));
DEFINE_EVENT(ipcshm_message, ipcshm_receive,
	TP_PROTO(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg),
	TP_ARGS(queue, msg));
DEFINE_EVENT(ipcshm_message, ipcshm_drop,
	TP_PROTO(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg),
	TP_ARGS(queue, msg));

DECLARE_EVENT_CLASS(ipcshm_reply,
	TP_PROTO(const struct ipcshm_queue *queue, u64 request_id, u64 size, int result),
	TP_ARGS(queue, request_id, size, result),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, request_id)
		__field(u64, size)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->id = queue->object.id;
		__entry->request_id = request_id;
		__entry->size = size;
		__entry->result = result;
	),
	TP_printk("id=%llu request_id=%llu size=%llu result=%d", __entry->id, __entry->request_id,
		  __entry->size, __entry->result)
);

DEFINE_EVENT(ipcshm_reply, ipcshm_call,
	TP_PROTO(const struct ipcshm_queue *queue, u64 request_id, u64 size, int result),
	TP_ARGS(queue, request_id, size, result));
DEFINE_EVENT(ipcshm_reply, ipcshm_reply,
	TP_PROTO(const struct ipcshm_queue *queue, u64 request_id, u64 size, int result),
	TP_ARGS(queue, request_id, size, result));

TRACE_EVENT(ipcshm_quota,
	TP_PROTO(u32 uid, u32 quota, u64 amount, u64 used, u64 max),
	TP_ARGS(uid, quota, amount, used, max),
	TP_STRUCT__entry(
		__field(u64, amount)
		__field(u64, used)
		__field(u64, max)
		__field(u32, uid)
		__field(u32, quota)
	),
	TP_fast_assign(
		__entry->amount = amount;
		__entry->used = used;
		__entry->max = max;
		__entry->uid = uid;
		__entry->quota = quota;
	),
	TP_printk("uid=%u quota=%s amount=%llu used=%llu max=%llu", __entry->uid,
		  IPCSHM_TRACE_QUOTA(__entry->quota), __entry->amount, __entry->used,
		  __entry->max)
);

#endif /* IPCSHM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
