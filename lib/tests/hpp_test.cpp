// SPDX-License-Identifier: GPL-2.0-only
/* The classes of ipcshm.hpp on anonymous memory, among processes: what needs no module. */
#include <ipcshm.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <thread>

extern "C" {
int __wrap_ioctl(int fd, unsigned long command, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
}

namespace {

using namespace std::chrono_literals;

int failures;

#define EXPECT(condition)							\
	do {									\
		if (!(condition)) {						\
			std::printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			failures++;						\
		}								\
	} while (0)

/* The error number of an exception of that class; 0: there was none. */
template <typename Exception, typename Function> int number_thrown(Function function)
{
	try {
		function();
	} catch (const Exception &exception) {
		return exception.code().value();
	}
	return 0;
}

template <typename Function> pid_t start_process(Function function)
{
	const pid_t pid = fork();

	if (pid)
		return pid;
	try {
		function();
	} catch (const std::exception &exception) {
		std::printf("# child: %s\n", exception.what());
		std::_Exit(1);
	}
	std::_Exit(failures);
}

bool ends_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

void deadlines_are_durations_or_times()
{
	const auto start = std::chrono::steady_clock::now();
	const ipcshm::deadline soon = 2s, at = start + 2s;

	EXPECT(ipcshm::forever.nanoseconds() == IPCSHM_FOREVER);
	EXPECT(ipcshm::now.nanoseconds() == IPCSHM_NOW);
	EXPECT(ipcshm::deadline(0s).nanoseconds() == IPCSHM_NOW);
	EXPECT(ipcshm::deadline(-1s).nanoseconds() == IPCSHM_NOW);
	EXPECT(ipcshm::deadline(std::chrono::hours::max()).nanoseconds() == IPCSHM_FOREVER);
	EXPECT(ipcshm::deadline(std::chrono::duration<double>(1e300)).nanoseconds() ==
	       IPCSHM_FOREVER);
	EXPECT(soon.nanoseconds() >= at.nanoseconds());
	EXPECT(soon.nanoseconds() - at.nanoseconds() < 1000000000);
}

void errors_have_classes()
{
	EXPECT(ipcshm::check(5, "call") == 5);
	EXPECT(number_thrown<ipcshm::timed_out>([] { ipcshm::check(-ETIMEDOUT, "c"); }) == ETIMEDOUT);
	EXPECT(number_thrown<ipcshm::owner_died>([] { ipcshm::check(-EOWNERDEAD, "c"); }) ==
	       EOWNERDEAD);
	EXPECT(number_thrown<ipcshm::hung_up>([] { ipcshm::check(-EPIPE, "c"); }) == EPIPE);
	EXPECT(number_thrown<std::system_error>([] { ipcshm::check(-ENOENT, "c"); }) == ENOENT);
	EXPECT(number_thrown<ipcshm::timed_out>([] {
		try {
			ipcshm::check(-EINVAL, "c");
		} catch (const ipcshm::timed_out &) {
			throw;
		} catch (const ipcshm::error &) {
		}
	}) == 0);
}

void descriptors_and_mappings_move()
{
	ipcshm::descriptor one(dup(1)), two;
	const int number = one.get();

	two = std::move(one);
	EXPECT(two.get() == number);
	EXPECT(fcntl(number, F_GETFD) >= 0);
	two = ipcshm::descriptor();
	EXPECT(fcntl(number, F_GETFD) < 0);
	ipcshm::mapping map = ipcshm::mapping::anonymous(4096), other(std::move(map));

	EXPECT(!map.data());	/* NOLINT: moved-from on purpose */
	std::memset(other.data(), 1, other.size());
}

struct shared {
	ipcshm_mutex lock;
	ipcshm_cond changed;
	ipcshm_event done;
	long count;
};

void mutexes_lock_and_conditions_wake()
{
	auto memory = ipcshm::mapping::anonymous(4096);
	ipcshm::area area(memory.data(), memory.size());
	auto *object = area.at<shared>(0);
	std::array<pid_t, 4> children;

	ipcshm_mutex_init(&object->lock);
	ipcshm_cond_init(&object->changed);
	ipcshm_event_init(&object->done, IPCSHM_EVENT_MANUAL);
	ipcshm::mutex mutex(area, &object->lock);
	ipcshm::condition_variable changed(area, &object->changed);
	ipcshm::event done(area, &object->done);

	EXPECT(!done.wait(1ms));
	for (auto &child : children) {
		child = start_process([&] {
			for (int i = 0; i < 1000; i++) {
				std::lock_guard<ipcshm::mutex> guard(mutex);

				object->count++;
				changed.notify_all();
			}
			if (!done.wait(10s))
				throw std::runtime_error("not done");
		});
	}
	{
		std::unique_lock<ipcshm::mutex> lock(mutex);

		EXPECT(changed.wait(lock, [&] { return object->count == 4000; }, 20s));
		EXPECT(!changed.wait(lock, [&] { return object->count == 4001; }, 1ms));
		EXPECT(lock.owns_lock());
		EXPECT(ends_well(start_process([&] {
			if (mutex.try_lock() || mutex.try_lock_for(1ms) ||
			    mutex.try_lock_until(std::chrono::steady_clock::now() + 1ms))
				throw std::runtime_error("locked twice");
		})));
	}
	done.set();
	for (auto child : children)
		EXPECT(ends_well(child));
	done.reset();
	EXPECT(!done.wait(ipcshm::now));
	EXPECT(mutex.try_lock());
	mutex.unlock();
	EXPECT(number_thrown<ipcshm::error>([&] { mutex.unlock(); }) == EPERM);
}

struct pair {
	long first, second;
};

void cells_hold_whole_values()
{
	using cell_type = ipcshm::cell<pair>;
	auto memory = ipcshm::mapping::anonymous(4096);
	ipcshm::area area(memory.data(), memory.size());
	auto *storage = area.at<cell_type::storage>(0);
	std::uint64_t version;

	cell_type::init(storage, pair{ 0, 0 });
	cell_type cell(area, storage);
	std::array<pid_t, 2> children;

	cell.read(&version);
	for (auto &child : children) {
		child = start_process([&] {
			for (int i = 0; i < 1000; i++)
				cell.update([](pair &value) {
					value.first++;
					value.second--;
				});
		});
	}
	EXPECT(cell.wait(version, 10s));
	for (int i = 0; i < 1000; i++) {
		const pair value = cell.read();

		EXPECT(value.first == -value.second);
	}
	for (auto child : children)
		EXPECT(ends_well(child));
	EXPECT(cell.read(&version).first == 2000);
	EXPECT(!cell.wait(version, 1ms));
	EXPECT(cell.replace(pair{ 1, 2 }, version));
	EXPECT(!cell.replace(pair{ 3, 4 }, version));
	EXPECT(cell.read().second == 2);
}

struct item {
	int producer;
	int number;
};

void rings_move_items()
{
	const std::size_t bytes = ipcshm::ring<item>::size(64, IPCSHM_RING_MULTI_PRODUCER);
	auto memory = ipcshm::mapping::anonymous(bytes);
	ipcshm::area area(memory.data(), memory.size());
	int next[2] = { 0, 0 };
	std::array<pid_t, 2> children;

	ipcshm::ring<item>::create(area, 0, 64, IPCSHM_RING_MULTI_PRODUCER);
	ipcshm::ring<item> opened(area, 0, IPCSHM_RING_CONSUMER), ring(std::move(opened));

	EXPECT(!ring.try_pop());
	EXPECT(number_thrown<ipcshm::timed_out>([&] { ring.pop(1ms); }) == ETIMEDOUT);
	for (int i = 0; i < 2; i++) {
		children[static_cast<std::size_t>(i)] = start_process([&, i] {
			ipcshm::ring<item> producer(area, 0, IPCSHM_RING_PRODUCER);

			for (int number = 0; number < 5000; number++)
				producer.push(item{ i, number }, 10s);
		});
	}
	for (int i = 0; i < 10000; i++) {
		const item got = ring.pop(10s);

		EXPECT(got.number == next[got.producer]++);
	}
	for (auto child : children)
		EXPECT(ends_well(child));
	ipcshm::ring<item> producer(area, 0, IPCSHM_RING_PRODUCER);
	std::array<item, 100> items{};
	const std::size_t count = producer.push_burst(items.data(), items.size());

	EXPECT(count > 0 && count <= 64);
	while (producer.try_push(items[0]))
		;
	EXPECT(ring.pop_burst(items.data(), 10) == 10);
#if __cplusplus >= 202002L
	EXPECT(ring.pop_burst(std::span<item>(items).first(5)) == 5);
#endif
}

struct frame {
	long number;
	char pixels[1000];
};

void topics_share_samples()
{
	const ipcshm_topic_attr attr = ipcshm::topic<frame>::attributes();
	std::size_t control, bytes;

	ipcshm::check(ipcshm_topic_size(&attr, &control, &bytes), "ipcshm_topic_size");
	auto memory = ipcshm::mapping::anonymous(control);
	auto samples = ipcshm::mapping::anonymous(bytes);
	ipcshm::area area(memory.data(), memory.size());

	ipcshm::check(ipcshm_topic_create(area.get(), 0, &attr), "ipcshm_topic_create");
	ipcshm::topic<frame> topic(area, 0, samples.data(), samples.size());
	ipcshm::subscriber<frame> subscriber(topic, IPCSHM_TOPIC_RELIABLE);

	EXPECT(!subscriber.try_take());
	EXPECT(!subscriber.latest());
	const pid_t child = start_process([&] {
		ipcshm::publisher<frame> publisher(topic);

		for (long number = 1; number <= 1000; number++) {
			auto loan = publisher.loan(10s);

			if (number % 10 == 0)
				publisher.loan();	/* discarded */
			loan->number = number;
			std::memset(loan->pixels, static_cast<int>(number & 0x7f),
				    sizeof(loan->pixels));
			std::memcpy(loan.header(), &number, sizeof(number));
			loan.publish(10s);
		}
	});

	EXPECT(topic.wait(1, 1, 10s));
	for (long number = 1; number <= 1000; number++) {
		const auto sample = subscriber.take(10s);
		long header;

		std::memcpy(&header, sample.info().header, sizeof(header));
		EXPECT(sample->number == number && header == number);
		EXPECT((*sample).pixels[999] == (number & 0x7f));
		EXPECT(sample.info().missed == 0);
	}
	EXPECT(ends_well(child));
	EXPECT(subscriber.latest().value()->number == 1000);
	EXPECT(topic.stat().published == 1000);
	EXPECT(topic.stat().held == 0);
	EXPECT(!topic.wait(5, 0, 1ms));
}

/*
 * A kernel with one queue, in place of the module, of which the linker (--wrap) makes use: the
 * messages that wait, and those that are to be acknowledged.
 */
struct fake_kernel {
	struct entry {
		std::string text;
		std::uint32_t returns;
	};

	std::uint64_t last_id = 0;
	std::uint64_t timeout = 0; /* of the last receive or extension */
	std::int32_t dead_letter_fd = 0;
	std::uint32_t open_flags = 0;
	std::deque<entry> waiting;
	std::map<std::uint64_t, entry> delivered;

	/* As ioctl(): a negative result is an errno. */
	int open_queue(const ipcshm_queue_open_args *args)
	{
		open_flags = args->how.flags;
		dead_letter_fd = args->dead_letter_fd;
		return dup(1);
	}

	int send(const ipcshm_transfer_args *args)
	{
		if (waiting.size() == 2)
			return -ETIMEDOUT;
		const auto *data = reinterpret_cast<const char *>(
			static_cast<std::uintptr_t>(args->message.data));

		waiting.push_back({ std::string(data, args->message.size), 0 });
		return 0;
	}

	int receive(ipcshm_transfer_args *args)
	{
		if (!(args->flags & IPCSHM_ACK))
			return -EOPNOTSUPP;
		if (waiting.empty())
			return -ETIMEDOUT;
		const entry first = waiting.front();

		waiting.pop_front();
		std::memcpy(reinterpret_cast<void *>(static_cast<std::uintptr_t>(args->message.data)),
			    first.text.data(), first.text.size());
		args->message.size = first.text.size();
		args->message.returns = first.returns;
		args->message.priority = 7;
		args->message.ack_id = ++last_id;
		timeout = args->ack_timeout;
		delivered[last_id] = first;
		return 0;
	}

	int acknowledge(const ipcshm_queue_ack_args *args)
	{
		std::uint64_t id;

		std::memcpy(&id, reinterpret_cast<void *>(static_cast<std::uintptr_t>(args->ids)),
			    sizeof(id));
		const auto found = delivered.find(id);

		if (args->count != 1 || found == delivered.end())
			return -ESRCH;
		if (args->flags & IPCSHM_ACK_EXTEND) {
			timeout = args->timeout;
			return 1;
		}
		if (args->flags & IPCSHM_ACK_RETURN)
			waiting.push_front({ found->second.text, found->second.returns + 1 });
		delivered.erase(found);
		return 1;
	}

	bool is_canceled = false, has_peer = false;

	int cancel(const ipcshm_queue_cancel_args *args)
	{
		is_canceled = !(args->flags & IPCSHM_CANCEL_UNDO);
		return 0;
	}

	int wait_peer() const
	{
		if (has_peer)
			return 0;
		return is_canceled ? -ECANCELED : -ETIMEDOUT;
	}
};

fake_kernel *kernel;

struct with_kernel : fake_kernel {
	with_kernel()
	{
		kernel = this;
	}

	~with_kernel()
	{
		kernel = nullptr;
	}

	with_kernel(const with_kernel &) = delete;
	with_kernel &operator=(const with_kernel &) = delete;
};

void a_full_queue_is_no_exception()
{
	with_kernel fake;
	ipcshm::device device;
	ipcshm::queue jobs(device, "jobs", IPCSHM_WRITE, 0, ipcshm::queue::attributes(2, 64));

	EXPECT(jobs.try_send("one") && jobs.try_send("two"));
	EXPECT(!jobs.try_send("three"));
	EXPECT(fake.waiting.size() == 2 && fake.waiting.back().text == "two");
}

void waits_for_a_peer_end_and_can_be_canceled()
{
	with_kernel fake;
	ipcshm::device device;
	ipcshm::queue jobs(device, "jobs", IPCSHM_WRITE, 0, ipcshm::queue::attributes(2, 64));
	int code = 0;

	EXPECT(!jobs.wait_peer(ipcshm::now));
	jobs.cancel();
	try {
		jobs.wait_peer();
	} catch (const ipcshm::error &failure) {
		code = failure.code().value();
	}
	EXPECT(code == ECANCELED);
	jobs.undo_cancel();
	EXPECT(!jobs.wait_peer(ipcshm::now));
	fake.has_peer = true;
	EXPECT(jobs.wait_peer());
}

void deliveries_are_acknowledged_or_come_back()
{
	with_kernel fake;
	ipcshm::device device;
	ipcshm::queue jobs(device, "jobs", IPCSHM_READ | IPCSHM_CREATE, 0600,
			   ipcshm::queue::attributes(16, 64));

	fake.waiting = { { "one", 0 }, { "two", 0 } };
	{
		const auto job = jobs.receive_acknowledged(1s, 3ms);

		EXPECT(job->text() == "one" && (*job).priority == 7 && job->returns == 0);
		EXPECT(fake.timeout == 3000000 && fake.delivered.size() == 1);
	}
	/* The end of the object returned it. */
	EXPECT(fake.delivered.empty() && fake.waiting.size() == 2);
	auto again = jobs.receive_acknowledged();

	EXPECT(again->text() == "one" && again->returns == 1 && fake.timeout == 0);
	again.extend(5us);
	EXPECT(fake.timeout == 5000);
	again.acknowledge();
	EXPECT(fake.delivered.empty() && fake.waiting.size() == 1);
	again.acknowledge();	/* nothing is left to do */
	again.extend(1s);
	EXPECT(fake.timeout == 5000);

	auto last = jobs.try_receive_acknowledged();

	EXPECT(last && (*last)->text() == "two");
	EXPECT(!jobs.try_receive_acknowledged());
	last->give_back();
	EXPECT(fake.waiting.size() == 1 && fake.waiting.front().returns == 1);
}

void deliveries_move()
{
	with_kernel fake;
	ipcshm::device device;
	ipcshm::queue jobs(device, "jobs", IPCSHM_READ, 0, ipcshm::queue::attributes(16, 64));

	fake.waiting = { { "one", 0 }, { "two", 0 } };
	{
		auto first = jobs.receive_acknowledged();
		const auto moved = std::move(first);

		EXPECT(moved->text() == "one" && fake.delivered.size() == 1);
	}
	EXPECT(fake.waiting.size() == 2 && fake.waiting.front().returns == 1);
	auto one = jobs.receive_acknowledged();

	one = jobs.receive_acknowledged();
	EXPECT(one->text() == "two" && fake.delivered.size() == 1);
	EXPECT(fake.waiting.size() == 1 && fake.waiting.front().text == "one");

	/* An exception gives the message back. */
	EXPECT(number_thrown<ipcshm::error>([&] {
		const auto job = jobs.receive_acknowledged();

		throw ipcshm::error(EIO, "work");
	}) == EIO);
	EXPECT(fake.waiting.size() == 1 && fake.waiting.front().returns == 3);
}

void late_acknowledgements_are_errors()
{
	with_kernel fake;
	ipcshm::device device;
	ipcshm::queue jobs(device, "jobs", IPCSHM_READ, 0, ipcshm::queue::attributes(16, 64));

	fake.waiting = { { "one", 0 } };
	auto job = jobs.receive_acknowledged();

	fake.delivered.clear();		/* its time is over */
	EXPECT(number_thrown<ipcshm::error>([&] { job.extend(1s); }) == ESRCH);
	EXPECT(number_thrown<ipcshm::error>([&] { job.acknowledge(); }) == ESRCH);
	job.give_back();		/* the object has no message any longer */
	EXPECT(fake.waiting.empty());
}

void dead_letters_have_a_queue()
{
	with_kernel fake;
	ipcshm::device device;
	ipcshm::queue dead(device, "dead", IPCSHM_WRITE, 0, ipcshm::queue::attributes(16, 64));

	EXPECT(!(fake.open_flags & IPCSHM_DEAD_LETTERS) && fake.dead_letter_fd == 0);
	auto attributes = ipcshm::queue::attributes(16, 64);

	attributes.max_deliveries = 3;
	ipcshm::queue jobs(device, "jobs", IPCSHM_READ | IPCSHM_CREATE, 0600, attributes, dead);

	EXPECT(fake.open_flags == (IPCSHM_READ | IPCSHM_CREATE | IPCSHM_DEAD_LETTERS));
	EXPECT(fake.dead_letter_fd == dead.get());
}

/* Without the module, what needs it says so. */
void device_tells_that_the_module_is_missing()
{
	if (access("/dev/ipcshm", F_OK) == 0)
		return;
	EXPECT(number_thrown<ipcshm::error>([] { ipcshm::device device; }) == ENOENT);
}

const struct {
	const char *name;
	void (*run)();
} tests[] = {
	{ "deadlines_are_durations_or_times", deadlines_are_durations_or_times },
	{ "errors_have_classes", errors_have_classes },
	{ "descriptors_and_mappings_move", descriptors_and_mappings_move },
	{ "mutexes_lock_and_conditions_wake", mutexes_lock_and_conditions_wake },
	{ "cells_hold_whole_values", cells_hold_whole_values },
	{ "rings_move_items", rings_move_items },
	{ "topics_share_samples", topics_share_samples },
	{ "a_full_queue_is_no_exception", a_full_queue_is_no_exception },
	{ "waits_for_a_peer_end_and_can_be_canceled", waits_for_a_peer_end_and_can_be_canceled },
	{ "deliveries_are_acknowledged_or_come_back", deliveries_are_acknowledged_or_come_back },
	{ "deliveries_move", deliveries_move },
	{ "late_acknowledgements_are_errors", late_acknowledgements_are_errors },
	{ "dead_letters_have_a_queue", dead_letters_have_a_queue },
	{ "device_tells_that_the_module_is_missing", device_tells_that_the_module_is_missing },
};

/* The result of a system call: a negative one is an errno. */
int set_errno(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

} /* namespace */

/* Nothing but the queues of the fake kernel uses ioctl(). */
int __wrap_ioctl(int, unsigned long command, ...)
{
	va_list list;

	va_start(list, command);
	void *argument = va_arg(list, void *);

	va_end(list);
	switch (command) {
	case IPCSHM_IOC_QUEUE_OPEN:
		return set_errno(kernel->open_queue(static_cast<ipcshm_queue_open_args *>(argument)));
	case IPCSHM_IOC_QUEUE_SEND:
		return set_errno(kernel->send(static_cast<ipcshm_transfer_args *>(argument)));
	case IPCSHM_IOC_QUEUE_RECEIVE:
		return set_errno(kernel->receive(static_cast<ipcshm_transfer_args *>(argument)));
	case IPCSHM_IOC_QUEUE_CANCEL:
		return set_errno(kernel->cancel(static_cast<ipcshm_queue_cancel_args *>(argument)));
	case IPCSHM_IOC_QUEUE_WAIT_PEER:
		return set_errno(kernel->wait_peer());
	case IPCSHM_IOC_QUEUE_ACK:
		return set_errno(kernel->acknowledge(static_cast<ipcshm_queue_ack_args *>(argument)));
	default:
		return set_errno(-ENOTTY);
	}
}

int __wrap_open(const char *path, int flags, ...)
{
	return kernel ? dup(1) : __real_open(path, flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

int main()
{
	const std::size_t count = sizeof(tests) / sizeof(*tests);
	int failed = 0;

	std::setvbuf(stdout, nullptr, _IOLBF, 0);
	std::printf("TAP version 13\n1..%zu\n", count);
	for (std::size_t i = 0; i < count; i++) {
		failures = 0;
		try {
			tests[i].run();
		} catch (const std::exception &exception) {
			std::printf("# %s\n", exception.what());
			failures++;
		}
		failed += failures != 0;
		std::printf("%s %zu hpp.%s\n", failures ? "not ok" : "ok", i + 1, tests[i].name);
	}
	std::printf("# Totals: pass:%zu fail:%d xfail:0 xpass:0 skip:0 error:0\n",
		    count - static_cast<std::size_t>(failed), failed);
	return failed != 0;
}
