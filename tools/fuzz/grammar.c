// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of the fuzzer: each call, its object, and the meaning of its values. The ioctls come
 * from ipcshm.txt (tools/generate).
 */
#include <linux/ipcshm_netlink.h>
#include <stddef.h>

#include "actions.h"
#include "grammar.h"
#include "request.h"

/* With its meaning: a member of a structure. */
#define M(type, member, meaning) \
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member), meaning }
/* A value that is no member of one: an argument. */
#define A(meaning) { 0, 0, meaning }
/* An attribute of a request: bytes, or SIZE_*. */
#define T(attr, size, meaning) { attr, size, meaning }

#define HOW(type, allowed)						\
	M(type, how.name, NAME), M(type, how.name_len, NAME_LEN),	\
	M(type, how.flags, allowed), M(type, how.mode, MODE), M(type, how.id, OBJECT)
/* NOLINTBEGIN(bugprone-macro-parentheses): a member can't be in them */
#define MESSAGE(_type, at, flags_meaning)				\
	M(_type, at.segments, SEGMENTS), M(_type, at.data, DATA), M(_type, at.size, MESSAGE_SIZE),	\
	M(_type, at.type, ANY), M(_type, at.priority, PRIORITY), M(_type, at.flags, flags_meaning), \
	M(_type, at.fds, FDS), M(_type, at.fd_count, FD_COUNT), M(_type, at.request_id, REQUEST_ID)
/* NOLINTEND(bugprone-macro-parentheses) */

/* Of those that a batch sends or receives. */
static void run_message(int none, const uint64_t *v)
{
	(void)none;
	area.messages[v[0] % COUNT(area.messages)] = (struct ipcshm_message){
		.segments = (uint32_t)v[1],
		.data = v[2],
		.size = v[3],
		.flags = (uint32_t)v[4],
		.fds = (uintptr_t)area.fds,
		.fd_count = (uint32_t)v[5],
		.type = v[6],
	};
}

#define IOCTL(_name, _on, _weight, _command, _makes, ...)		\
	{ .name = (_name), .on = (_on), .weight = (_weight), .command = (_command),	\
	  .makes = (_makes), .fields = { __VA_ARGS__ } }
#define OTHER(_name, _on, _weight, _run, ...)				\
	{ .name = (_name), .on = (_on), .weight = (_weight), .run = (_run),	\
	  .fields = { __VA_ARGS__ } }
#define REQUEST(_name, _weight, _request, ...)				\
	{ .name = (_name), .on = SOCKET, .weight = (_weight), .request = (_request),	\
	  .fields = { A(ASKED), A(BREAKAGE), A(ROOM), __VA_ARGS__ } }
#define PLAIN(_name, _on, _weight, _run)				\
	{ .name = (_name), .on = (_on), .weight = (_weight), .run = (_run) }

#define QUOTAS(meaning)							\
	T(IPCSHM_A_QUOTAS_OBJECTS, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_REGION_BYTES, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_QUEUE_BYTES, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_MEMBERS, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_WAITERS, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_DESCRIPTORS, SIZE_QUOTA, meaning)

