/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: Documentation/tracepoints.rst describes when each comes, and its fields.  They
 * take numbers and strings, so that this header depends on none of the module's structures.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipcshm

#if !defined(IPCSHM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IPCSHM_TRACE_H

#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

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

#ifndef IPCSHM_TRACE_ESCAPE
#define IPCSHM_TRACE_ESCAPE

/*
 * A name can have any bytes, and must not forge a field or a line: blanks, backslashes and all
 * but printable ASCII are in octal.  Returns the length, with room for it or not.
 */
static inline int ipcshm_trace_escape(char *to, size_t room, const char *name)
{
	return name ? string_escape_mem(name, strlen(name), to, room,
					ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND, "\\ ") : 0;
}

#endif

DECLARE_EVENT_CLASS(ipcshm_object,
	TP_PROTO(u64 id, u32 kind, u32 uid, const char *name),
	TP_ARGS(id, kind, uid, name),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, kind)
		__field(u32, uid)
		__dynamic_array(char, name, ipcshm_trace_escape(NULL, 0, name) + 1)
	),
	TP_fast_assign(
		int length = __get_dynamic_array_len(name) - 1;

		__entry->id = id;
		__entry->kind = kind;
		__entry->uid = uid;
		ipcshm_trace_escape(__get_str(name), length, name);
		__get_str(name)[length] = '\0';
	),
	TP_printk("id=%llu kind=%s uid=%u name=%s", __entry->id,
		  IPCSHM_TRACE_KIND(__entry->kind), __entry->uid, __get_str(name))
);

DEFINE_EVENT(ipcshm_object, ipcshm_create,
	TP_PROTO(u64 id, u32 kind, u32 uid, const char *name), TP_ARGS(id, kind, uid, name));
DEFINE_EVENT(ipcshm_object, ipcshm_open,
	TP_PROTO(u64 id, u32 kind, u32 uid, const char *name), TP_ARGS(id, kind, uid, name));
DEFINE_EVENT(ipcshm_object, ipcshm_unlink,
	TP_PROTO(u64 id, u32 kind, u32 uid, const char *name), TP_ARGS(id, kind, uid, name));
DEFINE_EVENT(ipcshm_object, ipcshm_free,
	TP_PROTO(u64 id, u32 kind, u32 uid, const char *name), TP_ARGS(id, kind, uid, name));
DEFINE_EVENT(ipcshm_object, ipcshm_revoke,
	TP_PROTO(u64 id, u32 kind, u32 uid, const char *name), TP_ARGS(id, kind, uid, name));

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

TRACE_EVENT(ipcshm_requeue,
	TP_PROTO(u64 id, u64 offset, u64 target, int result),
	TP_ARGS(id, offset, target, result),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u64, target)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->offset = offset;
		__entry->target = target;
		__entry->result = result;
	),
	TP_printk("id=%llu offset=%#llx target=%#llx result=%d", __entry->id, __entry->offset,
		  __entry->target, __entry->result)
);

DECLARE_EVENT_CLASS(ipcshm_message,
	TP_PROTO(u64 id, u64 size, u64 type, u64 messages, u32 priority, u32 pid),
	TP_ARGS(id, size, type, messages, priority, pid),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, size)
		__field(u64, type)
		__field(u64, messages)
		__field(u32, priority)
		__field(u32, pid)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->size = size;
		__entry->type = type;
		__entry->messages = messages;
		__entry->priority = priority;
		__entry->pid = pid;
	),
	TP_printk("id=%llu size=%llu priority=%u type=%llu pid=%u messages=%llu", __entry->id,
		  __entry->size, __entry->priority, __entry->type, __entry->pid, __entry->messages)
);

DEFINE_EVENT(ipcshm_message, ipcshm_send,
	TP_PROTO(u64 id, u64 size, u64 type, u64 messages, u32 priority, u32 pid),
	TP_ARGS(id, size, type, messages, priority, pid));
DEFINE_EVENT(ipcshm_message, ipcshm_receive,
	TP_PROTO(u64 id, u64 size, u64 type, u64 messages, u32 priority, u32 pid),
	TP_ARGS(id, size, type, messages, priority, pid));
DEFINE_EVENT(ipcshm_message, ipcshm_drop,
	TP_PROTO(u64 id, u64 size, u64 type, u64 messages, u32 priority, u32 pid),
	TP_ARGS(id, size, type, messages, priority, pid));

DECLARE_EVENT_CLASS(ipcshm_reply,
	TP_PROTO(u64 id, u64 request_id, u64 size, int result),
	TP_ARGS(id, request_id, size, result),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, request_id)
		__field(u64, size)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->request_id = request_id;
		__entry->size = size;
		__entry->result = result;
	),
	TP_printk("id=%llu request_id=%llu size=%llu result=%d", __entry->id, __entry->request_id,
		  __entry->size, __entry->result)
);

DEFINE_EVENT(ipcshm_reply, ipcshm_call,
	TP_PROTO(u64 id, u64 request_id, u64 size, int result),
	TP_ARGS(id, request_id, size, result));
DEFINE_EVENT(ipcshm_reply, ipcshm_reply,
	TP_PROTO(u64 id, u64 request_id, u64 size, int result),
	TP_ARGS(id, request_id, size, result));

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
