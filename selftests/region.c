// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: memory that processes share, and a descriptor that behaves as that
 * of a memfd.
 */
#include <ipcshm.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <grp.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "common/harness.h"

#define PAGES		8
#define OTHER_USER	65533
#define LISTED_USER	65532	/* in an access control list */
#define TURNS		400
#define WORDS		16

FIXTURE(region)
{
	int device;
	int fd;			/* to read and write */
	size_t page;
	size_t size;
	unsigned char *map;	/* all of it, shared and writable */
	uint32_t *word;		/* the first of it */
	struct test_name name;
};

FIXTURE_SETUP(region)
{
	struct ipcshm_region_attr attr;
	void *map;

	self->page = sysconf(_SC_PAGESIZE);
	self->name = make_name("region");
	self->device = ipcshm_open();
	ASSERT_LE(0, self->device);
	attr = (struct ipcshm_region_attr) { .size = PAGES * self->page };
	self->fd = ipcshm_region_open(self->device, self->name.text, READ_WRITE | CREATE_NEW,
				      0600, &attr);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ipcshm_region_map(self->fd, READ_WRITE, &map, &self->size));
	ASSERT_EQ(PAGES * self->page, self->size);
	self->map = map;
	self->word = map;
}

FIXTURE_TEARDOWN(region)
{
	munmap(self->map, self->size);
	close(self->fd);
	close(self->device);
}

static int open_by_name(const FIXTURE_DATA(region) *self, uint32_t flags)
{
	return ipcshm_region_open(self->device, self->name.text, flags, 0, NULL);
}

/* An address or MAP_FAILED, with errno. */
static void *map_shared(int fd, size_t size, int protection)
{
	return mmap(NULL, size, protection, MAP_SHARED, fd, 0);
}

/* Zero if it can be mapped so, else the errno. */
static int map_error(int fd, size_t size, int protection, int flags)
{
	void *map = mmap(NULL, size, protection, flags, fd, 0);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, size);
	return 0;
}

static bool all_bytes(const unsigned char *bytes, size_t size, unsigned char value)
{
	while (size--)
		if (*bytes++ != value)
			return false;
	return true;
}

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

/* In turn with the other side: checks what that wrote, and answers. */
static int play(struct board *board, uint32_t side)
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
			_exit(play(board, side));
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
	/* Only a peer that waits for this word can be woken, whatever it is mapped at. */
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

/* Rights. */

TEST_F(region, read_only_descriptor_gives_no_writable_shared_mapping)
{
	int fd = open_by_name(self, IPCSHM_READ);
	unsigned char *map;

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(EACCES, map_error(fd, self->size, PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(EACCES, map_error(fd, self->size, PROT_READ | PROT_WRITE, MAP_SHARED));
	map = map_shared(fd, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	self->map[0] = 3;
	EXPECT_EQ(3, map[0]);
	munmap(map, self->size);
	close(fd);
}

TEST_F(region, read_only_descriptor_can_be_mapped_private_and_writable)
{
	int fd = open_by_name(self, IPCSHM_READ);
	unsigned char *map;

	map = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	EXPECT_EQ(0, self->map[0]);
	munmap(map, self->size);
	close(fd);
}

TEST_F(region, read_only_descriptor_cannot_change_it)
{
	int fd = open_by_name(self, IPCSHM_READ);

	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, self->page));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, self->map[0]);
	close(fd);
}

/* Whether another user of another group may open it: 0 or EACCES. */
static int open_as(const FIXTURE_DATA(region) *self, uid_t user, gid_t group, uint32_t flags)
{
	pid_t peer = fork_peer();

	if (!peer) {
		if (setgroups(0, NULL) || setresgid(group, group, group) ||
		    setresuid(user, user, user))
			_exit(1);
		_exit(open_by_name(self, flags) == -EACCES ? EACCES : 0);
	}
	return peer < 0 ? -1 : wait_child(peer);
}

static int open_as_other_user(const FIXTURE_DATA(region) *self, uint32_t flags)
{
	return open_as(self, OTHER_USER, OTHER_USER, flags);
}

