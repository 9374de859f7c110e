/* SPDX-License-Identifier: GPL-2.0-only */
/* The grammar of the fuzzer: the table of calls. */
#ifndef GRAMMAR_H
#define GRAMMAR_H

#include <stdint.h>

#include "calls.h"
#include "process.h"
#include "values.h"

struct field {
	uint16_t offset;
	uint16_t size;
	enum meaning meaning;
};

struct call {
	const char *name;
	unsigned long command;		/* of an ioctl, else @run or @request */
	void (*run)(int fd, const uint64_t *v);
	enum on on;
	unsigned int weight;
	enum on makes;
	struct field fields[VALUES_MAX];
	uint8_t request;		/* of the netlink family */
};

/* In step.literal: the structure of an ioctl lies in late memory. No call has so many values. */
#define LATE_STRUCTURE	(1U << 31)

extern const struct call calls[];
extern const uint32_t call_count;

unsigned int field_count(const struct call *call);

#endif /* GRAMMAR_H */
