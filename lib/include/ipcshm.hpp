/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm for C++17 and later: classes over the C library, in this header alone; link with
 * -lipcshm. The C headers describe the semantics of each call.
 *
 * Objects own what they open and can be moved. Calls that fail throw ipcshm::error, which is a
 * std::system_error with the errno; a timeout, a dead owner and a hang-up have classes of their
 * own. Calls named try_...() never wait: they return false or an empty std::optional if they
 * would have to.
 *
 * A deadline is a duration (std::chrono), a time of std::chrono::steady_clock, ipcshm::forever
 * or ipcshm::now.
 *
 *	ipcshm::device device;
 *	ipcshm::topic<frame> topic(device, "camera");
 *	ipcshm::publisher<frame> publisher(topic);
 *
 *	auto loan = publisher.loan();
 *	fill(*loan);
 *	loan.publish();
 *
 *	ipcshm::subscriber<frame> subscriber(topic);
 *	auto sample = subscriber.take(std::chrono::seconds(1));
 *	show(*sample);
 */
#ifndef IPCSHM_HPP
#define IPCSHM_HPP

#include <ipcshm-cell.h>
#include <ipcshm-cond.h>
#include <ipcshm-event.h>
#include <ipcshm-ring.h>
#include <ipcshm-topic.h>
#include <ipcshm.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <span>
#endif

namespace ipcshm {

/* Errors. */

/** A call has failed: code() is the errno, what() names the call. */
class error : public std::system_error {
public:
	error(int number, const char *call)
		: std::system_error(number, std::generic_category(), call)
	{
	}
};

/** The deadline passed; or the call would have had to wait, and was given ipcshm::now. */
class timed_out : public error {
	using error::error;
};

/** The owner of a mutex died, and there is no function that repairs what it protects. */
class owner_died : public error {
	using error::error;
};

/** The other side has hung up. */
class hung_up : public error {
	using error::error;
};

/** Throw the exception of a negative result; return any other. */
template <typename Result> Result check(Result result, const char *call)
{
	const int number = result < 0 ? static_cast<int>(-result) : 0;

	switch (number) {
	case 0:
		return result;
	case ETIMEDOUT:
	case EAGAIN:
	case EALREADY:
		throw timed_out(number, call);
	case EOWNERDEAD:
	case ENOTRECOVERABLE:
		throw owner_died(number, call);
	case EPIPE:
		throw hung_up(number, call);
	default:
		throw error(number, call);
	}
}

/* Time. */

/** When to give up. */
class deadline {
public:
	explicit constexpr deadline(std::uint64_t nanoseconds) : time(nanoseconds)
	{
	}

	template <typename Rep, typename Period>
	deadline(std::chrono::duration<Rep, Period> from_now) /* NOLINT: a duration is meant */
		: time(after(from_now))
	{
	}

	template <typename Duration>
	deadline(std::chrono::time_point<std::chrono::steady_clock, Duration> at) /* NOLINT */
		: time(since_boot(at))
	{
	}

	/** CLOCK_MONOTONIC nanoseconds, IPCSHM_FOREVER or IPCSHM_NOW, for calls of the C library. */
	constexpr std::uint64_t nanoseconds() const noexcept
	{
		return time;
	}

private:
	template <typename Rep, typename Period>
	static std::uint64_t after(std::chrono::duration<Rep, Period> from_now)
	{
		using namespace std::chrono;

		if (from_now <= from_now.zero())
			return IPCSHM_NOW;
		if (duration<double>(from_now) >= duration<double>(9e9))
			return IPCSHM_FOREVER;
		const auto count = ceil<std::chrono::nanoseconds>(from_now).count();

		return ipcshm_deadline(static_cast<std::uint64_t>(count));
	}

	template <typename Duration>
	static std::uint64_t
	since_boot(std::chrono::time_point<std::chrono::steady_clock, Duration> at)
	{
		using namespace std::chrono;
		const auto count = ceil<std::chrono::nanoseconds>(at.time_since_epoch()).count();

		return count <= 0 ? IPCSHM_NOW : static_cast<std::uint64_t>(count);
	}

	std::uint64_t time;
};

inline constexpr deadline forever{ IPCSHM_FOREVER };
inline constexpr deadline now{ IPCSHM_NOW };

/* Descriptors and memory. */

/** A file descriptor that is closed at the end. */
class descriptor {
public:
	descriptor() = default;

	explicit descriptor(int number) noexcept : fd(number)
	{
	}

	descriptor(descriptor &&other) noexcept : fd(std::exchange(other.fd, -1))
	{
	}

	descriptor &operator=(descriptor &&other) noexcept
	{
		std::swap(fd, other.fd);
		return *this;
	}

	~descriptor()
	{
		if (fd >= 0)
			::close(fd);
	}

	int get() const noexcept
	{
		return fd;
	}

	/** Give the descriptor away. */
	int release() noexcept
	{
		return std::exchange(fd, -1);
	}

private:
	int fd = -1;
};

/** /dev/ipcshm. */
class device {
public:
	device() : fd(check(ipcshm_open(), "ipcshm_open"))
	{
	}