TEST_F(region, fchmod_and_fchown_change_who_may_open_it)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(EACCES, open_as_other_user(self, IPCSHM_READ));
	ASSERT_EQ(0, fchmod(self->fd, 0604));
	EXPECT_EQ(0604, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, open_as_other_user(self, IPCSHM_READ));
	EXPECT_EQ(EACCES, open_as_other_user(self, READ_WRITE));
	ASSERT_EQ(0, fchown(self->fd, OTHER_USER, 0));
	EXPECT_EQ(OTHER_USER, region_stat(self->fd).stat.uid);
	EXPECT_EQ(0, open_as_other_user(self, READ_WRITE));
}

/* As setfacl(1) writes it: "u::rw,u:65532:rw,g::-,m::rw,o::-". */
static const struct {
	__u32 version;
	struct { __u16 tag, permissions; __u32 id; } entries[5];
} access_list = {
	.version = 2,
	.entries = { { 1, 6, -1 }, { 2, 6, LISTED_USER }, { 4, 0, -1 }, { 16, 6, -1 },
		     { 32, 0, -1 } },
};

/* The bits of the group in the mode are the mask then, and not the right of the group. */
TEST_F(region, access_control_list_decides_who_may_open_it)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->fd, 0, OTHER_USER));
	ASSERT_EQ(0, fsetxattr(self->fd, "system.posix_acl_access", &access_list,
			       sizeof(access_list), 0));
	EXPECT_EQ(0660, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, open_as(self, LISTED_USER, LISTED_USER, READ_WRITE));
	EXPECT_EQ(EACCES, open_as(self, OTHER_USER, OTHER_USER, IPCSHM_READ));
	EXPECT_EQ(EACCES, open_as(self, OTHER_USER - 2, OTHER_USER - 2, IPCSHM_READ));
	/* The mask. */
	ASSERT_EQ(0, fchmod(self->fd, 0640));
	EXPECT_EQ(EACCES, open_as(self, LISTED_USER, LISTED_USER, READ_WRITE));
	EXPECT_EQ(0, open_as(self, LISTED_USER, LISTED_USER, IPCSHM_READ));
	ASSERT_EQ(0, fremovexattr(self->fd, "system.posix_acl_access"));
	EXPECT_EQ(EACCES, open_as(self, LISTED_USER, LISTED_USER, IPCSHM_READ));
	EXPECT_EQ(0, open_as(self, OTHER_USER, OTHER_USER, IPCSHM_READ));
}

TEST_F(region, access_control_list_is_changed_by_the_owner_alone)
{
	pid_t peer;
	int fd;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchmod(self->fd, 0606));
	peer = fork_peer();
	if (!peer) {
		if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
		    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
			_exit(1);
		fd = open_by_name(self, READ_WRITE);
		_exit(fd >= 0 && fsetxattr(fd, "system.posix_acl_access", &access_list,
					   sizeof(access_list), 0) ? errno : 2);
	}
	EXPECT_EQ(EPERM, wait_child(peer));
}

/* Execution: a region is no way around vm.memfd_noexec. */

TEST_F(region, memory_is_never_mapped_to_be_executed)
{
	const int more[] = { PROT_EXEC, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(more); i++) {
		EXPECT_EQ(EPERM, map_error(self->fd, self->size, more[i], MAP_SHARED));
		EXPECT_EQ(EPERM, map_error(self->fd, self->size, more[i], MAP_PRIVATE));
		EXPECT_EQ(-1, mprotect(self->map, self->size, more[i]));
		EXPECT_EQ(EACCES, errno);
	}
	EXPECT_EQ(0, mprotect(self->map, self->size, PROT_READ));
}

TEST_F(region, memory_of_huge_pages_is_never_mapped_to_be_executed)
{
	struct ipcshm_region_attr attr = { .size = self->size };
	int fd = ipcshm_region_open(self->device, NULL,
				    READ_WRITE | IPCSHM_CREATE | IPCSHM_HUGE, 0600, &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_error(fd, self->size, PROT_READ, MAP_SHARED));
	EXPECT_EQ(EPERM, map_error(fd, self->size, PROT_READ | PROT_EXEC, MAP_SHARED));
	close(fd);
}

/* Of the mapping at an address, as in /proc/self/maps. */
static bool is_executable(const void *map)
{
	unsigned long start;
	char line[256], rights[5] = "";
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%*x %4s", &start, rights) == 2 &&
		    start == (unsigned long)map)
			break;
	if (maps)
		fclose(maps);
	return rights[2] != '-';
}

