/* SPDX-License-Identifier: GPL-2.0-only */
/* Users, groups and processes by their names. */
#ifndef INPUT_USER_H
#define INPUT_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_TEXT_MAX 33

/* The name, or the number of one that has none. */
void user_text(uint32_t uid, char text[USER_TEXT_MAX]);
void group_text(uint32_t gid, char text[USER_TEXT_MAX]);

/* A user by name or number: is there one? */
bool user_find(const char *word, uint32_t *uid);

/* What a process is called, "" if it is gone or not to be seen. */
void process_text(uint32_t pid, char *text, size_t size);

/* Whether it is a kernel thread, which has no descriptors. */
bool process_is_kernel(uint32_t pid);

/* The user whose process it is: is there such a process? */
bool process_user(uint32_t pid, uint32_t *uid);

#endif /* INPUT_USER_H */