	int get() const noexcept
	{
		return fd.get();
	}

	/** Remove the name of a region or queue (IPCSHM_REGION, IPCSHM_QUEUE). */
	void unlink(std::uint32_t kind, const std::string &name) const
	{
		check(ipcshm_unlink(get(), kind, name.c_str()), "ipcshm_unlink");
	}

private:
	descriptor fd;
};

/** Memory that is mapped, and unmapped at the end. */
class mapping {
public:
	mapping() = default;

	mapping(void *address, std::size_t bytes) noexcept : base(address), length(bytes)
	{
	}

	mapping(mapping &&other) noexcept
		: base(std::exchange(other.base, nullptr)), length(std::exchange(other.length, 0))
	{
	}

	mapping &operator=(mapping &&other) noexcept
	{
		std::swap(base, other.base);
		std::swap(length, other.length);
		return *this;
	}

	~mapping()
	{
		if (base)
			::munmap(base, length);
	}

	/** Shared with processes that fork(2) makes, without the module. */
	static mapping anonymous(std::size_t bytes)
	{
		void *address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (address == MAP_FAILED)
			throw error(errno, "mmap");
		return { address, bytes };
	}

	void *data() const noexcept
	{
		return base;
	}

	std::size_t size() const noexcept
	{
		return length;
	}

#if __cplusplus >= 202002L
	std::span<std::byte> bytes() const noexcept
	{
		return { static_cast<std::byte *>(base), length };
	}
#endif

private:
	void *base = nullptr;
	std::size_t length = 0;
};

/** A shared region. */
class region {
public:
	/** Open a region, or create it: see ipcshm_region_open(3). */
	region(const device &from, const char *name, std::uint32_t flags, mode_t mode = 0,
	       std::uint64_t bytes = 0)
	{
		attributes.size = bytes;
		fd = descriptor(check(ipcshm_region_open(from.get(), name, flags, mode,
							 &attributes),
				      "ipcshm_region_open"));
	}

	int get() const noexcept
	{
		return fd.get();
	}

	/** As it was opened. */
	const ipcshm_region_attr &attr() const noexcept
	{
		return attributes;
	}

	/** Map the region, and become a member. */
	mapping map(std::uint32_t access = IPCSHM_READ | IPCSHM_WRITE) const
	{
		std::size_t bytes = 0;
		void *address = nullptr;

		check(ipcshm_region_map(get(), access, &address, &bytes), "ipcshm_region_map");
		return { address, bytes };
	}

	void resize(std::uint64_t bytes)
	{
		check(ipcshm_region_resize(get(), bytes), "ipcshm_region_resize");
	}

	void revoke()
	{
		check(ipcshm_region_revoke(get()), "ipcshm_region_revoke");
	}

	/** The processes that have the region mapped. */
	std::vector<ipcshm_member> members() const
	{
		std::vector<ipcshm_member> list(16);

		for (;;) {
			const int count = check(ipcshm_region_members(
							get(), list.data(),
							static_cast<std::uint32_t>(list.size()),
							sizeof(ipcshm_member)),
						"ipcshm_region_members");
			const bool complete = static_cast<std::size_t>(count) <= list.size();

			list.resize(static_cast<std::size_t>(count));
			if (complete)
				return list;
		}
	}

private:
	descriptor fd;
	ipcshm_region_attr attributes{};
};

/** Memory with wait operations: what mutexes, rings and cells lie in. */
class area {
public:
	/**
	 * Open an area by name, or create it: see ipcshm_area_open(3). @init is called by one
	 * process, with the new area, before any other process is let in.
	 */
	area(const device &from, const std::string &name, std::uint64_t bytes,
	     const std::function<void(const area &)> &init = {}, mode_t mode = 0600,
	     std::uint32_t flags = 0, deadline until = forever)
		: handle(new ipcshm_area{}), opened(true)
	{
		struct context {
			const area *self;
			const std::function<void(const area &)> *init;
			std::exception_ptr thrown;
		} context{ this, &init, nullptr };
		ipcshm_region_attr attributes{};

		attributes.size = bytes;
		auto call = [](const ipcshm_area *, void *data) -> int {
			auto *to = static_cast<struct context *>(data);

			try {
				if (*to->init)
					(*to->init)(*to->self);
			} catch (...) {
				to->thrown = std::current_exception();
				return -ECANCELED;
			}
			return 0;
		};
		const int result = ipcshm_area_open(handle.get(), from.get(), name.c_str(), flags,
						    mode, &attributes, call, &context,
						    until.nanoseconds());

		if (result < 0)
			opened = false;
		if (context.thrown)
			std::rethrow_exception(context.thrown);
		check(result, "ipcshm_area_open");
	}

	/** Memory of the caller, in which members never die: see ipcshm_area_init_futex(3). */
	area(void *base, std::size_t bytes) : handle(new ipcshm_area{})
	{
		check(ipcshm_area_init_futex(handle.get(), base, bytes, nullptr),
		      "ipcshm_area_init_futex");
	}