/* The personality of old programs, for which what can be read can be executed. */
TEST_F(region, reading_does_not_imply_execution)
{
	const int plain = personality(0xffffffff);
	unsigned char *other;

	ASSERT_LE(0, personality(plain | READ_IMPLIES_EXEC));
	other = map_shared(self->fd, self->size, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_FALSE(is_executable(other));
	EXPECT_EQ(0, mprotect(other, self->size, PROT_READ));
	EXPECT_FALSE(is_executable(other));
	ASSERT_LE(0, personality(plain));
}

TEST_F(region, descriptor_cannot_be_executed)
{
	char *arguments[] = { NULL }, path[32];
	pid_t peer;

	EXPECT_EQ(sizeof("#!/bin/sh"), pwrite(self->fd, "#!/bin/sh", sizeof("#!/bin/sh"), 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fchmod(self->fd, 0700);
	peer = fork_peer();
	if (!peer) {
		syscall(SYS_execveat, self->fd, "", arguments, arguments, AT_EMPTY_PATH);
		if (errno != EACCES)
			_exit(1);
		execve(path, arguments, arguments);
		_exit(errno);
	}
	EXPECT_EQ(EACCES, wait_child(peer));
}

TEST_F(region, mode_has_no_bits_for_execution)
{
	struct ipcshm_region_attr attr = { .size = self->size };
	mode_t mask = umask(0);
	int fd = ipcshm_region_open(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0777, &attr);

	umask(mask);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0666, region_stat(fd).stat.mode);
	close(fd);
}

/* As that of a memfd with MFD_NOEXEC_SEAL. */
TEST_F(region, is_sealed_against_execution)
{
	int memfd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, memfd);
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_EXEC))
		SKIP(return, "a kernel without F_SEAL_EXEC");
	EXPECT_EQ(F_SEAL_EXEC, fcntl(self->fd, F_GET_SEALS) & F_SEAL_EXEC);
	EXPECT_EQ(-1, fchmod(self->fd, 0700));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, fchmod(self->fd, 0640));
	close(memfd);
}

/* Size and state. */

TEST_F(region, fstat_tells_size_owner_and_mode)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(self->size, stat.st_size);
	EXPECT_EQ(geteuid(), stat.st_uid);
	EXPECT_EQ(getegid(), stat.st_gid);
	EXPECT_EQ(S_IFREG | 0600, stat.st_mode);
}

TEST_F(region, fstat_tells_memory_in_use)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(0, stat.st_blocks);
	self->map[0] = 1;
	self->map[2 * self->page] = 1;
	self->map[5 * self->page] = 1;
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_LE(3 * self->page / 512, stat.st_blocks);
}

TEST_F(region, descriptors_of_one_region_show_one_inode)
{
	int fd = open_by_name(self, IPCSHM_READ);
	struct stat one, two;

	ASSERT_EQ(0, fstat(self->fd, &one));
	ASSERT_EQ(0, fstat(fd, &two));
	EXPECT_EQ(one.st_dev, two.st_dev);
	EXPECT_EQ(one.st_ino, two.st_ino);
	close(fd);
}

TEST_F(region, size_is_rounded_up_to_pages)
{
	const size_t asked[] = { 1, self->page - 1, self->page, self->page + 1, 5 * self->page };
	const size_t given[] = { 1, 1, 1, 2, 5 };
	struct ipcshm_region_attr attr;
	struct stat stat;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		attr = (struct ipcshm_region_attr) { .size = asked[i] };
		fd = ipcshm_region_open(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
					&attr);
		ASSERT_LE(0, fd);
		EXPECT_EQ(given[i] * self->page, attr.size);
		EXPECT_EQ(given[i] * self->page, region_stat(fd).size);
		EXPECT_EQ(0, fstat(fd, &stat));
		EXPECT_EQ(given[i] * self->page, stat.st_size);
		close(fd);
	}
}

