# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Calls of the C library for Python: ipcshm._ffi, which the compiler checks against the headers."""

from cffi import FFI

CONSTANTS = """
    IPCSHM_READ IPCSHM_WRITE IPCSHM_CREATE IPCSHM_EXCLUSIVE IPCSHM_PERSISTENT IPCSHM_NONBLOCK
    IPCSHM_POPULATE IPCSHM_HANGUP IPCSHM_HUGE IPCSHM_BY_ID IPCSHM_DEAD_LETTERS
    IPCSHM_TRUSTED IPCSHM_HANGUP_EARLY IPCSHM_CANCEL_UNDO
    IPCSHM_REGION IPCSHM_QUEUE
    IPCSHM_AREA_HEADER IPCSHM_EVENT_MANUAL IPCSHM_CELL_MAX
    IPCSHM_RING_SLOTS IPCSHM_RING_RECORDS IPCSHM_RING_PACKED IPCSHM_RING_CHUNKS
    IPCSHM_RING_MULTI_PRODUCER IPCSHM_RING_MULTI_CONSUMER IPCSHM_RING_OVERWRITE IPCSHM_RING_HANGUP
    IPCSHM_RING_PRODUCER IPCSHM_RING_CONSUMER
    IPCSHM_TOPIC_HEADER IPCSHM_TOPIC_TYPE_MAX IPCSHM_TOPIC_READ_ONLY IPCSHM_TOPIC_RELIABLE
    IPCSHM_SERVICE_RETRY IPCSHM_SERVICE_MORE IPCSHM_SERVICE_TYPE_MAX
    IPCSHM_TYPE_EQUAL IPCSHM_TYPE_NOT IPCSHM_TYPE_UP_TO
"""

