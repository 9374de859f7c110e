// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of regions and queues: which bytes one may have, how a name is created and found, which
 * users may open it, and races for one.
 */
#include <linux/capability.h>

#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

static int unlink_bytes(int device, enum ipcshm_kind kind, const void *name, size_t length)
{
	struct ipcshm_unlink_args args = { .name = (uintptr_t)name,
					   .name_len = length,
					   .kind = kind };

	return call(device, IPCSHM_IOC_UNLINK, &args);
}

/*
 * Valid names.
 */

FIXTURE(spelling) {
	int device;
	enum ipcshm_kind kind;
	struct test_name name;
};

FIXTURE_VARIANT(spelling) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(spelling, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(spelling, queue) { .kind = IPCSHM_QUEUE };

/* These names aren't the process's own: if possible, the namespace is. */
FIXTURE_SETUP(spelling)
{
	if (!geteuid()) {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
	}
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->name = make_name("spelling");
}

FIXTURE_TEARDOWN(spelling)
{
	unlink_name(self->device, self->kind, self->name.text);
	close(self->device);
}

/* Creates by that name: 0 if all is well, else why it can't be. */
static int check_name(int device, enum ipcshm_kind kind, const void *bytes, size_t length)
{
	int fd = open_bytes(device, kind, bytes, length, R | C | X, 0600);
	int again, result;

	if (fd < 0) {
		result = unlink_bytes(device, kind, bytes, length);
		again = open_bytes(device, kind, bytes, length, R, 0);
		return result == fd && again == fd ? fd : -ENOTRECOVERABLE;
	}
	again = open_bytes(device, kind, bytes, length, R, 0);
	result = stat_of(kind, fd).id == stat_of(kind, again).id ? 0 : -ENOTUNIQ;
	if (unlink_bytes(device, kind, bytes, length))
		result = -ENOTRECOVERABLE;
	close(fd);
	close(again);
	return result;
}

TEST_F(spelling, has_1_to_255_bytes)
{
	char bytes[300];

	memset(bytes, 'n', sizeof(bytes));
	for (size_t length = 1; length <= 255; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, bytes, length));
	}
	for (size_t length = 256; length <= sizeof(bytes); length++) {
		EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, length));
	}
	EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, UINT_MAX));
	EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, 0));
}

TEST_F(spelling, has_1_to_255_bytes_after_a_slash)
{
	char bytes[300];

	memset(bytes, 'n', sizeof(bytes));
	bytes[0] = '/';
	for (size_t length = 2; length <= 256; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, bytes, length));
	}
	for (size_t length = 257; length <= sizeof(bytes); length++) {
		EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, length));
	}
	EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, 1));
}

TEST_F(spelling, is_the_same_with_a_leading_slash)
{
	char slashed[sizeof(self->name) + 1];
	int fd, same;

	snprintf(slashed, sizeof(slashed), "/%s", self->name.text);
	fd = OPEN(R | C | X | P, 0600);
	ASSERT_LE(0, fd);
	same = open_kind(self->device, self->kind, slashed, R, 0);
	ASSERT_LE(0, same);
	EXPECT_EQ(STAT(fd).id, STAT(same).id);
	EXPECT_EQ(-EEXIST, open_kind(self->device, self->kind, slashed, R | C | X, 0600));
	EXPECT_EQ(0, unlink_name(self->device, self->kind, slashed));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(spelling, isnt_a_path)
{
	const char *const wrong[] = { "/", "//", ".", "..", "/.", "/..", "a/", "/a/", "a/b", "/a/b",
		"//a", "./a", "../a", "a/." };
	const char *const right[] = {
		"...", "/...", ".a", "a.", "..a", "a..", " ", "/ ", "\\", "*"
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, wrong[i], strlen(wrong[i])))
			TH_LOG("%s", wrong[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, right[i], strlen(right[i])))
			TH_LOG("%s", right[i]);
	}
}

TEST_F(spelling, has_no_nul)
{
	char bytes[255];

	memset(bytes, 'n', sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = '\0';
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, sizeof(bytes)));
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, i + 1));
		bytes[i] = 'n';
	}
}