const struct call calls[] = {
	PLAIN("open", NOTHING, 2, run_open),
#include "calls_gen.h"
	OTHER("message", NOTHING, 4, run_message, A(FEW), A(SEGMENTS), A(DATA), A(MESSAGE_SIZE),
		A(RECEIVE_FLAGS), A(FD_COUNT), A(ANY)),
	PLAIN("close", ANYTHING, 3, run_close),
	PLAIN("dup", ANYTHING, 1, run_dup),
	OTHER("read", ANYTHING, 3, run_read, A(POINTER), A(MESSAGE_SIZE)),
	OTHER("write", ANYTHING, 3, run_write, A(POINTER), A(MESSAGE_SIZE)),
	OTHER("poll", ANYTHING, 4, run_poll, A(ANY)),
	OTHER("flags", ANYTHING, 1, run_flags, A(ANY)),
	OTHER("pwrite", REGION, 3, run_pwrite, A(OFFSET)),
	OTHER("fallocate", REGION, 2, run_fallocate, A(FALLOCATE), A(OFFSET), A(REGION_SIZE)),
	OTHER("seal", REGION, 1, run_seal, A(SEAL)),
	OTHER("fchmod", ANYTHING, 1, run_fchmod, A(MODE)),
	OTHER("mmap", REGION, 14, run_mmap, A(REGION_SIZE), A(PROTECTION), A(MAP_FLAGS), A(PAGES)),
	OTHER("mmap_pool", QUEUE, 4, run_mmap, A(REGION_SIZE), A(PROTECTION), A(MAP_FLAGS),
		A(PAGES)),
	OTHER("munmap", MAPPING, 4, run_munmap, A(ANY), A(REGION_SIZE)),
	OTHER("mprotect", MAPPING, 2, run_mprotect, A(ANY), A(PROTECTION)),
	OTHER("mremap", MAPPING, 2, run_mremap, A(REGION_SIZE), A(ANY)),
	OTHER("madvise", MAPPING, 2, run_madvise, A(ADVICE)),
	OTHER("store", MAPPING, 5, run_store, A(OFFSET), A(WORD)),
	OTHER("raw", ANYTHING, 3, run_raw, A(COUNT_OF), A(MESSAGE_SIZE), A(POINTER)),
	OTHER("uring", ANYTHING, 4, run_uring, A(URING), A(POINTER), A(MESSAGE_SIZE), A(ANY)),
	OTHER("renew", NOTHING, 4, run_renew, A(LATE_PAGE)),
	OTHER("fork", NOTHING, 1, run_fork, A(GRACE)),
	OTHER("namespace", NOTHING, 1, run_namespace, A(ANY)),
	OTHER("become", NOTHING, 1, run_become, A(GRACE)),
	OTHER("fail", NOTHING, 5, run_fail, A(NTH)),
	PLAIN("socket", NOTHING, 1, run_socket),
	PLAIN("subscribe", SOCKET, 1, run_subscribe),
	REQUEST("object_get", 5, IPCSHM_CMD_OBJECT_GET, T(IPCSHM_A_OBJECT_ID, 8, OBJECT),
		T(IPCSHM_A_OBJECT_KIND, 4, KIND), T(IPCSHM_A_OBJECT_NAME, SIZE_TEXT, NAME),
		T(IPCSHM_A_OBJECT_UID, 4, USER)),
	REQUEST("object_unlink", 3, IPCSHM_CMD_OBJECT_UNLINK, T(IPCSHM_A_OBJECT_ID, 8, OBJECT),
		T(IPCSHM_A_OBJECT_KIND, 4, KIND), T(IPCSHM_A_OBJECT_NAME, SIZE_TEXT, NAME)),
	REQUEST("object_revoke", 2, IPCSHM_CMD_OBJECT_REVOKE, T(IPCSHM_A_OBJECT_ID, 8, OBJECT),
		T(IPCSHM_A_OBJECT_KIND, 4, KIND), T(IPCSHM_A_OBJECT_NAME, SIZE_TEXT, NAME)),
	REQUEST("member_get", 3, IPCSHM_CMD_MEMBER_GET, T(IPCSHM_A_MEMBER_REGION, 8, OBJECT)),
	REQUEST("quota_get", 3, IPCSHM_CMD_QUOTA_GET, T(IPCSHM_A_QUOTAS_UID, 4, USER),
		T(IPCSHM_A_QUOTAS_DEFAULT, SIZE_FLAG, GIVEN),
		T(IPCSHM_A_QUOTAS_NET, SIZE_FLAG, GIVEN),
		T(IPCSHM_A_QUOTAS_USER_NS, 4, USER)),
	REQUEST("quota_set", 2, IPCSHM_CMD_QUOTA_SET, T(IPCSHM_A_QUOTAS_UID, 4, OTHER_USER),
		QUOTAS(QUOTA_MAX)),
	REQUEST("quota_set_default", 1, IPCSHM_CMD_QUOTA_SET,
		T(IPCSHM_A_QUOTAS_DEFAULT, SIZE_FLAG, GIVEN), QUOTAS(LARGE)),
	REQUEST("quota_set_net", 1, IPCSHM_CMD_QUOTA_SET,
		T(IPCSHM_A_QUOTAS_NET, SIZE_FLAG, GIVEN), QUOTAS(QUOTA_MAX)),
};

const uint32_t call_count = COUNT(calls);

unsigned int field_count(const struct call *call)
{
	unsigned int i = 0;

	while (i < VALUES_MAX && (call->fields[i].size || call->fields[i].meaning))
		i++;
	return i;
}