	area(area &&) = default;
	area &operator=(area &&other) noexcept
	{
		std::swap(handle, other.handle);
		std::swap(opened, other.opened);
		return *this;
	}

	~area()
	{
		if (!handle || !handle->base)
			return;
		if (opened)
			ipcshm_area_close(handle.get());
		else if (handle->ops)
			ipcshm_area_destroy(handle.get());
	}

	const ipcshm_area *get() const noexcept
	{
		return handle.get();
	}

	/** The object of type @Type at an offset. */
	template <typename Type> Type *at(std::uint64_t offset = IPCSHM_AREA_HEADER) const
	{
		void *place = ipcshm_area_at(get(), offset, sizeof(Type), alignof(Type));

		if (!place)
			throw error(EINVAL, "ipcshm_area_at");
		return static_cast<Type *>(place);
	}

private:
	std::unique_ptr<ipcshm_area> handle;
	bool opened = false;
};

/* Synchronization. */

/**
 * A mutex in an area, for std::unique_lock and std::lock_guard.
 *
 * If the last owner died, the mutex calls @repair, which makes what it protects whole, and is
 * locked. Without @repair, lock() unlocks the mutex for good and throws owner_died.
 */
class mutex {
public:
	mutex(const area &in, ipcshm_mutex *object, std::function<void()> repair = {})
		: place(in.get()), word(object), mend(std::move(repair))
	{
	}

	void lock()
	{
		finish(check_death(ipcshm_mutex_lock(place, word, IPCSHM_FOREVER)));
	}

	bool try_lock()
	{
		const int result = check_death(ipcshm_mutex_trylock(place, word));

		return result == -EBUSY || result == -EAGAIN ? false : finish(result);
	}

	template <typename Rep, typename Period>
	bool try_lock_for(std::chrono::duration<Rep, Period> time)
	{
		return try_lock_before(deadline(time));
	}

	template <typename Duration>
	bool try_lock_until(std::chrono::time_point<std::chrono::steady_clock, Duration> time)
	{
		return try_lock_before(deadline(time));
	}

	void unlock()
	{
		check(ipcshm_mutex_unlock(place, word), "ipcshm_mutex_unlock");
	}

	const ipcshm_area *in() const noexcept
	{
		return place;
	}

	ipcshm_mutex *get() const noexcept
	{
		return word;
	}

	/** The result of a call that has locked the mutex, or not: repaired, if an owner died. */
	int check_death(int result)
	{
		if (result != -EOWNERDEAD)
			return result;
		if (!mend) {
			ipcshm_mutex_unlock(place, word);
			throw owner_died(EOWNERDEAD, "ipcshm_mutex_lock");
		}
		try {
			mend();
		} catch (...) {
			ipcshm_mutex_unlock(place, word);
			throw;
		}
		return ipcshm_mutex_consistent(place, word);
	}

private:
	bool finish(int result)
	{
		check(result, "ipcshm_mutex_lock");
		return true;
	}

	bool try_lock_before(deadline until)
	{
		const int result = check_death(ipcshm_mutex_lock(place, word, until.nanoseconds()));

		return result == -ETIMEDOUT ? false : finish(result);
	}

	const ipcshm_area *place;
	ipcshm_mutex *word;
	std::function<void()> mend;
};

/** A condition variable in an area. */
class condition_variable {
public:
	condition_variable(const area &in, ipcshm_cond *object) : place(in.get()), word(object)
	{
	}

	void notify_one()
	{
		check(ipcshm_cond_signal(place, word), "ipcshm_cond_signal");
	}

	void notify_all()
	{
		check(ipcshm_cond_broadcast(place, word), "ipcshm_cond_broadcast");
	}

	/** Wait until @done; also woken by deaths. False: the deadline passed, and @done is false. */
	template <typename Predicate>
	bool wait(std::unique_lock<mutex> &lock, Predicate done, deadline until = forever)
	{
		while (!done()) {
			if (!wait_once(lock, until))
				return done();
		}
		return true;
	}

private:
	bool wait_once(std::unique_lock<mutex> &lock, deadline until)
	{
		mutex *const owner = lock.mutex();
		const int result = ipcshm_cond_wait(place, word, owner->get(),
						    ipcshm_area_deaths(place),
						    until.nanoseconds());

		switch (result) {
		case 0:
		case -EINTR:
			return true;
		case -ETIMEDOUT:
			return false;
		case -EPERM:
		case -EINVAL:
			throw error(-result, "ipcshm_cond_wait");
		}
		/* Otherwise the call has unlocked the mutex; check_death() may not, if it repairs. */
		lock.release();
		if (result == -EBUSY) {
			owner->lock();
			lock = std::unique_lock<mutex>(*owner, std::adopt_lock);
			return false;
		}
		check(owner->check_death(result), "ipcshm_cond_wait");
		lock = std::unique_lock<mutex>(*owner, std::adopt_lock);
		return true;
	}