TEST_F(spelling, may_have_every_other_byte)
{
	const size_t length = strlen(self->name.text);
	int fds[256];

	for (int byte = 1; byte < 256; byte++) {
		char bytes[sizeof(self->name.text) + 2];

		memcpy(bytes, self->name.text, length);
		bytes[length] = byte;
		bytes[length + 1] = 'n';
		fds[byte] =
			open_bytes(self->device, self->kind, bytes, length + 2, R | C | X, 0600);
		EXPECT_EQ(byte == '/' ? -EINVAL : 0, fds[byte] < 0 ? fds[byte] : 0);
	}
	for (int byte = 1; byte < 256; byte++)
		close(fds[byte]);
}

TEST_F(spelling, differs_in_every_byte_and_in_length)
{
	const size_t length = strlen(self->name.text);
	char bytes[sizeof(self->name.text) + 1];

	ASSERT_LE(0, OPEN(R | C | X, 0600));
	memcpy(bytes, self->name.text, length);
	bytes[length] = 'n';
	for (size_t i = 0; i < length; i++) {
		bytes[i] ^= 1;
		EXPECT_EQ(-ENOENT, open_bytes(self->device, self->kind, bytes, length, R, 0));
		bytes[i] ^= 1;
	}
	for (size_t i = 1; i <= length + 1; i++) {
		int fd = open_bytes(self->device, self->kind, bytes, i, R, 0);

		EXPECT_EQ(i == length ? 0 : -ENOENT, fd < 0 ? fd : 0);
	}
}

TEST_F(spelling, needs_no_nul_at_its_end)
{
	const long size = sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *edge = pages + size;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(edge, size));
	memset(pages, 'n', size);
	for (size_t length = 1; length <= 255; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, edge - length, length));
		EXPECT_EQ(-EFAULT, open_bytes(self->device, self->kind, edge - length + 1, length,
					      R | C, 0600));
	}
}

TEST_F(name, is_anothers_in_the_other_kind)
{
	const enum ipcshm_kind other = IPCSHM_REGION + IPCSHM_QUEUE - self->kind;
	int fd = OPEN(R | C | X | P, 0600), other_fd;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, try_open(self->device, other, self->name.text, R));
	EXPECT_EQ(-ENOENT, unlink_name(self->device, other, self->name.text));
	other_fd = open_kind(self->device, other, self->name.text, R | C | X | P, 0600);
	ASSERT_LE(0, other_fd);
	EXPECT_NE(STAT(fd).id, stat_of(other, other_fd).id);
	EXPECT_EQ(0, unlink_name(self->device, other, self->name.text));
	EXPECT_EQ(0, TRY(R));
}

/*
 * Create and open.
 */

TEST_F(name, that_isnt_there_isnt_found)
{
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(-ENOENT, UNLINK());
}

TEST_F(name, is_created_once_and_then_opened)
{
	int fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = OPEN(R | W | C, i ? 0 : 0600);
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(STAT(fds[0]).id, STAT(fds[i]).id);
		EXPECT_EQ(0600, STAT(fds[i]).mode);
	}
	EXPECT_EQ(3, STAT(fds[0]).opens);
}

TEST_F(name, is_created_exclusively_once)
{
	int fd = OPEN(R | C | X, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, OPEN(R | C | X, 0600));
	EXPECT_EQ(-EEXIST, OPEN(R | W | C | X | P, 0600));
	EXPECT_EQ(1, STAT(fd).opens);
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(fd).flags);
	close(fd);
	fd = OPEN(R | C | X, 0600);
	EXPECT_LE(0, fd);
}

TEST_F(name, of_another_process_is_the_same_object)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int device = open_device();
		int other = open_kind(device, self->kind, self->name.text, R | W, 0);

		_exit(STAT(other).id == STAT(fd).id && leave_text(self->kind, other) ? 0 : 1);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(self->kind, fd));
}

