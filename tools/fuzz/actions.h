/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls other than ioctls on the module's objects and requests. */
#ifndef ACTIONS_H
#define ACTIONS_H

#include <stdint.h>

/* Each makes its call on a descriptor or the number of a mapping, with the values at @v. */
void run_open(int fd, const uint64_t *v);
void run_close(int fd, const uint64_t *v);
void run_dup(int fd, const uint64_t *v);
void run_mmap(int fd, const uint64_t *v);
void run_munmap(int map, const uint64_t *v);
void run_mprotect(int map, const uint64_t *v);
void run_mremap(int map, const uint64_t *v);
void run_madvise(int map, const uint64_t *v);
void run_store(int map, const uint64_t *v);
void run_raw(int fd, const uint64_t *v);
void run_read(int fd, const uint64_t *v);
void run_write(int fd, const uint64_t *v);
void run_pwrite(int fd, const uint64_t *v);
void run_poll(int fd, const uint64_t *v);
void run_fallocate(int fd, const uint64_t *v);
void run_seal(int fd, const uint64_t *v);
void run_fchmod(int fd, const uint64_t *v);
void run_flags(int fd, const uint64_t *v);
void run_fork(int fd, const uint64_t *v);
void run_namespace(int fd, const uint64_t *v);
void run_become(int fd, const uint64_t *v);
void run_fail(int none, const uint64_t *v);
void run_uring(int fd, const uint64_t *v);
void run_renew(int none, const uint64_t *v);
void run_socket(int none, const uint64_t *v);
void run_subscribe(int fd, const uint64_t *v);

#endif /* ACTIONS_H */