	const ipcshm_area *place;
	ipcshm_cond *word;
};

/** An event in an area. */
class event {
public:
	event(const area &in, ipcshm_event *object) : place(in.get()), word(object)
	{
	}

	void set()
	{
		check(ipcshm_event_set(place, word), "ipcshm_event_set");
	}

	void reset()
	{
		check(ipcshm_event_reset(word), "ipcshm_event_reset");
	}

	/** Wait until the event is set; false: the deadline passed. */
	bool wait(deadline until = forever)
	{
		for (;;) {
			const int result = ipcshm_event_wait(place, word, ipcshm_area_deaths(place),
							     until.nanoseconds());

			if (result == -ETIMEDOUT || result == -EAGAIN)
				return false;
			if (result == -EOWNERDEAD || result == -EINTR)
				continue;
			check(result, "ipcshm_event_wait");
			return true;
		}
	}

private:
	const ipcshm_area *place;
	ipcshm_event *word;
};

/* Values. */

/** The latest value of a type that can be copied by its bytes. */
template <typename Type> class cell {
	static_assert(std::is_trivially_copyable_v<Type>, "a cell copies bytes");

public:
	/** What lies in the area: a member of the structure there, or all of it. */
	struct storage {
		ipcshm_cell cell;
		unsigned char values[IPCSHM_CELL_BYTES(sizeof(Type))];
	};

	/** Initialize the storage, before other processes use it. */
	static void init(storage *object, const Type &value)
	{
		check(ipcshm_cell_init(&object->cell, sizeof(Type), &value), "ipcshm_cell_init");
	}

	cell(const area &in, storage *from) : place(in.get()), object(&from->cell)
	{
	}

	/** Copy the latest value, and its version if that is wanted. */
	Type read(std::uint64_t *version = nullptr) const
	{
		alignas(Type) unsigned char bytes[sizeof(Type)];
		Type value;

		check(ipcshm_cell_read(place, object, bytes, sizeof(Type), version),
		      "ipcshm_cell_read");
		std::memcpy(static_cast<void *>(&value), bytes, sizeof(Type));
		return value;
	}

	void write(const Type &value, deadline until = forever)
	{
		check(ipcshm_cell_write(place, object, &value, sizeof(Type), until.nanoseconds()),
		      "ipcshm_cell_write");
	}

	/** Write if the cell still has that version; false: it has another one. */
	bool replace(const Type &value, std::uint64_t version, deadline until = forever)
	{
		const int result = ipcshm_cell_replace(place, object, &value, sizeof(Type), version,
						       until.nanoseconds());

		if (result == -ESTALE)
			return false;
		check(result, "ipcshm_cell_replace");
		return true;
	}

	/** Change the value by a function of it, which may be called several times. */
	template <typename Function> void update(Function change, deadline until = forever)
	{
		std::uint64_t version;
		Type value;

		do {
			value = read(&version);
			change(value);
		} while (!replace(value, version, until));
	}

	/** Wait for another version; false: the deadline passed. */
	bool wait(std::uint64_t version, deadline until = forever) const
	{
		const int result = ipcshm_cell_wait(place, object, version, until.nanoseconds());

		if (result == -ETIMEDOUT)
			return false;
		check(result, "ipcshm_cell_wait");
		return true;
	}

private:
	const ipcshm_area *place;
	ipcshm_cell *object;
};

/* Rings. */

/** One side of a ring of slots: items of a type that can be copied by its bytes. */
template <typename Type> class ring {
	static_assert(std::is_trivially_copyable_v<Type>, "a ring copies bytes");

public:
	/** What the ring is: @flags IPCSHM_RING_MULTI_PRODUCER, ..., @capacity a power of two. */
	static ipcshm_ring_attr attributes(std::uint64_t capacity, std::uint32_t flags = 0)
	{
		ipcshm_ring_attr attr{};

		attr.layout = IPCSHM_RING_SLOTS;
		attr.flags = flags;
		attr.capacity = capacity;
		attr.item_size = sizeof(Type);
		return attr;
	}

	/** Bytes of an area that the ring takes. */
	static std::size_t size(std::uint64_t capacity, std::uint32_t flags = 0)
	{
		const ipcshm_ring_attr attr = attributes(capacity, flags);
		std::size_t bytes;

		check(ipcshm_ring_size(&attr, &bytes), "ipcshm_ring_size");
		return bytes;
	}

	/** Create the ring, before other processes attach. */
	static void create(const area &in, std::uint64_t offset, std::uint64_t capacity,
			   std::uint32_t flags = 0)
	{
		const ipcshm_ring_attr attr = attributes(capacity, flags);

		check(ipcshm_ring_create(in.get(), offset, &attr), "ipcshm_ring_create");
	}

	/** Attach to a ring in an area: @side IPCSHM_RING_PRODUCER or _CONSUMER. */
	ring(const area &in, std::uint64_t offset, std::uint32_t side) : handle(new ends)
	{
		check(ipcshm_ring_attach(&handle->ring, in.get(), offset, side),
		      "ipcshm_ring_attach");
		handle->attached = true;
	}

	/** Open a ring by name, or create it. */
	ring(const device &from, const std::string &name, std::uint32_t side, std::uint64_t capacity,
	     std::uint32_t ring_flags = 0, mode_t mode = 0600, std::uint32_t flags = 0,
	     deadline until = forever)
		: handle(new ends)
	{
		const ipcshm_ring_attr attr = attributes(capacity, ring_flags);

		check(ipcshm_ring_open(&handle->ring, &handle->area, from.get(), name.c_str(),
				       flags, mode, &attr, side, until.nanoseconds()),
		      "ipcshm_ring_open");
		handle->attached = handle->opened = true;
	}

	/** Put an item in; waits while the ring is full. */
	void push(const Type &item, deadline until = forever)
	{
		check(ipcshm_ring_put(&handle->ring, &item, sizeof(Type), until.nanoseconds()),
		      "ipcshm_ring_put");
	}

	/** False: the ring is full. */
	bool try_push(const Type &item)
	{
		const int result = ipcshm_ring_put(&handle->ring, &item, sizeof(Type), IPCSHM_NOW);

		return is_done(result, "ipcshm_ring_put");
	}

	/** Get an item out; waits while the ring is empty. */
	Type pop(deadline until = forever)
	{
		Type item;

		check(ipcshm_ring_get(&handle->ring, &item, sizeof(Type), until.nanoseconds()),
		      "ipcshm_ring_get");
		return item;
	}

	/** Empty: the ring is. */
	std::optional<Type> try_pop()
	{
		Type item;

		if (!is_done(ipcshm_ring_get(&handle->ring, &item, sizeof(Type), IPCSHM_NOW),
			     "ipcshm_ring_get"))
			return std::nullopt;
		return item;
	}

	/** Put as many items in as there is room for, but at least one; returns how many. */
	std::size_t push_burst(const Type *items, std::size_t count, deadline until = forever)
	{
		return static_cast<std::size_t>(
			check(ipcshm_ring_put_burst(&handle->ring, items, count,
						    until.nanoseconds()),
			      "ipcshm_ring_put_burst"));
	}

	/** Get as many items as there are, but at least one; returns how many. */
	std::size_t pop_burst(Type *items, std::size_t count, deadline until = forever)
	{
		return static_cast<std::size_t>(
			check(ipcshm_ring_get_burst(&handle->ring, items, count,
						    until.nanoseconds()),
			      "ipcshm_ring_get_burst"));
	}

#if __cplusplus >= 202002L
	std::size_t push_burst(std::span<const Type> items, deadline until = forever)
	{
		return push_burst(items.data(), items.size(), until);
	}

	std::size_t pop_burst(std::span<Type> items, deadline until = forever)
	{
		return pop_burst(items.data(), items.size(), until);
	}
#endif

	/** The handle, for calls of the C library. */
	ipcshm_ring *get() noexcept
	{
		return &handle->ring;
	}

private:
	/* The C library keeps addresses of both. */
	struct ends {
		ipcshm_ring ring{};
		ipcshm_area area{};
		bool attached = false;
		bool opened = false;

		~ends()
		{
			if (attached)
				ipcshm_ring_detach(&ring);
			if (opened)
				ipcshm_area_close(&area);
		}
	};

	template <typename Result> static bool is_done(Result result, const char *call)
	{
		if (result == -EAGAIN || result == -EALREADY)
			return false;
		check(result, call);
		return true;
	}

	std::unique_ptr<ends> handle;
};

/* Topics. */

/** A topic whose samples are objects of a type that can be copied by its bytes. */
template <typename Type> class topic {
	static_assert(std::is_trivially_copyable_v<Type>, "samples are shared bytes");
	static_assert(alignof(Type) <= 64, "samples are aligned to 64 bytes");

public:
	/** The attributes of a topic of this type; the others have defaults. */
	static ipcshm_topic_attr attributes()
	{
		ipcshm_topic_attr attr{};

		attr.max_sample_size = sizeof(Type);
		return attr;
	}

	/** Open a topic, or create it: see ipcshm_topic_open(3). */
	topic(const device &from, const std::string &name, std::uint32_t flags = 0,
	      mode_t mode = 0600, ipcshm_topic_attr attr = attributes(), deadline until = forever)
		: handle(new opening)
	{
		attr.max_sample_size = sizeof(Type);
		check(ipcshm_topic_open(&handle->topic, from.get(), name.c_str(), flags, mode, &attr,
					until.nanoseconds()),
		      "ipcshm_topic_open");
		handle->opened = true;
	}

	/** Attach to a topic in an area, with its samples in memory of the caller. */
	topic(const area &in, std::uint64_t offset, void *samples, std::size_t bytes)
		: handle(new opening)
	{
		ipcshm_topic_attr attr = attributes();

		check(ipcshm_topic_attach(&handle->topic, in.get(), offset, samples, bytes, &attr),
		      "ipcshm_topic_attach");
	}

	/** Wait until that many publishers and subscribers are attached; false: the deadline passed. */
	bool wait(std::uint32_t publishers, std::uint32_t subscribers, deadline until = forever) const
	{
		const int result = ipcshm_topic_wait(get(), publishers, subscribers,
						     until.nanoseconds());

		if (result == -ETIMEDOUT || result == -EAGAIN)
			return false;
		check(result, "ipcshm_topic_wait");
		return true;
	}

	ipcshm_topic_stat stat() const
	{
		ipcshm_topic_stat state{};

		check(ipcshm_topic_get_stat(get(), &state, sizeof(state)), "ipcshm_topic_get_stat");
		return state;
	}

	const ipcshm_topic *get() const noexcept
	{
		return &handle->topic;
	}

private:
	struct opening {
		ipcshm_topic topic{};
		bool opened = false;

		~opening()
		{
			if (opened)
				ipcshm_topic_close(&topic);
		}
	};

	std::unique_ptr<opening> handle;
};

/** Publishes to a topic, which outlives it. */
template <typename Type> class publisher {
public:
	/** Memory of a sample; discarded at the end unless it is published. */
	class loaned {
	public:
		loaned(loaned &&other) noexcept
			: owner(std::exchange(other.owner, nullptr)), sample(other.sample)
		{
		}

		~loaned()
		{
			if (owner)
				ipcshm_publisher_discard(owner, &sample);
		}

		Type &operator*() const noexcept
		{
			return *static_cast<Type *>(sample.data);
		}

		Type *operator->() const noexcept
		{
			return &**this;
		}

		/** IPCSHM_TOPIC_HEADER bytes for the application. */
		void *header() const noexcept
		{
			return sample.header;
		}

		/** Publish the sample; waits for reliable subscribers that are behind. */
		void publish(deadline until = forever)
		{
			check(ipcshm_publisher_publish(owner, &sample, until.nanoseconds()),
			      "ipcshm_publisher_publish");
			owner = nullptr;
		}

	private:
		friend class publisher;

		loaned(ipcshm_publisher *from, const ipcshm_sample &memory)
			: owner(from), sample(memory)
		{
		}

		ipcshm_publisher *owner;
		ipcshm_sample sample;
	};

	explicit publisher(const topic<Type> &to) : handle(new ipcshm_publisher{})
	{
		check(ipcshm_publisher_attach(handle.get(), to.get()), "ipcshm_publisher_attach");
		attached.reset(handle.get());
	}

	/** Get memory for a sample, with undefined content. */
	loaned loan(deadline until = forever)
	{
		ipcshm_sample sample{};

		check(ipcshm_publisher_loan(handle.get(), sizeof(Type), &sample,
					    until.nanoseconds()),
		      "ipcshm_publisher_loan");
		return { handle.get(), sample };
	}

	/** Publish a copy. */
	void send(const Type &value, deadline until = forever)
	{
		check(ipcshm_publisher_send(handle.get(), &value, sizeof(Type),
					    until.nanoseconds()),
		      "ipcshm_publisher_send");
	}

private:
	struct detach {
		void operator()(ipcshm_publisher *publisher) const
		{
			ipcshm_publisher_detach(publisher);
		}
	};

	std::unique_ptr<ipcshm_publisher> handle;
	std::unique_ptr<ipcshm_publisher, detach> attached;
};

/** Takes samples of a topic, which outlives it. */
template <typename Type> class subscriber {
public:
	/** A sample that was taken; released at the end. */
	class taken {
	public:
		taken(taken &&other) noexcept
			: owner(std::exchange(other.owner, nullptr)), sample(other.sample)
		{
		}

		~taken()
		{
			if (owner)
				ipcshm_subscriber_release(owner, &sample);
		}

		const Type &operator*() const noexcept
		{
			return *static_cast<const Type *>(sample.data);
		}

		const Type *operator->() const noexcept
		{
			return &**this;
		}

		/** Position, time, publisher, samples missed before it. */
		const ipcshm_sample &info() const noexcept
		{
			return sample;
		}

	private:
		friend class subscriber;

		taken(ipcshm_subscriber *from, const ipcshm_sample &memory)
			: owner(from), sample(memory)
		{
			if (sample.size == sizeof(Type))
				return;
			ipcshm_subscriber_release(owner, &sample);
			throw error(EBADMSG, "ipcshm_subscriber_take");
		}

		ipcshm_subscriber *owner;
		ipcshm_sample sample;
	};

	/** @flags IPCSHM_TOPIC_RELIABLE or 0; @history: earlier samples to begin with. */
	explicit subscriber(const topic<Type> &to, std::uint32_t flags = 0,
			    std::uint32_t history = 0)
		: handle(new ipcshm_subscriber{})
	{
		check(ipcshm_subscriber_attach(handle.get(), to.get(), flags, history),
		      "ipcshm_subscriber_attach");
		attached.reset(handle.get());
	}

	/** Take the next sample; waits for one. */
	taken take(deadline until = forever)
	{
		ipcshm_sample sample{};

		check(ipcshm_subscriber_take(handle.get(), &sample, until.nanoseconds()),
		      "ipcshm_subscriber_take");
		return { handle.get(), sample };
	}

	/** Empty: there is no new sample. */
	std::optional<taken> try_take()
	{
		return attempt(ipcshm_subscriber_take, IPCSHM_NOW);
	}

	/** The latest sample, also if it was taken before; empty: none was published yet. */
	std::optional<taken> latest()
	{
		return attempt(ipcshm_subscriber_latest);
	}

	/** The handle, for calls of the C library. */
	ipcshm_subscriber *get() noexcept
	{
		return handle.get();
	}

private:
	template <typename Function, typename... Arguments>
	std::optional<taken> attempt(Function function, Arguments... arguments)
	{
		ipcshm_sample sample{};
		const int result = function(handle.get(), &sample, arguments...);

		if (result == -EAGAIN || result == -EALREADY)
			return std::nullopt;
		check(result, "ipcshm_subscriber_take");
		return taken(handle.get(), sample);
	}

	struct detach {
		void operator()(ipcshm_subscriber *subscriber) const
		{
			ipcshm_subscriber_detach(subscriber);
		}
	};

	std::unique_ptr<ipcshm_subscriber> handle;
	std::unique_ptr<ipcshm_subscriber, detach> attached;
};

/* Queues. */

/** A message that was received. */
struct message {
	std::vector<std::byte> data;
	std::uint64_t type = 0;
	std::uint32_t priority = 0;
	std::uint32_t pid = 0;
	std::uint32_t uid = 0;
	std::uint64_t request_id = 0; /**< the sender waits for queue::reply() */
	std::uint32_t returns = 0; /**< times that it came back unacknowledged */

