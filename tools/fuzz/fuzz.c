// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [-s SEED] [-j PROCESSES] [-t SECONDS] [-c CORPUS] [-o CORPUS] [-l LOG] [-r PROGRAMS]
 *
 * Makes up programs of calls on /dev/ipcshm, runs them, several at a time, kills
 * some of them, and keeps those that reached code of the module that none had
 * reached before, to make new ones of them (KCOV).  The programs follow from the
 * seed and from the corpus they start with; which run at the same time doesn't.
 *
 * -o writes the programs that were kept; -l is memory that outlives the kernel: each
 * program is written there before it runs, so that the last ones are known.  -r repeats
 * the programs of a file instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ipcshm.h>
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
#include "process.h"
#include "request.h"

#define WORKERS_MAX	64
#define CORPUS_MAX	4096
#define EDGES		(1U << 18)
#define PCS		(1U << 20)	/* bytes of code, each with a bit */
#define TRACE		(16 << 10)	/* PCs of one call */
#define LIFE		20000		/* ms that a process lives at the most */
#define TICK		50		/* ms that a call can be blocked */
#define LOGGED		8	/* programs of each worker that stay in the log */
#define TEXT_MAX	8192	/* of one program there */
#define PROGRESS	30		/* seconds */

/**
 * struct slot - of one worker, and the process that runs its programs
 * @state: what the next program follows from
 * @at: how many of the programs that were given have been taken
 * @logged: how many were written to the log
 * @program: the one that runs
 * @found: how many edges it was the first to reach
 * @steps: calls that it has made
 */
struct slot {
	uint64_t state;
	unsigned int number, at, logged;
	struct program program;
	atomic_uint found, steps;
};

/* Shared by all processes. */
static struct shared {
	atomic_ulong calls, programs, kills;
	atomic_uint blocks;
	atomic_uint corpus_count;
	atomic_uint left;		/* of the corpus, to be gone through */
	atomic_uchar edges[EDGES];
	atomic_uchar pcs[PCS];
	struct slot slots[WORKERS_MAX];
	struct program corpus[CORPUS_MAX];
} *shared;

static struct options {
	uint64_t seed;
	unsigned int processes, seconds;
	const char *in, *out, *log, *replay;
} options = { .seed = 1, .processes = 8, .seconds = 60 };

/* Of one worker: KCOV for each thread of its process. */
static struct coverage {
	int file;
	uint64_t *trace;
} coverages[THREADS];
static struct slot *slot;

static __thread uint64_t *trace;	/* this thread's; or NULL */
static unsigned long code;		/* where the module's begins */
static char *log_memory;

/* Programs to begin with; or all there are. */
static struct program *given;
static unsigned int given_count;
static uint64_t default_quotas[6];

static uint64_t read_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void fail_with(const char *what)
{
	perror(what);
	exit(2);
}

static void *map_shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		fail_with("fuzz: memory");
	return at;
}

/* Coverage. */

