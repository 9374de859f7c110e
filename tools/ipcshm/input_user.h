/* SPDX-License-Identifier: GPL-2.0-only */
/* Users, groups and processes by their names. */
#ifndef INPUT_USER_H
#define INPUT_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_TEXT_MAX 33

/* Write the name, or the number if none is known. */
void user_text(uint32_t uid, char text[USER_TEXT_MAX]);
void group_text(uint32_t gid, char text[USER_TEXT_MAX]);

/* Find a user by name or number.  False: no such user. */
bool user_find(const char *word, uint32_t *uid);

/* Write the name of a process, "" if the process is gone or hidden. */
void process_text(uint32_t pid, char *text, size_t size);

/* Return whether a process is a kernel thread, which has no descriptors. */
bool process_is_kernel(uint32_t pid);

/* Find the user of a process.  False: no such process. */
bool process_user(uint32_t pid, uint32_t *uid);

#endif /* INPUT_USER_H */
