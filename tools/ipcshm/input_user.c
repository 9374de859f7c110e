// SPDX-License-Identifier: GPL-2.0-only
/* Users, groups and processes by their names. */
#include "input_user.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last answer: a list of 100,000 objects asks for the same few, one after the other. */
struct answer {
	bool valid;
	uint32_t number;
	char text[USER_TEXT_MAX];
};

static bool is_known(const struct answer *answer, uint32_t number)
{
	return answer->valid && answer->number == number;
}

static void set_answer(struct answer *answer, uint32_t number, const char *name)
{
	answer->valid = true;
	answer->number = number;
	if (name)
		snprintf(answer->text, sizeof(answer->text), "%s", name);
	else
		snprintf(answer->text, sizeof(answer->text), "%u", number);
}

void user_text(uint32_t uid, char text[USER_TEXT_MAX])
{
	static struct answer last;

	if (!is_known(&last, uid)) {
		const struct passwd *user = getpwuid(uid);

		set_answer(&last, uid, user ? user->pw_name : NULL);
	}
	memcpy(text, last.text, sizeof(last.text));
}

void group_text(uint32_t gid, char text[USER_TEXT_MAX])
{
	static struct answer last;

	if (!is_known(&last, gid)) {
		const struct group *group = getgrgid(gid);

		set_answer(&last, gid, group ? group->gr_name : NULL);
	}
	memcpy(text, last.text, sizeof(last.text));
}

bool user_find(const char *word, uint32_t *uid)
{
	const struct passwd *user = getpwnam(word);
	unsigned long number;
	char *end;

	if (user) {
		*uid = user->pw_uid;
		return true;
	}
	errno = 0;
	number = strtoul(word, &end, 10);
	if (errno || *word < '0' || *word > '9' || *end || number >= UINT32_MAX)
		return false;
	*uid = (uint32_t)number;
	return true;
}

void process_text(uint32_t pid, char *text, size_t size)
{
	char path[32];
	FILE *file;

	*text = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(text, (int)size, file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

/* In linux/sched.h of the kernel; the flags are the ninth field of /proc/PID/stat. */
#define PF_KTHREAD 0x00200000U

bool process_is_kernel(uint32_t pid)
{
	char path[32], line[512];
	unsigned int flags = 0;
	const char *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* The name may hold blanks and brackets: what follows begins behind the last one. */
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		flags = 0;
	fclose(file);
	return flags & PF_KTHREAD;
}

bool process_user(uint32_t pid, uint32_t *uid)
{
	char path[32], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Uid: %" SCNu32, uid) == 1;
	fclose(file);
	return found;
}
