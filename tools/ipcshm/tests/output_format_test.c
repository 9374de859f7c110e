// SPDX-License-Identifier: GPL-2.0-only
/* Numbers, names and times as people and programs read them. */
#include "kselftest_harness.h"

#include <locale.h>
#include <math.h>

#include "output_base64.h"
#include "output_format.h"
#include "output_json.h"

#define EXPECT_TEXT(expected, call)                                                                \
	do {                                                                                       \
		char text[FORMAT_MAX];                                                             \
                                                                                                   \
		call;                                                                              \
		EXPECT_STREQ(expected, text);                                                      \
	} while (0)

TEST(bytes_have_the_largest_unit_that_fits)
{
	EXPECT_TEXT("0 B", format_bytes(0, text));
	EXPECT_TEXT("1023 B", format_bytes(1023, text));
	EXPECT_TEXT("1 KiB", format_bytes(1024, text));
	EXPECT_TEXT("1.5 KiB", format_bytes(1536, text));
	EXPECT_TEXT("9.9 KiB", format_bytes(10239, text));
	EXPECT_TEXT("1023 KiB", format_bytes((1 << 20) - 1, text));
	EXPECT_TEXT("16 MiB", format_bytes(16 << 20, text));
	EXPECT_TEXT("8 TiB", format_bytes(1ULL << 43, text));
	EXPECT_TEXT("16 EiB", format_bytes(UINT64_MAX, text));
}

TEST(durations_go_from_nanoseconds_to_days)
{
	EXPECT_TEXT("0 ns", format_duration(0, text));
	EXPECT_TEXT("999 ns", format_duration(999, text));
	EXPECT_TEXT("1.2 us", format_duration(1250, text));
	EXPECT_TEXT("12 ms", format_duration(12999999, text));
	EXPECT_TEXT("2.1 s", format_duration(2100000000, text));
	EXPECT_TEXT("59 s", format_duration(59999999999, text));
	EXPECT_TEXT("1 min 0 s", format_duration(60000000000, text));
	EXPECT_TEXT("2 h 5 min", format_duration(7500000000000, text));
	EXPECT_TEXT("4 d 3 h", format_duration((4 * 86400 + 3 * 3600 + 1) * 1000000000ULL, text));
}

TEST(times_are_exact_for_programs)
{
	EXPECT_TEXT("1970-01-01T00:00:00.000000001Z", format_timestamp(1, text));
	EXPECT_TEXT("2026-11-23T12:19:46.123456789Z", format_timestamp(1795436386123456789, text));
}

TEST(names_cannot_command_a_terminal)
{
	char text[256];

	setlocale(LC_CTYPE, "C.UTF-8");
	format_name("cam0", 4, text);
	EXPECT_STREQ("cam0", text);
	format_name("\033[2Jx\n\177", 7, text);
	EXPECT_STREQ("\\x1b[2Jx\\x0a\\x7f", text);
	format_name("a\\b", 3, text);
	EXPECT_STREQ("a\\\\b", text);
	format_name("gr\xc3\xbc\xc3\x9f\xff", 7, text);
	EXPECT_STREQ("gr\xc3\xbc\xc3\x9f\\xff", text);
	format_name("\xc3", 1, text);
	EXPECT_STREQ("\\xc3", text);
	setlocale(LC_CTYPE, "C");
	format_name("\xc3\xbc", 2, text);
	EXPECT_STREQ("\\xc3\\xbc", text);
}

TEST(width_is_in_columns)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	EXPECT_EQ(4, format_width("cam0"));
	EXPECT_EQ(2, format_width("\xc3\xbc\xc3\x9f"));
	EXPECT_EQ(4, format_width("\xe6\xbc\xa2\xe5\xad\x97"));
	setlocale(LC_CTYPE, "C");
}

TEST(base64_is_that_of_the_rfc)
{
	static const char *const expected[] = { "",	    "Zg==",	"Zm8=",	   "Zm9v",
						"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	char text[16];

	for (size_t size = 0; size <= 6; size++) {
		base64_encode("foobar", size, text);
		EXPECT_STREQ(expected[size], text);
		EXPECT_EQ(strlen(expected[size]), base64_size(size));
	}
	base64_encode("\xff\xfe\xfd", 3, text);
	EXPECT_STREQ("//79", text);
}

TEST(json_has_only_utf8)
{
	EXPECT_TRUE(json_is_text("", 0));
	EXPECT_TRUE(json_is_text("plain\0text", 10));
	EXPECT_TRUE(json_is_text("\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", 11));
	EXPECT_FALSE(json_is_text("\xc3", 1));	   /* cut off */
	EXPECT_FALSE(json_is_text("\xc0\x80", 2)); /* longer than need be */
	EXPECT_FALSE(json_is_text("\xe0\x80\x80", 3));
	EXPECT_FALSE(json_is_text("\xed\xa0\x80", 3));	   /* half of a pair */
	EXPECT_FALSE(json_is_text("\xf4\x90\x80\x80", 4)); /* beyond Unicode */
	EXPECT_FALSE(json_is_text("\xff", 1));
}

static struct json to_memory(char *text, size_t room)
{
	return (struct json){ .to = fmemopen(text, room, "w") };
}

static const char *string_json(const char *bytes, size_t size)
{
	static char text[256];
	struct json json = to_memory(text, sizeof(text));

	json_text(&json, bytes, size);
	json_line(&json);
	fclose(json.to);
	return text;
}

TEST(json_replaces_each_byte_that_is_none)
{
	EXPECT_STREQ("\"a\xef\xbf\xbd\xef\xbf\xbdz\"\n", string_json("a\xff\xc3z", 4));
}

TEST(json_escapes_what_ends_a_string_or_a_line)
{
	EXPECT_STREQ("\"\\\"\\\\/\xc3\xbc\"\n", string_json("\"\\/\xc3\xbc", 5));
	EXPECT_STREQ("\"\\b\\f\\n\\r\\t\\u0000\\u001b\x7f\"\n",
		     string_json("\b\f\n\r\t\0\033\x7f", 8));
}

TEST(json_has_commas_between_and_nowhere_else)
{
	char text[256];
	struct json json = to_memory(text, sizeof(text));

	json_list_open(&json);
	json_list_next(&json);
	json_open(&json, '{');
	json_key(&json, "a");
	json_open(&json, '[');
	json_null(&json);
	json_boolean(&json, false);
	json_close(&json, ']');
	json_key(&json, "b");
	json_open(&json, '{');
	json_close(&json, '}');
	json_close(&json, '}');
	json_list_next(&json);
	json_number(&json, UINT64_MAX);
	json_list_close(&json);
	json_list_open(&json);
	json_list_close(&json);
	fclose(json.to);
	EXPECT_STREQ("[\n{\"a\":[null,false],\"b\":{}},\n18446744073709551615\n]\n[]\n", text);
}

TEST(json_has_decimals_and_no_infinity)
{
	char text[128];
	struct json json = to_memory(text, sizeof(text));

	json_open(&json, '[');
	json_decimal(&json, 1.25, 1);
	json_decimal(&json, -3, 0);
	json_decimal(&json, 1.0 / 3, 3);
	json_decimal(&json, HUGE_VAL, 1);
	json_close(&json, ']');
	json_line(&json);
	fclose(json.to);
	EXPECT_STREQ("[1.2,-3,0.333,null]\n", text);
}

TEST_HARNESS_MAIN