DECLARATIONS = """
typedef int... mode_t;
typedef int... ssize_t;
static const uint64_t IPCSHM_FOREVER;
static const uint64_t IPCSHM_NOW;
static const uint64_t IPCSHM_FDS_MAX;
static const uint64_t IPCSHM_UNBOUNDED;

/* Objects. */

struct ipcshm_quota { uint64_t used; uint64_t max; ...; };
struct ipcshm_info {
    uint32_t abi_version;
    uint64_t features;
    uint64_t max_message_size;
    struct ipcshm_quota objects, region_bytes, queue_bytes, members, waiters, descriptors;
    ...;
};
struct ipcshm_stat {
    uint64_t id, btime;
    uint32_t uid, gid, mode, flags, kind, opens;
    ...;
};

int ipcshm_open(void);
int ipcshm_get_info(int device, struct ipcshm_info *info, size_t size);
int ipcshm_unlink(int device, uint32_t kind, const char *name);

/* Regions. */

struct ipcshm_region_attr {
    uint64_t size, id;
    uint32_t created, max_members;
    uint64_t max_size;
    uint32_t invalid;
    ...;
};
struct ipcshm_region_stat {
    struct ipcshm_stat stat;
    uint64_t size, max_size;
    uint32_t max_members, members, joins, deaths, waiters;
    uint64_t allocated;
    ...;
};
struct ipcshm_member { uint32_t token, pid, uid, maps; uint64_t joined; ...; };
struct ipcshm_region_member_args { uint32_t token, end, code, pid, uid, maps; uint64_t joined; ...; };

int ipcshm_region_open(int device, const char *name, uint32_t flags, mode_t mode,
                       struct ipcshm_region_attr *attr);
const char *ipcshm_region_invalid(const struct ipcshm_region_attr *attr);
int ipcshm_region_map(int fd, uint32_t access, void **address, size_t *size);
int ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size);
int ipcshm_region_resize(int fd, uint64_t bytes);
int ipcshm_region_revoke(int fd);
int ipcshm_region_self(int fd, uint32_t *token);
int ipcshm_region_member(int fd, uint32_t token, struct ipcshm_region_member_args *member);
int ipcshm_region_member_pidfd(int fd, uint32_t token);
int ipcshm_region_members(int fd, struct ipcshm_member *members, uint32_t count, size_t size);
int ipcshm_region_wait(int fd, uint64_t offset, uint32_t size, uint64_t expected, uint32_t deaths,
                       uint64_t deadline);
int ipcshm_region_wake(int fd, uint64_t offset, uint32_t count);
int ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected, uint32_t deaths);

/* Queues. */

struct ipcshm_queue_attr {
    uint64_t max_messages, max_bytes, max_message_size, id;
    uint32_t created, overflow;
    uint64_t pool_bytes;
    uint32_t invalid, max_deliveries;
    int32_t dead_letter_fd;
    ...;
};
struct ipcshm_queue_stat {
    struct ipcshm_stat stat;
    uint64_t max_messages, max_bytes, max_message_size, messages, bytes, senders, receivers, sent,
             received, dropped, peak_messages, peak_bytes, next_time, blocked_time, pool_bytes,
             pool_used, held, calls;
    uint32_t readers, writers, overflow;
    uint64_t stalls, unacknowledged, returns, dead_letters, dead_letter_id;
    ...;
};
struct ipcshm_message {
    uint64_t data, size, type;
    uint32_t priority, flags, pid, uid, gid, segments;
    uint64_t time, fds;
    uint32_t fd_count, returns;
    uint64_t request_id, ack_id;
    ...;
};

int ipcshm_queue_open(int device, const char *name, uint32_t flags, mode_t mode,
                      struct ipcshm_queue_attr *attr);
const char *ipcshm_queue_invalid(const struct ipcshm_queue_attr *attr);
int ipcshm_queue_get_stat(int fd, struct ipcshm_queue_stat *stat, size_t size);
int ipcshm_queue_set(int fd, uint64_t max_messages, uint64_t max_bytes);
int ipcshm_queue_set_busy_poll(int fd, uint32_t microseconds);
int ipcshm_queue_drain(int fd, uint64_t *messages);
int ipcshm_queue_move(int fd, int to_fd, uint32_t match, uint64_t type, uint64_t *messages);
int ipcshm_queue_wait_peer(int fd, uint64_t deadline);
int ipcshm_queue_cancel(int fd, uint32_t flags);
int ipcshm_queue_revoke(int fd);
int ipcshm_queue_map(int fd, const void **pool, size_t *size);
ssize_t ipcshm_receive_mapped(int fd, uint64_t *offset, struct ipcshm_message *message,
                              uint64_t deadline);
int ipcshm_release(int fd, const uint64_t *offsets, uint32_t count);
ssize_t ipcshm_receive_ack(int fd, struct ipcshm_message *message, uint64_t timeout,
                           uint64_t deadline);
int ipcshm_ack(int fd, const unsigned long long *ids, uint32_t count);
int ipcshm_nack(int fd, const unsigned long long *ids, uint32_t count);
int ipcshm_ack_extend(int fd, const unsigned long long *ids, uint32_t count, uint64_t timeout);

/* Areas. */

struct ipcshm_area { void *base; size_t size; int fd; ...; };

int ipcshm_area_open(struct ipcshm_area *area, int device, const char *name, uint32_t flags,
                     mode_t mode, struct ipcshm_region_attr *attr,
                     int (*init)(const struct ipcshm_area *area, void *data), void *data,
                     uint64_t deadline);
void ipcshm_area_close(struct ipcshm_area *area);
int ipcshm_area_init_region(struct ipcshm_area *area, int fd, void *base, size_t size);
int ipcshm_area_init_futex(struct ipcshm_area *area, void *base, size_t size, void *members);
void ipcshm_area_destroy(struct ipcshm_area *area);
uint32_t ipcshm_area_token(const struct ipcshm_area *area);
bool ipcshm_area_is_alive(const struct ipcshm_area *area, uint32_t token);
uint32_t ipcshm_area_deaths(const struct ipcshm_area *area);

/* Mutexes, conditions and events. */

struct ipcshm_mutex { ...; };
struct ipcshm_cond { ...; };
struct ipcshm_event { ...; };

void ipcshm_mutex_init(struct ipcshm_mutex *mutex);
int ipcshm_mutex_lock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex,
                      uint64_t deadline);
int ipcshm_mutex_trylock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);
int ipcshm_mutex_consistent(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);
int ipcshm_mutex_unlock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);
void ipcshm_cond_init(struct ipcshm_cond *cond);
int ipcshm_cond_wait(const struct ipcshm_area *area, struct ipcshm_cond *cond,
                     struct ipcshm_mutex *mutex, uint32_t deaths, uint64_t deadline);
int ipcshm_cond_signal(const struct ipcshm_area *area, struct ipcshm_cond *cond);
int ipcshm_cond_broadcast(const struct ipcshm_area *area, struct ipcshm_cond *cond);
int ipcshm_event_init(struct ipcshm_event *event, uint32_t flags);
int ipcshm_event_set(const struct ipcshm_area *area, struct ipcshm_event *event);
int ipcshm_event_reset(struct ipcshm_event *event);
int ipcshm_event_wait(const struct ipcshm_area *area, struct ipcshm_event *event, uint32_t deaths,
                      uint64_t deadline);

/* Cells. */

struct ipcshm_cell { ...; };

int ipcshm_cell_init(struct ipcshm_cell *cell, size_t size, const void *value);
int ipcshm_cell_read(const struct ipcshm_area *area, const struct ipcshm_cell *cell, void *value,
                     size_t size, uint64_t *version);
int ipcshm_cell_write(const struct ipcshm_area *area, struct ipcshm_cell *cell, const void *value,
                      size_t size, uint64_t deadline);
int ipcshm_cell_replace(const struct ipcshm_area *area, struct ipcshm_cell *cell,
                        const void *value, size_t size, uint64_t version, uint64_t deadline);
int ipcshm_cell_wait(const struct ipcshm_area *area, struct ipcshm_cell *cell, uint64_t version,
                     uint64_t deadline);
int ipcshm_cell_arm(const struct ipcshm_area *area, struct ipcshm_cell *cell, uint64_t version,
                    int fd);

/* Rings. */

struct ipcshm_ring_attr { uint32_t layout, flags; uint64_t capacity; uint32_t item_size, handles; ...; };
struct ipcshm_ring_status {
    struct ipcshm_ring_attr attr;
    uint64_t put, got, dropped, skipped, returned, wakes, sleeps;
    uint32_t producers, consumers;
    ...;
};
struct ipcshm_ring { ...; };

int ipcshm_ring_size(const struct ipcshm_ring_attr *attr, size_t *size);
int ipcshm_ring_create(const struct ipcshm_area *area, uint64_t offset,
                       const struct ipcshm_ring_attr *attr);
int ipcshm_ring_open(struct ipcshm_ring *ring, struct ipcshm_area *area, int device,
                     const char *name, uint32_t flags, mode_t mode,
                     const struct ipcshm_ring_attr *attr, uint32_t side, uint64_t deadline);
int ipcshm_ring_attach(struct ipcshm_ring *ring, const struct ipcshm_area *area, uint64_t offset,
                       uint32_t side);
void ipcshm_ring_detach(struct ipcshm_ring *ring);
int ipcshm_ring_put(struct ipcshm_ring *ring, const void *data, size_t size, uint64_t deadline);
ssize_t ipcshm_ring_get(struct ipcshm_ring *ring, void *data, size_t size, uint64_t deadline);
int ipcshm_ring_reserve(struct ipcshm_ring *ring, size_t size, void **data, uint64_t deadline);
int ipcshm_ring_commit(struct ipcshm_ring *ring, size_t size);
int ipcshm_ring_discard(struct ipcshm_ring *ring);
ssize_t ipcshm_ring_peek(struct ipcshm_ring *ring, const void **data, uint64_t deadline);
int ipcshm_ring_release(struct ipcshm_ring *ring);
ssize_t ipcshm_ring_put_burst(struct ipcshm_ring *ring, const void *items, size_t count,
                              uint64_t deadline);
ssize_t ipcshm_ring_get_burst(struct ipcshm_ring *ring, void *items, size_t count,
                              uint64_t deadline);
int ipcshm_ring_set_busy_poll(struct ipcshm_ring *ring, uint32_t nanoseconds);
int ipcshm_ring_fd(const struct ipcshm_ring *ring);
int ipcshm_ring_arm(struct ipcshm_ring *ring, int fd);
int ipcshm_ring_wait_peer(struct ipcshm_ring *ring, uint64_t deadline);
int ipcshm_ring_get_stat(const struct ipcshm_ring *ring, struct ipcshm_ring_status *status,
                         size_t size);

/* Topics. */

struct ipcshm_topic_attr {
    uint64_t max_sample_size;
    uint32_t history, publishers, subscribers, max_held, max_loans, samples, type_version;
    char type[64];
    ...;
};
struct ipcshm_sample {
    void *data;
    void *header;
    uint64_t size, position, number, time, missed;
    uint32_t publisher, index;
};
struct ipcshm_topic { ...; };
struct ipcshm_publisher { ...; };
struct ipcshm_subscriber { ...; };
struct ipcshm_topic_stat {
    struct ipcshm_topic_attr attr;
    uint64_t published;
    uint32_t publishers, subscribers, reliable, held;
    uint64_t lag, missed;
    ...;
};

int ipcshm_topic_size(const struct ipcshm_topic_attr *attr, size_t *control, size_t *samples);
int ipcshm_topic_create(const struct ipcshm_area *area, uint64_t offset,
                        const struct ipcshm_topic_attr *attr);
int ipcshm_topic_attach(struct ipcshm_topic *topic, const struct ipcshm_area *area, uint64_t offset,
                        void *samples, size_t size, struct ipcshm_topic_attr *attr);
int ipcshm_topic_open(struct ipcshm_topic *topic, int device, const char *name, uint32_t flags,
                      mode_t mode, struct ipcshm_topic_attr *attr, uint64_t deadline);
void ipcshm_topic_close(struct ipcshm_topic *topic);
int ipcshm_topic_wait(const struct ipcshm_topic *topic, uint32_t publishers, uint32_t subscribers,
                      uint64_t deadline);
int ipcshm_topic_get_stat(const struct ipcshm_topic *topic, struct ipcshm_topic_stat *stat,
                          size_t size);
int ipcshm_topic_fd(const struct ipcshm_topic *topic, int device);
int ipcshm_publisher_attach(struct ipcshm_publisher *publisher, const struct ipcshm_topic *topic);
void ipcshm_publisher_detach(struct ipcshm_publisher *publisher);
int ipcshm_publisher_loan(struct ipcshm_publisher *publisher, uint64_t size,
                          struct ipcshm_sample *sample, uint64_t deadline);
int ipcshm_publisher_publish(struct ipcshm_publisher *publisher, const struct ipcshm_sample *sample,
                             uint64_t deadline);
int ipcshm_publisher_discard(struct ipcshm_publisher *publisher,
                             const struct ipcshm_sample *sample);
int ipcshm_publisher_send(struct ipcshm_publisher *publisher, const void *data, uint64_t size,
                          uint64_t deadline);
int ipcshm_subscriber_attach(struct ipcshm_subscriber *subscriber, const struct ipcshm_topic *topic,
                             uint32_t flags, uint32_t history);
void ipcshm_subscriber_detach(struct ipcshm_subscriber *subscriber);
int ipcshm_subscriber_take(struct ipcshm_subscriber *subscriber, struct ipcshm_sample *sample,
                           uint64_t deadline);
int ipcshm_subscriber_latest(struct ipcshm_subscriber *subscriber, struct ipcshm_sample *sample);
int ipcshm_subscriber_release(struct ipcshm_subscriber *subscriber,
                              const struct ipcshm_sample *sample);
int ipcshm_subscriber_arm(struct ipcshm_subscriber *subscriber, int fd);
int ipcshm_subscriber_set_busy_poll(struct ipcshm_subscriber *subscriber, uint32_t nanoseconds);

/* Services. */

struct ipcshm_service_attr {
    uint64_t max_request_size, max_reply_size;
    uint32_t clients, servers, max_calls, max_held, max_replies, request_version, reply_version;
    char request_type[64];
    char reply_type[64];
    ...;
};
struct ipcshm_service_request {
    void *data;
    uint64_t size, id, time;
    uint32_t client, attempt, flags, index;
};
struct ipcshm_service_reply {
    void *data;
    uint64_t size, id, number;
    int32_t status;
    uint32_t server, attempt, last, index;
    ...;
};
struct ipcshm_service { ...; };
struct ipcshm_client { ...; };
struct ipcshm_server { ...; };
struct ipcshm_service_stat {
    struct ipcshm_service_attr attr;
    uint64_t calls, replies, retried, dropped;
    uint32_t clients, servers, waiting, taken;
    ...;
};

int ipcshm_service_size(const struct ipcshm_service_attr *attr, size_t *size);
int ipcshm_service_create(const struct ipcshm_area *area, uint64_t offset,
                          const struct ipcshm_service_attr *attr);
int ipcshm_service_attach(struct ipcshm_service *service, const struct ipcshm_area *area,
                          uint64_t offset, struct ipcshm_service_attr *attr);
int ipcshm_service_open(struct ipcshm_service *service, int device, const char *name,
                        uint32_t flags, mode_t mode, struct ipcshm_service_attr *attr,
                        uint64_t deadline);
void ipcshm_service_close(struct ipcshm_service *service);
int ipcshm_service_fd(const struct ipcshm_service *service, int device);
int ipcshm_service_wait(const struct ipcshm_service *service, uint32_t clients, uint32_t servers,
                        uint64_t deadline);
int ipcshm_service_get_stat(const struct ipcshm_service *service, struct ipcshm_service_stat *stat,
                            size_t size);
int ipcshm_client_attach(struct ipcshm_client *client, const struct ipcshm_service *service);
void ipcshm_client_detach(struct ipcshm_client *client);
int ipcshm_client_loan(struct ipcshm_client *client, uint64_t size,
                       struct ipcshm_service_request *request, uint64_t deadline);
int ipcshm_client_call(struct ipcshm_client *client, struct ipcshm_service_request *request,
                       uint32_t flags);
int ipcshm_client_discard(struct ipcshm_client *client,
                          const struct ipcshm_service_request *request);
int ipcshm_client_take(struct ipcshm_client *client, uint64_t id,
                       struct ipcshm_service_reply *reply, uint64_t deadline);
int ipcshm_client_release(struct ipcshm_client *client, const struct ipcshm_service_reply *reply);
int ipcshm_client_cancel(struct ipcshm_client *client, uint64_t id);
int ipcshm_client_arm(struct ipcshm_client *client, int fd);
int ipcshm_server_attach(struct ipcshm_server *server, const struct ipcshm_service *service);
void ipcshm_server_detach(struct ipcshm_server *server);
int ipcshm_server_take(struct ipcshm_server *server, struct ipcshm_service_request *request,
                       uint64_t deadline);
int ipcshm_server_loan(struct ipcshm_server *server, const struct ipcshm_service_request *request,
                       uint64_t size, struct ipcshm_service_reply *reply, uint64_t deadline);
int ipcshm_server_reply(struct ipcshm_server *server, const struct ipcshm_service_request *request,
                        const struct ipcshm_service_reply *reply, uint32_t flags);
int ipcshm_server_return(struct ipcshm_server *server,
                         const struct ipcshm_service_request *request);
int ipcshm_server_arm(struct ipcshm_server *server, int fd);

/* Memory. */

int munmap(void *address, size_t size);
void *map_anonymous(size_t size);
extern "Python" int python_init(const struct ipcshm_area *area, void *data);
"""

SOURCE = """
#include <ipcshm-cell.h>
#include <ipcshm-cond.h>
#include <ipcshm-event.h>
#include <ipcshm-ring.h>
#include <ipcshm-service.h>
#include <ipcshm-topic.h>
#include <ipcshm.h>
#include <sys/mman.h>

static void *map_anonymous(size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return address == MAP_FAILED ? NULL : address;
}
"""

ffi = FFI()
ffi.cdef("".join(f"#define {name} ...\n" for name in CONSTANTS.split()) + DECLARATIONS)
ffi.set_source("ipcshm._ffi", SOURCE, libraries=["ipcshm"])

if __name__ == "__main__":
    ffi.compile(verbose=True)
