// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"

/*
 * The slowness relative to a stock kernel: IPCSHM_SLOW of the environment, for kernels
 * with checks.
 */
unsigned int slowness(void)
{
	const char *times = getenv("IPCSHM_SLOW");

	return times && atoi(times) > 0 ? atoi(times) : 1;
}

int call(int fd, unsigned long command, void *argument)
{
	int result = ioctl(fd, command, argument);

	return result < 0 ? -errno : result;
}

int open_device(void)
{
	int fd = open(TEST_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

struct ipcshm_open_how open_args(const char *name, __u32 flags, __u32 mode)
{
	return (struct ipcshm_open_how) {
		.name = (uintptr_t)name,
		.name_len = name ? strlen(name) : 0,
		.flags = flags,
		.mode = mode,
	};
}

/* With IPCSHM_CREATE, or else mode and size 0; name may be NULL. */
int open_region(int device, const char *name, __u32 flags, __u32 mode, __u64 size)
{
	struct ipcshm_region_open_args args = {
		.how = open_args(name, flags, mode),
		.size = size,
	};

	return call(device, IPCSHM_IOC_REGION_OPEN, &args);
}

int open_queue(int device, const char *name, __u32 flags, __u32 mode, __u64 max_messages,
	       __u64 max_bytes, __u64 max_message_size)
{
	struct ipcshm_queue_open_args args = {
		.how = open_args(name, flags, mode),
		.max_messages = max_messages,
		.max_bytes = max_bytes,
		.max_message_size = max_message_size,
	};

	return call(device, IPCSHM_IOC_QUEUE_OPEN, &args);
}

int unlink_name(int device, enum ipcshm_kind kind, const char *name)
{
	struct ipcshm_unlink_args args = {
		.name = (uintptr_t)name,
		.name_len = strlen(name),
		.kind = kind,
	};

	return call(device, IPCSHM_IOC_UNLINK, &args);
}

struct ipcshm_info get_info(int device)
{
	struct ipcshm_info info = { 0 };

	call(device, IPCSHM_IOC_INFO, &info);
	return info;
}

struct ipcshm_region_stat region_stat(int fd)
{
	struct ipcshm_region_stat stat = { 0 };

	call(fd, IPCSHM_IOC_REGION_STAT, &stat);
	return stat;
}

struct ipcshm_queue_stat queue_stat(int fd)
{
	struct ipcshm_queue_stat stat = { 0 };

	call(fd, IPCSHM_IOC_QUEUE_STAT, &stat);
	return stat;
}

struct test_name make_name(const char *what)
{
	struct test_name name;

	snprintf(name.text, sizeof(name.text), "test-%s-%d", what, getpid());
	return name;
}

__u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Waits for a child: its exit status, or minus the signal that killed it. */
int wait_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Kills a child for good and waits until it is gone: as wait_child(). */
int kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	return wait_child(pid);
}

struct signal_pipe make_pipe(void)
{
	int ends[2] = { -1, -1 };

	if (pipe2(ends, O_CLOEXEC))
		ends[0] = ends[1] = -1;
	return (struct signal_pipe) { ends[0], ends[1] };
}

bool pipe_tell(struct signal_pipe *to)
{
	return write(to->write, "", 1) == 1;
}

/* False if all writers are gone (the caller must have closed ->write). */
bool pipe_await(struct signal_pipe *from)
{
	char byte;

	return read(from->read, &byte, 1) == 1;
}

void close_pipe(struct signal_pipe *both)
{
	close(both->read);
	close(both->write);
}

/* Forks a child that doesn't outlive the test, however that ends. */
pid_t fork_peer(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* Where the peer program is: beside the test. */
bool peer_path(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof("peer"));

	if (length < 0)
		return false;
	path[length] = '\0';
	strcpy(strrchr(path, '/') + 1, "peer");
	return true;
}

/* The peer program in place of the caller. */
void exec_peer(char *const arguments[])
{
	char path[PATH_MAX];

	if (peer_path(path))
		execv(path, arguments);
	_exit(127);
}

/* The state letter of a process: 'S' if it sleeps, 'T' if it is stopped. */
char process_state(pid_t pid)
{
	char path[32], text[256] = "";
	FILE *file;
	char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return '\0';
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	end = strrchr(text, ')');
	return end ? end[2] : '\0';
}

/*
 * The number of repetitions: @all with IPCSHM_LONG in the environment, else @some,
 * which is enough for a quick run.
 */
unsigned int many(unsigned int all, unsigned int some)
{
	return getenv("IPCSHM_LONG") ? all : some;
}

/* Passes a descriptor over a Unix socket. */
bool send_descriptor(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

/* Receives one: the descriptor, or -1. */
int receive_descriptor(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char data;
	struct iovec byte = { .iov_base = &data, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}
