// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup.h"

bool write_file(const char *directory, const char *file, const char *text)
{
	char path[160];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* The number after a word in a file of one "WORD NUMBER" a line; or the first number, for "". */
long long read_number(const char *directory, const char *file, const char *word)
{
	char path[160], line[128];
	long long number = -1;
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream))
		if (!strncmp(line, word, strlen(word)) &&
		    sscanf(line + strlen(word), "%lld", &number))
			break;
	if (stream)
		fclose(stream);
	return number;
}

/* A memory cgroup with a limit; empty if memory cgroups are unavailable. */
struct test_name make_cgroup(const char *limit)
{
	struct test_name path = { "" };

	if (geteuid() || access(CGROUPS "/cgroup.subtree_control", W_OK))
		return path;
	write_file(CGROUPS, "cgroup.subtree_control", "+memory");
	snprintf(path.text, sizeof(path.text), CGROUPS "/ipcshm-test-%d", getpid());
	if (mkdir(path.text, 0700) || !write_file(path.text, "memory.max", limit)) {
		rmdir(path.text);
		path.text[0] = '\0';
	}
	return path;
}
