// SPDX-License-Identifier: GPL-2.0-only
/* Patterns of the guides in C++: a camera, jobs, deliveries, a configuration, a lock and a log. */
#include <ipcshm.hpp>

#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace std::chrono_literals;

constexpr auto timeout = 10s;

struct frame {
	long number;
	std::array<char, 4096> pixels;
};

struct config {
	int width, height;
};

struct shared_config {
	unsigned char header[IPCSHM_AREA_HEADER];
	ipcshm::cell<config>::storage storage;
};

/* A child that runs the function; an exception is a failure. */
template <typename Function> pid_t start_process(Function function)
{
	const pid_t pid = fork();

	if (pid)
		return pid;
	try {
		function();
	} catch (const std::exception &exception) {
		std::fprintf(stderr, "cpp: %s\n", exception.what());
		std::_Exit(EXIT_FAILURE);
	}
	std::_Exit(EXIT_SUCCESS);
}

void await(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		throw std::runtime_error("a process failed");
}

void require(bool condition, const char *what)
{
	if (!condition)
		throw std::runtime_error(what);
}

/* Frames that are read in place. */
void run_camera()
{
	ipcshm::device device;
	ipcshm::topic<frame> topic(device, "cpp-camera");
	ipcshm::subscriber<frame> subscriber(topic, IPCSHM_TOPIC_RELIABLE);

	const pid_t camera = start_process([] {
		ipcshm::device own;
		ipcshm::topic<frame> to(own, "cpp-camera");
		ipcshm::publisher<frame> publisher(to);

		for (long number = 1; number <= 100; number++) {
			auto loan = publisher.loan(timeout);

			loan->number = number;
			loan->pixels.fill(static_cast<char>(number));
			loan.publish(timeout);
		}
	});

	for (long number = 1; number <= 100; number++) {
		const auto sample = subscriber.take(timeout);

		require(sample->number == number, "a frame is missing");
		require(sample->pixels[4095] == static_cast<char>(number), "a frame is torn");
	}
	await(camera);
}

/* Each job goes to one worker; a call waits for the reply. */
void run_jobs()
{
	const std::uint32_t both = IPCSHM_READ | IPCSHM_WRITE;
	ipcshm::device device;
	ipcshm::queue jobs(device, "cpp-jobs", both | IPCSHM_CREATE, 0600,
			   ipcshm::queue::attributes(16, 256));
	std::array<pid_t, 2> workers;

	for (auto &worker : workers) {
		worker = start_process([&] {
			for (;;) {
				const auto job = jobs.receive(timeout);

				if (job.text() == "stop")
					return;
				jobs.reply(job, std::to_string(std::stoi(std::string(job.text())) * 2));
			}
		});
	}
	for (int i = 0; i < 100; i++) {
		const auto reply = jobs.call(std::to_string(i), timeout);
		const std::string text(reinterpret_cast<const char *>(reply.data()), reply.size());

		require(text == std::to_string(2 * i), "a wrong reply");
	}
	jobs.send("stop", 0, 0, timeout);
	jobs.send("stop", 0, 0, timeout);
	for (auto worker : workers)
		await(worker);
}

/* Works until it is killed by a job. */
void work(ipcshm::queue &jobs)
{
	for (;;) {
		auto job = jobs.receive_acknowledged(timeout);

		if (job->text() == "poison")
			std::raise(SIGKILL);
		job.acknowledge();	/* else the job comes back: from here, or when the process ends */
	}
}

/* A job whose worker is killed goes to another one, and after three of them to the dead letters. */
void run_deliveries()
{
	const std::uint32_t flags = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE;
	auto attributes = ipcshm::queue::attributes(16, 64);
	ipcshm::device device;
	ipcshm::queue dead(device, "cpp-dead", flags, 0600, attributes);

	attributes.max_deliveries = 3;
	ipcshm::queue jobs(device, "cpp-deliveries", flags, 0600, attributes, dead);

	for (const char *job : { "resize a.jpg", "poison", "resize b.jpg" })
		jobs.send(job, 0, 0, timeout);
	for (int i = 0; i < 3; i++)
		waitpid(start_process([&] { work(jobs); }), nullptr, 0);
	const auto letter = dead.receive(timeout);

	require(letter.text() == "poison" && letter.returns == 3, "not the dead letter");
	try {
		const auto job = jobs.receive_acknowledged(timeout);

		throw std::runtime_error("a failure during the work");
	} catch (const std::runtime_error &) {
	}
	auto job = jobs.receive_acknowledged(timeout);

	require(job->text() == "resize b.jpg" && job->returns == 1, "the job did not come back");
	job.acknowledge();
	require(!jobs.try_receive_acknowledged(), "a job too many");
}

