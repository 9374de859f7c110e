// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings of chunks: buffers that grow.  They are rings of records of many
 * (ring_record_multi.h) whose segments lie in the area one by one, taken as they are needed.
 *
 *	data:	| map: an entry for each chunk | place 0 | place 1 | ... up to the capacity
 *
 *	       63        33 32     16 15     0
 *	entry: | number    | fresh   | place  |
 *
 * Chunks have numbers from 1 on.  The entry of chunk number N is map[N % places]: the place
 * where it lies, and how many places were taken as fresh ones up to then.  The map has as
 * many entries as there are places.  Chunk N lies where chunk N - fresh lay if that is
 * wholly free (each place is used again in the order in which it became free), else at the next
 * fresh place.  A producer writes the entry by one compare and exchange, and whichever
 * producer is first decides; nothing has to be given back or recovered.
 *
 * In a region, a place may be beyond the region's size: the producer that adds the first chunk
 * there makes the region grow.  Before a place is accessed, the handle asks the kernel how
 * large the region is, as far as it doesn't know: the shared memory may hold anything, and
 * the access may be a SIGBUS.
 */
#include "ring.h"

#define CHUNK_MIN	256U
#define PLACES_MAX	65536U
#define CHUNK_GRANULE	32U

#define PLACE_BITS	16
#define FRESH_BITS	17
#define NUMBER_SHIFT	(PLACE_BITS + FRESH_BITS)

typedef _Atomic uint64_t entry_t;

/* Its granules, and a word for each. */
static uint64_t place_bytes(uint64_t chunk)
{
	return chunk + chunk / CHUNK_GRANULE * sizeof(uint64_t);
}

static uint64_t count_places(const struct ring *ring)
{
	return ring->capacity / ring->stride;
}

static entry_t *entry_at(const struct ring *ring, uint64_t number)
{
	return (entry_t *)ring->map + (number & (count_places(ring) - 1));
}

static uint64_t load_entry(entry_t *entry)
{
	/* Pairs with ring_chunk_add(). */
	return atomic_load_explicit(entry, memory_order_acquire);
}

static uint64_t make_entry(uint64_t number, uint64_t fresh, uint64_t place)
{
	return number << NUMBER_SHIFT | fresh << PLACE_BITS | place;
}

static bool is_of(uint64_t entry, uint64_t number)
{
	return !((entry ^ number << NUMBER_SHIFT) >> NUMBER_SHIFT);
}

static uint64_t fresh_of(uint64_t entry)
{
	return entry >> PLACE_BITS & ((1U << FRESH_BITS) - 1);
}

static uint64_t place_of(const struct ring *ring, uint64_t entry)
{
	return entry & (count_places(ring) - 1);
}

static unsigned char *place_at(const struct ring *ring, uint64_t place)
{
	return ring->data + place * place_bytes(ring->stride);
}

/* How many bytes of the area exist. */
uint64_t ring_area_bytes(const struct ipcshm_area *area)
{
	struct ipcshm_region_stat stat;

	if (area->fd < 0)
		return area->size;
	if (ipcshm_region_get_stat(area->fd, &stat, sizeof(stat)))
		return 0;
	return stat.size < area->size ? stat.size : area->size;
}

static uint64_t end_in_area(const struct ring *ring, uint64_t place)
{
	const unsigned char *end = place_at(ring, place + 1);

	return (uintptr_t)end - (uintptr_t)ring->area->base;
}

/*
 * The address of chunk @number; NULL: it isn't there.  Place 0 always exists, and an entry
 * that points beyond the region leads there.
 */
unsigned char *ring_chunk_at(const struct ring *ring, uint64_t number)
{
	uint64_t entry = load_entry(entry_at(ring, number));
	uint64_t place = place_of(ring, entry);

	if (!is_of(entry, number))
		return NULL;
	if (UNLIKELY(end_in_area(ring, place) > ring->known_bytes)) {
		/* The caller's constant ring doesn't include what is known of the area. */
		((struct ring *)ring)->known_bytes = ring_area_bytes(ring->area);
		if (end_in_area(ring, place) > ring->known_bytes)
			place = 0;
	}
	return place_at(ring, place);
}

