// SPDX-License-Identifier: GPL-2.0-only
/* Words of a command line: what is understood, and what is refused. */
#include "kselftest_harness.h"

#include <linux/ipcshm.h>

#include "parse.h"

#define EXPECT_NUMBER(expected, parser, word)                                                      \
	do {                                                                                       \
		uint64_t number = 77;                                                              \
                                                                                                   \
		EXPECT_TRUE(parser(word, &number));                                                \
		EXPECT_EQ((uint64_t)(expected), number);                                           \
	} while (0)

#define EXPECT_REFUSED(parser, word)                                                               \
	do {                                                                                       \
		uint64_t number;                                                                   \
                                                                                                   \
		EXPECT_FALSE(parser(word, &number));                                               \
	} while (0)

TEST(numbers)
{
	EXPECT_NUMBER(0, parse_number, "0");
	EXPECT_NUMBER(31, parse_number, "0x1f");
	EXPECT_NUMBER(10, parse_number, "010");
	EXPECT_NUMBER(UINT64_MAX, parse_number, "18446744073709551615");
	EXPECT_REFUSED(parse_number, "18446744073709551616");
	EXPECT_REFUSED(parse_number, "-1");
	EXPECT_REFUSED(parse_number, "+1");
	EXPECT_REFUSED(parse_number, " 1");
	EXPECT_REFUSED(parse_number, "1 ");
	EXPECT_REFUSED(parse_number, "0x");
	EXPECT_REFUSED(parse_number, "");
	EXPECT_REFUSED(parse_number, "many");
}

TEST(numbers_have_a_bound)
{
	uint32_t number;

	EXPECT_TRUE(parse_up_to("32767", IPCSHM_PRIORITY_MAX, &number));
	EXPECT_EQ(32767, number);
	EXPECT_FALSE(parse_up_to("32768", IPCSHM_PRIORITY_MAX, &number));
}

TEST(bytes)
{
	EXPECT_NUMBER(4096, parse_bytes, "4096");
	EXPECT_NUMBER(4096, parse_bytes, "4K");
	EXPECT_NUMBER(4096, parse_bytes, "4k");
	EXPECT_NUMBER(4096, parse_bytes, "4KiB");
	EXPECT_NUMBER(4096, parse_bytes, "4KB");
	EXPECT_NUMBER(12, parse_bytes, "12B");
	EXPECT_NUMBER(1ULL << 43, parse_bytes, "8T");
	EXPECT_NUMBER(15ULL << 60, parse_bytes, "15E");
	EXPECT_REFUSED(parse_bytes, "16E");
	EXPECT_REFUSED(parse_bytes, "18014398509481984K");
	EXPECT_REFUSED(parse_bytes, "4X");
	EXPECT_REFUSED(parse_bytes, "4Kx");
	EXPECT_REFUSED(parse_bytes, "K");
	EXPECT_REFUSED(parse_bytes, "-4K");
	EXPECT_REFUSED(parse_bytes, "");
}

TEST(capacities_can_be_unbounded)
{
	EXPECT_NUMBER(IPCSHM_UNBOUNDED, parse_capacity, "unbounded");
	EXPECT_NUMBER(0, parse_capacity, "0");
	EXPECT_REFUSED(parse_capacity, "4K");
	EXPECT_NUMBER(IPCSHM_UNBOUNDED, parse_byte_capacity, "unbounded");
	EXPECT_NUMBER(4096, parse_byte_capacity, "4K");
	EXPECT_REFUSED(parse_byte_capacity, "unbound");
}

TEST(modes_are_octal)
{
	uint32_t mode;

	EXPECT_TRUE(parse_mode("640", &mode));
	EXPECT_EQ(0640, mode);
	EXPECT_TRUE(parse_mode("0666", &mode));
	EXPECT_EQ(0666, mode);
	EXPECT_FALSE(parse_mode("1777", &mode));
	EXPECT_FALSE(parse_mode("8", &mode));
	EXPECT_FALSE(parse_mode("rw", &mode));
}

TEST(durations)
{
	EXPECT_NUMBER(2000000000, parse_duration, "2");
	EXPECT_NUMBER(500000000, parse_duration, "0.5");
	EXPECT_NUMBER(500000000, parse_duration, ".5s");
	EXPECT_NUMBER(100000000, parse_duration, "100ms");
	EXPECT_NUMBER(10000, parse_duration, "10us");
	EXPECT_NUMBER(10, parse_duration, "10ns");
	EXPECT_NUMBER(120000000000, parse_duration, "2min");
	EXPECT_NUMBER(0, parse_duration, "0");
	EXPECT_REFUSED(parse_duration, "-1");
	EXPECT_REFUSED(parse_duration, "1e300");
	EXPECT_REFUSED(parse_duration, "inf");
	EXPECT_REFUSED(parse_duration, "nan");
	EXPECT_REFUSED(parse_duration, "2x");
	EXPECT_REFUSED(parse_duration, "");
}

#define EXPECT_TARGET(word, id_, kind_, name_)                                                     \
	do {                                                                                       \
		struct target target;                                                              \
                                                                                                   \
		ASSERT_TRUE(parse_target(word, &target));                                          \
		EXPECT_EQ((uint64_t)(id_), target.id);                                             \
		EXPECT_EQ((uint32_t)(kind_), target.kind);                                         \
		EXPECT_STREQ(name_, target.name);                                                  \
	} while (0)

TEST(targets)
{
	EXPECT_TARGET("cam0", 0, 0, "cam0");
	EXPECT_TARGET("/cam0", 0, 0, "cam0");
	EXPECT_TARGET("region/cam0", 0, IPCSHM_REGION, "cam0");
	EXPECT_TARGET("queue/jobs", 0, IPCSHM_QUEUE, "jobs");
	EXPECT_TARGET("id/12", 12, 0, "12");
	/* Names that look like something else. */
	EXPECT_TARGET("12", 0, 0, "12");
	EXPECT_TARGET("region", 0, 0, "region");
	EXPECT_TARGET("/id", 0, 0, "id");
}

TEST(targets_that_no_object_can_have)
{
	static const char *const words[] = { "",     "/",    ".",	"..",	     "/..",
					     "a/b",  "//a",  "region/", "queue/a/b", "id/",
					     "id/0", "id/x", "id/-1",	"id/12x" };
	struct target target;
	char name[IPCSHM_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		EXPECT_FALSE(parse_target(words[i], &target))
		TH_LOG("accepted: \"%s\"", words[i]);
	}
	memset(name, 'n', sizeof(name));
	name[IPCSHM_NAME_MAX + 1] = '\0';
	EXPECT_FALSE(parse_target(name, &target));
	name[IPCSHM_NAME_MAX] = '\0';
	EXPECT_TRUE(parse_target(name, &target));
}

TEST_HARNESS_MAIN
