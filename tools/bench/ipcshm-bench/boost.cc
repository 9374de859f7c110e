// SPDX-License-Identifier: GPL-2.0-only
/* Boost's interprocess::message_queue: POSIX shared memory, with a mutex and conditions. */
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cerrno>
#include <string>
#include <unistd.h>

extern "C" {
#define _Noreturn [[noreturn]]
#include "bench.h"
#undef _Noreturn
}

namespace {

using boost::interprocess::message_queue;

message_queue *queue_of(struct bench_channel *channel)
{
	return static_cast<message_queue *>(channel->own);
}

/* Mapped before the processes are forked; the name isn't needed any more then. */
int create(struct bench_channel *channel)
{
	const std::string name = "ipcshm-bench-boost-" + std::to_string(getpid());

	try {
		channel->own = new message_queue(boost::interprocess::create_only, name.c_str(),
						 channel->shape->capacity, channel->shape->size);
	} catch (const boost::interprocess::interprocess_exception &exception) {
		return exception.get_native_error() ? -exception.get_native_error() : -ENOMEM;
	}
	message_queue::remove(name.c_str());
	return 0;
}

bool spins(const struct bench_channel *channel)
{
	return channel->shape->wait == BENCH_SPIN;
}

int send_one(struct bench_channel *channel, const void *data, unsigned int)
{
	if (spins(channel))
		return queue_of(channel)->try_send(data, channel->shape->size, 0) ? 1 : -EAGAIN;
	queue_of(channel)->send(data, channel->shape->size, 0);
	return 1;
}

int receive_one(struct bench_channel *channel, void *room, unsigned int, const void **at)
{
	message_queue::size_type size;
	unsigned int priority;

	*at = room;
	if (spins(channel))
		return queue_of(channel)->try_receive(room, channel->shape->size, size, priority) ?
		       1 : -EAGAIN;
	queue_of(channel)->receive(room, channel->shape->size, size, priority);
	return 1;
}

void destroy(struct bench_channel *channel)
{
	delete queue_of(channel);
}

} /* namespace */

const struct bench_transport bench_boost[] = {
	{
		.name = "boost", .kind = BENCH_PEER, .limits = 0, .batch = 1, .max_size = 0,
		.create = create, .open = nullptr, .send = send_one, .receive = receive_one,
		.release = nullptr, .call = nullptr, .serve = nullptr, .destroy = destroy,
	},
	{}
};
