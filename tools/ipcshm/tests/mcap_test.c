// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: what is written is read again; a file may hold anything, and end anywhere. */
#include "kselftest_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mcap.h"

#define MESSAGES 50

FIXTURE(mcap) {
	FILE *file;
	struct mcap_topic topic;
};

FIXTURE_SETUP(mcap)
{
	self->file = tmpfile();
	ASSERT_NE(NULL, self->file);
	self->topic = (struct mcap_topic){ "camera", "frame", 7, 1 << 20 };
}

FIXTURE_TEARDOWN(mcap)
{
	fclose(self->file);
}

static struct mcap_message make_message(unsigned int i, char data[64])
{
	struct mcap_message message = {
		.sequence = i,
		.log_time = 2000 + i,
		.publish_time = 1000 + i,
		.size = (uint64_t)snprintf(data, 64, "message %u", i),
		.data = data,
	};

	if (i % 3 == 0)
		memcpy(message.header, &i, sizeof(i));
	return message;
}

static FILE *open_again(FILE *file)
{
	lseek(fileno(file), 0, SEEK_SET);
	return fdopen(dup(fileno(file)), "r");
}

static void write_recording(FILE *file, const struct mcap_topic *topic)
{
	struct mcap_writer writer;
	struct mcap_message message;
	char data[64];

	mcap_begin(&writer, file, topic);
	for (unsigned int i = 1; i <= MESSAGES; i++) {
		message = make_message(i, data);
		mcap_write(&writer, 64 + i % 4, &message);
	}
	mcap_end(&writer);
	fflush(file);
}

/* Messages that are as they were written, up to the end. */
static unsigned int count_messages(FILE *file, enum mcap_result *result)
{
	struct mcap_reader reader;
	struct mcap_message message, wanted;
	unsigned int count = 0;
	char data[64];

	*result = mcap_open(&reader, open_again(file));
	while (*result == MCAP_MESSAGE) {
		*result = mcap_read(&reader, &message);
		if (*result != MCAP_MESSAGE)
			break;
		wanted = make_message(count + 1, data);
		if (message.sequence != wanted.sequence || message.log_time != wanted.log_time ||
		    message.publish_time != wanted.publish_time || message.size != wanted.size ||
		    memcmp(message.data, wanted.data, wanted.size) ||
		    memcmp(message.header, wanted.header, sizeof(wanted.header)))
			break;
		count++;
	}
	mcap_close(&reader);
	return count;
}

TEST_F(mcap, is_read_as_it_was_written)
{
	struct mcap_reader reader;
	enum mcap_result result;

	write_recording(self->file, &self->topic);
	EXPECT_EQ(MESSAGES, count_messages(self->file, &result));
	EXPECT_EQ(MCAP_END, result);
	ASSERT_EQ(MCAP_MESSAGE, mcap_open(&reader, open_again(self->file)));
	EXPECT_STREQ("camera", reader.topic.name);
	EXPECT_STREQ("frame", reader.topic.type);
	EXPECT_EQ(7, reader.topic.type_version);
	EXPECT_EQ(1 << 20, reader.topic.max_sample_size);
	mcap_close(&reader);
}

TEST_F(mcap, type_is_optional)
{
	struct mcap_reader reader;
	enum mcap_result result;

	self->topic.type[0] = '\0';
	write_recording(self->file, &self->topic);
	EXPECT_EQ(MESSAGES, count_messages(self->file, &result));
	ASSERT_EQ(MCAP_MESSAGE, mcap_open(&reader, open_again(self->file)));
	EXPECT_STREQ("", reader.topic.type);
	mcap_close(&reader);
}

TEST_F(mcap, can_end_anywhere)
{
	unsigned int count, last = MESSAGES;
	enum mcap_result result;
	long size;

	write_recording(self->file, &self->topic);
	fseek(self->file, 0, SEEK_END);
	/* The end of the data, the footer and the magic follow the last message. */
	size = ftell(self->file) - 13 - 29 - 8;
	while (size-- > 0) {
		ASSERT_EQ(0, ftruncate(fileno(self->file), size));
		count = count_messages(self->file, &result);
		ASSERT_LE(count, last);
		ASSERT_TRUE(result == MCAP_CUT_OFF || (size < 8 && result == MCAP_INVALID));
		last = count;
	}
	EXPECT_EQ(0, last);
}

/* No crash and no access outside, which the sanitizers see. */
TEST_F_TIMEOUT(mcap, can_hold_anything, 300)
{
	unsigned char *bytes;
	enum mcap_result result;
	long size;

	write_recording(self->file, &self->topic);
	fseek(self->file, 0, SEEK_END);
	size = ftell(self->file);
	bytes = malloc((size_t)size);
	ASSERT_NE(NULL, bytes);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		off_t at = rand() % size;
		unsigned char was, now = (unsigned char)(rand() % 3 ? rand() : rand() % 8);

		ASSERT_EQ(1, pread(fileno(self->file), &was, 1, at));
		ASSERT_EQ(1, pwrite(fileno(self->file), &now, 1, at));
		count_messages(self->file, &result);
		/* Damage adds up, for a while. */
		if (i % 8)
			ASSERT_EQ(1, pwrite(fileno(self->file), &was, 1, at));
		if (i % 64 == 0) {
			rewind(self->file);
			write_recording(self->file, &self->topic);
		}
	}
	free(bytes);
}

TEST_F(mcap, chunks_are_refused)
{
	static const unsigned char chunk[] = { 6, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char begin[] = { 0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n' };
	enum mcap_result result;

	fwrite(begin, sizeof(begin), 1, self->file);
	fwrite(chunk, sizeof(chunk), 1, self->file);
	fflush(self->file);
	count_messages(self->file, &result);
	EXPECT_EQ(MCAP_CHUNKED, result);
}

TEST_HARNESS_MAIN
