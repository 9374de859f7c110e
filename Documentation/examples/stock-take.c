// SPDX-License-Identifier: GPL-2.0-only
/* stock-take FILE...
 *
 * Set the texts in type: take a piece from the stock for every letter, as long
 * as there is one.  Several of these run at once, and begin when all are there.
 * At the end print the results of this process, a line for each letter: letter, pieces
 * taken, pieces refused.
 */
#include <ctype.h>
#include <sched.h>

#include "stock.h"

static int take(_Atomic struct pieces *row)
{
	struct pieces old = atomic_load(row);
	struct pieces new;

	do {
		if (old.left == 0)
			return 0;
		new.left = old.left - 1;
		new.taken = old.taken + 1;
	} while (!atomic_compare_exchange_weak(row, &old, new));
	return 1;
}

/* There is no call yet to wait until a word of a region changes: look again. */
static void begin_together(struct stock *stock)
{
	uint64_t deadline = demo_deadline();

	atomic_fetch_add(&stock->begun, 1);
	while (atomic_load(&stock->begun) < stock->takers) {
		if (ipcshm_deadline(0) > deadline)
			die("gave up: only %u of %u programs came",
			    atomic_load(&stock->begun), stock->takers);
		sched_yield();
	}
}

int main(int argc, char **argv)
{
	struct stock *stock = stock_open(IPCSHM_READ | IPCSHM_WRITE);
	unsigned int taken[STOCK_LETTERS] = { 0 };
	unsigned int refused[STOCK_LETTERS] = { 0 };

	begin_together(stock);
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");
		int c;

		if (!file)
			die("open %s: %s", argv[i], strerror(errno));
		while ((c = getc(file)) != EOF) {
			c = tolower(c) - 'a';
			if (c < 0 || c >= STOCK_LETTERS)
				continue;
			if (take(&stock->letters[c]))
				taken[c]++;
			else
				refused[c]++;
		}
		if (ferror(file))
			die("read %s: %s", argv[i], strerror(errno));
		fclose(file);
	}

	atomic_fetch_add(&stock->finished, 1);
	for (int i = 0; i < STOCK_LETTERS; i++)
		printf("%c %u %u\n", 'a' + i, taken[i], refused[i]);
	return EXIT_SUCCESS;
}
