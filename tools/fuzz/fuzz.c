// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [-s SEED] [-j PROCESSES] [-t SECONDS] [-c CORPUS] [-o CORPUS] [-l LOG] [-r PROGRAMS]
 *
 * Makes up programs of calls on /dev/ipcshm, runs them, several at a time, kills
 * some of them, and keeps those that reached code of the module that none had
 * reached before, to make new ones of them (KCOV).  The programs follow from the
 * seed and from the corpus they start with; which run at the same time doesn't.
 *
 * -o writes the programs that were kept; -l writes each program before it runs, so
 * that those are known that ran when the kernel died.  -r runs the programs of a
 * file over and over instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcov.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define CORPUS_MAX	4096
#define EDGES		65536
#define PCS		(1U << 16)	/* bytes of code that are told apart */
#define TRACE		(64 << 10)	/* PCs of one call */
#define LONGEST		400		/* ms that a program can take */
#define ROUNDS		8		/* of a program in its process, as that takes long to make */
#define PROGRESS	30		/* seconds */

/* What all processes share. */
static struct shared {
	atomic_ulong calls, programs, kills;
	atomic_uint blocks;
	atomic_uint corpus_count;
	atomic_uchar edges[EDGES];
	atomic_uchar pcs[PCS];
	struct program corpus[CORPUS_MAX];
} *shared;

static struct options {
	uint64_t seed;
	unsigned int processes, seconds;
	const char *in, *out, *log, *replay;
} options = { .seed = 1, .processes = 8, .seconds = 60 };

/* Of one worker; what its children find out they write to *found, which they share. */
static uint64_t *trace;
static int kcov;
static unsigned long code;		/* where the module's begins */
static atomic_uint *found;
static int log_file = -1;

static uint64_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void *share(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("fuzz: memory");
	return at;
}

/* Coverage. */

static bool kcov_open(void)
{
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0 || ioctl(kcov, KCOV_INIT_TRACE, TRACE))
		return false;
	trace = mmap(NULL, TRACE * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	return trace != MAP_FAILED;
}

static unsigned long code_start(void)
{
	FILE *file = fopen("/sys/module/ipcshm/sections/.text", "r");
	unsigned long start = 0;

	if (file && fscanf(file, "%lx", &start) != 1)
		start = 0;
	if (file)
		fclose(file);
	return start;
}

/* In the process that runs the program, after each call. */
static void collect(void)
{
	uint64_t i, n = atomic_load((_Atomic uint64_t *)trace), pc, last = 0;

	atomic_fetch_add(&shared->calls, 1);
	for (i = 1; i <= n && i < TRACE; i++) {
		pc = trace[i] - code;
		if (!atomic_exchange(&shared->pcs[pc % PCS], 1))
			atomic_fetch_add(&shared->blocks, 1);
		if (!atomic_exchange(&shared->edges[(pc ^ last << 1) % EDGES], 1))
			atomic_fetch_add(found, 1);
		last = pc;
	}
	atomic_store((_Atomic uint64_t *)trace, 0);
}

static void count(void)
{
	atomic_fetch_add(&shared->calls, 1);
}

/* Programs. */

static struct program make_program(uint64_t *state)
{
	struct program program = { .count = STEPS_MAX / 4 + draw_below(state, STEPS_MAX * 3 / 4) };
	uint32_t i;

	for (i = 0; i < program.count; i++)
		program.steps[i] = make_step(state);
	return program;
}

static void insert_step(struct program *program, struct step step, uint64_t *state)
{
	uint32_t at = draw_below(state, program->count + 1);

	if (program->count == STEPS_MAX)
		return;
	memmove(&program->steps[at + 1], &program->steps[at],
		(program->count - at) * sizeof(program->steps[0]));
	program->steps[at] = step;
	program->count++;
}

static void remove_step(struct program *program, uint64_t *state)
{
	uint32_t at = draw_below(state, program->count);

	if (program->count == 1)
		return;
	program->count--;
	memmove(&program->steps[at], &program->steps[at + 1],
		(program->count - at) * sizeof(program->steps[0]));
}

/* The rest of another one in place of its own. */
static void join(struct program *program, const struct program *other, uint64_t *state)
{
	uint32_t from = draw_below(state, other->count), at = draw_below(state, program->count);

	while (from < other->count && at < STEPS_MAX)
		program->steps[at++] = other->steps[from++];
	program->count = at;
}

static const struct program *choose_program(uint64_t *state)
{
	return &shared->corpus[draw_below(state, atomic_load(&shared->corpus_count))];
}

static void change_program(struct program *program, uint64_t *state)
{
	switch (draw_below(state, 8)) {
	case 0:
		remove_step(program, state);
		break;
	case 1:
		join(program, choose_program(state), state);
		break;
	case 2:
	case 3:
	case 4:
		insert_step(program, make_step(state), state);
		break;
	default:
		change_step(&program->steps[draw_below(state, program->count)], state);
	}
}

static struct program next_program(uint64_t *state)
{
	struct program program;
	unsigned int changes;

	if (!atomic_load(&shared->corpus_count) || one_in(state, 10))
		return make_program(state);
	program = *choose_program(state);
	for (changes = 1 + draw_below(state, 5); changes; changes--)
		change_program(&program, state);
	return program;
}

static void keep(const struct program *program)
{
	unsigned int at = atomic_load(&shared->corpus_count);

	/* Written before it is counted, so that whoever chooses it sees it whole. */
	do {
		if (at == CORPUS_MAX)
			return;
		shared->corpus[at] = *program;
	} while (!atomic_compare_exchange_weak(&shared->corpus_count, &at, at + 1));
}

