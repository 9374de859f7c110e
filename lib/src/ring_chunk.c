// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings of chunks: buffers that grow.  They are rings of records (ring-record.c)
 * whose bytes lie in chunks of the area, taken as they are needed.
 *
 *	data:	| map: the place of each chunk | place 0 | place 1 | ... up to the capacity
 *
 * The chunk of a position is number position / chunk size, and map[number % entries] is
 * the place where it lies.  The map has as many entries as there are places, and no
 * more chunks than that are in use, so that an entry is of one chunk at a time: of
 * those from the oldest record that isn't free to the newest.
 *
 * Only producers write the map, under their lock: who claims a record that goes up to the
 * next chunk gives that the lowest place that is none of those in use, before the
 * record can be seen.  If it dies between, the next does the same again.  A place is
 * free as soon as no chunk in use is there: nobody has to give it back.
 *
 * In a region, a place may be beyond the region's size: who adds the first chunk there
 * makes it grow.  Before a place is accessed, the handle asks the kernel how large the
 * region is, as far as it doesn't know: what the shared memory says of it may be a lie,
 * and the access a SIGBUS.
 */
#include "ring.h"

#define CHUNK_MIN	256U
#define PLACES_MAX	65536U

static const _Atomic uint32_t *map_of(const struct ipcshm_ring *ring)
{
	return ring->map;
}

static uint64_t places(const struct ipcshm_ring *ring)
{
	return ring->capacity >> ring->shift;
}

static unsigned char *place_at(const struct ipcshm_ring *ring, uint32_t place)
{
	return ring->data + ((uint64_t)place << ring->shift);
}

static uint32_t entry_of(const struct ipcshm_ring *ring, uint64_t number)
{
	uint64_t at = number & (places(ring) - 1);

	/* Pairs with ring_chunk_add(); it is the state of a record that orders them. */
	return atomic_load_explicit(&map_of(ring)[at], memory_order_acquire) &
	       (uint32_t)(places(ring) - 1);
}

/* How many bytes of the area exist. */
uint64_t ring_area_bytes(const struct ipcshm_area *area)
{
	struct ipcshm_region_stat stat;

	if (area->fd < 0)
		return area->size;
	if (ipcshm_region_stat(area->fd, &stat, sizeof(stat)))
		return 0;
	return stat.size < area->size ? stat.size : area->size;
}

static uint64_t end_in_area(const struct ipcshm_ring *ring, uint32_t place)
{
	const unsigned char *end = place_at(ring, place) + ring->mask + 1;

	return (uint64_t)(end - (const unsigned char *)ring->area->base);
}

/* Place 0 has always been there, and is what a lie leads to. */
unsigned char *ring_chunk_at(const struct ipcshm_ring *ring, uint64_t position)
{
	uint32_t place = entry_of(ring, position >> ring->shift);
	uint64_t end = end_in_area(ring, place);

	if (UNLIKELY(end > ring->known_bytes)) {
		/* What is known isn't what the caller means by a constant ring. */
		((struct ipcshm_ring *)ring)->known_bytes = ring_area_bytes(ring->area);
		if (end > ring->known_bytes)
			place = 0;
	}
	return place_at(ring, place);
}

/*
 * Makes a region so large that the memory before @end exists.  Never smaller: two that
 * do it at once ask for what each of them needs, and the region has more than the
 * smaller one, which is -EBUSY or what the other asks for once more.
 */
int ring_region_grow(const struct ipcshm_area *area, const void *end)
{
	uint64_t wanted = (uint64_t)((const unsigned char *)end - (unsigned char *)area->base);
	int tries, ret = 0;

	for (tries = 0; tries < 4 && wanted > ring_area_bytes(area); tries++)
		ret = ipcshm_region_resize(area->fd, wanted);
	return wanted <= ring_area_bytes(area) ? 0 : ret ? ret : -EBADMSG;
}

/* The lowest place where no chunk from number @first to @last lies; -EAGAIN: none. */
static int64_t free_place(const struct ipcshm_ring *ring, uint64_t first, uint64_t last)
{
	uint64_t used[PLACES_MAX / 64];
	uint64_t all = places(ring);
	uint64_t number;
	uint32_t place;

	if (last - first >= all)
		return -EAGAIN;
	memset(used, 0, (size_t)(all + 63) / 64 * sizeof(used[0]));
	for (number = first; number <= last; number++) {
		place = entry_of(ring, number);
		used[place / 64] |= 1ULL << place % 64;
	}
	for (place = 0; place < all; place++)
		if (!(used[place / 64] >> place % 64 & 1))
			return place;
	return -EAGAIN;
}

/*
 * With the producers' lock held: a chunk after the one that @tail is in.  @head: all
 * before that position is free.
 */
int ring_chunk_add(struct ipcshm_ring *ring, uint64_t head, uint64_t tail)
{
	uint64_t number = (tail >> ring->shift) + 1;
	int64_t place = free_place(ring, head >> ring->shift, number - 1);
	int ret;

	if (place < 0)
		return (int)place;
	ret = ring_region_grow(ring->area, place_at(ring, (uint32_t)place) + ring->mask + 1);
	if (ret)
		return ret;
	atomic_store_explicit((_Atomic uint32_t *)&map_of(ring)[number & (places(ring) - 1)],
			      (uint32_t)place, memory_order_release);
	return 0;
}

static uint64_t map_bytes(uint64_t entries)
{
	return (entries * sizeof(uint32_t) + RING_ALIGN - 1) & ~(uint64_t)(RING_ALIGN - 1);
}

/* The handle's shift and mask are those of a chunk. */
int ring_chunk_attach(struct ipcshm_ring *ring)
{
	ring->mask = ring->stride - 1;
	ring->shift = (uint32_t)__builtin_ctzll(ring->stride);
	ring->item_size = 0;
	ring->map = ring->data;
	ring->data += map_bytes(places(ring));
	ring->known_bytes = ring_area_bytes(ring->area);
	return end_in_area(ring, 0) > ring->known_bytes ? -EPROTO : 0;
}

int ring_chunk_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	uint64_t entries;

	if (attr->flags & IPCSHM_RING_OVERWRITE || attr->item_size < CHUNK_MIN ||
	    attr->item_size & (attr->item_size - 1) || attr->capacity <= attr->item_size)
		return -EINVAL;
	entries = attr->capacity / attr->item_size;
	if (entries > PLACES_MAX)
		return -EINVAL;
	*stride = attr->item_size;
	*bytes = map_bytes(entries) + attr->capacity;
	return 0;
}

/* Chunk 0 is at place 0; its first header is EMPTY. */
void ring_chunk_format(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride)
{
	uint64_t bytes = map_bytes(attr->capacity / stride);

	memset(data, 0, bytes + 16);
}
