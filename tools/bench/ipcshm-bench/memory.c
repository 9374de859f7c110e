// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory made by hand, as programs do it: slots in a memfd, with eventfds or
 * futexes to wait by; and process_vm_readv, announced by such slots.
 *
 * One sender and one receiver.  The sender copies a message into a slot, the
 * receiver reads it there.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

/**
 * struct counter - how far one side is; the other one can wait for it
 * @count: messages put in, or taken out
 * @waits: the other one is about to sleep, or does; it alone writes that
 */
struct counter {
	_Alignas(64) _Atomic uint32_t count;
	_Atomic uint32_t waits;
};

/**
 * struct slots - at the start of the memory, the slots behind it
 * @put: written by the sender
 * @taken: written by the receiver
 * @pid: of the sender
 */
struct slots {
	struct counter put;
	struct counter taken;
	pid_t pid;
};

#define SLOTS_AT	4096

static struct slots *slots_of(struct bench_channel *channel)
{
	return channel->shared;
}

static int create_slots(struct bench_channel *channel, size_t slot)
{
	size_t size = SLOTS_AT + channel->shape->capacity * BENCH_STRIDE(slot);
	int fd = memfd_create("ipcshm-bench", MFD_CLOEXEC);
	void *memory;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size)) {
		close(fd);
		return -errno;
	}
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return -errno;
	channel->shared = memory;
	channel->shared_size = size;
	return 0;
}

static void destroy_slots(struct bench_channel *channel)
{
	munmap(channel->shared, channel->shared_size);
}

static char *get_slot(struct bench_channel *channel, uint32_t number, size_t size)
{
	return (char *)channel->shared + SLOTS_AT +
	       number % channel->shape->capacity * BENCH_STRIDE(size);
}

/* By eventfds: each counts what the other side may take, and is read as rarely as can be. */

enum { NUMBER, CREDIT, OWED };

static int create_eventfd(struct bench_channel *channel)
{
	int err = create_slots(channel, channel->shape->size);

	if (err)
		return err;
	channel->in = eventfd(0, EFD_CLOEXEC);
	channel->out = eventfd((unsigned int)channel->shape->capacity, EFD_CLOEXEC);
	if (channel->in < 0 || channel->out < 0)
		bench_die("eventfd", errno);
	bench_nonblock(channel->in, channel->shape);
	bench_nonblock(channel->out, channel->shape);
	return 0;
}

static void destroy_eventfd(struct bench_channel *channel)
{
	close(channel->in);
	close(channel->out);
	destroy_slots(channel);
}

static int take_credit(struct bench_channel *channel, int fd)
{
	uint64_t *credit = &channel->state[CREDIT];

	if (!*credit && read(fd, credit, sizeof(*credit)) < 0)
		return -errno;
	--*credit;
	return 0;
}

static void give_credit(int fd, uint64_t amount)
{
	if (write(fd, &amount, sizeof(amount)) < 0)
		bench_die("eventfd", errno);
}

static int send_eventfd(struct bench_channel *channel, const void *data, unsigned int count)
{
	int err = take_credit(channel, channel->out);

	(void)count;
	if (err)
		return err;
	memcpy(get_slot(channel, (uint32_t)channel->state[NUMBER]++, channel->shape->size), data,
	       channel->shape->size);
	give_credit(channel->in, 1);
	return 1;
}

static int receive_eventfd(struct bench_channel *channel, void *room, unsigned int count,
			   const void **at)
{
	int err = take_credit(channel, channel->in);

	(void)room;
	(void)count;
	if (err)
		return err;
	*at = get_slot(channel, (uint32_t)channel->state[NUMBER]++, channel->shape->size);
	return 1;
}

static void release_eventfd(struct bench_channel *channel, unsigned int count)
{
	channel->state[OWED] += count;
	if (channel->state[CREDIT] && 2 * channel->state[OWED] < channel->shape->capacity)
		return;
	give_credit(channel->out, channel->state[OWED]);
	channel->state[OWED] = 0;
}

/* By futexes, which are touched only if the other side sleeps. */

static void await_change(struct counter *counter, uint32_t value)
{
	atomic_store(&counter->waits, 1);
	if (atomic_load(&counter->count) == value)
		syscall(SYS_futex, &counter->count, FUTEX_WAIT, value, NULL, NULL, 0);
	atomic_store(&counter->waits, 0);
}