static bool kcov_open(struct coverage *coverage)
{
	coverage->file = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (coverage->file < 0 || ioctl(coverage->file, KCOV_INIT_TRACE, TRACE))
		return false;
	coverage->trace = mmap(NULL, TRACE * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
			       coverage->file, 0);
	return coverage->trace != MAP_FAILED;
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

/* In each thread of the process. */
static void begin_coverage(unsigned int number)
{
	struct coverage *coverage = &coverages[number];

	trace = coverage->file >= 0 && !ioctl(coverage->file, KCOV_ENABLE, KCOV_TRACE_PC) ?
		coverage->trace : NULL;
	if (trace)
		atomic_store((_Atomic uint64_t *)trace, 0);
}

/* True for the first one; mostly it isn't, and then nothing is written. */
static bool is_first(atomic_uchar *byte)
{
	return !atomic_load_explicit(byte, memory_order_relaxed) && !atomic_exchange(byte, 1);
}

/* After each call. */
static void collect_coverage(void)
{
	uint64_t i, n, pc, last = 0;

	atomic_fetch_add(&shared->calls, 1);
	atomic_fetch_add(&slot->steps, 1);
	if (!trace)
		return;
	n = atomic_load((_Atomic uint64_t *)trace);
	for (i = 1; i <= n && i < TRACE; i++) {
		pc = trace[i] - code;
		if (is_first(&shared->pcs[pc % PCS]))
			atomic_fetch_add(&shared->blocks, 1);
		if (is_first(&shared->edges[(pc ^ last * 31) % EDGES]))
			atomic_fetch_add(&slot->found, 1);
		last = pc;
	}
	atomic_store((_Atomic uint64_t *)trace, 0);
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
static void join_programs(struct program *program, const struct program *other, uint64_t *state)
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
		join_programs(program, choose_program(state), state);
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

/* Those that are given come first, each to one worker; replayed, again and again. */
static bool take_given(struct program *program)
{
	unsigned int at = slot->number + slot->at * options.processes;

	if (!given_count || (at >= given_count && !options.replay))
		return false;
	*program = given[at % given_count];
	slot->at++;
	return true;
}

static struct program next_program(uint64_t *state)
{
	struct program program;
	unsigned int changes;

	if (take_given(&program))
		return program;
	if (!atomic_load(&shared->corpus_count) || one_in(state, 10))
		return make_program(state);
	program = *choose_program(state);
	for (changes = 1 + draw_below(state, 5); changes; changes--)
		change_program(&program, state);
	return program;
}

/* The last program, if it was the first to reach something. */
static void keep_found(void)
{
	unsigned int at;

	if (!atomic_exchange(&slot->found, 0))
		return;
	at = atomic_load(&shared->corpus_count);
	/* Written before it is counted, so that a process that chooses it sees it whole. */
	do {
		if (at == CORPUS_MAX)
			return;
		shared->corpus[at] = slot->program;
	} while (!atomic_compare_exchange_weak(&shared->corpus_count, &at, at + 1));
}

/* Running. */

/* In place of the worker's oldest one there. */
/* In place of the worker's oldest one there. */
static void log_program(const struct program *program)
{
	FILE *file;
	char *to;

	if (!log_memory)
		return;
	to = log_memory + (size_t)(slot->logged++ % LOGGED) * TEXT_MAX;
	memset(to, 0, TEXT_MAX);
	file = fmemopen(to, TEXT_MAX, "w");
	fprintf(file, "# program %u of worker %u\n", slot->logged, slot->number);
	print_program(file, program);
	fclose(file);
}

/* The worker's part of it. */
static void open_log(void)
{
	const size_t size = (size_t)LOGGED * TEXT_MAX;
	int file = open(options.log, O_RDWR | O_CLOEXEC);

	log_memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file,
			  (off_t)(slot->number * size));
	if (log_memory == MAP_FAILED)
		fail_with(options.log);
	close(file);
}

/* Undo the quotas that programs have set, so that others can go on. */
static void restore_quotas(void)
{
	const uint32_t root = 0;
	int fd = request_open();

	request_quotas(fd, NULL, default_quotas);
	request_quotas(fd, &root, NULL);
	close(fd);
}

static void execute_programs(void)
{
	static const struct observer observer = { .begin = begin_coverage,
						  .covered = collect_coverage };
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &none);
	restore_quotas();
	if (!start_process(&observer))
		fail_with("fuzz: process");
}

static void execute_new(void)
{
	execute_programs();
	for (;;) {
		keep_found();
		slot->program = next_program(&slot->state);
		log_program(&slot->program);
		run_program(&slot->program);
		atomic_fetch_add(&shared->programs, 1);
	}
}

/* From the last program, which has grown out of others; a program that adds nothing is emptied. */
static void execute_corpus(void)
{
	unsigned int at, before;

	execute_programs();
	while ((at = atomic_load(&shared->left))) {
		atomic_store(&shared->left, --at);
		before = atomic_load(&shared->blocks);
		run_program(&shared->corpus[at]);
		if (atomic_load(&shared->blocks) == before)
			shared->corpus[at].count = 0;
	}
	_exit(0);
}

/* Until it dies, or for @life ms; whatever blocks in it is interrupted. */
static void watch_child(pid_t pid, int life)
{
	struct pollfd entry = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	unsigned int steps;

	do {
		steps = atomic_load(&slot->steps);
		if (poll(&entry, 1, life < TICK ? life : TICK))
			break;
		if (steps == atomic_load(&slot->steps))
			kill(-pid, SIGUSR1);
		life -= TICK;
	} while (life > 0);
	close(entry.fd);
}

