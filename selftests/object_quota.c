// SPDX-License-Identifier: GPL-2.0-only
/* Objects and bytes that count in a user's quota, and when they are given back. */
#include "common/harness.h"
#include "common/netlink.h"
#include "common/object.h"
#include "names_fixture.h"

/*
 * Quotas, of a user of the test's own.
 */

FIXTURE(quota) {
	int device;
	enum ipcshm_kind kind;
	struct ipcshm_info before;
};

FIXTURE_VARIANT(quota) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(quota, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(quota, queue) { .kind = IPCSHM_QUEUE };

/* Where it takes long to make an object, the user gets a quota that is used up sooner. */
static bool make_quota_small(uid_t user)
{
	struct link link;
	bool done =
		!link_open(&link) && !set_limit(&link, false, user, IPCSHM_QUOTA_TYPE_OBJECTS, 500);

	link_close(&link);
	return done;
}

FIXTURE_SETUP(quota)
{
	const struct user user = make_user(0);

	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(slowness() == 1 || make_quota_small(user.uid));
	ASSERT_TRUE(become_user(user));
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->before = get_info(self->device);
	ASSERT_EQ(0, self->before.objects.used);
	ASSERT_EQ(0, self->before.region_bytes.used);
	ASSERT_EQ(0, self->before.queue_bytes.used);
}

FIXTURE_TEARDOWN(quota)
{
	struct ipcshm_info after = get_info(self->device);

	EXPECT_EQ(0, memcmp(&self->before, &after, sizeof(after)));
	close(self->device);
}

static struct test_name numbered_name(unsigned int number)
{
	struct test_name name;

	snprintf(name.text, sizeof(name.text), "test-quota-%d-%u", getpid(), number);
	return name;
}

static int create_number(int device, enum ipcshm_kind kind, unsigned int number)
{
	int fd = open_kind(device, kind, numbered_name(number).text, R | C | X | P, 0600);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int unlink_number(int device, enum ipcshm_kind kind, unsigned int number)
{
	return unlink_name(device, kind, numbered_name(number).text);
}

/* Creates as many as there may be: how many, or 0 if those are too many. */
static __u64 use_up(int device, enum ipcshm_kind kind, const struct ipcshm_info *info)
{
	__u64 count = 0;

	if (info->objects.max > MANY || (kind == IPCSHM_REGION && info->objects.max >
					 info->region_bytes.max / (__u64)sysconf(_SC_PAGESIZE)))
		return 0;
	while (count <= info->objects.max && !create_number(device, kind, count))
		count++;
	return count;
}

static void unlink_all(int device, enum ipcshm_kind kind, __u64 count)
{
	while (count--)
		unlink_number(device, kind, count);
}

TEST_F_TIMEOUT(quota, of_objects_is_exact, 120)
{
	const __u64 max = self->before.objects.max;
	const __u64 count = use_up(self->device, self->kind, &self->before);

	if (!count)
		SKIP(return, "the quota is too large to be used up");
	EXPECT_EQ(max, count);
	EXPECT_EQ(max, get_info(self->device).objects.used);
	EXPECT_EQ(-EDQUOT, create_number(self->device, IPCSHM_REGION, max));
	EXPECT_EQ(-EDQUOT, create_number(self->device, IPCSHM_QUEUE, max));
	EXPECT_EQ(-EDQUOT, open_kind(self->device, self->kind, NULL, R | C, 0600));
	EXPECT_EQ(max, get_info(self->device).objects.used);
	EXPECT_EQ(-ENOENT, unlink_number(self->device, self->kind, max));
	EXPECT_EQ(0, unlink_number(self->device, self->kind, 0));
	EXPECT_EQ(0, create_number(self->device, self->kind, 0));
	EXPECT_EQ(-EDQUOT, create_number(self->device, self->kind, max));
	unlink_all(self->device, self->kind, count);
}

TEST_F_TIMEOUT(quota, used_up_doesnt_hinder_opening, 120)
{
	const __u64 count = use_up(self->device, self->kind, &self->before);
	const struct test_name name = numbered_name(0);
	int fds[2];

	if (!count)
		SKIP(return, "the quota is too large to be used up");
	fds[0] = open_kind(self->device, self->kind, name.text, R | W, 0);
	EXPECT_LE(0, fds[0]);
	fds[1] = open_kind(self->device, self->kind, name.text, R | C, 0600);
	EXPECT_LE(0, fds[1]);
	EXPECT_EQ(-EEXIST, open_kind(self->device, self->kind, name.text, R | C | X, 0600));
	unlink_all(self->device, self->kind, count);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(quota, is_given_back_when_a_user_is_killed)
{
	struct signal_pipe ready = make_pipe();
	pid_t pid = fork_peer();

	if (pid == 0) {
		int fd = -1;

		for (int i = 0; i < 20; i++)
			fd = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
		if (fd >= 0 && leave_text(self->kind, fd))
			pipe_tell(&ready);
		pause();
	}
	ASSERT_TRUE(pipe_await(&ready));
	EXPECT_EQ(20, get_info(self->device).objects.used);
	if (self->kind == IPCSHM_REGION) {
		EXPECT_EQ(20ULL * sysconf(_SC_PAGESIZE), get_info(self->device).region_bytes.used);
	} else {
		EXPECT_LE(sizeof(LEFT_TEXT), get_info(self->device).queue_bytes.used);
	}
	kill_child(pid);
}

TEST_F(quota, is_charged_until_the_last_user_of_an_unlinked_object_goes)
{
	int fd;

	ASSERT_EQ(0, create_number(self->device, self->kind, 1));
	fd = open_kind(self->device, self->kind, numbered_name(1).text, R, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, unlink_number(self->device, self->kind, 1));
	EXPECT_EQ(1, get_info(self->device).objects.used);
	close(fd);
	EXPECT_EQ(0, get_info(self->device).objects.used);
}

FIXTURE(bytes) {
	int device;
	struct ipcshm_info before;
	__u64 page;
};

FIXTURE_SETUP(bytes)
{
	SKIP_UNLESS_ROOT;
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(bytes)
{
	struct ipcshm_info after = get_info(self->device);

	if (getuid()) {
		EXPECT_EQ(0, memcmp(&self->before, &after, sizeof(after)));
	}
	close(self->device);
}

#define BECOME_ONE_USER							\
	do {								\
		ASSERT_TRUE(become_user(make_user(0)));			\
		self->before = get_info(self->device);			\
	} while (0)

static int create_sized(int device, __u64 size)
{
	return open_region(device, NULL, R | W | C, 0600, size);
}

TEST_F(bytes, of_regions_are_counted_exactly)
{
	__u64 most;
	int all;

	BECOME_ONE_USER;
	most = self->before.region_bytes.max / self->page * self->page;
	EXPECT_EQ(-EDQUOT, create_sized(self->device, most + self->page));
	all = create_sized(self->device, most);
	if (all == -ENOMEM)
		SKIP(return, "the quota is more than this machine can commit");
	ASSERT_LE(0, all);
	EXPECT_EQ(most, get_info(self->device).region_bytes.used);
	EXPECT_EQ(-EDQUOT, create_sized(self->device, 1));
	EXPECT_EQ(most, get_info(self->device).region_bytes.used);
	EXPECT_EQ(1, get_info(self->device).objects.used);
	close(all);
	all = create_sized(self->device, most - self->page);
	ASSERT_LE(0, all);
	EXPECT_EQ(-EDQUOT, create_sized(self->device, self->page + 1));
	close(create_sized(self->device, 1));
	close(all);
}

TEST_F(bytes, of_a_mapped_region_stay_counted)
{
	void *mapping;
	int fd;

	BECOME_ONE_USER;
	fd = create_sized(self->device, 3 * self->page);
	ASSERT_LE(0, fd);
	mapping = map_descriptor(fd, PROT_READ);
	ASSERT_NE(MAP_FAILED, mapping);
	close(fd);
	EXPECT_EQ(3 * self->page, get_info(self->device).region_bytes.used);
	munmap(mapping, self->page);
	EXPECT_EQ(3 * self->page, get_info(self->device).region_bytes.used);
	munmap(mapping, 3 * self->page);
	EXPECT_EQ(0, get_info(self->device).region_bytes.used);
}

/* Creates as a user in a child, and hands the descriptor over. */
static int create_by(struct user user, int device, enum ipcshm_kind kind)
{
	int sockets[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		return -1;
	pid = fork();
	if (pid == 0) {
		fd = become_user(user) ? open_kind(device, kind, NULL, R | W | C, 0600) : -1;
		_exit(send_descriptor(sockets[1], fd) ? 0 : 1);
	}
	close(sockets[1]);
	fd = receive_descriptor(sockets[0]);
	close(sockets[0]);
	wait_child(pid);
	return fd;
}

TEST_F(bytes, are_paid_by_the_creator_even_if_another_keeps_it)
{
	const struct user creator = make_user(1), keeper = make_user(2);
	int fd = create_by(creator, self->device, IPCSHM_REGION);

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, info_of(creator, self->device).objects.used);
	EXPECT_EQ(self->page, info_of(creator, self->device).region_bytes.used);
	ASSERT_EQ(0, fchown(fd, keeper.uid, keeper.gid));
	EXPECT_EQ(1, info_of(creator, self->device).objects.used);
	EXPECT_EQ(0, info_of(keeper, self->device).objects.used);
	close(fd);
	EXPECT_EQ(0, info_of(creator, self->device).objects.used);
	EXPECT_EQ(0, info_of(creator, self->device).region_bytes.used);
}

TEST_F(bytes, of_messages_are_paid_by_the_opener_of_the_descriptor)
{
	const struct user opener = make_user(1), sender = make_user(2);
	int fd = create_by(opener, self->device, IPCSHM_QUEUE);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0)
		_exit(become_user(sender) && leave_text(IPCSHM_QUEUE, fd) ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_LE(sizeof(LEFT_TEXT), info_of(opener, self->device).queue_bytes.used);
	EXPECT_EQ(0, info_of(sender, self->device).queue_bytes.used);
	EXPECT_TRUE(has_text(IPCSHM_QUEUE, fd));
	EXPECT_EQ(0, info_of(opener, self->device).queue_bytes.used);
	close(fd);
	EXPECT_EQ(0, info_of(opener, self->device).objects.used);
}

TEST_F(bytes, are_paid_by_the_file_system_user)
{
	const struct user owner = make_user(1);
	const int fd = create_as(owner, self->device, IPCSHM_REGION, NULL, R, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(owner.uid, region_stat(fd).stat.uid);
	EXPECT_EQ(self->page, info_of(owner, self->device).region_bytes.used);
	close(fd);
	EXPECT_EQ(0, info_of(owner, self->device).region_bytes.used);
}

TEST_F(bytes, of_one_user_are_none_of_anothers)
{
	const struct user another = make_user(1);
	int fd, other;

	BECOME_ONE_USER;
	fd = create_sized(self->device, self->page);
	ASSERT_LE(0, fd);
	other = open_device();
	EXPECT_EQ(1, get_info(other).objects.used);
	EXPECT_EQ(0, info_of(another, other).region_bytes.used);
	close(other);
	close(fd);
}

/* A large queue, filled up with large messages; returns how many. */
static __u64 fill_up(int fd, const void *data, size_t size, int *error)
{
	__u64 count = 0;

	while (write(fd, data, size) == (ssize_t)size)
		count++;
	*error = errno;
	return count;
}

TEST_F_TIMEOUT(bytes, of_messages_over_the_quota_would_block, 120)
{
	const size_t size = 1 << 20;
	char *data = calloc(1, size);
	int fd, error;
	__u64 count;

	BECOME_ONE_USER;
	ASSERT_NE(NULL, data);
	if (self->before.queue_bytes.max > 512 * size)
		SKIP(return, "the quota is too large to be used up");
	fd = open_queue(self->device, NULL, R | W | C, 0600, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED,
			size);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	count = fill_up(fd, data, size, &error);
	EXPECT_EQ(EAGAIN, error);
	EXPECT_LE(get_info(self->device).queue_bytes.used, self->before.queue_bytes.max);
	EXPECT_GE(count * size, self->before.queue_bytes.max - 2 * size);
	EXPECT_EQ(count, queue_stat(fd).messages);
	EXPECT_EQ(size, read(fd, data, size));
	EXPECT_EQ(size, write(fd, data, size));
	EXPECT_EQ(-1, write(fd, data, size));
	close(fd);
	EXPECT_EQ(0, get_info(self->device).queue_bytes.used);
	free(data);
}

static __u64 read_parameter(const char *name)
{
	char path[128];
	__u64 value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/ipcshm/parameters/%s", name);
	file = fopen(path, "r");
	if (file && fscanf(file, "%llu", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

TEST_F(bytes, and_objects_are_limited_by_the_modules_parameters)
{
	struct ipcshm_info info;

	if (access("/sys/module/ipcshm/parameters/max_objects", R_OK))
		SKIP(return, "the module's parameters can't be read");
	info = info_of(make_user(0), self->device);
	EXPECT_EQ(read_parameter("max_objects"), info.objects.max);
	EXPECT_EQ(read_parameter("max_region_bytes"), info.region_bytes.max);
	EXPECT_EQ(read_parameter("max_queue_bytes"), info.queue_bytes.max);
}

IPCSHM_TEST_MAIN
