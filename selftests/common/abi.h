/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A valid call of every ioctl, the objects that it is made on, and snapshots of everything that can
 * be seen of them. A call that fails must leave the snapshot as it was.
 */
#ifndef IPCSHM_ABI_H
#define IPCSHM_ABI_H

#include <stddef.h>

#include "test.h"

#define SIZE_MAX_IOC	((1U << _IOC_SIZEBITS) - 1)
#define MESSAGE_MAX	64	/* of the queue under test */
#define NAME_LEN	11	/* of the names under test, so that less than that is another */
#define CAPACITY	4
#define BATCH		2	/* messages in an array of them */
#define MAX_PAGES	4	/* the largest size of the region under test */
#define MAX_MEMBERS	4	/* of it */
#define WORDS		3	/* of it, in a call that waits on several */
#define KERNEL_ADDRESS	(-4096L)
#define HOLE_ADDRESS	(1LL << 62)	/* beyond the pages of any machine */

enum form {
#define FORM(form, ...) form,
#include "forms.h"
	FORMS
};

enum target { DEVICE, REGION, QUEUE, TARGETS };

/* The effects of a valid form; the first two exclude each other. */
#define OUT	0x01	/* writes to its structure */
#define ALL_OUT	0x02	/* does nothing else with it */
#define EFFECT	0x04	/* on what a snapshot shows */
#define ASKS	0x08	/* another process, before it answers: its effects stay */

struct form_facts {
	unsigned long number;
	const char *structure;	/* its name, without the prefix */
	size_t size, least;
	enum target target;
	unsigned int does;
	int answer;		/* if that isn't 0 or a descriptor */
	const void *arguments;	/* that succeed; NULL: fill_args() makes them up */
};

extern const struct form_facts forms[FORMS];

/* A member of a structure; the last has no structure. */
struct member {
	const char *structure, *name;
	size_t at, size;
};

extern const struct member members[];

union args {
	struct ipcshm_info info;
	struct ipcshm_region_open_args region_open;
	struct ipcshm_queue_open_args queue_open;
	struct ipcshm_unlink_args unlink;
	struct ipcshm_region_stat region_stat;
	struct ipcshm_region_self_args self;
	struct ipcshm_region_member_args member;
	struct ipcshm_region_members_args members;
	struct ipcshm_region_wait_args wait;
	struct ipcshm_region_waitv_args waitv;
	struct ipcshm_region_wake_args wake;
	struct ipcshm_region_requeue_args requeue;
	struct ipcshm_region_watch_args watch;
	struct ipcshm_region_resize_args resize;
	struct ipcshm_region_revoke_args revoke;
	struct ipcshm_queue_stat queue_stat;
	struct ipcshm_transfer_args transfer;
	struct ipcshm_batch_args batch;
	struct ipcshm_call_args call;
	struct ipcshm_reply_args reply;
	struct ipcshm_queue_release_args release;
	struct ipcshm_queue_ack_args ack;
	struct ipcshm_queue_move_args move;
	struct ipcshm_queue_set_args set;
	struct ipcshm_queue_busy_poll_args spin;
	struct ipcshm_queue_drain_args drain;
	struct ipcshm_queue_revoke_args queue_revoke;
	char bytes[1 << _IOC_SIZEBITS];
};

/* The objects of the calls. */
struct world {
	int device;
	int fd[TARGETS];
	struct test_name name;		/* of a region and of a queue, when there is one */
	char room[MESSAGE_MAX];
	struct ipcshm_message messages[BATCH];
	__u64 request_id;			/* of a request that was received */
	__u64 offset;			/* of a message that is held */
	__u64 ack_id;			/* of a message that is leased */
	pid_t other;			/* process that awaits or sends a reply; 0: none */
	struct ipcshm_member members[MAX_MEMBERS];
	struct ipcshm_region_word words[WORDS];
	void *memory;			/* the region's: to be a member of it */
	char *edge;			/* the first byte after writable memory */
	union args *args;
};

#define PAYLOAD	"payload"

int become_unique_user(void);
__u64 system_page_size(void);
void *map_anonymous(size_t pages, int protection);
char *map_edge(size_t pages);
int open_growing(struct world *world, __u32 flags);
void *map_growing(int fd);
int open_pooled(struct world *world, __u32 flags);
bool world_begin(struct world *world);
void renew_region(struct world *world);
void renew_queue(struct world *world);
void dismiss_other(struct world *world);
void world_forget_names(struct world *world);
void world_end(struct world *world);