TEST_F(region, size_never_changes)
{
	EXPECT_EQ(-1, ftruncate(self->fd, self->size + self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(self->fd, self->size - self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(self->fd, 0, self->size, self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, self->size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(self->size, region_stat(self->fd).size);
	self->map[self->size - 1] = 1;
}

TEST_F(region, stat_tells_what_it_is)
{
	struct ipcshm_region_stat stat;
	__u64 now = now_ns(CLOCK_REALTIME);

	ASSERT_EQ(0, ipcshm_region_get_stat(self->fd, &stat, sizeof(stat)));
	EXPECT_NE(0, stat.stat.id);
	EXPECT_LE(stat.stat.btime, now);
	EXPECT_GE(stat.stat.btime, now - WAIT_SECONDS * 1000000000ULL);
	EXPECT_EQ(geteuid(), stat.stat.uid);
	EXPECT_EQ(getegid(), stat.stat.gid);
	EXPECT_EQ(0600, stat.stat.mode);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(IPCSHM_REGION, stat.stat.kind);
	EXPECT_EQ(self->size, stat.size);
}

TEST_F(region, stat_follows_opens_and_unlink)
{
	int fd = open_by_name(self, READ_WRITE);
	unsigned char *map = map_shared(fd, self->size, PROT_READ);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	close(fd);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	munmap(map, self->size);
	EXPECT_EQ(1, region_stat(self->fd).stat.opens);
	ASSERT_EQ(0, ipcshm_unlink(self->device, IPCSHM_REGION, self->name.text));
	EXPECT_EQ(0, region_stat(self->fd).stat.flags);
}

TEST_F(region, open_tells_whether_it_created)
{
	struct ipcshm_region_attr attr = { .size = self->page };
	int fd = ipcshm_region_open(self->device, self->name.text, READ_WRITE | IPCSHM_CREATE,
				    0600, &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, attr.created);
	EXPECT_EQ(self->size, attr.size);
	EXPECT_EQ(region_stat(self->fd).stat.id, attr.id);
	close(fd);
}

/* Seals. */

TEST_F(region, is_sealed_against_resizing_only)
{
	EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK, SEALS(self->fd));
}

TEST_F(region, write_seal_needs_writable_mappings_gone)
{
	int fd = open_by_name(self, READ_WRITE);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	self->map[0] = 1;
	ASSERT_EQ(0, munmap(self->map, self->size));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE, SEALS(self->fd));
	close(fd);
}

TEST_F(region, write_seal_holds_for_every_descriptor)
{
	int other = open_by_name(self, READ_WRITE);
	void *map;
	size_t size;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, munmap(self->map, self->size));
	ASSERT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, ipcshm_region_map(other, READ_WRITE, &map, &size));
	EXPECT_EQ(-1, pwrite(other, "x", 1, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, map_error(open_by_name(self, IPCSHM_READ), self->size, PROT_READ, MAP_SHARED));
	EXPECT_EQ(0, map_error(other, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	close(other);
}

TEST_F(region, future_write_seal_leaves_old_mappings_writable)
{
	unsigned char *map;

	ASSERT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	self->map[0] = 1;
	EXPECT_EQ(EPERM, map_error(self->fd, self->size, PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(EPERM, errno);
	map = map_shared(self->fd, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, map[0]);
	EXPECT_EQ(-1, mprotect(map, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(map, self->size);
}

TEST_F(region, seal_seal_ends_sealing)
{
	ASSERT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_EQ(-1, fcntl(self->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	EXPECT_EQ(EPERM, errno);
	self->map[0] = 1;
}

/* The descriptor as a file. */

TEST_F(region, descriptor_and_mapping_are_the_same_bytes)
{
	char text[8] = "";

	EXPECT_EQ(5, write(self->fd, "hello", 5));
	EXPECT_EQ(0, memcmp(self->map, "hello", 5));
	EXPECT_EQ(5, lseek(self->fd, 0, SEEK_CUR));
	memcpy(self->map + self->page, "there", 5);
	EXPECT_EQ(self->page, lseek(self->fd, self->page, SEEK_SET));
	EXPECT_EQ(5, read(self->fd, text, 5));
	EXPECT_STREQ("there", text);
	EXPECT_EQ(3, pwrite(self->fd, "abc", 3, 2 * self->page - 1));
	EXPECT_EQ(0, memcmp(self->map + 2 * self->page - 1, "abc", 3));
	EXPECT_EQ(5, pread(self->fd, text, 5, 0));
	EXPECT_EQ(0, memcmp(text, "hello", 5));
	EXPECT_EQ(self->size, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, read(self->fd, text, 5));
}

TEST_F(region, vectors_are_read_and_written)
{
	char one[2], two[3];
	struct iovec vector[] = { { one, sizeof(one) }, { two, sizeof(two) } };

	EXPECT_EQ(5, pwrite(self->fd, "abcde", 5, 0));
	EXPECT_EQ(5, readv(self->fd, vector, 2));
	EXPECT_EQ(0, memcmp(one, "ab", 2));
	EXPECT_EQ(0, memcmp(two, "cde", 3));
	EXPECT_EQ(5, writev(self->fd, vector, 2));
	EXPECT_EQ(0, memcmp(self->map + 5, "abcde", 5));
}

TEST_F(region, opens_have_positions_of_their_own)
{
	int fd = open_by_name(self, READ_WRITE);

	EXPECT_EQ(1, write(self->fd, "a", 1));
	EXPECT_EQ(1, write(fd, "b", 1));
	EXPECT_EQ('b', self->map[0]);
	EXPECT_EQ(0, self->map[1]);
	close(fd);
}

TEST_F(region, splice_moves_bytes_in_and_out)
{
	char text[8] = "";
	off_t offset = self->page;
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(5, write(ends[1], "hello", 5));
	EXPECT_EQ(5, splice(ends[0], NULL, self->fd, &offset, 5, 0));
	EXPECT_EQ(0, memcmp(self->map + self->page, "hello", 5));
	offset = self->page;
	EXPECT_EQ(5, splice(self->fd, &offset, ends[1], NULL, 5, 0));
	EXPECT_EQ(5, read(ends[0], text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	close(ends[0]);
	close(ends[1]);
}

TEST_F(region, sendfile_sends_it)
{
	char text[8] = "";
	off_t offset = self->page;
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	memcpy(self->map + self->page, "hello", 5);
	EXPECT_EQ(5, sendfile(sockets[0], self->fd, &offset, 5));
	EXPECT_EQ(5, read(sockets[1], text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	close(sockets[0]);
	close(sockets[1]);
}

TEST_F(region, punched_hole_reads_as_zero_and_frees_memory)
{
	struct stat full, less;

	memset(self->map, 1, self->size);
	ASSERT_EQ(0, fstat(self->fd, &full));
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, self->page,
			       2 * self->page));
	EXPECT_TRUE(all_bytes(self->map, self->page, 1));
	EXPECT_TRUE(all_bytes(self->map + self->page, 2 * self->page, 0));
	EXPECT_TRUE(all_bytes(self->map + 3 * self->page, self->size - 3 * self->page, 1));
	memset(self->map, 1, self->size);
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			       self->size));
	ASSERT_EQ(0, fstat(self->fd, &less));
	EXPECT_LT(less.st_blocks, full.st_blocks);
	EXPECT_EQ(self->size, less.st_size);
}

TEST_F(region, fallocate_makes_memory_ready)
{
	struct stat stat;

	ASSERT_EQ(0, fallocate(self->fd, 0, 0, self->size));
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(self->size / 512, stat.st_blocks);
	EXPECT_TRUE(all_bytes(self->map, self->size, 0));
}

TEST_F(region, seek_finds_data_and_holes)
{
	self->map[2 * self->page] = 1;
	EXPECT_EQ(2 * self->page, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(3 * self->page, lseek(self->fd, 2 * self->page, SEEK_HOLE));
}

/* Memory management. */

TEST_F(region, madvise_keeps_the_content)
{
	const int advice[] = { MADV_NORMAL, MADV_RANDOM, MADV_WILLNEED, MADV_DONTNEED };
	size_t i;

	memset(self->map, 3, self->size);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, madvise(self->map, self->size, advice[i]));
		EXPECT_TRUE(all_bytes(self->map, self->size, 3));
	}
}

TEST_F(region, madvise_remove_punches_a_hole)
{
	memset(self->map, 3, self->size);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_REMOVE));
	EXPECT_TRUE(all_bytes(self->map, self->page, 0));
	EXPECT_TRUE(all_bytes(self->map + self->page, self->size - self->page, 3));
}

TEST_F(region, madvise_dontfork_keeps_it_from_children)
{
	pid_t peer;

	ASSERT_EQ(0, madvise(self->map, self->size, MADV_DONTFORK));
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile uint32_t *)self->word = 1;
		_exit(0);
	}
	EXPECT_EQ(-SIGSEGV, wait_child(peer));
	EXPECT_EQ(0, *self->word);
}

TEST_F(region, mlock_makes_it_resident)
{
	unsigned char resident[PAGES];
	int i;

	ASSERT_EQ(0, mlock(self->map, self->size));
	ASSERT_EQ(0, mincore(self->map, self->size, resident));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(1, resident[i] & 1);
	EXPECT_EQ(0, munlock(self->map, self->size));
}

TEST_F(region, mremap_moves_the_mapping)
{
	unsigned char *other = map_shared(self->fd, self->size, PROT_READ | PROT_WRITE);
	void *room = mmap(NULL, self->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *moved;

	ASSERT_NE(MAP_FAILED, other);
	ASSERT_NE(MAP_FAILED, room);
	moved = mremap(other, self->size, self->size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	ASSERT_EQ(room, (void *)moved);
	moved[0] = 1;
	EXPECT_EQ(1, self->map[0]);
	munmap(moved, self->size);
}

TEST_F(region, mremap_grows_the_mapping_up_to_the_size)
{
	unsigned char *map = map_shared(self->fd, self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, map);
	map = mremap(map, self->page, self->size, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, map);
	map[self->size - 1] = 1;
	EXPECT_EQ(1, self->map[self->size - 1]);
	munmap(map, self->size);
}

TEST_F(region, mapping_can_be_split)
{
	int fd = open_by_name(self, READ_WRITE);
	unsigned char *map = map_shared(fd, self->size, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	ASSERT_EQ(0, munmap(map + 2 * self->page, self->page));
	ASSERT_EQ(0, mprotect(map + 4 * self->page, self->page, PROT_READ));
	map[0] = 1;
	map[3 * self->page] = 2;
	map[self->size - 1] = 3;
	EXPECT_EQ(1, self->map[0]);
	EXPECT_EQ(2, self->map[3 * self->page]);
	EXPECT_EQ(3, self->map[self->size - 1]);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	munmap(map, 2 * self->page);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	munmap(map + 3 * self->page, self->size - 3 * self->page);
	EXPECT_EQ(1, region_stat(self->fd).stat.opens);
}

TEST_F(region, mbind_sets_its_policy)
{
	unsigned long nodes = 1;
	int policy = -1;

	if (syscall(SYS_mbind, self->map, self->size, MPOL_BIND, &nodes, 64, 0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "a kernel without NUMA");
	}
	memset(self->map, 1, self->size);
	ASSERT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0, self->map, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
}

TEST_F(region, huge_pages_hold_the_same_bytes)
{
	const size_t huge = 2 << 20, size = 4 * huge;
	int fd = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, size);
	uint32_t *map, *other;
	size_t i;

	map = map_shared(fd, size, PROT_READ | PROT_WRITE);
	other = map_shared(fd, size, PROT_READ);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, other);
	if (madvise(map, size, MADV_HUGEPAGE))
		SKIP(return, "a kernel without huge pages");
	for (i = 0; i < size / sizeof(*map); i += 1024)
		map[i] = i + 1;
	for (i = 0; i < size / sizeof(*map); i += 1024)
		ASSERT_EQ(i + 1, other[i]);
	ASSERT_EQ(0, madvise(map, self->page, MADV_REMOVE));
	EXPECT_EQ(0, other[0]);
	EXPECT_EQ(1025, other[1024]);
	munmap(map, size);
	munmap(other, size);
	close(fd);
}

TEST_F(region, large_one_takes_only_the_memory_it_uses)
{
	const size_t size = (size_t)300 << 20;
	int fd = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, size);
	unsigned char *map;
	struct stat stat;
	char byte;

	if (fd == -EDQUOT || fd == -ENOMEM)
		SKIP(return, "no quota or memory for a large region");
	ASSERT_LE(0, fd);
	map = map_shared(fd, size, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	map[size - 1] = 2;
	EXPECT_EQ(1, pread(fd, &byte, 1, size - 1));
	EXPECT_EQ(2, byte);
	EXPECT_EQ(0, map[size / 2]);
	ASSERT_EQ(0, fstat(fd, &stat));
	EXPECT_EQ(size, stat.st_size);
	EXPECT_GT(size / 8 / 512, stat.st_blocks);
	munmap(map, size);
	close(fd);
}

IPCSHM_TEST_MAIN
