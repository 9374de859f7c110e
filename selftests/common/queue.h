/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue, and peers that send to it, receive from it and are blocked at it. */
#ifndef IPCSHM_QUEUE_H
#define IPCSHM_QUEUE_H

#include <poll.h>

#include "peer.h"

#define SENDERS		16	/* as many are blocked at a rendezvous instead */
#define DEPTH		64	/* messages that a queue of FIXTURE(queue) keeps */
#define SIZE		4096	/* of its largest message */
#define NOTHING		(~0ULL)	/* no value is */
#define MS		1000000ULL
#define SOON		ipcshm_deadline(WAIT_SECONDS * 1000 * MS)

/**
 * struct test_queue - a fixture's queue
 * @device: a descriptor of the device
 * @fd: a descriptor of the queue
 * @name: the name of the queue
 * @peers: the peers that were started at the queue
 */
struct test_queue {
	int device;
	int fd;
	struct test_name name;
	struct peers peers;
};

int queue_set_up(struct test_queue *queue, __u64 max_messages, __u64 max_bytes,
		 __u64 max_message_size);
int queue_set_up_attr(struct test_queue *queue, struct ipcshm_queue_attr attr, __u32 flags);
void queue_tear_down(struct test_queue *queue);
int queue_open_again(struct test_queue *queue, __u32 flags);
struct ipcshm_queue_stat queue_stat_now(struct test_queue *queue);

/* Calls of the test itself. */

struct ipcshm_transfer_args transfer_of(const void *data, size_t size);
int try_send(struct test_queue *queue, __u64 value, __u32 priority);
long try_receive(struct test_queue *queue, __u64 *value);
__u64 receive_value(struct test_queue *queue);
short poll_now(int fd);

/* Peers; the block functions return when the peer is blocked, or NULL if it isn't before long. */

struct peer *queue_start(struct test_queue *queue, void (*role)(struct peer *), struct peer how);
struct peer *block_sender_how(struct test_queue *queue, void (*role)(struct peer *),
			      struct peer how);
struct peer *block_receiver_how(struct test_queue *queue, void (*role)(struct peer *),
				struct peer how);
struct peer *block_sender(struct test_queue *queue, __u64 value, __u32 priority);
struct peer *block_receiver(struct test_queue *queue);
struct peer *block_receiver_with_handler(struct test_queue *queue,
						void (*role)(struct peer *), int sa_flags,
						__u64 deadline);
bool offer_value(struct test_queue *queue, __u64 value, __u32 priority);

/* Roles. */

void send_role(struct peer *peer);
void receive_role(struct peer *peer);
void write_role(struct peer *peer);
void read_role(struct peer *peer);
void poll_in_role(struct peer *peer);
void poll_out_role(struct peer *peer);

#endif /* IPCSHM_QUEUE_H */