	std::string_view text() const noexcept
	{
		return { reinterpret_cast<const char *>(data.data()), data.size() };
	}
};

/**
 * A message that its queue keeps until it is acknowledged. Without that, the end of this object
 * returns it, and the end of the process does. The queue has to stay open as long.
 */
class delivery {
public:
	delivery(delivery &&other) noexcept
		: content(std::move(other.content)), fd(other.fd), id(std::exchange(other.id, 0))
	{
	}

	delivery &operator=(delivery &&other) noexcept
	{
		std::swap(content, other.content);
		std::swap(fd, other.fd);
		std::swap(id, other.id);
		return *this;
	}

	~delivery()
	{
		if (id)
			ipcshm_nack(fd, &id, 1);
	}

	const message &operator*() const noexcept
	{
		return content;
	}

	const message *operator->() const noexcept
	{
		return &content;
	}

	/** Remove the message from its queue. An error with ESRCH: it came back already. */
	void acknowledge()
	{
		end("ipcshm_ack", ipcshm_ack);
	}

	/** Return the message to its queue now. An error with ESRCH: it came back already. */
	void give_back()
	{
		end("ipcshm_nack", ipcshm_nack);
	}

	/** Let the message come back so long from now; 0: only with the object or the process. */
	void extend(std::chrono::nanoseconds return_after)
	{
		if (id)
			check(ipcshm_ack_extend(fd, &id, 1,
						static_cast<std::uint64_t>(return_after.count())),
			      "ipcshm_ack_extend");
	}

private:
	friend class queue;

