// SPDX-License-Identifier: GPL-2.0-only
/* Memory of a FUSE server, which returns late or never: common/fuse.c itself. */
#include "common/fuse.h"
#include "common/harness.h"
#include "common/peer.h"

FIXTURE(fuse) {
	struct peers peers;
	struct fuse_memory memory;
};

FIXTURE_SETUP(fuse)
{
	share_peers(&self->peers);
	FUSE_MEMORY_OPEN(&self->memory, 3);
}

FIXTURE_TEARDOWN(fuse)
{
	kill_peers(&self->peers);
	fuse_memory_close(&self->memory);
}

/* Has the kernel copy 4 bytes of the memory; the result is the first, or -errno. */
static void copy_role(struct peer *peer)
{
	struct signal_pipe pipe = make_pipe();
	unsigned char bytes[4];

	if (write(pipe.write, (void *)(uintptr_t)peer->value, 4) != 4)
		peer->result = -errno;
	else if (read(pipe.read, bytes, 4) == 4)
		peer->result = bytes[0];
}

static struct peer *start_copy(struct peers *peers, struct fuse_memory *memory, size_t page)
{
	return start_peer(peers, copy_role, (struct peer) {
		.value = (uintptr_t)fuse_memory_at(memory, page),
	});
}

TEST_F(fuse, pages_are_released_one_by_one)
{
	struct peer *copies[3];
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(self->memory.content + i * self->memory.page_size, 'a' + i, 4);
		copies[i] = start_copy(&self->peers, &self->memory, i);
	}
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, i)));
	for (i = 3; i-- > 0; ) {
		fuse_memory_release(&self->memory, i);
		EXPECT_EQ('a' + (long)i, finish(copies[i]));
		EXPECT_FALSE(fuse_memory_is_waiting(&self->memory, i));
		EXPECT_EQ(i > 0, fuse_memory_is_waiting(&self->memory, 0));
	}
}

TEST_F(fuse, failed_page_is_efault)
{
	struct peer *copy = start_copy(&self->peers, &self->memory, 1);

	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, 1)));
	fuse_memory_fail(&self->memory, 1);
	EXPECT_EQ(-EFAULT, finish(copy));
}

TEST_F(fuse, delayed_page_comes_after_its_delay)
{
	__u64 start = now_ns(CLOCK_MONOTONIC);

	self->memory.content[0] = 7;
	fuse_memory_delay(&self->memory, 0, 50);
	EXPECT_EQ(7, self->memory.map[0]);
	EXPECT_LE(50000000ULL, now_ns(CLOCK_MONOTONIC) - start);
}

TEST_F(fuse, page_blocks_again_and_keeps_its_content)
{
	struct peer *copy;

	fuse_memory_release(&self->memory, 2);
	memcpy(fuse_memory_at(&self->memory, 2), "stay", 4);
	ASSERT_EQ(0, fuse_memory_block(&self->memory, 2));
	EXPECT_EQ(0, memcmp(self->memory.content + 2 * self->memory.page_size, "stay", 4));
	copy = start_copy(&self->peers, &self->memory, 2);
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, 2)));
	EXPECT_EQ(2, fuse_memory_reads(&self->memory, 2));
	fuse_memory_release(&self->memory, 2);
	EXPECT_EQ('s', finish(copy));
}

TEST_F(fuse, killed_server_ends_all_waits)
{
	struct peer *copies[2];
	size_t i;

	for (i = 0; i < 2; i++)
		copies[i] = start_copy(&self->peers, &self->memory, i);
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, i)));
	fuse_memory_kill(&self->memory);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-EFAULT, finish(copies[i]));
}

TEST_F(fuse, waiting_task_can_be_killed)
{
	struct peer *copy = start_copy(&self->peers, &self->memory, 0);

	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, 0)));
	kill_peer(copy);
}

/* A user without privileges needs a user namespace and the device. */
TEST_F(fuse, unprivileged_user_has_such_memory)
{
	struct fuse_memory memory = { 0 };
	struct peer *copy;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, chmod("/dev/fuse", 0666));	/* as udev does */
	ASSERT_EQ(0, setresgid(1001, 1001, 1001));
	ASSERT_EQ(0, setresuid(1001, 1001, 1001));
	FUSE_MEMORY_OPEN(&memory, 1);
	copy = start_copy(&self->peers, &memory, 0);
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&memory, 0)));
	fuse_memory_release(&memory, 0);
	EXPECT_EQ(0, finish(copy));
	fuse_memory_close(&memory);
}

IPCSHM_TEST_MAIN
