// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: memory that processes share, its lifetime, and descriptors that go from process to
 * process.
 */
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "region_fixture.h"

#define OTHER_USER	65533
#define TURNS		400
#define WORDS		16

/* A mapping of the peer's own, through a descriptor of its own. */
static void *peer_map(const FIXTURE_DATA(region) *self)
{
	void *map;
	size_t size;
	int fd = open_by_name(self, READ_WRITE);

	if (ipcshm_region_map(fd, READ_WRITE, &map, &size))
		_exit(98);
	close(fd);
	return map;
}

/* Sharing. */

/* From here on, any system call but the end of the process kills it. */
static void forbid_system_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(filter), .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

struct board {
	uint32_t turn;
	uint32_t words[2][WORDS];
};

/* In turn with the other side: checks its words, and answers. */
static int play_turns(struct board *board, uint32_t side)
{
	uint32_t turn, now, i;

	for (turn = side; turn < TURNS; turn += 2) {
		do {
			now = __atomic_load_n(&board->turn, __ATOMIC_ACQUIRE);
		} while (now < turn);
		for (i = 0; i < WORDS; i++)
			if (now != turn || (turn && board->words[!side][i] != turn * WORDS + i)) {
				__atomic_store_n(&board->turn, TURNS + 1, __ATOMIC_RELEASE);
				return 1;
			}
		for (i = 0; i < WORDS; i++)
			board->words[side][i] = (turn + 1) * WORDS + i;
		__atomic_store_n(&board->turn, turn + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

TEST_F(region, processes_see_each_others_writes_without_system_calls)
{
	pid_t peers[2];
	uint32_t side;

	for (side = 0; side < 2; side++) {
		peers[side] = fork_peer();
		ASSERT_LE(0, peers[side]);
		if (!peers[side]) {
			struct board *board = peer_map(self);

			forbid_system_calls();
			_exit(play_turns(board, side));
		}
	}
	EXPECT_EQ(0, wait_child(peers[0]));
	EXPECT_EQ(0, wait_child(peers[1]));
	EXPECT_EQ(TURNS, *self->word);
}

TEST_F(region, a_system_call_in_the_exchange_would_be_caught)
{
	pid_t peer = fork_peer();

	ASSERT_LE(0, peer);
	if (!peer) {
		forbid_system_calls();
		syscall(SYS_getppid);
		_exit(0);
	}
	EXPECT_EQ(-SIGSYS, wait_child(peer));
}

TEST_F(region, atomic_additions_of_many_processes_all_count)
{
	enum { PEERS = 4, ADDITIONS = 100000 };
	pid_t peers[PEERS];
	int i, n;

	for (i = 0; i < PEERS; i++) {
		peers[i] = fork_peer();
		ASSERT_LE(0, peers[i]);
		if (!peers[i]) {
			uint32_t *word = peer_map(self);

			for (n = 0; n < ADDITIONS; n++)
				__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
			_exit(0);
		}
	}
	for (i = 0; i < PEERS; i++)
		EXPECT_EQ(0, wait_child(peers[i]));
	EXPECT_EQ(PEERS * ADDITIONS, *self->word);
}

TEST_F(region, starts_zeroed)
{
	EXPECT_TRUE(all_bytes(self->map, self->size, 0));
}

TEST_F(region, fork_shares_the_mapping)
{
	pid_t peer = fork_peer();

	ASSERT_LE(0, peer);
	if (!peer) {
		self->map[self->size - 1] = 7;
		_exit(0);
	}
	EXPECT_EQ(0, wait_child(peer));
	EXPECT_EQ(7, self->map[self->size - 1]);
}

TEST_F(region, private_mapping_copies)
{
	unsigned char *copy = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				   self->fd, 0);

	ASSERT_NE(MAP_FAILED, copy);
	self->map[0] = 1;
	EXPECT_EQ(1, copy[0]);
	copy[0] = 2;
	EXPECT_EQ(1, self->map[0]);
	self->map[1] = 3;
	EXPECT_EQ(0, copy[1]);
	EXPECT_EQ(2, copy[0]);
	munmap(copy, self->size);
}

TEST_F(region, part_of_it_can_be_mapped)
{
	unsigned char *map = mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
				  3 * self->page);

	ASSERT_NE(MAP_FAILED, map);
	map[5] = 9;
	EXPECT_EQ(9, self->map[3 * self->page + 5]);
	munmap(map, self->page);
}

TEST_F(region, no_mapping_reaches_over_the_end)
{
	const size_t size = self->size;

	EXPECT_EQ(ENXIO, map_error(self->fd, size + 1, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(ENXIO, map_error(self->fd, size + 1, PROT_READ, MAP_PRIVATE));
	EXPECT_EQ(0, map_error(self->fd, size - 1, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, self->fd, self->page));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ, MAP_SHARED, self->fd, size));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(region, a_mapping_cant_be_moved_to_grow_over_the_end)
{
	void *map = map_shared(self->fd, self->size, PROT_READ | PROT_WRITE);
	/* Nothing can grow in place with a neighbour behind it. */
	void *wall = mmap((char *)map + self->size, self->page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(MAP_FAILED, mremap(map, self->size, self->size + self->page, MREMAP_MAYMOVE));
	EXPECT_EQ(ENXIO, errno);
	if (wall != MAP_FAILED)
		munmap(wall, self->page);
	munmap(map, self->size);
}

TEST_F(region, maps_of_a_process_show_its_name)
{
	char expected[80], line[256];
	unsigned int found = 0;
	FILE *maps;

	snprintf(expected, sizeof(expected), "/ipcshm:%s", self->name.text);
	maps = fopen("/proc/self/maps", "re");
	ASSERT_NE(NULL, maps);
	while (fgets(line, sizeof(line), maps))
		found += !!strstr(line, expected);
	fclose(maps);
	EXPECT_EQ(1, found);
}

TEST_F(region, futex_works_between_processes)
{
	pid_t peer = fork_peer();

	ASSERT_LE(0, peer);
	if (!peer) {
		uint32_t *word = peer_map(self);

		while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
			syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(*word);
	}
	/* A peer that waits for this word is woken, at any address of its mapping. */
	ASSERT_TRUE(WAIT_UNTIL(syscall(SYS_futex, self->word, FUTEX_WAKE, 1, NULL, NULL, 0) == 1));
	__atomic_store_n(self->word, 5, __ATOMIC_RELEASE);
	syscall(SYS_futex, self->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	EXPECT_EQ(5, wait_child(peer));
}

TEST_F(region, process_vm_readv_reads_it)
{
	char text[6] = "";
	struct iovec here = { .iov_base = text, .iov_len = sizeof(text) };
	struct iovec there = { .iov_base = self->map + 10, .iov_len = sizeof(text) };
	struct signal_pipe ready = make_pipe();
	pid_t peer = fork_peer();

	ASSERT_LE(0, peer);
	if (!peer) {
		memcpy(self->map + 10, "hello", 6);
		pipe_tell(&ready);
		pause();
	}
	close(ready.write);
	ASSERT_TRUE(pipe_await(&ready));
	EXPECT_EQ(sizeof(text), process_vm_readv(peer, &here, 1, &there, 1, 0));
	EXPECT_STREQ("hello", text);
	kill_child(peer);
}

/* Lifetime. */

TEST_F(region, mapping_outlives_descriptor)
{
	int fd = open_by_name(self, READ_WRITE);
	unsigned char *map = map_shared(fd, self->size, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	map[0] = 4;
	EXPECT_EQ(4, self->map[0]);
	munmap(map, self->size);
}

TEST_F(region, mapping_alone_keeps_the_name)
{
	int fd;

	ASSERT_EQ(0, close(self->fd));
	self->map[0] = 4;
	fd = open_by_name(self, IPCSHM_READ);
	EXPECT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, munmap(self->map, self->size));
	EXPECT_EQ(-ENOENT, open_by_name(self, IPCSHM_READ));
}

TEST_F(region, mapping_outlives_name)
{
	int other;

	ASSERT_EQ(0, ipcshm_unlink(self->device, IPCSHM_REGION, self->name.text));
	self->map[0] = 4;
	EXPECT_EQ(4, self->map[0]);
	EXPECT_EQ(-ENOENT, open_by_name(self, IPCSHM_READ));

	/* The name is free for another one. */
	other = open_region(self->device, self->name.text, READ_WRITE | CREATE_NEW, 0600, 1);
	EXPECT_LE(0, other);
	EXPECT_NE(region_stat(self->fd).stat.id, region_stat(other).stat.id);
	close(other);
}

TEST_F(region, outlives_its_killed_creator)
{
	struct test_name name = make_name("orphan");
	struct signal_pipe ready = make_pipe();
	pid_t creator = fork_peer();
	unsigned char *map;
	int fd;

	ASSERT_LE(0, creator);
	if (!creator) {
		fd = open_region(self->device, name.text, READ_WRITE | CREATE_NEW, 0600,
				 self->size);
		map = map_shared(fd, self->size, PROT_READ | PROT_WRITE);
		if (map == MAP_FAILED)
			_exit(1);
		map[0] = 6;
		pipe_tell(&ready);
		pause();
	}
	close(ready.write);
	ASSERT_TRUE(pipe_await(&ready));
	fd = ipcshm_region_open(self->device, name.text, READ_WRITE, 0, NULL);
	ASSERT_LE(0, fd);
	map = map_shared(fd, self->size, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, map);
	kill_child(creator);
	EXPECT_EQ(6, map[0]);
	map[self->size - 1] = 1;
	EXPECT_EQ(1, region_stat(fd).stat.opens);

	/* And goes with its last user. */
	munmap(map, self->size);
	close(fd);
	EXPECT_EQ(-ENOENT, ipcshm_region_open(self->device, name.text, IPCSHM_READ, 0, NULL));
}

TEST_F(region, anonymous_is_shared_by_descriptor_alone)
{
	struct ipcshm_region_attr attr = { .size = self->size };
	int fd = ipcshm_region_open(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, &attr);
	int another = ipcshm_region_open(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
					 &attr);
	unsigned char *map = map_shared(fd, self->size, PROT_READ | PROT_WRITE);
	pid_t peer;

	ASSERT_LE(0, another);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, attr.created);
	EXPECT_EQ(0, region_stat(fd).stat.flags);
	EXPECT_NE(region_stat(fd).stat.id, region_stat(another).stat.id);
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer)
		_exit(pwrite(fd, "x", 1, 0) != 1);
	EXPECT_EQ(0, wait_child(peer));
	EXPECT_EQ('x', map[0]);
	munmap(map, self->size);
	close(fd);
	close(another);
}

/* Descriptors go from process to process. */

TEST_F(region, descriptor_passed_to_another_user_keeps_its_rights)
{
	int sockets[2];
	pid_t peer;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer) {
		unsigned char *map;

		close(self->fd);
		munmap(self->map, self->size);
		if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
		    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
			_exit(1);
		if (open_by_name(self, IPCSHM_READ) != -EACCES)
			_exit(2);
		map = map_shared(receive_descriptor(sockets[1]), self->size,
				 PROT_READ | PROT_WRITE);
		if (map == MAP_FAILED)
			_exit(3);
		map[0]++;
		_exit(0);
	}
	self->map[0] = 1;
	EXPECT_TRUE(send_descriptor(sockets[0], self->fd));
	EXPECT_EQ(0, wait_child(peer));
	EXPECT_EQ(2, self->map[0]);
}

TEST_F(region, read_only_descriptor_stays_so_when_passed)
{
	int sockets[2];
	pid_t peer;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer) {
		int fd = receive_descriptor(sockets[1]);

		_exit(map_error(fd, self->size, PROT_READ, MAP_SHARED) ||
		      map_error(fd, self->size, PROT_WRITE, MAP_SHARED) != EACCES);
	}
	EXPECT_TRUE(send_descriptor(sockets[0], open_by_name(self, IPCSHM_READ)));
	EXPECT_EQ(0, wait_child(peer));
}