TEST_F(name, without_one_objects_are_apart)
{
	int first = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
	int second = open_kind(self->device, self->kind, NULL, R | W | C, 0600);

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_NE(STAT(first).id, STAT(second).id);
	EXPECT_EQ(0, STAT(first).flags);
	EXPECT_TRUE(leave_text(self->kind, first));
	EXPECT_FALSE(has_text(self->kind, second));
	EXPECT_TRUE(has_text(self->kind, first));
}

TEST_F(name, gets_a_mode_less_the_umask)
{
	/* The memory of a region is never executed. */
	const mode_t all = self->kind == IPCSHM_REGION ? 0666 : 0777;
	const mode_t masks[] = { 0, 022, 027, 077, 0137, 0777 };

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		int fd;

		umask(masks[i]);
		fd = OPEN(R | C | X, 0777);
		ASSERT_LE(0, fd);
		EXPECT_EQ(all & ~masks[i], STAT(fd).mode);
		close(fd);
		fd = OPEN(R | C | X, 0640);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0640 & ~masks[i], STAT(fd).mode);
		close(fd);
	}
}

/*
 * Permission.
 */

static __u32 allowed_rights(mode_t mode, int shift)
{
	const mode_t bits = mode >> shift & 7;

	return (bits & 4 ? R : 0) | (bits & 2 ? W : 0);
}

/* Every combination of rights that the kind has, by one user. */
static int count_wrong_answers(const struct attempt *base, struct user user, __u32 rights)
{
	const __u32 asked[] = { R, R | W, W };
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct attempt what = *base;

		if (asked[i] == W && what.kind == IPCSHM_REGION)
			continue;
		what.flags = asked[i];
		wrong += attempt_as(user, &what) != (asked[i] & ~rights ? -EACCES : 0);
	}
	return wrong;
}

/* Each class's bits alone, and all of the others'. */
static mode_t nth_mode(int n)
{
	const int shift = n % 3 * 3, bits = n / 3 % 8;

	return bits << shift | (n < 24 ? 0 : 0777 & ~(7 << shift));
}

TEST_F_TIMEOUT(name, is_opened_as_its_mode_permits, 120)
{
	const struct attempt base = { self->device, self->kind, self->name.text, 0, false };
	const struct user owner = make_user(0), stranger = make_user(1);
	const struct user member = { stranger.uid, owner.gid, 0 };
	const struct user other_member = { stranger.uid, stranger.gid, owner.gid };

	SKIP_UNLESS_ROOT;
	for (int n = 0; n < 48; n++) {
		const mode_t mode = nth_mode(n);
		int fd = create_as(owner, self->device, self->kind, self->name.text, R | X, mode);

		ASSERT_LE(0, fd);
		ASSERT_EQ(owner.uid, STAT(fd).uid);
		ASSERT_EQ(owner.gid, STAT(fd).gid);
		EXPECT_EQ(0, count_wrong_answers(&base, owner, allowed_rights(mode, 6)));
		EXPECT_EQ(0, count_wrong_answers(&base, member, allowed_rights(mode, 3)));
		EXPECT_EQ(0, count_wrong_answers(&base, other_member, allowed_rights(mode, 3)));
		EXPECT_EQ(0, count_wrong_answers(&base, stranger, allowed_rights(mode, 0)));
		close(fd);
	}
}

TEST_F(name, gives_its_creator_alone_the_requested_rights)
{
	const struct attempt again = { self->device, self->kind, self->name.text, R, false };
	const struct user owner = make_user(0);
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(leave_text(self->kind, fd));
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(-EACCES, attempt_as(owner, &again));
}

TEST_F(name, that_is_there_but_not_permitted_isnt_created_either)
{
	struct attempt what = { self->device, self->kind, self->name.text, R, false };
	const struct user owner = make_user(0), stranger = make_user(1);
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0600);
	ASSERT_LE(0, fd);
	what.flags = R | C;
	EXPECT_EQ(-EACCES, attempt_as(stranger, &what));
	what.flags = R | C | X;
	EXPECT_EQ(-EEXIST, attempt_as(stranger, &what));
}

