// SPDX-License-Identifier: GPL-2.0-only
/* The screen of ipcshm top. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "input_user.h"
#include "names.h"
#include "output_format.h"
#include "output_screen.h"
#include "output_top.h"

#define HEAD 4		/* rows above those of objects */
#define NAME_WIDTH 28	/* of the widest column */

static const char keys[] =
	"q end  a all  r regions  t topics  s queues  < > sort  R reverse  space pause  + - pace";

struct totals {
	size_t regions;
	size_t queues;
	uint64_t members;
	uint64_t messages;
	uint64_t blocked;
};

static void sum_up(const struct sample *sample, struct totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	for (size_t i = 0; i < sample->count; i++) {
		const struct object *object = &sample->objects[i];

		if (object->kind == IPCSHM_REGION) {
			totals->regions++;
			totals->members += object->region.members;
		} else if (object->kind == IPCSHM_QUEUE) {
			totals->queues++;
			totals->messages += object->queue.messages;
			totals->blocked += object->queue.senders;
		}
	}
}

static void write_region_totals(const struct totals *totals, char *text, size_t size)
{
	snprintf(text, size, "%zu region%s, %" PRIu64 " member%s; ", totals->regions,
		 format_plural(totals->regions), totals->members, format_plural(totals->members));
}

static void write_queue_totals(const struct totals *totals, char *text, size_t size)
{
	snprintf(text, size, "%zu queue%s, %" PRIu64 " message%s, %" PRIu64 " blocked; ",
		 totals->queues, format_plural(totals->queues), totals->messages,
		 format_plural(totals->messages), totals->blocked);
}

/* Of the kinds that are looked at. */
static void draw_totals(const struct top *top)
{
	char regions[80] = "", queues[112] = "", line[384], clock[FORMAT_MAX], pace[FORMAT_MAX];
	struct timespec time;
	struct totals totals;

	sum_up(top->now, &totals);
	if (top->filter.kind != IPCSHM_QUEUE)
		write_region_totals(&totals, regions, sizeof(regions));
	if (top->filter.kind != IPCSHM_REGION)
		write_queue_totals(&totals, queues, sizeof(queues));
	clock_gettime(CLOCK_REALTIME, &time);
	format_time((uint64_t)time.tv_sec * 1000000000, clock);
	format_duration(top->interval, pace);
	snprintf(line, sizeof(line), "%s  %s%s%s%s", clock + strlen("2026-11-23 "), regions, queues,
		 top->paused ? "paused" : "every ", top->paused ? "" : pace);
	screen_put(0, 0, SIZE_MAX, line, LOOK_BOLD);
}

static void write_used_quota(const struct quotas *quotas, unsigned int type, char *text,
			     size_t size)
{
	const struct quota *quota = &quotas->quota[type];
	char used[FORMAT_MAX], max[FORMAT_MAX];

	format_quota(type, quota->used, used);
	format_quota(type, quota->max, max);
	snprintf(text, size, "%s %s of %s", quota_names[type], used, max);
}

static bool is_nearly_used_up(const struct quota *quota)
{
	return quota->used > quota->max / 10 * 9;
}

/* Those of which something is used, as far as there is room; returns where the next can be. */
static size_t draw_some_quotas(const struct quotas *quotas, size_t column, bool nearly_used_up)
{
	char text[128];

	for (unsigned int i = 0; i < QUOTAS; i++) {
		const struct quota *quota = &quotas->quota[i];

		if (!quota->used || is_nearly_used_up(quota) != nearly_used_up)
			continue;
		write_used_quota(quotas, i, text, sizeof(text));
		if (column + strlen(text) > screen_columns())
			break;
		screen_put(1, column, SIZE_MAX, text, nearly_used_up ? LOOK_ALARM : LOOK_PLAIN);
		column += strlen(text) + 2;
	}
	return column;
}

