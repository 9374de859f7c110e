// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas: what they refuse, tokens across fork, and waiting by the module and by
 * futex.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <ipcshm-mutex.h>

#include "harness.h"

#include "fake.h"
#include "members.h"

#define MS	1000000ULL
#define SOON	ipcshm_deadline(20000 * MS)

FIXTURE(area) {
	struct ipcshm_area area;
	struct ipcshm_member_page *members;
	uint32_t *word;
};

FIXTURE_VARIANT(area) {
	bool mortal;
};

FIXTURE_VARIANT_ADD(area, immortal) {
	.mortal = false,
};

FIXTURE_VARIANT_ADD(area, mortal) {
	.mortal = true,
};

FIXTURE_SETUP(area)
{
	self->word = shared_memory(4096);
	self->members = variant->mortal ? members_create() : NULL;
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, self->word, 4096, self->members));
}

FIXTURE_TEARDOWN(area)
{
	ipcshm_area_destroy(&self->area);
}

/* Members that can die. */
FIXTURE(mortal) {
	struct ipcshm_area area;
	struct ipcshm_member_page *members;
	uint32_t *word;
};

FIXTURE_SETUP(mortal)
{
	self->word = shared_memory(4096);
	self->members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, self->word, 4096, self->members));
}

FIXTURE_TEARDOWN(mortal)
{
	ipcshm_area_destroy(&self->area);
}

TEST(handle_has_its_size_for_ever)
{
	EXPECT_EQ(sizeof(void *) == 8 ? 80 : 60, sizeof(struct ipcshm_area));
}

TEST_F(area, memory_that_is_none_is_refused)
{
	struct ipcshm_area area;
	char *base = (char *)self->word;

	EXPECT_RETURNS(-EINVAL, ipcshm_area_init_futex(&area, NULL, 4096, NULL));
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init_futex(&area, base, 0, NULL));
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init_futex(&area, base + 4, 4092, NULL));
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init_futex(&area, base, SIZE_MAX, NULL));
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init_region(&area, 0, base + 8, 64));
	EXPECT_EQ(0, fake.asked.calls);
}

TEST_F(mortal, page_of_another_version_is_refused)
{
	struct ipcshm_area area;

	self->members->version++;
	EXPECT_RETURNS(-EPROTO, ipcshm_area_init_futex(&area, self->word, 64, self->members));
}

TEST_F(area, operations_that_are_missing_are_refused)
{
	struct ipcshm_area_ops ops = *self->area.ops;
	struct ipcshm_area area;

	ops.wait = NULL;
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init(&area, self->word, 64, &ops, NULL));
	ops = *self->area.ops;
	ops.wake = NULL;
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init(&area, self->word, 64, &ops, NULL));
}

/* A program compiled with a later header, which has one more operation. */
TEST_F(area, operations_can_become_more)
{
	struct later_ops {
		struct ipcshm_area_ops known;
		void (*unknown)(void);
	} ops = { .known = *self->area.ops };
	struct ipcshm_area area;

	ops.known.size = sizeof(ops.known) - 1;
	EXPECT_RETURNS(-EINVAL, ipcshm_area_init(&area, self->word, 64, &ops.known, NULL));
	ops.known.size = sizeof(ops);
	ASSERT_EQ(0, ipcshm_area_init(&area, self->word, 64, &ops.known, NULL));
	EXPECT_EQ(&ops.known, area.ops);
	ipcshm_area_destroy(&area);
	ops.unknown = abort;
	EXPECT_RETURNS(-E2BIG, ipcshm_area_init(&area, self->word, 64, &ops.known, NULL));
}