static void advance_counter(struct counter *counter)
{
	atomic_fetch_add(&counter->count, 1);
	if (atomic_load(&counter->waits))
		syscall(SYS_futex, &counter->count, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Wait until @counter is not @value; false: it is, and the wait must not sleep. */
static bool wait_for_change(struct bench_channel *channel, struct counter *counter, uint32_t value)
{
	while (atomic_load_explicit(&counter->count, memory_order_acquire) == value) {
		if (channel->shape->wait == BENCH_SPIN)
			return false;
		await_change(counter, value);
	}
	return true;
}

/* Room for one more, if as many as @most were put and not taken. */
static bool has_room(struct bench_channel *channel, size_t most)
{
	struct slots *slots = slots_of(channel);
	uint32_t put = atomic_load_explicit(&slots->put.count, memory_order_relaxed);

	return wait_for_change(channel, &slots->taken, put - (uint32_t)most);
}

static bool has_message(struct bench_channel *channel)
{
	struct slots *slots = slots_of(channel);
	uint32_t taken = atomic_load_explicit(&slots->taken.count, memory_order_relaxed);

	return wait_for_change(channel, &slots->put, taken);
}

static int create_futex(struct bench_channel *channel)
{
	return create_slots(channel, channel->shape->size);
}

static int send_futex(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct slots *slots = slots_of(channel);

	(void)count;
	if (!has_room(channel, channel->shape->capacity))
		return -EAGAIN;
	memcpy(get_slot(channel, slots->put.count, channel->shape->size), data,
	       channel->shape->size);
	advance_counter(&slots->put);
	return 1;
}

static int receive_futex(struct bench_channel *channel, void *room, unsigned int count,
			 const void **at)
{
	(void)room;
	(void)count;
	if (!has_message(channel))
		return -EAGAIN;
	*at = get_slot(channel, slots_of(channel)->taken.count, channel->shape->size);
	return 1;
}

static void release_futex(struct bench_channel *channel, unsigned int count)
{
	(void)count;
	advance_counter(&slots_of(channel)->taken);
}

/* The slots have addresses; the receiver copies from the sender's memory. */

static int create_vm(struct bench_channel *channel)
{
	return create_slots(channel, sizeof(uint64_t));
}

static void open_vm(struct bench_channel *channel, bool sender)
{
	if (sender)
		slots_of(channel)->pid = getpid();
}

/* The sender's buffers may be used again after BENCH_ROTATION calls. */
static size_t in_flight(const struct bench_channel *channel)
{
	size_t most = BENCH_ROTATION - 1;

	return channel->shape->capacity < most ? channel->shape->capacity : most;
}

static int send_vm(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct slots *slots = slots_of(channel);

	(void)count;
	if (!has_room(channel, in_flight(channel)))
		return -EAGAIN;
	memcpy(get_slot(channel, slots->put.count, sizeof(data)), &data, sizeof(data));
	advance_counter(&slots->put);
	return 1;
}

static int receive_vm(struct bench_channel *channel, void *room, unsigned int count,
		      const void **at)
{
	struct slots *slots = slots_of(channel);
	struct iovec to = { .iov_base = room, .iov_len = channel->shape->size };
	struct iovec from = { .iov_len = channel->shape->size };

	(void)count;
	if (!has_message(channel))
		return -EAGAIN;
	memcpy(&from.iov_base, get_slot(channel, slots->taken.count, sizeof(void *)),
	       sizeof(void *));
	if (process_vm_readv(slots->pid, &to, 1, &from, 1, 0) != (ssize_t)to.iov_len)
		return -errno;
	advance_counter(&slots->taken);
	*at = room;
	return 1;
}

const struct bench_transport bench_memory[] = {
	{
		.name = "memfd-eventfd", .kind = BENCH_PEER, .batch = 1, .limits = BENCH_NO_MANY,
		.create = create_eventfd, .send = send_eventfd, .receive = receive_eventfd,
		.release = release_eventfd, .destroy = destroy_eventfd,
	}, {
		.name = "memfd-futex", .kind = BENCH_PEER, .batch = 1, .limits = BENCH_NO_MANY,
		.create = create_futex, .send = send_futex, .receive = receive_futex,
		.release = release_futex, .destroy = destroy_slots,
	}, {
		.name = "vm-readv", .kind = BENCH_PEER, .batch = 1, .limits = BENCH_NO_MANY,
		.create = create_vm, .open = open_vm, .send = send_vm, .receive = receive_vm,
		.destroy = destroy_slots,
	},
	{ 0 }
};