static int attempt_with(struct user user, __u64 capabilities, const struct attempt *what)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(!prctl(PR_SET_KEEPCAPS, 1) && become_user(user) &&
				      change_capabilities(capabilities)
			      ? -attempt_open(what)
			      : 255);
	return -wait_child(pid);
}

TEST_F(name, of_any_mode_is_opened_with_cap_ipc_owner_or_cap_dac_override)
{
	const struct attempt open_it = { self->device, self->kind, self->name.text, R | W, false };
	const struct attempt unlink_it = { self->device, self->kind, self->name.text, 0, true };
	const struct user owner = make_user(0), stranger = make_user(1), root = { 0, 0, 0 };
	const __u64 ipc_owner = 1ULL << CAP_IPC_OWNER, dac_override = 1ULL << CAP_DAC_OVERRIDE;
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, TRY(R | W));
	EXPECT_EQ(-EACCES, attempt_with(root, ~(ipc_owner | dac_override), &open_it));
	EXPECT_EQ(-EACCES, attempt_with(root, ~ipc_owner, &unlink_it));
	EXPECT_EQ(-EACCES, attempt_with(stranger, ~(ipc_owner | dac_override), &open_it));
	EXPECT_EQ(-EACCES, attempt_with(stranger, ~ipc_owner, &unlink_it));
	EXPECT_EQ(0, attempt_with(stranger, dac_override, &open_it));
	EXPECT_EQ(0, attempt_with(stranger, ipc_owner, &open_it));
	EXPECT_EQ(0, attempt_with(stranger, ipc_owner, &unlink_it));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, is_unlinked_by_its_owner_alone)
{
	const struct attempt what = { self->device, self->kind, self->name.text, 0, true };
	const struct user owner = make_user(0), stranger = make_user(1);
	const struct user member = { stranger.uid, owner.gid, 0 };
	const struct user owner_elsewhere = { owner.uid, stranger.gid, 0 };
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X | P, 0077);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, attempt_as(stranger, &what));
	EXPECT_EQ(-EACCES, attempt_as(member, &what));
	EXPECT_EQ(0, TRY(R));
	EXPECT_EQ(0, attempt_as(owner_elsewhere, &what));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, isnt_asked_for_when_a_descriptor_is_used)
{
	int fd = OPEN(R | W | C | X, 0);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0)
		_exit(become_user(make_user(0)) && leave_text(self->kind, fd) && STAT(fd).id ? 0
											     : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(self->kind, fd));
}

/*
 * Opening by number.
 */

static int open_numbered(int device, enum ipcshm_kind kind, __u64 id, __u32 flags)
{
	struct ipcshm_region_open_args region = { .how = { .id = id,
							   .flags = flags | IPCSHM_BY_ID } };
	struct ipcshm_queue_open_args queue = { .how = region.how };

	return kind == IPCSHM_REGION ? call(device, IPCSHM_IOC_REGION_OPEN, &region) :
				       call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
}

TEST_F(name, is_not_needed_to_open_by_number)
{
	const enum ipcshm_kind other = self->kind == IPCSHM_REGION ? IPCSHM_QUEUE : IPCSHM_REGION;
	int fd = OPEN(R | W | C | X, 0600), again;
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, fd);
	again = open_numbered(self->device, self->kind, id, R);
	ASSERT_LE(0, again);
	EXPECT_EQ(id, STAT(again).id);
	EXPECT_EQ(O_RDONLY, fcntl(again, F_GETFL) & O_ACCMODE);
	ASSERT_TRUE(leave_text(self->kind, fd));
	EXPECT_TRUE(has_text(self->kind, again));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, other, id, R));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, id + 1, R));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, 0, R));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, R | C));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, R | X));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, 0));
}

/* An object that has no name, or no longer has one, is reached through its descriptors alone. */
TEST_F(name, is_needed_for_the_number_to_open_it)
{
	int anonymous = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
	int fd = OPEN(R | W | C | X, 0600);
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, anonymous);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, STAT(anonymous).id, R));
	ASSERT_EQ(0, unlink_name(self->device, self->kind, self->name.text));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, id, R));
}

