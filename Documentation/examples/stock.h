/* SPDX-License-Identifier: GPL-2.0-only */
/* The table that the programs of the first demo share: a printer's stock of
 * letters.  Programs that share a layout share a header such as this one.
 */
#ifndef STOCK_H
#define STOCK_H

#include <stdatomic.h>

#include "demo.h"

#define STOCK_NAME	"demo-stock"
#define STOCK_LETTERS	26

/* Both numbers change in one step, or a reader could see a piece in no place. */
struct pieces {
	uint32_t left;
	uint32_t taken;
};

struct stock {
	uint32_t pieces;		/* of each letter, when the stock was new */
	uint32_t takers;		/* programs that are going to take from it */
	_Atomic uint32_t begun;		/* how many of them are here */
	_Atomic uint32_t finished;	/* how many of them have taken what they need */
	_Atomic struct pieces letters[STOCK_LETTERS];
};

_Static_assert(sizeof(_Atomic struct pieces) == 8, "one atomic word");

static inline struct stock *stock_map(int region, uint32_t access)
{
	void *address;
	size_t size;

	check(ipcshm_region_map(region, access, &address, &size), "map region", STOCK_NAME);
	if (size < sizeof(struct stock))
		die("region %s has %zu bytes, too few for a stock", STOCK_NAME, size);
	return address;
}

static inline struct stock *stock_open(uint32_t access)
{
	return stock_map(check(ipcshm_region_open(open_device(), STOCK_NAME, access, 0, NULL),
			       "open region", STOCK_NAME), access);
}

#endif /* STOCK_H */