TEST_F(area, at_is_inside_and_aligned)
{
	const struct ipcshm_area *area = &self->area;
	char *base = area->base;

	EXPECT_EQ(base, ipcshm_area_at(area, 0, 4096, 4096));
	EXPECT_EQ(base + 4092, ipcshm_area_at(area, 4092, 4, 4));
	EXPECT_EQ(base + 4096, ipcshm_area_at(area, 4096, 0, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, 4096, 1, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, 4093, 4, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, 1, 4096, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, 8, SIZE_MAX, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, UINT64_MAX, 1, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, UINT64_MAX - 3, 8, 1));
	EXPECT_EQ(NULL, ipcshm_area_at(area, 1ULL << 32, 4, 4));
	EXPECT_EQ(NULL, ipcshm_area_at(area, 2, 4, 4));
	EXPECT_EQ(base + 2, ipcshm_area_at(area, 2, 2, 2));
}

/* The exit status of a child that calls it. */
static int in_child(int (*role)(const struct ipcshm_area *), const struct ipcshm_area *area)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(role(area));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int token_is_pid(const struct ipcshm_area *area)
{
	return ipcshm_area_token(area) == (uint32_t)getpid() &&
	       ipcshm_area_token(area) == (uint32_t)getpid();
}

static int has_no_token(const struct ipcshm_area *area)
{
	return !ipcshm_area_token(area);
}

static int can_set_token(const struct ipcshm_area *area)
{
	return !ipcshm_area_set_token(area, 1025) && ipcshm_area_token(area) == 1025;
}

TEST_F(area, child_has_its_own_token)
{
	uint32_t token = variant->mortal ? members_join(self->members, 0) : (uint32_t)getpid();

	if (variant->mortal)
		EXPECT_EQ(0, ipcshm_area_set_token(&self->area, token));
	EXPECT_EQ(token, ipcshm_area_token(&self->area));
	EXPECT_EQ(1, in_child(variant->mortal ? has_no_token : token_is_pid, &self->area));
	EXPECT_EQ(1, in_child(can_set_token, &self->area));
	EXPECT_EQ(token, ipcshm_area_token(&self->area));
}

TEST_F(area, what_is_no_token_is_refused)
{
	EXPECT_RETURNS(0, ipcshm_area_set_token(&self->area, IPCSHM_TOKEN_MASK));
	EXPECT_RETURNS(-EINVAL, ipcshm_area_set_token(&self->area, IPCSHM_TOKEN_MASK + 1));
	EXPECT_EQ(IPCSHM_TOKEN_MASK, ipcshm_area_token(&self->area));
}

TEST_F(area, what_is_no_token_is_not_alive)
{
	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, 0));
	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, UINT32_MAX));
	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, 1U << 30 | 1));
	EXPECT_EQ(!variant->mortal, ipcshm_area_is_alive(&self->area, 1));
	EXPECT_EQ(0, ipcshm_area_deaths(&self->area));
}

TEST_F(mortal, only_members_are_alive)
{
	uint32_t token;

	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, IPCSHM_TOKEN_MASK));
	token = members_join(self->members, IPCSHM_MEMBERS_MAX - 1);
	EXPECT_TRUE(ipcshm_area_is_alive(&self->area, token));
	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, token | 1U << 31));
	members_die(self->members, token);
	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, token));
	EXPECT_EQ(1, ipcshm_area_deaths(&self->area));
	EXPECT_NE(token, members_join(self->members, IPCSHM_MEMBERS_MAX - 1));
	EXPECT_FALSE(ipcshm_area_is_alive(&self->area, token));
}

TEST_F(area, wait_ends_at_the_deadline)
{
	uint64_t deadline = ipcshm_deadline(20 * MS);

	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_area_wait(&self->area, self->word, 0, 0, deadline));
	EXPECT_LE(deadline, ipcshm_deadline(0));
	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_area_wait(&self->area, self->word, 0, 0, 0));
	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_area_wait(&self->area, self->word, 0, 0, 1));
}

static volatile sig_atomic_t handled;

static void handle_signal(int signal)
{
	handled++;
}

/* A waiter that handles signals so, and exits with what ended its wait. */
static pid_t start_waiter(struct ipcshm_area *area, uint32_t *word, int flags, uint64_t deadline)
{
	struct sigaction action = { .sa_handler = handle_signal, .sa_flags = flags };
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = fork();
	if (!pid) {
		int ret = ipcshm_area_wait(area, word, 0, ipcshm_area_deaths(area), deadline);

		_exit(handled && !ret ? 0 : ret == -EINTR ? 1 : 2);
	}
	return pid;
}

