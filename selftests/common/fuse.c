// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "fuse.h"

#define FUSE_MEMORY_MODULE	"/vm/modules/fuse.ko"
#define FUSE_MEMORY_PENDING	64	/* requests that the server can hold back */
#define FUSE_MEMORY_BUFFER	(1 << 17)
#define FUSE_MEMORY_NODE	2	/* the file; the root directory is 1 */

/* The server. */

/**
 * struct fuse_memory_request - a read whose reply is held back
 * @unique: its number, 0: free
 * @offset: first byte
 * @size: bytes
 * @due: when the reply is due at the earliest, nanoseconds of CLOCK_MONOTONIC
 */
struct fuse_memory_request {
	__u64 unique;
	__u64 offset;
	__u32 size;
	__u64 due;
};

struct fuse_memory_server {
	struct fuse_memory *memory;
	int device;
	int control;
	struct fuse_memory_request pending[FUSE_MEMORY_PENDING];
};

static void fuse_memory_reply(struct fuse_memory_server *server, __u64 unique, int error,
			      const void *data, size_t size)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + size,
		.error = error,
		.unique = unique,
	};
	struct iovec parts[] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)data, .iov_len = size },
	};

	/* ENOENT: the reader was killed. */
	if (writev(server->device, parts, size ? 2 : 1) < 0 && errno != ENOENT)
		_exit(2);
}

static struct fuse_memory_page *fuse_memory_page_of(struct fuse_memory_server *server,
						    const struct fuse_memory_request *request)
{
	return &server->memory->page[request->offset / server->memory->page_size];
}

/* Sends the reply unless it has to wait; returns the milliseconds until then, or -1. */
static int fuse_memory_try_reply(struct fuse_memory_server *server,
				 struct fuse_memory_request *request)
{
	struct fuse_memory_page *page = fuse_memory_page_of(server, request);
	unsigned int mode = __atomic_load_n(&page->mode, __ATOMIC_ACQUIRE);
	__u64 now = now_ns(CLOCK_MONOTONIC);

	if (mode == FUSE_MEMORY_BLOCKS)
		return -1;
	if (request->due > now)
		return (request->due - now) / 1000000 + 1;
	__atomic_sub_fetch(&page->waiting, 1, __ATOMIC_RELEASE);
	if (mode == FUSE_MEMORY_FAILS)
		fuse_memory_reply(server, request->unique, -EIO, NULL, 0);
	else
		fuse_memory_reply(server, request->unique, 0,
				  server->memory->content + request->offset, request->size);
	request->unique = 0;
	return -1;
}

static void fuse_memory_read(struct fuse_memory_server *server, __u64 unique,
			     const struct fuse_read_in *in)
{
	size_t size = server->memory->pages * server->memory->page_size;
	struct fuse_memory_request *request = server->pending;
	struct fuse_memory_page *page;

	if (in->offset >= size) {
		fuse_memory_reply(server, unique, 0, NULL, 0);
		return;
	}
	while (request->unique)
		if (++request == server->pending + FUSE_MEMORY_PENDING)
			_exit(3);
	*request = (struct fuse_memory_request) {
		.unique = unique,
		.offset = in->offset,
		.size = in->size < size - in->offset ? in->size : size - in->offset,
	};
	page = fuse_memory_page_of(server, request);
	request->due = now_ns(CLOCK_MONOTONIC) +
		       __atomic_load_n(&page->delay, __ATOMIC_ACQUIRE) * 1000000ULL;
	__atomic_add_fetch(&page->reads, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&page->waiting, 1, __ATOMIC_RELEASE);
	fuse_memory_try_reply(server, request);
}

/* A reader has a signal pending: only a reply lets it return. */
static void fuse_memory_interrupt(struct fuse_memory_server *server, __u64 unique)
{
	struct fuse_memory_request *request;

	if (server->memory->deaf)
		return;
	for (request = server->pending; request < server->pending + FUSE_MEMORY_PENDING;
	     request++) {
		if (request->unique != unique)
			continue;
		__atomic_sub_fetch(&fuse_memory_page_of(server, request)->waiting, 1,
				   __ATOMIC_RELEASE);
		fuse_memory_reply(server, unique, -EINTR, NULL, 0);
		request->unique = 0;
	}
}