/* A value that every reader sees as a whole, also if a writer is killed. */
void run_configuration()
{
	using cell_type = ipcshm::cell<config>;
	ipcshm::device device;
	ipcshm::area area(device, "cpp-config", sizeof(shared_config), [](const ipcshm::area &fresh) {
		cell_type::init(&fresh.at<shared_config>(0)->storage, config{ 4, 3 });
	});
	cell_type cell(area, &area.at<shared_config>(0)->storage);
	std::uint64_t version;

	const pid_t writer = start_process([&] {
		for (;;)
			cell.update([](config &value) {
				value.width += 4;
				value.height += 3;
			});
	});

	for (int i = 0; i < 100; i++) {
		const config value = cell.read(&version);

		require(value.width * 3 == value.height * 4, "half a configuration");
		require(cell.wait(version, timeout), "no change");
	}
	kill(writer, SIGKILL);
	waitpid(writer, nullptr, 0);
	const config value = cell.read();

	require(value.width * 3 == value.height * 4, "half a configuration");
}

struct account {
	ipcshm_mutex lock;
	long booked, checked;	/* equal, unless the owner of the lock died in between */
};

/* A lock whose owner is killed: the next one repairs what it protects. */
void run_accounts()
{
	ipcshm::device device;
	ipcshm::area area(device, "cpp-account", IPCSHM_AREA_HEADER + sizeof(account),
			  [](const ipcshm::area &fresh) {
				  ipcshm_mutex_init(&fresh.at<account>()->lock);
			  });
	auto *shared = area.at<account>();
	ipcshm::mutex mutex(area, &shared->lock, [&] { shared->booked = shared->checked; });
	ipcshm::mutex strict(area, &shared->lock);

	for (int i = 0; i < 20; i++) {
		const pid_t child = start_process([&] {
			std::unique_lock<ipcshm::mutex> lock(mutex);

			shared->booked += 100;
			std::raise(SIGKILL);
			shared->checked += 100;
		});

		waitpid(child, nullptr, 0);
		std::lock_guard<ipcshm::mutex> lock(mutex);

		require(shared->booked == shared->checked, "not repaired");
		shared->booked = ++shared->checked;
	}
	require(shared->checked == 20, "a booking of the dead");

	/* Without a function that repairs, the death is an exception. */
	waitpid(start_process([&] {
			mutex.lock();
			std::raise(SIGKILL);
		}), nullptr, 0);
	try {
		strict.lock();
		require(false, "a dead owner was not noticed");
	} catch (const ipcshm::owner_died &) {
	}
}

/* Writers never wait: a full queue drops the oldest line. */
void run_log()
{
	auto attributes = ipcshm::queue::attributes(64, 128);
	ipcshm::device device;

	attributes.overflow = IPCSHM_OVERFLOW_DROP_OLDEST;
	ipcshm::queue log(device, "cpp-log", IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600,
			  attributes);

	await(start_process([&] {
		for (int i = 0; i < 1000; i++)
			require(log.try_send("line " + std::to_string(i)), "a writer had to wait");
	}));
	for (int i = 1000 - 64; i < 1000; i++) {
		const auto line = log.try_receive();

		require(line && line->text() == "line " + std::to_string(i), "not the latest lines");
	}
	require(!log.try_receive(), "more lines than the queue holds");
}

} /* namespace */

int main()
{
	try {
		run_camera();
		run_jobs();
		run_deliveries();
		run_configuration();
		run_accounts();
		run_log();
	} catch (const std::exception &exception) {
		std::fprintf(stderr, "cpp: %s\n", exception.what());
		return EXIT_FAILURE;
	}
	std::puts("camera, jobs, deliveries, configuration, accounts and log: as they should be");
	return EXIT_SUCCESS;
}