	delivery(int queue_fd, std::uint64_t ack_id) noexcept : fd(queue_fd), id(ack_id)
	{
	}

	/* A request has no id: its reply ends it. */
	void end(const char *name, int (*call)(int, const __u64 *, std::uint32_t))
	{
		const __u64 ended = std::exchange(id, 0);

		if (ended)
			check(call(fd, &ended, 1), name);
	}

	message content;
	int fd;
	__u64 id;
};

/** A message queue. */
class queue {
public:
	/** Attributes of a new queue. */
	static ipcshm_queue_attr attributes(std::uint64_t messages, std::uint64_t max_message_size)
	{
		ipcshm_queue_attr attr{};

		attr.max_messages = messages;
		attr.max_message_size = max_message_size;
		return attr;
	}

	/** Open a queue, or create it: see ipcshm_queue_open(3). */
	queue(const device &from, const char *name, std::uint32_t flags, mode_t mode = 0,
	      ipcshm_queue_attr attr = {})
		: attributes_opened(attr)
	{
		fd = descriptor(check(ipcshm_queue_open(from.get(), name, flags, mode,
							&attributes_opened),
				      "ipcshm_queue_open"));
	}

	/**
	 * Create a queue that sends a message to another one when it comes back from the last of
	 * attr.max_deliveries.
	 */
	queue(const device &from, const char *name, std::uint32_t flags, mode_t mode,
	      const ipcshm_queue_attr &attr, const queue &dead_letters)
		: queue(from, name, flags | IPCSHM_DEAD_LETTERS, mode,
			with_dead_letters(attr, dead_letters))
	{
	}

