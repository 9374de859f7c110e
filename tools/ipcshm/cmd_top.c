// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm top */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "find.h"
#include "input_clock.h"
#include "input_netlink.h"
#include "input_sample.h"
#include "input_user.h"
#include "output_screen.h"
#include "output_top.h"
#include "output_view.h"
#include "parse.h"

static const struct argp_option options[] = {
	{ "region", 'r', NULL, 0, "Only regions", 0 },
	{ "queue", 'q', NULL, 0, "Only queues", 0 },
	{ "topic", 't', NULL, 0, "Only topics: regions with publishers and subscribers", 0 },
	{ "owner", 'u', "USER", 0, "Only objects of a user, by name or number", 0 },
	{ "columns", 'o', "NAME,...", 0,
	  "Columns: as for \"ipcshm list\", and send_rate, receive_rate, publish_rate", 0 },
	{ "sort", 's', "NAME", 0, "Sort by this column, largest first (default: id)", 0 },
	{ "delay", 'd', "TIME", 0, "Time between samples: seconds, or 500ms (default 1)", 0 },
	{ "count", 'c', "COUNT", 0, "Exit after COUNT samples", 0 },
	{ 0 }
};

static error_t parse_top_option(int key, char *argument, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case 'r':
		top->filter.kind = IPCSHM_REGION;
		return 0;
	case 'q':
		top->filter.kind = IPCSHM_QUEUE;
		return 0;
	case 't':
		top->filter.kind = IPCSHM_REGION;
		top->only_topics = true;
		return 0;
	case 'u':
		top->filter.uid = arg_user(state, argument);
		top->filter.has_uid = true;
		return 0;
	case 'o':
		top->columns = argument;
		return 0;
	case 's':
		top->sort = argument;
		return 0;
	case 'd':
		top->interval = arg_time(state, argument, "--delay", 10000000);
		return 0;
	case 'c':
		top->count = arg_number(state, argument, "--count", 1, UINT64_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *choose_columns(const struct top *top)
{
	if (top->only_topics)
		return "id,name,type,publishers,subscribers,reliable,published,publish_rate,"
		       "samples_behind,missed,samples_held,allocated";
	switch (top->filter.kind) {
	case IPCSHM_REGION:
		return "id,name,uid,size,allocated,members,max_members,joins,deaths,waiters";
	case IPCSHM_QUEUE:
		return "id,name,uid,messages,max_messages,peak_messages,lag,blocked,senders,"
		       "receivers,send_rate,receive_rate,dropped,unacknowledged,held,dead_letters,"
		       "bytes";
	default:
		return "id,kind,name,uid,messages,peak_messages,lag,blocked,send_rate,receive_rate,"
		       "members,size";
	}
}

/* Looks at another kind, or with other columns. */
static bool set_view(struct top *top, uint32_t kind)
{
	top->filter.kind = kind;
	top->first = 0;
	top->view.rates = true;
	memset(top->widths, 0, sizeof(top->widths));
	if (!view_parse(&top->view, top->columns ? top->columns : choose_columns(top)))
		return false;
	for (top->sort_column = 0; top->sort_column < top->view.count; top->sort_column++) {
		const struct field *field = top->view.fields[top->sort_column];

		if (top->sort && field && !strcmp(field->name, top->sort))
			return true;
	}
	top->sort_column = 0;
	return !top->sort;
}

/* Looking. */

static int sort_rows(struct top *top)
{
	const struct field *field = top->view.fields[top->sort_column];

	if (top->now->count > top->rows_room) {
		const struct object **rows =
			reallocarray(top->rows, top->now->room, sizeof(void *));

		if (!rows)
			return -ENOMEM;
		top->rows = rows;
		top->rows_room = top->now->room;
	}
	for (size_t i = 0; i < top->now->count; i++)
		top->rows[i] = &top->now->objects[i];
	/* By number they come in that order; largest first is for what is measured. */
	if (field && strcmp(field->name, "id"))
		sample_sort(top->rows, top->now->count, field, top->reverse);
	else if (field)
		sample_sort(top->rows, top->now->count, field, !top->reverse);
	return 0;
}

static int take_sample(struct top *top)
{
	struct sample *before = top->now;
	int err;

	top->now = before == &top->samples[0] ? &top->samples[1] : &top->samples[0];
	top->now->only_topics = top->only_topics;
	err = sample_take(top->now, top->netlink, &top->filter);
	if (err < 0)
		return err;
	sample_rate(top->now, before);
	memset(&top->quotas, 0, sizeof(top->quotas));
	top->has_quotas = netlink_quotas(top->netlink, &top->quotas) >= 0;
	return sort_rows(top);
}

/* Keys. */

static void scroll_rows(struct top *top, size_t rows, bool up)
{
	if (!up)
		top->first += rows; /* top_draw() keeps it in bounds */
	else
		top->first = top->first > rows ? top->first - rows : 0;
}

static bool handle_scroll_key(struct top *top, int key)
{
	switch (key) {
	case KEYS_UP:
	case KEYS_DOWN:
		scroll_rows(top, 1, key == KEYS_UP);
		return true;
	case KEYS_PAGE_UP:
	case KEYS_PAGE_DOWN:
		scroll_rows(top, top_page(), key == KEYS_PAGE_UP);
		return true;
	case KEYS_HOME:
		top->first = 0;
		return true;
	case KEYS_END:
		top->first = top->now->count;
		return true;
	default:
		return false;
	}
}

static int sort_by(struct top *top, size_t column)
{
	top->sort_column = column % top->view.count;
	return sort_rows(top);
}

/* Shows another kind: what is on the screen is another list then. */
static int set_kind(struct top *top, uint32_t kind, bool only_topics)
{
	top->sort = NULL;
	top->only_topics = only_topics;
	set_view(top, kind);
	return take_sample(top);
}

/* 0, 1: the end, or -errno */
static int handle_key(struct top *top, int key)
{
	if (handle_scroll_key(top, key))
		return 0;
	switch (key) {
	case 'q':
	case 'Q':
		return 1;
	case 'a':
		return set_kind(top, 0, false);
	case 'r':
		return set_kind(top, IPCSHM_REGION, false);
	case 't':
		return set_kind(top, IPCSHM_REGION, true);
	case 's':
		return set_kind(top, IPCSHM_QUEUE, false);
	case '>':
	case KEYS_RIGHT:
		return sort_by(top, top->sort_column + 1);
	case '<':
	case KEYS_LEFT:
		return sort_by(top, top->sort_column + top->view.count - 1);
	case 'R':
		top->reverse = !top->reverse;
		return sort_rows(top);
	case ' ':
		top->paused = !top->paused;
		return 0;
	case '+':
		top->interval = top->interval > 20000000 ? top->interval / 2 : 10000000;
		return 0;
	case '-':
		top->interval = top->interval < 3600000000000 ? top->interval * 2 : top->interval;
		return 0;
	case 'h':
	case '?':
		top->help = !top->help;
		return 0;
	default:
		return 0;
	}
}

/* Milliseconds until it is time to look again. */
static int count_ms_to_redraw(const struct top *top)
{
	uint64_t past = clock_monotonic() - top->now->time;

	if (top->paused)
		return -1;
	return past >= top->interval ? 0 : (int)((top->interval - past) / 1000000) + 1;
}

/* Keys until the next look is due.  0, 1: the end, or -errno */
static int handle_keys(struct top *top)
{
	int err, key;

	do {
		top_draw(top);
		key = screen_key(count_ms_to_redraw(top));
		if (key == KEYS_NONE)
			return 0;
		err = handle_key(top, key);
	} while (!err);
	return err;
}

static int watch_objects(struct top *top)
{
	int err = handle_keys(top);

	while (!err && --top->count) {
		err = take_sample(top);
		if (!err)
			err = handle_keys(top);
	}
	return err;
}

static int run_on_screen(struct top *top)
{
	int err = netlink_open(&top->netlink);

	/* Before the terminal is taken over, where an error would be lost. */
	if (!err)
		err = take_sample(top);
	if (err < 0)
		return find_finish(top->netlink, "top", NULL, err);
	if (!screen_open()) {
		netlink_close(top->netlink);
		return error_print("top", NULL, STATUS_FAILED, "no terminal of a known type",
				   "run in a terminal, with TERM set to its type");
	}
	err = watch_objects(top);
	screen_close();
	return find_finish(top->netlink, "top", NULL, err);
}

int command_top(const struct command *self, int argc, char **argv)
{
	struct top top = { .interval = 1000000000, .count = UINT64_MAX };
	int status;

	top.now = &top.samples[0];
	command_parse(self, options, parse_top_option, argc, argv, &top);
	if (!set_view(&top, top.filter.kind))
		return error_print("top", NULL, STATUS_USAGE, "no such column",
				   "see COLUMNS in ipcshm(1)");
	status = run_on_screen(&top);
	free(top.samples[0].objects);
	free(top.samples[1].objects);
	free(top.rows);
	return status;
}
