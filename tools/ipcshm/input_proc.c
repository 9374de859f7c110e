// SPDX-License-Identifier: GPL-2.0-only
/* Processes with descriptors of objects, from /proc. */
#include "input_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input_user.h"
#include "names.h"
#include "parse.h"

/* The kernel's own lines and ours: a name has at most 255 bytes, each written as four. */
#define FDINFO_MAX 4096

static void set_attribute(struct holder *holder, enum holder_attribute attribute)
{
	holder->has |= 1ULL << attribute;
}

/* "\ooo" is a byte. */
static void read_name(const char *value, struct holder *holder)
{
	size_t length = 0;
	unsigned int byte;

	while (*value && length < IPCSHM_NAME_MAX) {
		if (sscanf(value, "\\%3o", &byte) == 1) {
			holder->name[length++] = (char)byte;
			value += 4;
		} else {
			holder->name[length++] = *value++;
		}
	}
	holder->name[length] = '\0';
	set_attribute(holder, HOLDER_NAME);
}

static void read_number(const char *value, uint64_t *number, struct holder *holder,
			enum holder_attribute attribute)
{
	if (parse_number(value, number))
		set_attribute(holder, attribute);
}

static void read_kind(const char *value, struct holder *holder)
{
	int kind = number_of(holder_kind_names, value, strlen(value));

	if (kind < 0)
		return;
	holder->kind = (uint32_t)kind;
	set_attribute(holder, HOLDER_KIND);
}

static void read_line(const char *key, const char *value, struct holder *holder)
{
	if (!strcmp(key, "flags")) {
		holder->access = (uint32_t)strtoul(value, NULL, 8) & O_ACCMODE;
		set_attribute(holder, HOLDER_ACCESS);
	} else if (!strcmp(key, "ipcshm-kind")) {
		read_kind(value, holder);
	} else if (!strcmp(key, "ipcshm-id")) {
		read_number(value, &holder->id, holder, HOLDER_ID);
	} else if (!strcmp(key, "ipcshm-name")) {
		read_name(value, holder);
	} else if (!strcmp(key, "ipcshm-held")) {
		read_number(value, &holder->held, holder, HOLDER_HELD);
	} else if (!strcmp(key, "ipcshm-calls")) {
		read_number(value, &holder->calls, holder, HOLDER_CALLS);
	}
}

bool proc_parse(char *text, struct holder *holder)
{
	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		char *value = strchr(line, '\t');

		if (!value || value == line || value[-1] != ':')
			continue;
		value[-1] = '\0';
		read_line(line, value + 1, holder);
	}
	return holder->has >> HOLDER_KIND & 1;
}

static bool is_number(const char *name)
{
	return *name >= '0' && *name <= '9';
}

/* One descriptor: 1 if it is an object's or the device's, 0 if not or if it is gone, or -errno. */
static int read_descriptor(int dir, const char *name, struct holder *holder)
{
	char text[FDINFO_MAX];
	int file = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		return errno == ENOENT ? 0 : -errno;
	length = read(file, text, sizeof(text) - 1);
	close(file);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	return proc_parse(text, holder);
}

static void add_process(struct holder *holder, uint32_t pid, const char *fd)
{
	holder->pid = pid;
	set_attribute(holder, HOLDER_PID);
	holder->fd = (uint32_t)strtoul(fd, NULL, 10);
	set_attribute(holder, HOLDER_FD);
	if (process_user(pid, &holder->uid))
		set_attribute(holder, HOLDER_UID);
	process_text(pid, holder->process, sizeof(holder->process));
	if (*holder->process)
		set_attribute(holder, HOLDER_PROCESS);
}

struct walk {
	int (*each)(const struct holder *holder, void *data);
	void *data;
	size_t hidden;
};

static int walk_descriptors(struct walk *walk, DIR *dir, uint32_t pid)
{
	struct dirent *entry;
	int result = 0;

	while (result >= 0 && (entry = readdir(dir))) {
		struct holder holder = { .has = 0 };

		if (!is_number(entry->d_name))
			continue;
		result = read_descriptor(dirfd(dir), entry->d_name, &holder);
		if (result <= 0)
			continue;
		add_process(&holder, pid, entry->d_name);
		result = walk->each(&holder, walk->data);
		if (result < 0)
			return result;
	}
	walk->hidden += result < 0 && !process_is_kernel(pid);
	return 0;
}

static int walk_process(struct walk *walk, uint32_t pid)
{
	char path[32];
	DIR *dir;
	int err;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo", pid);
	dir = opendir(path);
	if (!dir) {
		walk->hidden += errno == EACCES && !process_is_kernel(pid);
		return errno == EMFILE || errno == ENOMEM ? -errno : 0;
	}
	err = walk_descriptors(walk, dir, pid);
	closedir(dir);
	return err;
}

int proc_holders(int (*each)(const struct holder *holder, void *data), void *data, size_t *hidden)
{
	struct walk walk = { each, data, 0 };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (is_number(entry->d_name))
			err = walk_process(&walk, (uint32_t)strtoul(entry->d_name, NULL, 10));
	closedir(dir);
	*hidden = walk.hidden;
	return err;
}