	int get() const noexcept
	{
		return fd.get();
	}

	const ipcshm_queue_attr &attr() const noexcept
	{
		return attributes_opened;
	}

	void send(std::string_view data, std::uint64_t type = 0, std::uint32_t priority = 0,
		  deadline until = forever)
	{
		check(ipcshm_send_typed(get(), data.data(), data.size(), type, priority,
					until.nanoseconds()),
		      "ipcshm_send_typed");
	}

	/** False: the queue is full. */
	bool try_send(std::string_view data, std::uint64_t type = 0, std::uint32_t priority = 0)
	{
		const int result = ipcshm_send_typed(get(), data.data(), data.size(), type, priority,
						     IPCSHM_NOW);

		if (result == -EAGAIN || result == -ETIMEDOUT)
			return false;
		check(result, "ipcshm_send_typed");
		return true;
	}

	message receive(deadline until = forever)
	{
		message to;

		receive_into(&to, until);
		return to;
	}

	/** Empty: the queue is. */
	std::optional<message> try_receive()
	{
		message to;

		try {
			receive_into(&to, now);
		} catch (const timed_out &) {
			return std::nullopt;
		}
		return to;
	}

	/**
	 * Receive a message that comes back unless it is acknowledged. It also comes back after
	 * that time, or with 0 only when the delivery or the process ends.
	 */
	delivery receive_acknowledged(deadline until = forever,
				      std::chrono::nanoseconds return_after = {})
	{
		std::vector<std::byte> room(attributes_opened.max_message_size);
		ipcshm_message about{};

		about.data = reinterpret_cast<std::uintptr_t>(room.data());
		about.size = room.size();
		const auto size = check(
			ipcshm_receive_ack(get(), &about,
					   static_cast<std::uint64_t>(return_after.count()),
					   until.nanoseconds()),
			"ipcshm_receive_ack");
		delivery to(get(), about.ack_id);

		room.resize(static_cast<std::size_t>(size));
		to.content.data = std::move(room);
		describe(&to.content, about);
		return to;
	}

