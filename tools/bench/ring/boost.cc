// SPDX-License-Identifier: GPL-2.0-only
/* Boost's lockfree::spsc_queue, where libboost-dev is installed. */
extern "C" {
#define _Alignas alignas
#include "transport.h"
#undef _Alignas
}

#if __has_include(<boost/lockfree/spsc_queue.hpp>)
#include <boost/lockfree/spsc_queue.hpp>
#include <new>

namespace {

template <size_t size> struct item {
	unsigned char bytes[size];
};

template <size_t size>
using queue = boost::lockfree::spsc_queue<item<size>, boost::lockfree::capacity<TRANSPORT_CAPACITY>>;

template <size_t size> queue<size> *of(struct end *end)
{
	return *reinterpret_cast<queue<size> **>(end);
}

template <size_t size> void create(void *memory)
{
	new (memory) queue<size>;
}

template <size_t size> void open_end(struct end *end, void *memory, bool)
{
	*reinterpret_cast<void **>(end) = memory;
}

template <size_t size> bool put(struct end *end, const void *one)
{
	return of<size>(end)->push(*static_cast<const item<size> *>(one));
}

template <size_t size> bool get(struct end *end, void *one)
{
	return of<size>(end)->pop(*static_cast<item<size> *>(one));
}

template <size_t size> size_t put_batch(struct end *end, const void *items, size_t count)
{
	return of<size>(end)->push(static_cast<const item<size> *>(items), count);
}

template <size_t size> size_t get_batch(struct end *end, void *items, size_t count)
{
	return of<size>(end)->pop(static_cast<item<size> *>(items), count);
}

template <size_t size> struct transport of_size()
{
	return { "boost spsc_queue", size, false, create<size>, open_end<size>, put<size>,
		 get<size>, put_batch<size>, get_batch<size> };
}

}

extern "C" const struct transport boost_transports[] = { of_size<8>(), of_size<64>(), {} };
#else
extern "C" const struct transport boost_transports[] = { {} };
#endif