/*
 * Makes a region so large that the memory before @end exists.  Never smaller: if two
 * processes do it at once, the larger size wins, and the smaller request is repeated or fails
 * with -EBUSY.
 */
int ring_region_grow(const struct ipcshm_area *area, const void *end)
{
	uint64_t wanted = (uintptr_t)end - (uintptr_t)area->base;
	int tries, ret = 0;

	for (tries = 0; tries < 4 && wanted > ring_area_bytes(area); tries++)
		ret = ipcshm_region_resize(area->fd, wanted);
	return wanted <= ring_area_bytes(area) ? 0 : ret ? ret : -EBADMSG;
}

/*
 * Make chunk @number exist.  @oldest: the number of the first chunk that isn't wholly free.
 *
 * Return: 0: it does; -EAGAIN: no place is free; -EBADMSG; or as ipcshm_region_resize().
 */
int ring_chunk_add(struct ring *ring, uint64_t number, uint64_t oldest)
{
	entry_t *at = entry_at(ring, number);
	uint64_t entry = load_entry(at);
	uint64_t before = load_entry(entry_at(ring, number - 1));
	uint64_t fresh = fresh_of(before);
	uint64_t place = fresh;
	uint64_t reused;
	int ret;

	if (is_of(entry, number))
		return 0;
	/* Another has added this and more since; or the map was written to by others. */
	if (!is_of(before, number - 1) || !fresh || fresh > count_places(ring))
		return load_entry(at) == entry ? -EBADMSG : 0;
	if ((int64_t)(oldest - (number - fresh)) > 0) {
		reused = load_entry(entry_at(ring, number - fresh));
		if (!is_of(reused, number - fresh))
			return load_entry(at) == entry ? -EBADMSG : 0;
		place = place_of(ring, reused);
	} else if (fresh == count_places(ring)) {
		return load_entry(at) == entry ? -EAGAIN : 0;
	} else {
		ret = ring_region_grow(ring->area, place_at(ring, place + 1));
		if (ret)
			return ret;
		fresh++;
	}
	atomic_compare_exchange_strong_explicit(at, &entry, make_entry(number, fresh, place),
						memory_order_acq_rel, memory_order_relaxed);
	return 0;
}

static uint64_t map_bytes(uint64_t entries)
{
	return (entries * sizeof(entry_t) + RING_ALIGN - 1) & ~(uint64_t)(RING_ALIGN - 1);
}

/* The handle's shift and mask are those of a chunk. */
int ring_chunk_attach(struct ring *ring)
{
	ring->shift = (uint32_t)__builtin_ctzll(ring->stride);
	ring->item_size = 0;
	ring->map = ring->data;
	ring->data += map_bytes(count_places(ring));
	ring->known_bytes = ring_area_bytes(ring->area);
	return end_in_area(ring, 0) > ring->known_bytes ? -EPROTO : 0;
}

static int chunk_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	uint64_t entries;

	if (attr->flags & IPCSHM_RING_OVERWRITE || attr->item_size < CHUNK_MIN ||
	    attr->item_size & (attr->item_size - 1) || attr->capacity <= attr->item_size)
		return -EINVAL;
	entries = attr->capacity / attr->item_size;
	if (entries > PLACES_MAX)
		return -EINVAL;
	*stride = attr->item_size;
	*bytes = map_bytes(entries) + entries * place_bytes(attr->item_size);
	return 0;
}

/* Chunk 1 is at place 0, and nothing is in it. */
static void format_chunks(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride)
{
	uint64_t entries = attr->capacity / stride;
	uint64_t bytes = map_bytes(entries);

	memset(data, 0, (size_t)(bytes + place_bytes(stride) - stride));
	atomic_init((entry_t *)(void *)data + (1 & (entries - 1)), make_entry(1, 1, 0));
}

const struct ring_layout ring_chunks = {
	.many_producers = &ring_record_many_producers,
	.many_consumers = &ring_record_many_consumers,
	.geometry = chunk_geometry,
	.format = format_chunks,
};
