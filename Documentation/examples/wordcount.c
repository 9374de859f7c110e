// SPDX-License-Identifier: GPL-2.0-only
/* wordcount WORKERS PASSES FILE...
 *
 * Count the words of the files with so many worker processes, and go over the
 * files so many times.  A queue hands the work out, piece by piece, to whichever
 * worker is free; each worker counts in a table of its own, in a region, so that
 * they never wait for one another; when all are done the parent adds them up.
 * Queue and region have no name: the workers inherit them.
 *
 * Prints "COUNT WORD" lines, and on standard error the time it took.
 */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "words.h"

#define PIECE	32768	/* bytes of a file that are one task */

struct task {
	off_t begin;	/* the words that begin from here */
	off_t end;	/* to before here */
	char path[256];
};

static void count(const struct task *task, struct word_table *table)
{
	FILE *file = fopen(task->path, "r");
	char text[WORD_LETTERS + 1];
	int c = ' ';

	if (!file || fseeko(file, task->begin ? task->begin - 1 : 0, SEEK_SET))
		die("open %s: %s", task->path, strerror(errno));
	/* A word that began before this piece is not for us. */
	if (task->begin)
		while (is_letter(c = getc_unlocked(file)))
			;
	while (c != EOF && ftello(file) < task->end) {
		int letters = 0;

		while (is_letter(c = getc_unlocked(file)))
			if (letters < WORD_LETTERS)
				text[letters++] = (char)(c | 0x20);	/* lower case */
		text[letters] = '\0';
		if (letters)
			word_add(table, text, 1);
	}
	if (ferror(file))
		die("read %s: %s", task->path, strerror(errno));
	fclose(file);
}

/* An empty message ends the work. */
static void work(int queue, struct word_table *table)
{
	struct task task;

	while (check(ipcshm_receive(queue, &task, sizeof(task), NULL, demo_deadline()),
		     "receive from", "the queue of tasks"))
		count(&task, table);
}

static void send_task(int queue, const void *task, size_t size)
{
	check(ipcshm_send(queue, task, size, 0, demo_deadline()), "send to", "the queue of tasks");
}

static void send_file(int queue, const char *path)
{
	struct task task = { 0 };
	struct stat file;

	if (stat(path, &file) || strlen(path) >= sizeof(task.path))
		die("open %s: %s", path, strerror(errno ? errno : ENAMETOOLONG));
	strcpy(task.path, path);
	for (; task.begin < file.st_size; task.begin += PIECE) {
		task.end = task.begin + PIECE;
		send_task(queue, &task, sizeof(task));
	}
}

int main(int argc, char **argv)
{
	unsigned int workers = argc > 3 ? (unsigned int)atoi(argv[1]) : 0;
	struct ipcshm_region_attr size = { .size = workers * sizeof(struct word_table) };
	struct ipcshm_queue_attr capacity = {
		.max_messages = 64,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = sizeof(struct task),
	};
	uint64_t start = ipcshm_deadline(0);
	struct word_table *tables;
	int device, region, queue, status;
	size_t mapped;

	if (!workers)
		die("usage: wordcount WORKERS PASSES FILE...");
	device = open_device();
	region = check(ipcshm_region_open(device, NULL, IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE,
					  0600, &size), "create", "the region of tables");
	queue = check(ipcshm_queue_open(device, NULL, IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE,
					0600, &capacity), "create", "the queue of tasks");
	check(ipcshm_region_map(region, IPCSHM_READ | IPCSHM_WRITE, (void **)&tables, &mapped),
	      "map", "the region of tables");

	for (unsigned int i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (pid == 0) {
			work(queue, &tables[i]);
			return EXIT_SUCCESS;
		}
	}
	for (int pass = 0; pass < atoi(argv[2]); pass++)
		for (int i = 3; i < argc; i++)
			send_file(queue, argv[i]);
	for (unsigned int i = 0; i < workers; i++)
		send_task(queue, NULL, 0);
	while (wait(&status) > 0)
		if (status)
			die("a worker failed, its words are missing");

	for (unsigned int i = 1; i < workers; i++)
		word_table_add(&tables[0], &tables[i]);
	fprintf(stderr, "%.3f s with %u workers\n",
		(double)(ipcshm_deadline(0) - start) / SECOND, workers);
	word_table_print(&tables[0]);
	return EXIT_SUCCESS;
}