static struct fuse_attr fuse_memory_attr(struct fuse_memory_server *server, __u64 node)
{
	return (struct fuse_attr) {
		.ino = node,
		.size = node == FUSE_MEMORY_NODE ?
			server->memory->pages * server->memory->page_size : 0,
		.mode = node == FUSE_MEMORY_NODE ? S_IFREG | 0666 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = server->memory->page_size,
	};
}

static void fuse_memory_init(struct fuse_memory_server *server, __u64 unique,
			     const struct fuse_init_in *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor :
								 FUSE_KERNEL_MINOR_VERSION,
		/* Reads with O_DIRECT can complete later. */
		.flags = FUSE_ASYNC_DIO,
		/* One page a read. */
		.max_readahead = 0,
		.max_write = 1 << 16,
		.time_gran = 1,
	};

	fuse_memory_reply(server, unique, 0, &init, sizeof(init));
}

static void fuse_memory_lookup(struct fuse_memory_server *server, __u64 unique, const char *name)
{
	struct fuse_entry_out entry = {
		.nodeid = FUSE_MEMORY_NODE,
		.entry_valid = 1 << 20,
		.attr_valid = 1 << 20,
		.attr = fuse_memory_attr(server, FUSE_MEMORY_NODE),
	};

	if (strcmp(name, "memory"))
		fuse_memory_reply(server, unique, -ENOENT, NULL, 0);
	else
		fuse_memory_reply(server, unique, 0, &entry, sizeof(entry));
}

static void fuse_memory_write(struct fuse_memory_server *server, __u64 unique,
			      const struct fuse_write_in *in)
{
	struct fuse_write_out written = { .size = in->size };

	if (in->offset + in->size > server->memory->pages * server->memory->page_size) {
		fuse_memory_reply(server, unique, -ENOSPC, NULL, 0);
		return;
	}
	memcpy(server->memory->content + in->offset, in + 1, in->size);
	fuse_memory_reply(server, unique, 0, &written, sizeof(written));
}

static void fuse_memory_serve_one(struct fuse_memory_server *server, const void *buffer)
{
	const struct fuse_in_header *header = buffer;
	const void *in = header + 1;
	struct fuse_attr_out attr = {
		.attr_valid = 1 << 20,
		.attr = fuse_memory_attr(server, header->nodeid),
	};
	struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE };

	switch (header->opcode) {
	case FUSE_INIT:
		fuse_memory_init(server, header->unique, in);
		break;
	case FUSE_LOOKUP:
		fuse_memory_lookup(server, header->unique, in);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		fuse_memory_reply(server, header->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		fuse_memory_reply(server, header->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		fuse_memory_read(server, header->unique, in);
		break;
	case FUSE_WRITE:
		fuse_memory_write(server, header->unique, in);
		break;
	case FUSE_INTERRUPT:
		fuse_memory_interrupt(server, ((const struct fuse_interrupt_in *)in)->unique);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNC:
	case FUSE_ACCESS:
	case FUSE_DESTROY:
		fuse_memory_reply(server, header->unique, 0, NULL, 0);
		break;
	default:	/* FUSE_FLUSH too, which the kernel then does without */
		fuse_memory_reply(server, header->unique, -ENOSYS, NULL, 0);
	}
}

/* Never returns: the server lives until it is killed or the file is released. */
static void fuse_memory_serve(struct fuse_memory_server *server)
{
	static char buffer[FUSE_MEMORY_BUFFER] __attribute__((aligned(8)));
	struct pollfd entries[] = {
		{ .fd = server->device, .events = POLLIN },
		{ .fd = server->memory->bell, .events = POLLIN },
	};
	int timeout, next;
	ssize_t length;
	size_t i;
	__u64 rung;

	for (;;) {
		timeout = -1;
		for (i = 0; i < FUSE_MEMORY_PENDING; i++) {
			next = server->pending[i].unique ?
			       fuse_memory_try_reply(server, &server->pending[i]) : -1;
			if (next >= 0 && (timeout < 0 || next < timeout))
				timeout = next;
		}
		if (poll(entries, 2, timeout) < 0 && errno != EINTR)
			_exit(4);
		if (entries[1].revents & POLLIN)
			length = read(server->memory->bell, &rung, sizeof(rung));
		if (!(entries[0].revents & (POLLIN | POLLERR)))
			continue;
		length = read(server->device, buffer, sizeof(buffer));
		if (length > 0)
			fuse_memory_serve_one(server, buffer);
		else if (errno != EAGAIN && errno != EINTR && errno != ENOENT)
			_exit(errno == ENODEV ? 0 : 5);
	}
}

/*
 * A second thread: opening the file and dropping its pages call the server back.
 * Without the file, the byte that comes instead is an errno.
 */
static void *fuse_memory_control(void *argument)
{
	struct fuse_memory_server *server = argument;
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out inval;
	} drop = {
		.header = {
			.len = sizeof(drop),
			.error = FUSE_NOTIFY_INVAL_INODE,
		},
		.inval = {
			.ino = FUSE_MEMORY_NODE,
			.len = server->memory->page_size,
		},
	};
	int fd = open("/tmp/memory", O_RDWR | O_CLOEXEC);
	unsigned char error = errno;
	bool sent;
	__u64 page;

	if (fd < 0) {
		if (write(server->control, &error, 1) < 0)
			_exit(6);
		return NULL;
	}
	sent = send_descriptor(server->control, fd);
	/* A flush waits for the other thread: it must be over before that can end. */
	close(fd);
	error = 0;
	if (!sent || write(server->control, &error, 1) < 0)
		_exit(6);
	while (read(server->control, &page, sizeof(page)) == sizeof(page)) {
		drop.inval.off = page * server->memory->page_size;
		error = write(server->device, &drop, sizeof(drop)) < 0 ? errno : 0;
		if (write(server->control, &error, 1) < 0)
			break;
	}
	_exit(0);
}

