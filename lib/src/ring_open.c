// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Open or create a ring in a region of its own: area_open.c survives the death of a
 * creator, and the ring is created while no other process is let in.
 */
#include "ring.h"

static int create_ring(const struct ipcshm_area *area, void *data)
{
	const struct ipcshm_ring_attr *attr = data;

	return ipcshm_ring_create(area, IPCSHM_AREA_HEADER, attr);
}

static bool has_attr(const struct ipcshm_ring *ring, const struct ipcshm_ring_attr *wanted)
{
	struct ipcshm_ring_status status;

	ipcshm_ring_get_stat(ring, &status, sizeof(status));
	return status.attr.layout == wanted->layout && status.attr.flags == wanted->flags &&
	       status.attr.capacity == wanted->capacity &&
	       status.attr.item_size == wanted->item_size;
}

static int attach_to(struct ipcshm_ring *ring, const struct ipcshm_area *area,
		     const struct ipcshm_ring_attr *attr, uint32_t side)
{
	int ret = ipcshm_ring_attach(ring, area, IPCSHM_AREA_HEADER, side);

	if (ret || has_attr(ring, attr))
		return ret;
	ipcshm_ring_detach(ring);
	return -EPROTO;
}

/* A ring of chunks makes its region grow. */
static struct ipcshm_region_attr region_for(const struct ipcshm_ring_attr *attr, size_t size)
{
	bool grows = attr->layout == IPCSHM_RING_CHUNKS;

	return (struct ipcshm_region_attr) {
		.size = IPCSHM_AREA_HEADER + (grows ? 1 : size),
		.max_size = grows ? IPCSHM_AREA_HEADER + size : 0,
	};
}

int ipcshm_ring_open(struct ipcshm_ring *ring, struct ipcshm_area *area, int device,
		     const char *name, uint32_t flags, mode_t mode,
		     const struct ipcshm_ring_attr *attr, uint32_t side, uint64_t deadline)
{
	struct ipcshm_ring_attr copy = *attr;
	struct ipcshm_region_attr region;
	size_t size;
	int created, ret;

	ret = ipcshm_ring_size(attr, &size);
	if (ret)
		return ret;
	region = region_for(attr, size);
	created = ipcshm_area_open(area, device, name, flags, mode, &region, create_ring, &copy,
				   deadline);
	if (created < 0)
		return created;
	ret = attach_to(ring, area, attr, side);
	if (ret)
		ipcshm_area_close(area);
	return ret ? ret : created;
}
