// SPDX-License-Identifier: GPL-2.0-only
/* INFO and STAT: reported values, and the bytes that are written. */
#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

TEST_F(abi, stat_and_info_ignore_their_input)
{
	const enum form filled[] = { INFO, REGION_STAT, QUEUE_STAT };

	for (size_t i = 0; i < ARRAY_SIZE(filled); i++) {
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(call_succeeds(&self->world, filled[i], forms[filled[i]].number,
				     self->world.args));
	}
}

/* Every byte is written, and none behind the last one. */
TEST_F(abi, stat_and_info_are_filled_to_their_end)
{
	const enum form filled[] = { INFO, REGION_STAT, QUEUE_STAT };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(filled); i++) {
		const enum form form = filled[i];
		union args whole;

		call(world->fd[forms[form].target], forms[form].number, world->args);
		whole = *world->args;
		for (size_t size = forms[form].least; size <= forms[form].size; size++) {
			for (int canary = 0x55; canary <= 0xaa; canary += 0x55) {
				union args *args = world->args;

				memset(args, canary, sizeof(*args));
				EXPECT_EQ(0, call(world->fd[forms[form].target],
						  resize_number(forms[form].number, size), args));
				EXPECT_EQ(0, memcmp(&whole, args, size));
				EXPECT_EQ(canary, (unsigned char)args->bytes[size]);
			}
		}
	}
}

TEST_F(abi, info_has_version_features_and_limits)
{
	struct ipcshm_info info = get_info(self->world.device);

	EXPECT_EQ(IPCSHM_ABI_VERSION, info.abi_version);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(IPCSHM_FEATURE_REGION | IPCSHM_FEATURE_QUEUE | IPCSHM_FEATURE_MEMBERS |
		  IPCSHM_FEATURE_MESSAGES | IPCSHM_FEATURE_CALL | IPCSHM_FEATURE_POOL,
		  info.features & 0x3f);
	EXPECT_EQ(IPCSHM_MESSAGE_MAX, info.max_message_size);
	EXPECT_LT(2, info.objects.max);
	EXPECT_LE(system_page_size(), info.region_bytes.max);
	EXPECT_LE(sizeof(PAYLOAD), info.queue_bytes.max);
	EXPECT_LT(1, info.members.max);
	EXPECT_EQ(1, info.members.used);
	EXPECT_LT(1, info.waiters.max);
	EXPECT_EQ(0, info.waiters.used);
	EXPECT_LE(IPCSHM_FDS_MAX, info.descriptors.max);
	EXPECT_EQ(0, info.descriptors.used);
}

TEST_F(abi, largest_sizes_are_within_the_interface)
{
	struct ipcshm_info info = get_info(self->world.device);
	const struct change largest[] = {
		CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX, EDQUOT),
		CHANGE(REGION_CREATE, region_open_args, max_size, IPCSHM_REGION_MAX, EDQUOT),
	};

	EXPECT_EQ(8ULL << 40, IPCSHM_REGION_MAX);
	EXPECT_EQ(16 << 20, IPCSHM_MESSAGE_MAX);
	if (info.region_bytes.max >= IPCSHM_REGION_MAX)
		SKIP(return, "the quota lets the largest region be created");
	EXPECT_REFUSED(largest);
}