/* The arguments with which a form succeeds. */

struct ipcshm_open_how open_form(struct world *world, bool named, __u32 flags, __u32 mode);
void fill_region(struct world *world, enum form form, struct ipcshm_region_open_args *args);
void fill_queue(struct world *world, enum form form, struct ipcshm_queue_open_args *args);
struct ipcshm_message message_to_send(void);
struct ipcshm_message message_to_receive(struct world *world);
void fill_transfer(struct world *world, enum form form, struct ipcshm_transfer_args *args);
void fill_batch(struct world *world, enum form form, struct ipcshm_batch_args *args);
void fill_call(struct world *world, enum form form, struct ipcshm_call_args *args);
void fill_on_queue(struct world *world, enum form form, union args *args);
void fill_on_device(struct world *world, enum form form, union args *args);
void fill_on_region(struct world *world, enum form form, union args *args);
void fill_args(struct world *world, enum form form, union args *args);

/* The state in which a form succeeds. */

int transfer_message(struct world *world, enum form form);
void drain_queue(struct world *world);
void create_persistent(struct world *world, enum form form);
void reset_region(struct world *world);
void reset_queue(struct world *world);
void start_other(struct world *world, enum form form);
void await_request(struct world *world);
void await_server(struct world *world);
void hold_message(struct world *world);
void prepare_queue(struct world *world, enum form form);
void prepare_world(struct world *world, enum form form);

/* All that a call could have an effect on. */
struct snapshot {
	struct ipcshm_info info;
	struct ipcshm_region_stat region;
	struct ipcshm_queue_stat queue;
	int region_there, queue_there;
	int region_events, queue_events;
	int next_fd;
};

int is_there(struct world *world, enum form form);
int events_of(int fd);
struct snapshot take_snapshot(struct world *world);
bool is_same_snapshot(const struct snapshot *a, const struct snapshot *b);
unsigned long resize_number(unsigned long number, size_t size);
unsigned long redirect_number(unsigned long number, unsigned int direction);
bool opens_object(unsigned long number);
void close_answer(unsigned long number, int result);
bool call_fails(struct world *world, int fd, unsigned long number, void *args, int error);
bool call_is_refused(struct world *world, int fd, unsigned long number, union args *args,
		     int error);
bool call_succeeds(struct world *world, enum form form, unsigned long number, void *args);

/* One member changed in a form's valid arguments, and the result. */
struct change {
	enum form form;
	size_t offset, size;
	__u64 value;
	int error;
};

#define CHANGE(form, type, member, value, error)			\
	{ form, offsetof(struct ipcshm_##type, member),			\
	  sizeof(((struct ipcshm_##type *)0)->member), value, error }

void apply_change(union args *args, const struct change *change);
bool is_refused(struct world *world, const struct change *change);

#define R		IPCSHM_READ
#define W		IPCSHM_WRITE
#define C		IPCSHM_CREATE
#define X		IPCSHM_EXCLUSIVE
#define P		IPCSHM_PERSISTENT
#define N		IPCSHM_NONBLOCK
#define NOWHERE		((__u64)KERNEL_ADDRESS)
#define BEYOND		(1U << 20)	/* the end of the region under test */

#define EITHER_TRANSFER(member, value, error)				\
	CHANGE(SEND, transfer_args, member, value, error),			\
	CHANGE(RECEIVE, transfer_args, member, value, error)

#define EITHER_BATCH(member, value, error)				\
	CHANGE(SEND_BATCH, batch_args, member, value, error),		\
	CHANGE(RECEIVE_BATCH, batch_args, member, value, error)

#define EITHER_CALL(member, value, error)				\
	CHANGE(CALL, call_args, member, value, error),			\
	CHANGE(REPLY_RECEIVE, call_args, member, value, error)

size_t count_accepted(struct world *world, const struct change *changes, size_t count);

#define EXPECT_REFUSED(changes)						\
	EXPECT_EQ(0, count_accepted(&self->world, changes, ARRAY_SIZE(changes)))

#endif /* IPCSHM_ABI_H */