TEST_F(name, is_opened_by_number_as_its_mode_permits)
{
	const struct user owner = make_user(0), stranger = make_user(1);
	int fd;
	pid_t pid;
	__u64 id;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0604);
	ASSERT_LE(0, fd);
	id = STAT(fd).id;
	pid = fork();
	if (pid == 0)
		_exit(become_user(stranger) &&
				      open_numbered(self->device, self->kind, id, R) >= 0 &&
				      open_numbered(self->device, self->kind, id, R | W) == -EACCES
			      ? 0
			      : 1);
	EXPECT_EQ(0, wait_child(pid));
}

TEST_F(name, of_another_network_namespace_is_not_opened_by_number)
{
	int fd = OPEN(R | W | C | X, 0600), outside = self->device, inside;
	__u64 id = STAT(fd).id;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	inside = open_device();
	ASSERT_LE(0, inside);
	EXPECT_EQ(-ENOENT, open_numbered(inside, self->kind, id, R));
	EXPECT_LE(0, open_numbered(outside, self->kind, id, R));
}

/*
 * Many processes at one name.
 */
#define RACERS		10
#define ROUNDS		5000
#define RACE_SECONDS	20	/* fewer rounds, if the machine is slow */

struct seen {
	__u64 id;
	__u32 created;
};

struct race {
	struct seen seen[RACERS * ROUNDS];
	unsigned int rounds, wrong;
};

static int race_open(int device, enum ipcshm_kind kind, struct ipcshm_open_how *open, __u32 flags)
{
	struct ipcshm_region_open_args region = { .how = *open, .size = 1 };
	struct ipcshm_queue_open_args queue = { .how = *open, .max_messages = 1, .max_bytes = 1,
					   .max_message_size = 1 };
	int fd;

	region.how.flags = queue.how.flags = flags;
	if (!(flags & C)) {
		region = (struct ipcshm_region_open_args) { .how = region.how };
		queue = (struct ipcshm_queue_open_args) { .how = queue.how };
		region.how.mode = queue.how.mode = 0;
	}
	if (kind == IPCSHM_REGION)
		fd = call(device, IPCSHM_IOC_REGION_OPEN, &region);
	else
		fd = call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
	*open = kind == IPCSHM_REGION ? region.how : queue.how;
	return fd;
}

static bool is_expected(int fd, __u32 flags)
{
	if (fd >= 0)
		return true;
	if (!(flags & C))
		return fd == -ENOENT;
	return flags & X && fd == -EEXIST;
}

static void race_round(int device, enum ipcshm_kind kind, const char *name, unsigned int draw,
		       struct race *race, struct seen *seen)
{
	const __u32 flags[] = { R, R | C, R | C | X, R | C | P, R | C | X | P };
	const __u32 asked = flags[draw / 4 % ARRAY_SIZE(flags)];
	struct ipcshm_open_how args = open_args(name, 0, 0600);
	int result;

	if (draw % 4 == 0) {
		result = unlink_name(device, kind, name);
		if (result && result != -ENOENT)
			__sync_fetch_and_add(&race->wrong, 1);
		return;
	}
	result = race_open(device, kind, &args, asked);
	if (!is_expected(result, asked))
		__sync_fetch_and_add(&race->wrong, 1);
	if (result < 0)
		return;
	seen->id = args.id;
	seen->created = args.created;
	if (stat_of(kind, result).id != args.id || (asked & X && !args.created) ||
	    (!(asked & C) && args.created))
		__sync_fetch_and_add(&race->wrong, 1);
	close(result);
}

static void run_race(int device, enum ipcshm_kind kind, const char *name, struct race *race,
		     struct seen *seen)
{
	const __u64 end = now_ns(CLOCK_MONOTONIC) + RACE_SECONDS * 1000000000ULL;