/* A quota that is nearly used up comes first, and stands out. */
static void draw_quotas(const struct top *top)
{
	char text[128], user[USER_TEXT_MAX];
	size_t column;

	if (!top->has_quotas)
		return;
	user_text(top->quotas.uid, user);
	snprintf(text, sizeof(text), "quotas of %s:", user);
	screen_put(1, 0, SIZE_MAX, text, LOOK_PLAIN);
	column = draw_some_quotas(&top->quotas, strlen(text) + 1, true);
	draw_some_quotas(&top->quotas, column, false);
}

static void widen_column(struct top *top, size_t column, const char *text)
{
	size_t width = format_width(text);

	if (width > NAME_WIDTH && top->view.fields[column])
		width = NAME_WIDTH;
	if (top->widths[column] < width)
		top->widths[column] = width;
}

/* Columns only get wider, so that they stay where they are. */
static void widen_top_columns(struct top *top, size_t rows)
{
	char text[FIELD_TEXT_MAX];

	for (size_t i = 0; i < top->view.count; i++) {
		widen_column(top, i, top->view.columns[i].heading);
		for (size_t row = 0; row < rows; row++) {
			view_text(&top->view, i, top->rows[top->first + row], text);
			widen_column(top, i, text);
		}
	}
}

/* A number is whole or not there: at the edge of the screen a part of one would be another. */
static bool has_room(const struct top *top, size_t column, size_t at)
{
	if (column == top->view.count)
		return false;
	return at + (top->view.columns[column].right ? top->widths[column] : 1) <= screen_columns();
}

/* Text that is cut ends in a "+". */
static void draw_cell(const struct top *top, size_t row, size_t at, size_t column, const char *text,
		      enum look look)
{
	size_t width = top->widths[column], used = format_width(text);

	if (width > screen_columns() - at)
		width = screen_columns() - at;
	if (top->view.columns[column].right && used < width)
		at += width - used;
	screen_put(row, at, width, text, look);
	if (used > width)
		screen_put(row, at + width - 1, 1, "+", look);
}

static void draw_heading(const struct top *top)
{
	char bar[1024];
	size_t at = 0;

	memset(bar, ' ', sizeof(bar) - 1);
	bar[sizeof(bar) - 1] = '\0';
	screen_put(HEAD - 1, 0, SIZE_MAX, bar, LOOK_HEADING);
	for (size_t i = 0; has_room(top, i, at); i++) {
		draw_cell(top, HEAD - 1, at, i, top->view.columns[i].heading,
			  i == top->sort_column ? LOOK_CHOSEN : LOOK_HEADING);
		at += top->widths[i] + 2;
	}
}

static void draw_object(const struct top *top, size_t row, const struct object *object)
{
	char text[FIELD_TEXT_MAX];
	size_t at = 0;

	for (size_t i = 0; has_room(top, i, at); i++) {
		view_text(&top->view, i, object, text);
		draw_cell(top, row, at, i, text,
			  view_alarms(&top->view, i, object) ? LOOK_ALARM : LOOK_PLAIN);
		at += top->widths[i] + 2;
	}
}

size_t top_page(void)
{
	return screen_rows() > HEAD ? screen_rows() - HEAD : 0;
}

void top_draw(struct top *top)
{
	size_t count = top->now->count, last = count > top_page() ? count - top_page() : 0, rows;
	char position[64];

	if (top->first > last)
		top->first = last;
	rows = count - top->first < top_page() ? count - top->first : top_page();
	screen_clear();
	draw_totals(top);
	draw_quotas(top);
	snprintf(position, sizeof(position), "%zu to %zu of %zu  (h: keys)",
		 rows ? top->first + 1 : 0, top->first + rows, count);
	screen_put(2, 0, SIZE_MAX, top->help ? keys : position, LOOK_PLAIN);
	widen_top_columns(top, rows);
	draw_heading(top);
	for (size_t row = 0; row < rows; row++)
		draw_object(top, HEAD + row, top->rows[top->first + row]);
	screen_show();
}
