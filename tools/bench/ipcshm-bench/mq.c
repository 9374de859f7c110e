// SPDX-License-Identifier: GPL-2.0-only
/* POSIX message queues and System V message queues. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* A limit of the system, raised to @value if it is lower and we may. */
static void raise_limit(const char *path, size_t value)
{
	FILE *file = fopen(path, "r+e");
	unsigned long now = 0;

	if (!file)
		return;
	if (fscanf(file, "%lu", &now) == 1 && now < value) {
		rewind(file);
		fprintf(file, "%zu", value);
	}
	fclose(file);
}

static int create_posix(struct bench_channel *channel)
{
	const struct bench_shape *shape = channel->shape;
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct mq_attr attr = {
		.mq_maxmsg = (long)shape->capacity,
		.mq_msgsize = (long)shape->size,
	};
	char name[32];

	setrlimit(RLIMIT_MSGQUEUE, &unlimited);
	raise_limit("/proc/sys/fs/mqueue/msg_max", shape->capacity);
	raise_limit("/proc/sys/fs/mqueue/msgsize_max", shape->size);
	snprintf(name, sizeof(name), "/ipcshm-bench-%d", (int)getpid());
	channel->in = mq_open(name, O_RDWR | O_CREAT | O_EXCL |
			      (shape->wait == BENCH_SPIN ? O_NONBLOCK : 0), 0600, &attr);
	if (channel->in < 0)
		return -errno;
	mq_unlink(name);
	return 0;
}

static int send_posix(struct bench_channel *channel, const void *data, unsigned int count)
{
	(void)count;
	return mq_send(channel->in, data, channel->shape->size, 0) ? -errno : 1;
}

static int receive_posix(struct bench_channel *channel, void *room, unsigned int count,
			 const void **at)
{
	(void)count;
	*at = room;
	return mq_receive(channel->in, room, channel->shape->size, NULL) < 0 ? -errno : 1;
}

static void destroy_posix(struct bench_channel *channel)
{
	mq_close(channel->in);
}

/* System V: the type is a long in front of the payload. */
static int create_sysv(struct bench_channel *channel)
{
	const struct bench_shape *shape = channel->shape;
	struct msqid_ds info;
	int id;

	raise_limit("/proc/sys/kernel/msgmax", shape->size);
	id = msgget(IPC_PRIVATE, 0600);
	if (id < 0 || msgctl(id, IPC_STAT, &info))
		return -errno;
	info.msg_qbytes = shape->capacity * shape->size;
	if (msgctl(id, IPC_SET, &info)) {
		msgctl(id, IPC_RMID, NULL);
		return -errno;
	}
	channel->in = id;
	return 0;
}

/* The 8 bytes before a buffer are lent to the type. */
struct typed {
	uint64_t saved;
	long *type;
};

static struct typed lend_file(const void *data)
{
	struct typed typed = { .type = (long *)data - 1 };

	memcpy(&typed.saved, typed.type, sizeof(typed.saved));
	*typed.type = 1;
	return typed;
}

static void give_back(const struct typed *typed)
{
	memcpy(typed->type, &typed->saved, sizeof(typed->saved));
}

static int choose_flags(const struct bench_channel *channel)
{
	return channel->shape->wait == BENCH_SPIN ? IPC_NOWAIT : 0;
}

static int sysv_errno(void)
{
	return errno == ENOMSG ? -EAGAIN : -errno;
}

static int send_sysv(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct typed typed = lend_file(data);
	int err = msgsnd(channel->in, typed.type, channel->shape->size, choose_flags(channel));

	(void)count;
	give_back(&typed);
	return err ? sysv_errno() : 1;
}

static int receive_sysv(struct bench_channel *channel, void *room, unsigned int count,
			const void **at)
{
	struct typed typed = lend_file(room);
	ssize_t size =
		msgrcv(channel->in, typed.type, channel->shape->size, 0, choose_flags(channel));

	(void)count;
	give_back(&typed);
	*at = room;
	return size < 0 ? sysv_errno() : 1;
}

static void destroy_sysv(struct bench_channel *channel)
{
	msgctl(channel->in, IPC_RMID, NULL);
}

const struct bench_transport bench_mqs[] = {
	{
		.name = "mq", .kind = BENCH_PEER, .batch = 1, .max_size = 16 << 20,
		.create = create_posix, .send = send_posix, .receive = receive_posix,
		.destroy = destroy_posix,
	}, {
		.name = "sysv", .kind = BENCH_PEER, .batch = 1,
		.create = create_sysv, .send = send_sysv, .receive = receive_sysv,
		.destroy = destroy_sysv,
	},
	{ 0 }
};
