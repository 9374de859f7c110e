// SPDX-License-Identifier: GPL-2.0-only
/* Commands that turn input into output. */
#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "filter.h"

static char output[64];

/* The output is in @output, as a string. */
static int run(const char *script, const char *input, size_t size, struct filter_data *data)
{
	char shell[] = "sh", option[] = "-c", text[256];
	char *command[] = { shell, option, text, NULL };
	int result;

	snprintf(text, sizeof(text), "%s", script);
	*data = (struct filter_data){
		.input = input,
		.input_size = size,
		.output = output,
		.output_room = sizeof(output) - 1,
	};
	result = filter_run(command, data);
	output[data->output_size] = '\0';
	return result;
}

TEST(input_becomes_output)
{
	struct filter_data data;

	EXPECT_EQ(0, run("tr a-z A-Z", "hello", 5, &data));
	EXPECT_STREQ("HELLO", output);
	EXPECT_EQ(0, run("wc -c", "a\0b", 3, &data));
	EXPECT_EQ(3, atoi(output));
	EXPECT_EQ(0, run("cat", "", 0, &data));
	EXPECT_EQ(0, data.output_size);
}

TEST(a_status_is_returned)
{
	struct filter_data data;

	EXPECT_EQ(3, WEXITSTATUS(run("echo half; exit 3", "", 0, &data)));
	EXPECT_EQ(SIGTERM, WTERMSIG(run("kill $$", "", 0, &data)));
}

TEST(a_command_that_is_not_there_is_an_error)
{
	char name[] = "/nix/nix", *command[] = { name, NULL };
	struct filter_data data = { .output = output, .output_room = sizeof(output) };

	EXPECT_EQ(-ENOENT, filter_run(command, &data));
	EXPECT_EQ(0, data.output_size);
}

/* More input than a pipe holds, for a command that does not read it; more output than room. */
TEST(neither_side_blocks_the_other)
{
	static char input[1 << 20];
	struct filter_data data;

	EXPECT_EQ(0, run("echo done", input, sizeof(input), &data));
	EXPECT_STREQ("done\n", output);
	EXPECT_EQ(SIGPIPE, WTERMSIG(run("exec cat", input, sizeof(input), &data)));
	EXPECT_EQ(sizeof(output) - 1, data.output_size);
}

static unsigned int count_descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

TEST(descriptors_do_not_leak)
{
	unsigned int before = count_descriptors();
	struct filter_data data;

	EXPECT_EQ(0, run("true", "x", 1, &data));
	EXPECT_EQ(before, count_descriptors());
}

TEST_HARNESS_MAIN
