/* SPDX-License-Identifier: GPL-2.0-only */
/* The meanings of values, and the memory that they point to. */
#ifndef VALUES_H
#define VALUES_H

#include <linux/ipcshm.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE	4096ULL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MADE	(IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE)

/* Memory that structures point to, and results that other calls can use. */
struct values {
	struct ipcshm_message messages[8];
	struct ipcshm_segment segments[8];
	uint64_t offsets[8];
	struct ipcshm_region_word words[8];
	uint64_t request_ids[4];
	uint64_t ack_ids[8];
	int32_t fds[16];
	unsigned int offset_count, request_id_count, ack_id_count;
};

extern struct values area;
extern uint8_t *memory;		/* two pages, then one that can't be written, then none */

/* The meanings of values. */
enum meaning {
	ZERO, ANY, FLAGS_REGION, FLAGS_QUEUE, MODE, NAME, NAME_LEN, KIND, REGION_SIZE, SLOTS,
	MEMBER_TOKEN,
	MESSAGES, BYTES, MESSAGE_SIZE, POINTER, OFFSET, WORD, WORD_SIZE, DEADLINE, CLOCK, COUNT_OF,
	DEATHS, PRIORITY, TRANSFER_FLAGS, MEMBER_SIZE, MESSAGE_STRIDE, PROTECTION, MAP_FLAGS, PAGES, SEAL, NTH,
	FALLOCATE, ADVICE, OVERFLOW, SPIN, RECEIVE_FLAGS, SEGMENTS, DATA, FDS, FD_COUNT, REQUEST_ID,
	MESSAGE_ARRAY, OFFSET_ARRAY, WORD_ARRAY, WORD_STRIDE, WATCH_EVENTS, FEW, GRACE, OBJECT, USER,
	OTHER_USER, QUOTA_MAX, LARGE, GIVEN, ACK_ARRAY, ACK_FLAGS, ACK_TIMEOUT, CANCEL_FLAGS,
	QUEUE_FD, ASKED, BREAKAGE, ROOM, URING, LATE_PAGE, MEANINGS
};

extern const char *const names[8];

/* @before: the value of the field before it, for what goes together with that. */
uint64_t resolve_value(enum meaning meaning, uint64_t value, uint64_t before);

/* Keep the results of a call that other calls can use. */
void learn_from(unsigned long command, const void *argument, int result);

/* Once in a process, before its first call. */
bool prepare_values(void);

#endif /* VALUES_H */