TEST_F(abi, info_counts_the_users_objects)
{
	struct ipcshm_info before = get_info(self->world.device), after;
	int region = open_region(self->world.device, NULL, R | C, 0, system_page_size() + 1);
	int queue = open_queue(self->world.device, NULL, R | C, 0, 1, 1, 1);

	ASSERT_LE(0, region);
	ASSERT_LE(0, queue);
	after = get_info(self->world.device);
	EXPECT_EQ(before.objects.used + 2, after.objects.used);
	EXPECT_EQ(before.region_bytes.used + 2 * system_page_size(), after.region_bytes.used);
	EXPECT_LT(before.queue_bytes.used, after.queue_bytes.used);
	close(region);
	close(queue);
	after = get_info(self->world.device);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(abi, info_counts_the_messages_that_wait)
{
	struct ipcshm_info before = get_info(self->world.device), one, two, after;

	ASSERT_EQ(0, transfer_message(&self->world, SEND));
	one = get_info(self->world.device);
	ASSERT_EQ(0, transfer_message(&self->world, SEND));
	two = get_info(self->world.device);
	EXPECT_LE(before.queue_bytes.used + sizeof(PAYLOAD), one.queue_bytes.used);
	EXPECT_EQ(one.queue_bytes.used - before.queue_bytes.used,
		  two.queue_bytes.used - one.queue_bytes.used);
	drain_queue(&self->world);
	after = get_info(self->world.device);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(abi, only_the_creating_call_reports_created)
{
	struct ipcshm_region_open_args region;
	struct ipcshm_queue_open_args queue;
	int fds[4];

	for (int i = 0; i < 2; i++) {
		region = (struct ipcshm_region_open_args) {
			.how = open_args(self->world.name.text, R | W | C, 0600),
			.size = 5 * system_page_size() - i,
		};
		queue = (struct ipcshm_queue_open_args) {
			.how = open_args(self->world.name.text, R | W | C, 0600),
			.max_messages = 3 + i, .max_bytes = 100 + i, .max_message_size = 10 + i,
		};
		region.how.created = queue.how.created = 7;
		region.how.id = queue.how.id = ~0ULL;
		fds[2 * i] = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &region);
		fds[2 * i + 1] = call(self->world.device, IPCSHM_IOC_QUEUE_OPEN, &queue);
		ASSERT_LE(0, fds[2 * i]);
		ASSERT_LE(0, fds[2 * i + 1]);
		EXPECT_EQ(!i, region.how.created);
		EXPECT_EQ(!i, queue.how.created);
		EXPECT_EQ(5 * system_page_size(), region.size);
		EXPECT_EQ(5 * system_page_size(), region.max_size);
		EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, region.max_members);
		EXPECT_EQ(3, queue.max_messages);
		EXPECT_EQ(100, queue.max_bytes);
		EXPECT_EQ(10, queue.max_message_size);
		EXPECT_EQ(region_stat(fds[0]).stat.id, region.how.id);
		EXPECT_EQ(queue_stat(fds[1]).stat.id, queue.how.id);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

TEST_F(abi, sizes_are_reported_in_whole_pages)
{
	const __u64 sizes[] = { 1, system_page_size() - 1, system_page_size(),
				system_page_size() + 1, 10 * system_page_size() - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const __u64 rounded = (sizes[i] + system_page_size() - 1) / system_page_size() *
				      system_page_size();
		struct ipcshm_region_open_args args = {
			.how = open_args(NULL, R | C, 0), .size = sizes[i],
		};
		int fd = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &args);

		ASSERT_LE(0, fd);
		EXPECT_EQ(rounded, args.size);
		EXPECT_EQ(rounded, region_stat(fd).size);
		close(fd);
	}
}

static void check_stat(struct __test_metadata *_metadata, const struct ipcshm_stat *stat,
		       enum ipcshm_kind kind, __u64 since)
{
	EXPECT_NE(0, stat->id);
	EXPECT_LE(since, stat->btime);
	EXPECT_GE(now_ns(CLOCK_REALTIME), stat->btime);
	EXPECT_EQ(geteuid(), stat->uid);
	EXPECT_EQ(getegid(), stat->gid);
	EXPECT_EQ(0640, stat->mode);
	EXPECT_EQ(kind, stat->kind);
	EXPECT_EQ(0, stat->reserved[0] | stat->reserved[1]);
}

/* The kernel's coarse clock may be a tick behind. */
static __u64 just_before(void)
{
	return now_ns(CLOCK_REALTIME) - 20000000;
}

TEST_F(abi, region_stat_has_the_created_sizes)
{
	__u64 since = just_before();
	struct ipcshm_region_stat stat;
	int fd, second;

	umask(0);
	fd = open_region(self->world.device, self->world.name.text, R | W | C | X | P, 0640, 1);
	ASSERT_LE(0, fd);
	stat = region_stat(fd);
	check_stat(_metadata, &stat.stat, IPCSHM_REGION, since);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, stat.stat.flags);
	EXPECT_EQ(1, stat.stat.opens);
	EXPECT_EQ(system_page_size(), stat.size);
	EXPECT_EQ(system_page_size(), stat.max_size);
	EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, stat.max_members);
	EXPECT_EQ(0, stat.members + stat.joins + stat.deaths + stat.waiters + stat.reserved);
	second = open_region(self->world.device, self->world.name.text, R, 0, 0);
	ASSERT_LE(0, second);
	EXPECT_EQ(2, region_stat(fd).stat.opens);
	EXPECT_EQ(2, region_stat(dup(fd)).stat.opens);
	EXPECT_EQ(0, unlink_name(self->world.device, IPCSHM_REGION, self->world.name.text));
	EXPECT_EQ(0, region_stat(fd).stat.flags & IPCSHM_STAT_NAMED);
	close(second);
	EXPECT_EQ(1, region_stat(fd).stat.opens);
}

TEST_F(abi, queue_stat_has_the_created_sizes)
{
	__u64 since = just_before();
	struct ipcshm_queue_stat stat;
	int fd;

	umask(0);
	fd = open_queue(self->world.device, self->world.name.text, R | W | C | X, 0640, 7, 100, 50);
	ASSERT_LE(0, fd);
	stat = queue_stat(fd);
	check_stat(_metadata, &stat.stat, IPCSHM_QUEUE, since);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(1, stat.stat.opens);
	EXPECT_EQ(7, stat.max_messages);
	EXPECT_EQ(100, stat.max_bytes);
	EXPECT_EQ(50, stat.max_message_size);
	EXPECT_EQ(0, stat.messages + stat.bytes + stat.senders + stat.receivers);
	EXPECT_EQ(0, stat.sent + stat.received + stat.dropped);
	EXPECT_EQ(0, stat.peak_messages + stat.peak_bytes + stat.next_time + stat.blocked_time);
	EXPECT_EQ(0, stat.pool_bytes + stat.pool_used + stat.held + stat.calls);
	EXPECT_EQ(IPCSHM_OVERFLOW_BLOCK, stat.overflow);
	EXPECT_EQ(1, stat.readers);
	EXPECT_EQ(1, stat.writers);
	EXPECT_EQ(0, stat.reserved);
	EXPECT_EQ(0, unlink_name(self->world.device, IPCSHM_QUEUE, self->world.name.text));
	EXPECT_EQ(0, queue_stat(fd).stat.flags & IPCSHM_STAT_NAMED);
	close(fd);
}

IPCSHM_TEST_MAIN
