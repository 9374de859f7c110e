// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary interface of the device: its operations, and the descriptors, ids and names of objects
 * that it opens.
 */
#include <sys/resource.h>

#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

TEST_F(abi, unknown_numbers_are_refused_on_every_descriptor)
{
	bool known[TARGETS][256] = { 0 };

	for (int i = 0; i < FORMS; i++)
		known[forms[i].target][_IOC_NR(forms[i].number)] = true;
	for (int i = 0; i < TARGETS * 256; i++) {
		const int target = i / 256, number = i % 256;

		if (known[target][number])
			continue;
		EXPECT_EQ(-ENOTTY, call(self->world.fd[target],
					_IOWR(IPCSHM_IOC_MAGIC, number, struct ipcshm_info),
					self->world.args));
	}
}

TEST_F(abi, other_kinds_of_ioctl_are_refused)
{
	EXPECT_EQ(-ENOTTY, call(self->world.device, 0, NULL));
	EXPECT_EQ(-ENOTTY, call(self->world.device, TCGETS, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[QUEUE], TCGETS, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[QUEUE], FIONREAD, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[REGION], TCGETS, self->world.args));
}

TEST_F(abi, device_has_no_other_use)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->world.device, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->world.device, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, system_page_size(), PROT_READ, MAP_SHARED,
				   self->world.device, 0));
	EXPECT_EQ(ENODEV, errno);
}

TEST_F(abi, new_descriptors_have_the_rights_asked_for_and_close_on_exec)
{
	const struct {
		enum form form;
		__u32 flags;
		int mode;
	} cases[] = {
		{ REGION_ANONYMOUS, R, O_RDONLY },
		{ REGION_ANONYMOUS, R | W, O_RDWR },
		{ QUEUE_ANONYMOUS, R, O_RDONLY },
		{ QUEUE_ANONYMOUS, W, O_WRONLY },
		{ QUEUE_ANONYMOUS, R | W, O_RDWR },
		{ QUEUE_ANONYMOUS, R | N, O_RDONLY | O_NONBLOCK },
		{ QUEUE_ANONYMOUS, W | N, O_WRONLY | O_NONBLOCK },
		{ QUEUE_ANONYMOUS, R | W | N, O_RDWR | O_NONBLOCK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd;

		fill_args(&self->world, cases[i].form, self->world.args);
		/* the same place in either structure */
		self->world.args->region_open.how.flags = cases[i].flags | IPCSHM_CREATE;
		fd = call(self->world.device, forms[cases[i].form].number, self->world.args);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		EXPECT_EQ(cases[i].mode, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
		close(fd);
	}
}

TEST_F(abi, without_a_free_descriptor_nothing_is_left_behind)
{
	const enum form creators[] = { REGION_CREATE, REGION_ANONYMOUS, REGION_GROWING, REGION_OPEN,
		QUEUE_CREATE, QUEUE_ANONYMOUS, QUEUE_POOL, QUEUE_OPEN };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(creators); i++) {
		const unsigned long number = forms[creators[i]].number;
		struct snapshot before, after;
		struct rlimit limit, full;

		prepare_world(world, creators[i]);
		fill_args(world, creators[i], world->args);
		before = take_snapshot(world);
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
		full = limit;
		full.rlim_cur = before.next_fd;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
		EXPECT_EQ(-EMFILE, call(world->device, number, world->args));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		after = take_snapshot(world);
		EXPECT_TRUE(is_same_snapshot(&before, &after));
	}
}

/* A call that cannot return a descriptor does not look for the object. */
TEST_F(abi, missing_descriptor_is_reported_before_a_wrong_name)
{
	const struct change changes[] = {
		CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EMFILE),
		CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, EMFILE),
		CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, EMFILE),
		CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EMFILE),
		CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, NAME_LEN - 1, EMFILE),
		CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
		CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	};
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const enum form form = changes[i].form;
		struct rlimit limit, full;

		prepare_world(world, form);
		fill_args(world, form, world->args);
		apply_change(world->args, &changes[i]);
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
		full = limit;
		full.rlim_cur = take_snapshot(world).next_fd;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
		EXPECT_EQ(-changes[i].error, call(world->device, forms[form].number, world->args));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	}
}

TEST_F(abi, an_id_is_never_used_twice)
{
	__u64 last = 0;

	for (int i = 0; i < 100; i++) {
		int region = open_region(self->world.device, NULL, R | C, 0, 1);
		int queue = open_queue(self->world.device, NULL, R | C, 0, 1, 1, 1);
		__u64 ids[] = { region_stat(region).stat.id, queue_stat(queue).stat.id };

		close(region);
		close(queue);
		EXPECT_NE(0, ids[0]);
		EXPECT_NE(0, ids[1]);
		EXPECT_NE(ids[0], ids[1]);
		EXPECT_NE(last, ids[0]);
		last = ids[1];
	}
}

TEST_F(abi, name_may_end_at_the_edge_of_memory)
{
	struct world *world = &self->world;
	const size_t length = strlen(world->name.text);

	memcpy(world->edge - length, world->name.text, length);
	for (int i = 0; i < 2; i++) {
		const enum form form = i ? QUEUE_CREATE : REGION_CREATE;

		prepare_world(world, form);
		fill_args(world, form, world->args);
		world->args->region_open.how.name = (uintptr_t)(world->edge - length);
		EXPECT_TRUE(call_succeeds(world, form, forms[form].number, world->args));
		world->args->region_open.how.name_len++;
		EXPECT_TRUE(call_is_refused(world, world->device, forms[form].number, world->args,
					    EFAULT));
	}
}

IPCSHM_TEST_MAIN