/* Running. */

static void log_program(const struct program *program, unsigned int worker)
{
	static char text[STEPS_MAX * 500];
	FILE *file = fmemopen(text, sizeof(text), "w");
	size_t size;

	fprintf(file, "# worker %u\n", worker);
	print_program(file, program);
	size = (size_t)ftell(file);
	fclose(file);
	if (log_file >= 0 && write(log_file, text, size) < 0)
		die("fuzz: log");
}

static void run_child(const struct program *program)
{
	void (*covered)(void) = count;
	struct rlimit none = { 0, 0 };
	int i;

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (trace && !ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC)) {
		atomic_store((_Atomic uint64_t *)trace, 0);
		covered = collect;
	}
	for (i = 0; i < ROUNDS; i++)
		run_program(program, covered);
	_exit(0);
}

/* Kills it, and all that it has forked, after @limit ms at the latest. */
static void run(const struct program *program, int limit)
{
	struct pollfd entry = { .events = POLLIN };
	pid_t pid = fork();

	if (pid < 0)
		die("fuzz: fork");
	if (!pid)
		run_child(program);
	setpgid(pid, pid);
	entry.fd = pidfd_open(pid, 0);
	poll(&entry, 1, limit);
	close(entry.fd);
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	atomic_fetch_add(&shared->programs, 1);
}

static void try_program(const struct program *program, int limit)
{
	atomic_store(found, 0);
	run(program, limit);
	if (atomic_load(found))
		keep(program);
}

static void work(unsigned int worker, uint64_t end)
{
	uint64_t state = options.seed * 1000003 + worker;
	struct program program;
	int limit;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	found = share(sizeof(*found));
	kcov_open();
	while (seconds() < end) {
		program = next_program(&state);
		limit = LONGEST;
		if (one_in(&state, 6)) {
			limit = (int)(draw_below(&state, 20));
			atomic_fetch_add(&shared->kills, 1);
		}
		log_program(&program, worker);
		try_program(&program, limit);
	}
}

/* Programs of a file: all of them, or -1. */
static int load(const char *path, struct program **programs)
{
	FILE *file = fopen(path, "r");
	int n = 0;

	*programs = calloc(CORPUS_MAX, sizeof(**programs));
	if (!file || !*programs)
		die(path);
	while (n < CORPUS_MAX && parse_program(file, &(*programs)[n]))
		n++;
	fclose(file);
	return n;
}

static void replay(unsigned int worker, uint64_t end)
{
	struct program *programs;
	int i, n = load(options.replay, &programs);
	uint64_t state = options.seed * 1000003 + worker;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = (int)worker; n && seconds() < end; i++)
		run(&programs[i % n], one_in(&state, 6) ? (int)(draw_below(&state, 20)) : LONGEST);
}

/* Each program of the corpus once: those that reach nothing new aren't kept. */
static void start_corpus(void)
{
	struct program *programs;
	int i, n = load(options.in, &programs);

	found = share(sizeof(*found));
	if (!kcov_open())
		fprintf(stderr, "fuzz: the kernel has no KCOV: blind\n");
	for (i = 0; i < n; i++)
		try_program(&programs[i], LONGEST);
	free(programs);
	printf("# %d programs in the corpus, %u of them kept\n", n,
	       atomic_load(&shared->corpus_count));
}

static void write_corpus(void)
{
	FILE *file = fopen(options.out, "w");
	unsigned int i;

	if (!file)
		die(options.out);
	for (i = 0; i < atomic_load(&shared->corpus_count); i++)
		print_program(file, &shared->corpus[i]);
	fclose(file);
}

static void report(uint64_t start)
{
	printf("%lu calls in %lu programs, %lu of them killed early, in %lu s; "
	       "%u blocks of code, %u programs in the corpus\n",
	       atomic_load(&shared->calls), atomic_load(&shared->programs),
	       atomic_load(&shared->kills), (unsigned long)(seconds() - start),
	       atomic_load(&shared->blocks), atomic_load(&shared->corpus_count));
	fflush(stdout);
}

static void options_get(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "s:j:t:c:o:l:r:")) != -1) {
		switch (option) {
		case 's': options.seed = strtoull(optarg, NULL, 0); break;
		case 'j': options.processes = (unsigned int)atoi(optarg); break;
		case 't': options.seconds = (unsigned int)atoi(optarg); break;
		case 'c': options.in = optarg; break;
		case 'o': options.out = optarg; break;
		case 'l': options.log = optarg; break;
		case 'r': options.replay = optarg; break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t start = seconds(), told = start, end;
	unsigned int i;

	options_get(argc, argv);
	shared = share(sizeof(*shared));
	code = code_start();
	if (options.log) {
		log_file = open(options.log, O_WRONLY | O_CLOEXEC | O_APPEND);
		if (log_file < 0)
			die(options.log);
	}
	if (options.in)
		start_corpus();
	end = seconds() + options.seconds;
	for (i = 0; i < options.processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fuzz: fork");
		if (!pid) {
			if (options.replay)
				replay(i, end);
			else
				work(i, end);
			_exit(0);
		}
	}
	while (seconds() < end + 2) {
		sleep(1);
		if (seconds() < told + PROGRESS)
			continue;
		report(start);
		told = seconds();
	}
	while (wait(NULL) > 0)
		;
	report(start);
	if (options.out)
		write_corpus();
	return 0;
}