static bool fuse_memory_put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* A mount namespace of the server's own, and a user namespace if it has to be. */
static bool fuse_memory_unshare(void)
{
	char users[32], groups[32];
	bool done;

	if (!unshare(CLONE_NEWNS))
		return true;
	snprintf(users, sizeof(users), "0 %u 1", geteuid());
	snprintf(groups, sizeof(groups), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	/* After setuid(), the files below belong to root otherwise. */
	prctl(PR_SET_DUMPABLE, 1);
	done = fuse_memory_put_file("/proc/self/setgroups", "deny") &&
	       fuse_memory_put_file("/proc/self/uid_map", users) &&
	       fuse_memory_put_file("/proc/self/gid_map", groups);
	return done;
}

static void fuse_memory_run(struct fuse_memory *memory, int control)
{
	static struct fuse_memory_server server;
	pthread_t thread;
	char options[96];
	unsigned char error = EPERM;

	/*
	 * The end of the parent closes the other end of the socket, and so ends the control
	 * thread.  A signal instead could kill the server while that thread opens the file: it
	 * would wait for ever for an answer, with the device open.
	 */
	prctl(PR_SET_PDEATHSIG, 0);
	signal(SIGPIPE, SIG_IGN);
	/* Close all that the server does not need. */
	dup2(memory->bell, 3);
	dup2(control, 4);
	syscall(SYS_close_range, 5, ~0U, 0);
	memory->bell = 3;
	server = (struct fuse_memory_server) { .memory = memory, .control = 4 };
	/* The user namespace that opens the device must be the one that mounts. */
	if (!fuse_memory_unshare())
		goto fail;
	server.device = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (server.device < 0)
		goto fail;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 server.device);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("ipcshm-test", "/tmp", "fuse", MS_NOSUID | MS_NODEV, options))
		goto fail;
	if (pthread_create(&thread, NULL, fuse_memory_control, &server))
		goto fail;
	fuse_memory_serve(&server);

fail:
	error = errno;
	if (write(server.control, &error, 1) < 0)
		_exit(6);
	_exit(7);
}

