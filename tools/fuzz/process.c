// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process lives for many programs, because in a kernel that checks everything
 * it takes longer to make one than to run a program.  So each program's end gives
 * back whatever it has got, and ends what is still blocked: by SIGUSR1, which
 * interrupts a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define ARENA	(1ULL << 40)	/* where mappings are, and nothing else */
#define ARENA_SIZE	(1ULL << 36)
#define IMPATIENT	2000000	/* ns between signals to a blocked call */

struct handle handles[HANDLES + HELPERS];
unsigned int handle_count;
struct mapping maps[MAPS + HELPERS];
unsigned int map_count;

static const struct observer *observer;
static int first_fd;			/* from here on they are the program's */
static uint64_t next_place;		/* in the arena */
static struct child {
	pid_t pid;
	unsigned int grace;
} children[CHILDREN];
static unsigned int child_count;
static bool is_child;

/**
 * struct helper - a thread that makes a call at a time
 * @step: the call
 * @wanted: there is one
 * @done: it has been made
 * @busy: it hasn't
 */
static struct helper {
	pthread_t thread;
	unsigned int number;
	const struct step *step;
	sem_t wanted, done;
	bool busy;
} helpers[HELPERS];

static __thread int fail_file = -1;	/* the thread's fail-nth */
static __thread unsigned int fail_nth;

/* The state of a program. */

void remember(int fd, enum on kind)
{
	if (fd >= 0 && handle_count < HANDLES)
		handles[handle_count++] = (struct handle){ fd, kind };
	else if (fd >= 0)
		close(fd);
}

void *free_place(size_t size)
{
	uint64_t at = ARENA + next_place;

	if (size > ARENA_SIZE - next_place)
		return NULL;
	next_place += (size + 4095) / 4096 * 4096;
	return (void *)at;	/* NOLINT(performance-no-int-to-ptr): nothing is there yet */
}

void remember_mapping(void *at, size_t size)
{
	if (at != MAP_FAILED && map_count < MAPS)
		maps[map_count++] = (struct mapping){ at, size };
	else if (at != MAP_FAILED)
		munmap(at, size);
}

size_t harmless(const uint8_t *at, size_t size)
{
	uint64_t start = (uintptr_t)at;

	if (start < ARENA || start >= ARENA + ARENA_SIZE)
		return 0;
	return size < ARENA + ARENA_SIZE - start ? size : ARENA + ARENA_SIZE - start;
}

static void give_back(void)
{
	close_range((unsigned int)first_fd, ~0U, 0);
	handle_count = 0;
	while (map_count) {
		map_count--;
		munmap(maps[map_count].at, maps[map_count].size);
	}
	munmap((void *)ARENA, ARENA_SIZE);
	next_place = 0;
}

/* Faults: not those of our own calls, which the C library couldn't bear. */

void fail_next(unsigned int nth)
{
	fail_nth = nth & 0xff;
}

static void write_nth(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	while (fail_file >= 0 && pwrite(fail_file, text, (size_t)length, 0) < 0 && errno == EFAULT)
		;
}

void begin_call(void)
{
	if (fail_nth)
		write_nth(fail_nth);
}

void end_call(void)
{
	if (fail_nth)
		write_nth(0);
	fail_nth = 0;
}

/* Threads and children. */

static void begin_thread(unsigned int number)
{
	fail_file = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
	observer->begin(number);
}

/* A semaphore that is waited for whatever signals come. */
static void await_semaphore(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void *help_caller(void *data)
{
	struct helper *helper = data;

	begin_thread(helper->number);
	sem_post(&helper->done);
	for (;;) {
		await_semaphore(&helper->wanted);
		if (make_call(helper->step))
			observer->covered();
		sem_post(&helper->done);
	}
	return NULL;
}

static bool start_helper(struct helper *helper, unsigned int number)
{
	helper->number = number;
	if (sem_init(&helper->wanted, 0, 0) || sem_init(&helper->done, 0, 0) ||
	    pthread_create(&helper->thread, NULL, help_caller, helper))
		return false;
	await_semaphore(&helper->done);
	return true;
}

static bool is_done(struct helper *helper, long ns)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ns;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (sem_timedwait(&helper->done, &until))
		return false;
	helper->busy = false;
	return true;
}

/* True if there was one that had nothing to do; a child has none. */
static bool let_help(const struct step *step)
{
	struct helper *helper;

	for (helper = helpers; helper < helpers + HELPERS && !is_child; helper++) {
		if (helper->busy && !is_done(helper, 0))
			continue;
		helper->step = step;
		helper->busy = true;
		sem_post(&helper->wanted);
		return true;
	}
	return false;
}

static void end_helping(void)
{
	struct helper *helper;

	for (helper = helpers; helper < helpers + HELPERS; helper++) {
		while (helper->busy && !is_done(helper, IMPATIENT))
			pthread_kill(helper->thread, SIGUSR1);
	}
}

bool fork_child(unsigned int grace)
{
	pid_t pid;

	if (is_child || child_count == CHILDREN)
		return false;
	pid = fork();
	if (pid > 0)
		children[child_count++] = (struct child){ pid, grace };
	if (pid)
		return false;
	is_child = true;
	begin_thread(1 + HELPERS + child_count);
	return true;
}

static void end_children(void)
{
	while (child_count) {
		struct child *child = &children[--child_count];

		usleep(child->grace * 1000);
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

/* Programs. */

bool start_process(const struct observer *who)
{
	unsigned int i;

	observer = who;
	if (!prepare_calls())
		return false;
	begin_thread(0);
	for (i = 0; i < HELPERS; i++)
		if (!start_helper(&helpers[i], 1 + i))
			return false;
	first_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return first_fd >= 0;
}

void run_program(const struct program *program)
{
	const struct step *step;

	remember(open("/dev/ipcshm", O_RDWR | O_CLOEXEC), DEVICE);
	if (!handle_count)
		return;
	for (step = program->steps; step < program->steps + program->count; step++)
		if (!(step->async && let_help(step)) && make_call(step))
			observer->covered();
	if (is_child)
		_exit(0);
	end_helping();
	end_children();
	give_back();
}
