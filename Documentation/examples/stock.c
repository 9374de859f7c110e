// SPDX-License-Identifier: GPL-2.0-only
/* stock create PIECES TAKERS	a new stock with so many pieces of each letter, for
 *				so many programs; it outlives this program
 * stock list			print it: letter, pieces left, pieces taken
 * stock remove			remove it
 */
#include "stock.h"

static void create(uint32_t pieces, uint32_t takers)
{
	struct ipcshm_region_attr attr = { .size = sizeof(struct stock) };
	int region = check(ipcshm_region_open(open_device(), STOCK_NAME,
					      IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE |
					      IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT, 0600, &attr),
			   "create region", STOCK_NAME);
	struct stock *stock = stock_map(region, IPCSHM_READ | IPCSHM_WRITE);

	stock->pieces = pieces;
	stock->takers = takers;
	for (int i = 0; i < STOCK_LETTERS; i++)
		atomic_init(&stock->letters[i], ((struct pieces){ .left = pieces }));
}

static void list(void)
{
	const struct stock *stock = stock_open(IPCSHM_READ);

	for (int i = 0; i < STOCK_LETTERS; i++) {
		struct pieces row = atomic_load(&stock->letters[i]);

		printf("%c %u %u\n", 'a' + i, row.left, row.taken);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "create"))
		create((uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
	else if (argc == 2 && !strcmp(argv[1], "list"))
		list();
	else if (argc == 2 && !strcmp(argv[1], "remove"))
		check(ipcshm_unlink(open_device(), IPCSHM_REGION, STOCK_NAME),
		      "remove region", STOCK_NAME);
	else
		die("usage: stock create PIECES TAKERS | list | remove");
	return EXIT_SUCCESS;
}