static bool is_asleep(pid_t pid)
{
	char path[32], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file && fgets(text, sizeof(text), file) && strrchr(text, ')'))
		text[0] = strrchr(text, ')')[2];
	if (file)
		fclose(file);
	return text[0] == 'S';
}

/* In all areas, with a deadline and without, only a handler without SA_RESTART ends a wait. */
TEST_F(area, handler_set_to_restart_does_not_end_a_wait)
{
	const uint64_t deadlines[] = { IPCSHM_FOREVER, SOON };
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < 4; i++) {
		bool restarts = i % 2;

		*self->word = 0;
		pid = start_waiter(&self->area, self->word, restarts ? SA_RESTART : 0,
				   deadlines[i / 2]);
		while (!is_asleep(pid))
			usleep(1000);
		kill(pid, SIGUSR1);
		/* The handler may run between two sleeps: wake the waiter until it has ended. */
		if (restarts) {
			while (waitpid(pid, &status, WNOHANG) != pid)
				ipcshm_area_wake(&self->area, self->word, 1);
		} else {
			ASSERT_EQ(pid, waitpid(pid, &status, 0));
		}
		ASSERT_TRUE(WIFEXITED(status));
		EXPECT_EQ(restarts ? 0 : 1, WEXITSTATUS(status));
	}
}

TEST_F(area, word_that_differs_is_not_waited_on)
{
	EXPECT_RETURNS(-EAGAIN, ipcshm_area_wait(&self->area, self->word, 1, 0, IPCSHM_FOREVER));
}

TEST_F(mortal, death_that_is_not_known_ends_a_wait)
{
	members_die(self->members, members_join(self->members, 3));
	EXPECT_RETURNS(-EOWNERDEAD,
		       ipcshm_area_wait(&self->area, self->word, 0, 0, IPCSHM_FOREVER));
	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_area_wait(&self->area, self->word, 0, 1, 0));
}

static void *wait_in_thread(void *data)
{
	const struct ipcshm_area *area = data;

	return (void *)(intptr_t)ipcshm_area_wait(area, area->base, 0, 0, SOON);
}

TEST_F(area, wake_counts_those_it_wakes)
{
	pthread_t threads[3];
	void *result;
	int woken = 0;

	EXPECT_RETURNS(0, ipcshm_area_wake(&self->area, self->word, 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_area_wake(&self->area, self->word, 1U << 31));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, wait_in_thread, &self->area));
	while (woken < 3) {
		int more = ipcshm_area_wake(&self->area, self->word, 2);

		ASSERT_LE(0, more);
		ASSERT_GE(2, more);
		woken += more;
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		EXPECT_EQ(NULL, result);
	}
	EXPECT_EQ(3, woken);
}

TEST_F(mortal, death_ends_the_wait_of_everyone)
{
	uint32_t token = members_join(self->members, 0);
	pid_t pids[3];
	int status;

	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(-ipcshm_area_wait(&self->area, self->word, 0, 0, SOON));
	}
	for (int i = 0; i < 3; i++)
		await_sleep(pids[i]);
	members_die(self->members, token);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(EOWNERDEAD, WEXITSTATUS(status));
	}
}

/*
 * Regions, with a kernel of the test's own.
 */

FIXTURE(region) {
	struct ipcshm_area area;
	void *base;
	int fd;
};

FIXTURE_SETUP(region)
{
	self->fd = dup(STDOUT_FILENO);
	self->base = aligned_alloc(4096, 8192);
	fake.writes = true;
	fake.out.region_self.token = 1234;
}

FIXTURE_TEARDOWN(region)
{
	free(self->base);
	close(self->fd);
}

/* The member page comes from the fake kernel, and the page for the token from the real one. */
static struct ipcshm_member_page page_of_kernel __attribute__((aligned(4096))) = {
	.version = IPCSHM_MEMBER_PAGE_VERSION,
};

