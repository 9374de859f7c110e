// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of fdinfo. */
#include "kselftest_harness.h"

#include <fcntl.h>

#include "input_proc.h"

static bool parse_holder(const char *from, struct holder *holder)
{
	char text[512];

	memset(holder, 0, sizeof(*holder));
	snprintf(text, sizeof(text), "%s", from);
	return proc_parse(text, holder);
}

TEST(a_queue_is_read)
{
	struct holder holder;

	ASSERT_TRUE(parse_holder("pos:\t0\nflags:\t02000001\nmnt_id:\t15\nino:\t9\n"
				 "ipcshm-kind:\tqueue\nipcshm-id:\t7\nipcshm-name:\tjobs\n"
				 "ipcshm-held:\t3\nipcshm-calls:\t2\n", &holder));
	EXPECT_EQ(IPCSHM_QUEUE, holder.kind);
	EXPECT_EQ(7, holder.id);
	EXPECT_STREQ("jobs", holder.name);
	EXPECT_EQ(O_WRONLY, holder.access);
	EXPECT_EQ(3, holder.held);
	EXPECT_EQ(2, holder.calls);
}

TEST(a_region_has_less)
{
	struct holder holder;

	ASSERT_TRUE(parse_holder("flags:\t02000002\nipcshm-kind:\tregion\nipcshm-id:\t8\n",
				 &holder));
	EXPECT_EQ(IPCSHM_REGION, holder.kind);
	EXPECT_EQ(O_RDWR, holder.access);
	EXPECT_EQ(0, holder.has & (1 << HOLDER_NAME | 1 << HOLDER_HELD));
}

TEST(the_device_has_no_number)
{
	struct holder holder;

	ASSERT_TRUE(parse_holder("flags:\t02000002\nipcshm-kind:\tdevice\n", &holder));
	EXPECT_EQ(0, holder.kind);
	EXPECT_EQ(0, holder.has & 1 << HOLDER_ID);
}

TEST(other_descriptors_are_none)
{
	struct holder holder;

	EXPECT_FALSE(parse_holder("", &holder));
	EXPECT_FALSE(parse_holder("pos:\t0\nflags:\t02\nscm_fds: 0\nipcshm-id:\tnonsense\n",
				  &holder));
	EXPECT_FALSE(parse_holder("ipcshm-kind:\tnonsense\nipcshm-id:\t3\n", &holder));
}

TEST(a_name_is_spelled_in_octal)
{
	struct holder holder;

	ASSERT_TRUE(parse_holder("ipcshm-kind:\tqueue\nipcshm-id:\t1\n"
				 "ipcshm-name:\ta b\\012\\134\\377\n", &holder));
	EXPECT_STREQ("a b\n\\\xff", holder.name);
}

TEST(a_name_that_is_too_long_is_cut)
{
	struct holder holder;
	char text[512] = "ipcshm-kind:\tqueue\nipcshm-id:\t1\nipcshm-name:\t";

	memset(text + strlen(text), 'x', 300);
	ASSERT_TRUE(parse_holder(text, &holder));
	EXPECT_EQ(255, strlen(holder.name));
}

TEST_HARNESS_MAIN
