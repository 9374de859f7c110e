// SPDX-License-Identifier: GPL-2.0-only
/* stock-watch
 *
 * Read the stock again and again, until all have finished taking.  In every row that
 * is ever seen, what is left and what was taken must together be what was there at
 * first.  The mapping is read-only: this program can look at
 * the table and can't spoil it.
 */
#include <unistd.h>

#include "stock.h"

int main(void)
{
	const struct stock *stock = stock_open(IPCSHM_READ);
	uint64_t deadline = demo_deadline();
	unsigned long reads = 0, changes = 0;
	uint32_t before = 0;

	while (atomic_load(&stock->finished) < stock->takers) {
		uint32_t taken = 0;

		if (ipcshm_deadline(0) > deadline)
			die("gave up: only %u of %u programs finished",
			    atomic_load(&stock->finished), stock->takers);
		for (int i = 0; i < STOCK_LETTERS; i++) {
			struct pieces row = atomic_load(&stock->letters[i]);

			if (row.left + row.taken != stock->pieces)
				die("letter %c: %u left and %u taken are not %u",
				    'a' + i, row.left, row.taken, stock->pieces);
			taken += row.taken;
		}
		changes += taken != before;
		before = taken;
		reads++;
		usleep(50);
	}
	printf("read it %lu times, each row was whole, and saw it change %lu times\n",
	       reads, changes);
	return EXIT_SUCCESS;
}