	/** Empty: the queue is, or other processes have its messages. */
	std::optional<delivery> try_receive_acknowledged(std::chrono::nanoseconds return_after = {})
	{
		try {
			return receive_acknowledged(now, return_after);
		} catch (const timed_out &) {
			return std::nullopt;
		}
	}

	/** Send a request and wait for its reply. */
	std::vector<std::byte> call(std::string_view request, deadline until = forever)
	{
		std::vector<std::byte> reply(attributes_opened.max_message_size);
		const auto size = check(ipcshm_call(get(), request.data(), request.size(),
						    reply.data(), reply.size(),
						    until.nanoseconds()),
					"ipcshm_call");

		reply.resize(static_cast<std::size_t>(size));
		return reply;
	}

	/** Reply to a request; false: its caller has gone. */
	bool reply(const message &request, std::string_view data)
	{
		const int result = ipcshm_reply(get(), request.request_id, data.data(), data.size());

		if (result == -ESRCH || result == -ENOENT)
			return false;
		check(result, "ipcshm_reply");
		return true;
	}

	/** Wait until the queue has a receiver, or a sender; false: the deadline passed. */
	bool wait_peer(deadline until = forever)
	{
		const int result = ipcshm_queue_wait_peer(get(), until.nanoseconds());

		if (result == -ETIMEDOUT || result == -EAGAIN)
			return false;
		check(result, "ipcshm_queue_wait_peer");
		return true;
	}

	/** End the waits of this descriptor, now and until undo_cancel(), with ECANCELED. */
	void cancel()
	{
		check(ipcshm_queue_cancel(get(), 0), "ipcshm_queue_cancel");
	}

	void undo_cancel()
	{
		check(ipcshm_queue_cancel(get(), IPCSHM_CANCEL_UNDO), "ipcshm_queue_cancel");
	}

#if __cplusplus >= 202002L
	void send(std::span<const std::byte> data, std::uint64_t type = 0,
		  std::uint32_t priority = 0, deadline until = forever)
	{
		send(std::string_view(reinterpret_cast<const char *>(data.data()), data.size()),
		     type, priority, until);
	}
#endif

private:
	void receive_into(message *to, deadline until)
	{
		ipcshm_message about{};

		to->data.resize(attributes_opened.max_message_size);
		const auto size = check(ipcshm_receive(get(), to->data.data(), to->data.size(),
						       &about, until.nanoseconds()),
					"ipcshm_receive");

		to->data.resize(static_cast<std::size_t>(size));
		describe(to, about);
	}

	static void describe(message *to, const ipcshm_message &about) noexcept
	{
		to->type = about.type;
		to->priority = about.priority;
		to->pid = about.pid;
		to->uid = about.uid;
		to->request_id = about.request_id;
		to->returns = about.returns;
	}

	static ipcshm_queue_attr with_dead_letters(ipcshm_queue_attr attr, const queue &dead_letters)
	{
		attr.dead_letter_fd = dead_letters.get();
		return attr;
	}

	descriptor fd;
	ipcshm_queue_attr attributes_opened;
};

} /* namespace ipcshm */

#endif /* IPCSHM_HPP */