/* Runs the peer program: its exit status. */
static int run_peer(char *command, char *argument)
{
	char *arguments[] = { "peer", command, argument, NULL };
	pid_t pid = fork_peer();

	if (!pid)
		exec_peer(arguments);
	return pid < 0 ? -errno : wait_child(pid);
}

TEST_F(region, another_program_opens_it_by_name)
{
	EXPECT_EQ(0, run_peer("region", self->name.text));
	EXPECT_EQ(1, *self->word);
}

TEST_F(region, descriptor_is_closed_by_exec)
{
	char number[12];

	snprintf(number, sizeof(number), "%d", self->fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ(0, run_peer("closed", number));
}

TEST_F(region, descriptor_without_cloexec_goes_over_exec)
{
	char number[12];

	snprintf(number, sizeof(number), "%d", self->fd);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFD, 0));
	EXPECT_EQ(0, run_peer("region-fd", number));
	EXPECT_EQ(1, *self->word);
}

/* A descriptor cannot be opened again: neither with other rights nor with the same. */
TEST_F(region, proc_fd_opens_nothing)
{
	const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC, O_RDONLY | O_NONBLOCK };
	int reader = open_by_name(self, IPCSHM_READ);
	char path[32];
	size_t i;

	ASSERT_LE(0, reader);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i % 2 ? reader : self->fd);
		EXPECT_EQ(-1, open(path, flags[i] | O_CLOEXEC));
		EXPECT_EQ(ENXIO, errno);
	}
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	EXPECT_EQ(self->size, region_stat(self->fd).size);
}

/* Nor can it when the region is gone, by a descriptor that only names the file. */
TEST_F(region, path_descriptor_opens_nothing)
{
	char path[32], byte;
	int named;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	named = open(path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, named);
	EXPECT_EQ(-1, read(named, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(MAP_FAILED, map_shared(named, self->size, PROT_READ));
	EXPECT_EQ(EBADF, errno);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", named);
	EXPECT_EQ(-1, open(path, O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(1, region_stat(self->fd).stat.opens);
	munmap(self->map, self->size);
	close(self->fd);
	EXPECT_EQ(-1, open(path, O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(region, mapping_opens_nothing)
{
	char path[64];

	SKIP_UNLESS_ROOT;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)self->map,
		 (unsigned long)(self->map + self->size));
	EXPECT_EQ(-1, open(path, O_RDWR | O_CLOEXEC));
	if (errno == ENOENT)
		SKIP(return, "no /proc/PID/map_files");
	EXPECT_EQ(ENXIO, errno);
}

IPCSHM_TEST_MAIN
