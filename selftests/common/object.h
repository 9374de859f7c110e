/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of either kind, and the rights of users. */
#ifndef IPCSHM_OBJECT_H
#define IPCSHM_OBJECT_H

#include "test.h"

#define R		IPCSHM_READ
#define W		IPCSHM_WRITE
#define C		IPCSHM_CREATE
#define X		IPCSHM_EXCLUSIVE
#define P		IPCSHM_PERSISTENT
#define MESSAGE_MAX	64
#define MANY		65536	/* more objects than that take too long */

#define LEFT_TEXT	"text of an object"

/*
 * Calls that are the same for both kinds.
 */

int open_bytes(int device, enum ipcshm_kind kind, const void *name, size_t length, __u32 flags,
	       __u32 mode);
int open_kind(int device, enum ipcshm_kind kind, const char *name, __u32 flags, __u32 mode);
struct ipcshm_stat stat_of(enum ipcshm_kind kind, int fd);
int try_open(int device, enum ipcshm_kind kind, const char *name, __u32 flags);
void *map_descriptor(int fd, int protection);

/* Leaves the text in an object, and looks whether it is there. */

bool leave_text(enum ipcshm_kind kind, int fd);
bool has_text(enum ipcshm_kind kind, int fd);

/*
 * Users.  No other process has their numbers, so that the tests know their quotas.
 */
struct user {
	uid_t uid;
	gid_t gid, other_gid;	/* other_gid: a supplementary group, if not 0 */
};

struct user make_user(int which);
bool become_user(struct user user);

/* An attempt of a user; its result is 0 or an errno. */
struct attempt {
	int device;
	enum ipcshm_kind kind;
	const char *name;
	__u32 flags;
	bool unlink;
};

int attempt_open(const struct attempt *what);
int attempt_as(struct user user, const struct attempt *what);
int create_as(struct user user, int device, enum ipcshm_kind kind, const char *name, __u32 flags,
	      __u32 mode);
struct ipcshm_info info_of(struct user user, int device);

bool change_capabilities(__u64 keep);

#endif /* IPCSHM_OBJECT_H */