/* In a process of its own, which dies after @life ms, with all that it has forked. */
static void run_in_child(void (*function)(void), int life)
{
	pid_t pid = fork();

	if (pid < 0)
		fail_with("fuzz: fork");
	if (!pid)
		function();
	setpgid(pid, pid);
	watch_child(pid, life);
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* All that it is there for is to end a call. */
static void handle_signal(int number)
{
	(void)number;
}

static void use_slot(unsigned int number)
{
	struct sigaction action = { .sa_handler = handle_signal };
	unsigned int i;

	sigaction(SIGUSR1, &action, NULL);	/* before a process that may be impatiently waited for */
	slot = &shared->slots[number];
	slot->number = number;
	slot->state = options.seed * 1000003 + number;
	if (options.log)
		open_log();
	for (i = 0; i < THREADS; i++)
		if (!kcov_open(&coverages[i]))
			coverages[i].file = -1;
}

static void run_workers(unsigned int number, uint64_t end)
{
	uint64_t deaths = ~options.seed * 1000003 + number;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	use_slot(number);
	while (read_seconds() < end) {
		run_in_child(execute_new, (int)draw_below(&deaths, LIFE));
		atomic_fetch_add(&shared->kills, 1);
		keep_found();
	}
}

static void load_programs(const char *path)
{
	FILE *file = fopen(path, "r");

	given = calloc(CORPUS_MAX, sizeof(*given));
	if (!file || !given)
		fail_with(path);
	while (given_count < CORPUS_MAX && parse_program(file, &given[given_count]))
		given_count++;
	fclose(file);
	printf("# %u programs in %s\n", given_count, path);
}

/* Those that it takes to reach all code that each of the corpus reaches by itself. */
static void write_corpus(void)
{
	FILE *file = fopen(options.out, "w");
	unsigned int i;

	if (!file)
		fail_with(options.out);
	use_slot(0);
	memset(shared->pcs, 0, sizeof(shared->pcs));
	atomic_store(&shared->left, atomic_load(&shared->corpus_count));
	while (atomic_load(&shared->left))
		run_in_child(execute_corpus, LIFE);
	for (i = 0; i < atomic_load(&shared->corpus_count); i++)
		if (shared->corpus[i].count)
			print_program(file, &shared->corpus[i]);
	fclose(file);
}

static void print_progress(uint64_t start)
{
	printf("%lu calls in %lu programs, in %lu processes that were killed, in %lu s; "
	       "%u blocks of code, %u programs in the corpus\n",
	       atomic_load(&shared->calls), atomic_load(&shared->programs),
	       atomic_load(&shared->kills), (unsigned long)(read_seconds() - start),
	       atomic_load(&shared->blocks), atomic_load(&shared->corpus_count));
	fflush(stdout);
}

static void options_get(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "s:j:t:c:o:l:r:")) != -1) {
		switch (option) {
		case 's': options.seed = strtoull(optarg, NULL, 0); break;
		case 'j': options.processes = (unsigned int)atoi(optarg) % (WORKERS_MAX + 1); break;
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

/* Common to all processes. */
static void prepare_run(void)
{
	struct ipcshm_info info;
	int device = open("/dev/ipcshm", O_RDWR | O_CLOEXEC);

	if (ioctl(device, IPCSHM_IOC_INFO, &info) || !request_prepare())
		fail_with("fuzz: /dev/ipcshm");
	close(device);
	memcpy(default_quotas, (uint64_t[]){ info.objects.max, info.region_bytes.max,
		info.queue_bytes.max, info.members.max, info.waiters.max, info.descriptors.max },
	       sizeof(default_quotas));
	shared = map_shared(sizeof(*shared));
	code = code_start();
	if (access("/sys/kernel/debug/kcov", W_OK))
		fprintf(stderr, "fuzz: the kernel has no KCOV: blind\n");
	if (options.replay || options.in)
		load_programs(options.replay ? options.replay : options.in);
}

int main(int argc, char **argv)
{
	uint64_t start = read_seconds(), printed = start, end;
	unsigned int i;

	options_get(argc, argv);
	prepare_run();
	end = read_seconds() + options.seconds;
	for (i = 0; i < options.processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail_with("fuzz: fork");
		if (!pid) {
			run_workers(i, end);
			_exit(0);
		}
	}
	while (read_seconds() < end) {
		sleep(1);
		if (read_seconds() < printed + PROGRESS)
			continue;
		print_progress(start);
		printed = read_seconds();
	}
	while (wait(NULL) > 0)
		;
	print_progress(start);
	if (options.out)
		write_corpus();
	return 0;
}