/* False if this kernel has no FUSE. */
static bool fuse_memory_load(void)
{
	int fd;

	if (!access("/dev/fuse", F_OK))
		return true;
	fd = open(FUSE_MEMORY_MODULE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return !access("/dev/fuse", F_OK);
}

/* The descriptor that the server sends, or minus the errno that it sends instead. */
static int fuse_memory_file(int control)
{
	unsigned char error = 0;
	ssize_t length;
	int fd;

	length = recv(control, &error, 1, MSG_PEEK);
	if (length != 1)
		return -ECHILD;
	fd = receive_descriptor(control);
	if (fd >= 0 && read(control, &error, 1) != 1) {
		close(fd);
		return -ECHILD;
	}
	return fd >= 0 ? fd : error ? -error : -EIO;
}

/*
 * fuse_memory_open - start a server and map its file
 * @memory: to be filled in; only @deaf is read
 * @pages: number of pages
 *
 * Return: 0, -ENODEV if the kernel has no FUSE, or another -errno.
 */
int fuse_memory_open(struct fuse_memory *memory, size_t pages)
{
	size_t size, shared;
	int ends[2];
	void *map;

	*memory = (struct fuse_memory) {
		.pages = pages,
		.page_size = sysconf(_SC_PAGESIZE),
		.fd = -1,
		.deaf = memory->deaf,
		.bell = -1,
		.control = -1,
	};
	if (!fuse_memory_load())
		return -ENODEV;
	size = pages * memory->page_size;
	shared = size + pages * sizeof(*memory->page);
	map = mmap(NULL, shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	memory->content = map;
	memory->page = (void *)(memory->content + size);
	memory->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (memory->bell < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	memory->control = ends[0];
	memory->server = fork_peer();
	if (!memory->server) {
		/* Above the numbers that the server gives them. */
		memory->bell = fcntl(memory->bell, F_DUPFD, 5);
		fuse_memory_run(memory, fcntl(ends[1], F_DUPFD, 5));
	}
	close(ends[1]);
	memory->fd = fuse_memory_file(memory->control);
	if (memory->fd < 0)
		return memory->fd;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	memory->map = map;
	return 0;
}

unsigned char *fuse_memory_at(struct fuse_memory *memory, size_t page)
{
	return memory->map + page * memory->page_size;
}

/* True while a task waits for the page. */
bool fuse_memory_is_waiting(struct fuse_memory *memory, size_t page)
{
	return __atomic_load_n(&memory->page[page].waiting, __ATOMIC_ACQUIRE);
}

/* Number of reads of the page since the memory was opened. */
unsigned int fuse_memory_reads(struct fuse_memory *memory, size_t page)
{
	return __atomic_load_n(&memory->page[page].reads, __ATOMIC_ACQUIRE);
}

static void fuse_memory_set(struct fuse_memory *memory, size_t page, enum fuse_memory_mode mode)
{
	__u64 one = 1;

	__atomic_store_n(&memory->page[page].mode, mode, __ATOMIC_RELEASE);
	if (write(memory->bell, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

/* Pending and later reads of the page return its content. */
void fuse_memory_release(struct fuse_memory *memory, size_t page)
{
	fuse_memory_set(memory, page, FUSE_MEMORY_RETURNS);
}

/* Pending and later reads of the page fail with EIO. */
void fuse_memory_fail(struct fuse_memory *memory, size_t page)
{
	fuse_memory_set(memory, page, FUSE_MEMORY_FAILS);
}

/* Later reads of the page return its content after so many milliseconds. */
void fuse_memory_delay(struct fuse_memory *memory, size_t page, unsigned int ms)
{
	__atomic_store_n(&memory->page[page].delay, ms, __ATOMIC_RELEASE);
	fuse_memory_set(memory, page, FUSE_MEMORY_RETURNS);
}

/*
 * fuse_memory_block - make the next access to a page wait again
 *
 * Drops the page from the page cache and from all mappings, after its stores have
 * come to @content. Must not be called while a task waits for the page.
 *
 * Return: 0, or -errno.
 */
int fuse_memory_block(struct fuse_memory *memory, size_t page)
{
	unsigned char error;
	__u64 which = page;

	fuse_memory_set(memory, page, FUSE_MEMORY_BLOCKS);
	if (write(memory->control, &which, sizeof(which)) != sizeof(which) ||
	    read(memory->control, &error, 1) != 1)
		return -EPIPE;
	return -error;
}

/*
 * Aborts the connection: pending and later reads fail, in every process. A test that
 * has become another user may not send the signal; the socket's end has the same effect.
 */
void fuse_memory_kill(struct fuse_memory *memory)
{
	if (memory->server <= 0)
		return;
	shutdown(memory->control, SHUT_RDWR);
	kill_child(memory->server);
	memory->server = 0;
}

void fuse_memory_close(struct fuse_memory *memory)
{
	fuse_memory_kill(memory);
	if (memory->map)
		munmap(memory->map, memory->pages * memory->page_size);
	if (memory->content)
		munmap(memory->content,
		       memory->pages * (memory->page_size + sizeof(*memory->page)));
	close(memory->fd);
	close(memory->bell);
	close(memory->control);
	*memory = (struct fuse_memory) { .fd = -1, .bell = -1, .control = -1 };
}
