/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings: MCAP files (https://mcap.dev/spec), without chunks and indices.  Any reader of MCAP
 * can read them.
 *
 *	magic
 *	Header		profile "", library "ipcshm"
 *	Schema		1: name: the type of the topic; if it has one
 *	Channel		for each publisher: topic; metadata: publisher, max_sample_size,
 *			type_version
 *	0x80		u16 channel, u32 sequence, 64 bytes: user header of the next message, if it
 *			is not zero; readers that don't know the record skip it
 *	Message		sequence: position; log_time: when it was recorded; publish_time
 *	Data End, Footer, magic
 *
 * A record is a byte, its length in 8 bytes, and that many bytes; numbers are little-endian.
 * A recording that was cut off has no Footer, and is whole up to its last whole record.
 */
#ifndef MCAP_H
#define MCAP_H

#include <ipcshm-topic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct mcap_topic - the topic of a recording
 * @name: of the topic
 * @type: name of the type; empty: none
 * @type_version: of the type
 * @max_sample_size: of the topic; 0: unknown
 */
struct mcap_topic {
	char name[IPCSHM_NAME_MAX + 1];
	char type[IPCSHM_TOPIC_TYPE_MAX + 1];
	uint32_t type_version;
	uint64_t max_sample_size;
};

/**
 * struct mcap_message - a message of a recording
 * @sequence: position in the topic, modulo 2^32
 * @log_time: CLOCK_REALTIME nanoseconds of its recording
 * @publish_time: CLOCK_REALTIME nanoseconds of its publication
 * @header: user header
 * @size: bytes of @data
 * @data: the sample
 */
struct mcap_message {
	uint32_t sequence;
	uint64_t log_time;
	uint64_t publish_time;
	unsigned char header[IPCSHM_TOPIC_HEADER];
	uint64_t size;
	const void *data;
};

/* Writing.  Errors are those of @to: see ferror(3). */

struct mcap_writer {
	FILE *to;
	struct mcap_topic topic;
	uint32_t *publishers; /* whose channels have numbers from 1 on */
	size_t count;
};

void mcap_begin(struct mcap_writer *writer, FILE *to, const struct mcap_topic *topic);
void mcap_write(struct mcap_writer *writer, uint32_t publisher, const struct mcap_message *message);
void mcap_end(struct mcap_writer *writer);

/* Reading. */

struct mcap_reader {
	FILE *from;
	uint64_t size; /* of the file */
	struct mcap_topic topic;
	unsigned char *record;
	size_t room;
};

enum mcap_result {
	MCAP_MESSAGE,
	MCAP_END,	/* the whole file was read */
	MCAP_CUT_OFF,	/* the file ends before its end */
	MCAP_CHUNKED,	/* messages are in chunks, which this does not read */
	MCAP_INVALID,	/* not an MCAP file, or damaged */
};

/* Read up to the first channel, which describes the topic.  MCAP_MESSAGE: there is one. */
enum mcap_result mcap_open(struct mcap_reader *reader, FILE *from);

/* Read the next message; its data is there until the next call. */
enum mcap_result mcap_read(struct mcap_reader *reader, struct mcap_message *message);

void mcap_close(struct mcap_reader *reader);

#endif /* MCAP_H */