static int init_region(struct ipcshm_area *area, int fd, void *base, size_t size)
{
	int ret;

	fake.map_of_fd = &page_of_kernel;
	ret = ipcshm_area_init_region(area, fd, base, size);
	fake.map_of_fd = NULL;
	return ret;
}

TEST_F(region, who_is_no_member_has_no_area)
{
	fake.error = ESRCH;
	EXPECT_EQ(-ESRCH, init_region(&self->area, self->fd, self->base, 8192));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(COMMAND(0x21, 8), fake.asked.command);
}

TEST_F(region, word_is_at_its_offset)
{
	uint32_t *word = (uint32_t *)self->base + 1025;

	ASSERT_EQ(0, init_region(&self->area, self->fd, self->base, 8192));
	EXPECT_EQ(1234, ipcshm_area_token(&self->area));
	EXPECT_NE(self->fd, self->area.fd);
	EXPECT_EQ(&page_of_kernel, self->area.members);

	EXPECT_FAILS(EDQUOT, ipcshm_area_wait(&self->area, word, 7, 8, 99));
	EXPECT_EQ(self->area.fd, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x23, 40), fake.asked.command);
	EXPECT_EQ(4100, fake.asked.in.region_wait.offset);
	EXPECT_EQ(4, fake.asked.in.region_wait.size);
	EXPECT_EQ(7, fake.asked.in.region_wait.expected);
	EXPECT_EQ(8, fake.asked.in.region_wait.deaths);
	EXPECT_EQ(99, fake.asked.in.region_wait.deadline);

	fake.result = 3;
	EXPECT_RETURNS(3, ipcshm_area_wake(&self->area, word, 5));
	EXPECT_EQ(COMMAND(0x24, 16), fake.asked.command);
	EXPECT_EQ(4100, fake.asked.in.region_wake.offset);
	EXPECT_EQ(5, fake.asked.in.region_wake.count);
}

/* A child asks, with the descriptor it has inherited. */
static int asks_for_token(const struct ipcshm_area *area)
{
	fake.out.region_self.token = 4321;
	return ipcshm_area_token(area) == 4321;
}

static int asks_in_vain(const struct ipcshm_area *area)
{
	fake.error = ESRCH;
	return !ipcshm_area_token(area);
}

TEST_F(region, child_asks_for_its_token)
{
	ASSERT_EQ(0, init_region(&self->area, self->fd, self->base, 8192));
	EXPECT_EQ(1, in_child(asks_for_token, &self->area));
	EXPECT_EQ(1, in_child(asks_in_vain, &self->area));
	EXPECT_EQ(1234, ipcshm_area_token(&self->area));
}

static struct ipcshm_mutex mutex;

/* A child for which there is no room, until there is. */
static int locks_when_there_is_room(const struct ipcshm_area *area)
{
	const int errors[] = { EUSERS, EDQUOT, ENOMEM, ESRCH, EUSERS };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		fake.error = errors[i];
		if (ipcshm_mutex_trylock(area, &mutex) != -errors[i] ||
		    ipcshm_mutex_lock(area, &mutex, 0) != -errors[i])
			return 0;
	}
	fake.error = 0;
	fake.out.region_self.token = 0x20005;
	return !ipcshm_mutex_trylock(area, &mutex) && ipcshm_area_token(area) == 0x20005;
}

TEST_F(region, child_learns_why_it_has_no_token_and_gets_one_later)
{
	ipcshm_mutex_init(&mutex);
	ASSERT_EQ(0, init_region(&self->area, self->fd, self->base, 8192));
	EXPECT_EQ(1, in_child(locks_when_there_is_room, &self->area));
}

TEST_F(region, descriptor_can_be_closed)
{
	ASSERT_EQ(0, init_region(&self->area, self->fd, self->base, 8192));
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->area.fd, F_GETFD));
	self->fd = dup(STDOUT_FILENO);
}

TEST_HARNESS_MAIN
