/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors in messages, and files to send. */
#ifndef IPCSHM_DESCRIPTORS_H
#define IPCSHM_DESCRIPTORS_H

#include "queue.h"

int send_fds(struct test_queue *queue, const int *fds, __u32 count);
int send_fd(struct test_queue *queue, int fd);
int receive_fds(struct test_queue *queue, int *fds, __u32 room);
bool is_closed(const struct signal_pipe *pipe);
__u64 used_descriptors(struct test_queue *queue);
int make_memory(void);
int make_file(void);
int make_process(void);
int make_closed(void);

#endif /* IPCSHM_DESCRIPTORS_H */