	for (int i = 0; i < (int)many(ROUNDS, ROUNDS / 10) && now_ns(CLOCK_MONOTONIC) < end; i++) {
		race_round(device, kind, name, rand(), race, &seen[i]);
		__sync_fetch_and_add(&race->rounds, 1);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct seen *first = a, *second = b;

	return first->id < second->id ? -1 : first->id > second->id;
}

/* Exactly one of the processes that saw an object has created it. */
static size_t count_wrong_generations(struct seen *seen, size_t count, size_t *generations)
{
	size_t wrong = 0;

	qsort(seen, count, sizeof(*seen), by_id);
	for (size_t i = 0, created; i < count; wrong += seen[i - 1].id && created != 1) {
		const __u64 id = seen[i].id;

		for (created = 0; i < count && seen[i].id == id; i++)
			created += seen[i].created;
		*generations += created;
	}
	return wrong;
}

TEST_F_TIMEOUT(name, is_created_by_exactly_one_of_many, 120)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t generations = 0;
	pid_t pids[RACERS];

	ASSERT_NE(MAP_FAILED, (void *)race);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork_peer();
		if (pids[i])
			continue;
		srand(i);
		run_race(self->device, self->kind, self->name.text, race, &race->seen[i * ROUNDS]);
		_exit(0);
	}
	for (int i = 0; i < RACERS; i++) {
		EXPECT_EQ(0, wait_child(pids[i]));
	}
	EXPECT_EQ(0, race->wrong);
	EXPECT_EQ(0, count_wrong_generations(race->seen, RACERS * ROUNDS, &generations));
	EXPECT_LT(10, generations);
	ksft_print_msg("%u rounds, %zu generations\n", race->rounds, generations);
	UNLINK();
	EXPECT_EQ(-ENOENT, TRY(R));
}

/* The access mode of the device's descriptor limits the rights. */
TEST_F(name, device_descriptor_is_limited_by_its_access_mode)
{
	int reader = open(TEST_DEVICE, O_RDONLY | O_CLOEXEC);
	int writer = open(TEST_DEVICE, O_WRONLY | O_CLOEXEC);
	struct test_name name = make_name("access"), other = make_name("other");
	bool is_queue = variant->kind == IPCSHM_QUEUE;
	int device = open_device();

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	if (is_queue) {
		ASSERT_LE(0, open_queue(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600,
					1, 8, 8));
	} else {
		ASSERT_LE(0, open_region(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600,
					 4096));
	}
	if (is_queue) {
		EXPECT_LE(0, open_queue(reader, name.text, IPCSHM_READ, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, name.text, IPCSHM_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, name.text, READ_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, other.text, IPCSHM_READ | IPCSHM_CREATE, 0600,
					     1, 8, 8));
		EXPECT_LE(0, open_queue(writer, name.text, IPCSHM_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(writer, name.text, IPCSHM_READ, 0, 0, 0, 0));
		EXPECT_LE(0, open_queue(writer, other.text, IPCSHM_WRITE | IPCSHM_CREATE, 0600,
					1, 8, 8));
	} else {
		EXPECT_LE(0, open_region(reader, name.text, IPCSHM_READ, 0, 0));
		EXPECT_EQ(-EBADF, open_region(reader, name.text, READ_WRITE, 0, 0));
		EXPECT_EQ(-EBADF, open_region(reader, other.text, IPCSHM_READ | IPCSHM_CREATE,
					      0600, 4096));
		EXPECT_EQ(-EBADF, open_region(writer, name.text, IPCSHM_READ, 0, 0));
		EXPECT_EQ(-EBADF, open_region(writer, name.text, READ_WRITE, 0, 0));
	}
	EXPECT_LT(0, get_info(reader).objects.max);
	EXPECT_LT(0, get_info(writer).objects.max);
	EXPECT_EQ(-EBADF, unlink_name(reader, variant->kind, name.text));
	EXPECT_EQ(0, unlink_name(writer, variant->kind, name.text));
	close(reader);
	close(writer);
	close(device);
}

IPCSHM_TEST_MAIN
