// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's code generator: which instructions the guest executes between two markers.
 *
 * A marker is a no-operation of seven bytes, "nopl MARK(%rax)", that mark.h of ipcshm-bench
 * writes into the measured program: MARK_BEGIN and MARK_END count from and to there, MARK_DUMP
 * writes the counts, and starts anew. For each block of instructions there is a line of
 *
 *	address instructions executions locked
 *
 * where "locked" is the number of its instructions that are atomic on several processors. The
 * line "dump" ends each section. A block that an exception leaves early counts as a whole.
 *
 *	-plugin file=plugin.so,out=FILE
 *
 * The functions of QEMU are declared here: Debian has no package with the header.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ipcshm-bench/mark.h"

#define EXPORT __attribute__((visibility("default")))
#define PLUGIN_VERSION	1	/* of QEMU 4.2 to 8.1 */
#define NO_REGISTERS	0	/* QEMU_PLUGIN_CB_NO_REGS */

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
typedef uint64_t qemu_plugin_id_t;
typedef void (*executed_t)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*translate_block)(qemu_plugin_id_t id,
								   struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_t executed,
					  int registers, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
					    executed_t executed, int registers, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);

EXPORT int qemu_plugin_version = PLUGIN_VERSION;

/**
 * struct block - instructions that are executed one after the other
 * @next: another one
 * @address: of the first instruction
 * @instructions: how many there are
 * @locked: how many of them are atomic
 * @executions: between the markers, so far
 */
struct block {
	struct block *next;
	uint64_t address;
	uint32_t instructions;
	uint32_t locked;
	uint64_t executions;
};

static struct block *blocks;
static bool counting;
static FILE *out;

/* An atomic instruction has the lock prefix, or is xchg with memory. */
static bool is_locked(const struct qemu_plugin_insn *instruction)
{
	const uint8_t *bytes = qemu_plugin_insn_data(instruction);
	size_t size = qemu_plugin_insn_size(instruction), i = 0;

	if (bytes[0] == 0xf0 || (size > 1 && bytes[0] == 0x66 && bytes[1] == 0xf0))
		return true;
	while (i + 1 < size && (bytes[i] == 0x66 || (bytes[i] & 0xf0) == 0x40))
		i++;
	return i + 1 < size && (bytes[i] == 0x86 || bytes[i] == 0x87) && bytes[i + 1] < 0xc0;
}

static uint32_t marker_of(const struct qemu_plugin_insn *instruction)
{
	static const uint8_t nopl[] = { 0x0f, 0x1f, 0x80 };
	const uint8_t *bytes = qemu_plugin_insn_data(instruction);
	uint32_t marker = 0;

	if (qemu_plugin_insn_size(instruction) == 7 && !memcmp(bytes, nopl, sizeof(nopl)))
		memcpy(&marker, bytes + sizeof(nopl), sizeof(marker));
	return marker;
}

static void start_count(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	counting = true;
}

static void stop_count(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	counting = false;
}

static void dump_counts(unsigned int cpu, void *data)
{
	struct block *block;

	(void)cpu;
	(void)data;
	for (block = blocks; block; block = block->next) {
		if (block->executions)
			fprintf(out, "%llx %u %llu %u\n", (unsigned long long)block->address,
				block->instructions, (unsigned long long)block->executions,
				block->locked);
		block->executions = 0;
	}
	fputs("dump\n", out);
	fflush(out);
}

static void count_block(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	block->executions += counting;
}

static void translate_block(qemu_plugin_id_t id, struct qemu_plugin_tb *code)
{
	struct block *block = calloc(1, sizeof(*block));
	size_t i;

	(void)id;
	if (!block)
		abort();
	block->address = qemu_plugin_tb_vaddr(code);
	block->instructions = (uint32_t)qemu_plugin_tb_n_insns(code);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(code, count_block, NO_REGISTERS, block);
	for (i = 0; i < block->instructions; i++) {
		struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(code, i);
		uint32_t marker = marker_of(instruction);

		block->locked += is_locked(instruction);
		if (marker == MARK_BEGIN || marker == MARK_END || marker == MARK_DUMP)
			qemu_plugin_register_vcpu_insn_exec_cb(instruction,
							       marker == MARK_BEGIN ? start_count :
							       marker == MARK_END ? stop_count :
							       dump_counts,
							       NO_REGISTERS, NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
			       char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("plugin: needs out=FILE\n", stderr);
		return -1;
	}
	out = fopen(argv[0] + 4, "we");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate_block);
	return 0;
}
