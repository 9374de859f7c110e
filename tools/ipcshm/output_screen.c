// SPDX-License-Identifier: GPL-2.0-only
/* A terminal as a whole.  The only file that knows ncurses. */
#include "output_screen.h"

#define NCURSES_WIDECHAR 1
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#define LINE_MAX_WIDTH 1024

enum { PAIR_ALARM = 1 };

bool screen_open(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors() && !getenv("NO_COLOR") && start_color() == OK) {
		use_default_colors();
		init_pair(PAIR_ALARM, COLOR_RED, -1);
	}
	return true;
}

void screen_close(void)
{
	endwin();
}

size_t screen_rows(void)
{
	return LINES > 0 ? (size_t)LINES : 0;
}

size_t screen_columns(void)
{
	return COLS > 0 ? (size_t)COLS : 0;
}

void screen_clear(void)
{
	erase();
}

static chtype find_attribute(enum look look)
{
	switch (look) {
	case LOOK_BOLD:
		return A_BOLD;
	case LOOK_HEADING:
		return A_REVERSE;
	case LOOK_CHOSEN:
		return A_REVERSE | A_BOLD;
	case LOOK_ALARM:
		return A_BOLD | COLOR_PAIR(PAIR_ALARM);
	default:
		return A_NORMAL;
	}
}

/* How many characters fit into @width columns. */
static int count_fitting(const wchar_t *text, size_t width)
{
	size_t used = 0;
	int count = 0;

	for (; text[count]; count++) {
		used += wcwidth(text[count]) > 0 ? (size_t)wcwidth(text[count]) : 0;
		if (used > width)
			break;
	}
	return count;
}

void screen_put(size_t row, size_t column, size_t width, const char *text, enum look look)
{
	wchar_t wide[LINE_MAX_WIDTH];
	size_t length = mbstowcs(wide, text, LINE_MAX_WIDTH - 1);

	if (length == (size_t)-1 || row >= screen_rows() || column >= screen_columns())
		return;
	wide[length] = L'\0';
	if (width > screen_columns() - column)
		width = screen_columns() - column;
	attrset((int)find_attribute(look));
	mvaddnwstr((int)row, (int)column, wide, count_fitting(wide, width));
	attrset(A_NORMAL);
}

void screen_show(void)
{
	refresh();
}

int screen_key(int milliseconds)
{
	int key;

	timeout(milliseconds);
	key = getch();
	switch (key) {
	case ERR:
		return KEYS_NONE;
	case KEY_UP:
		return KEYS_UP;
	case KEY_DOWN:
		return KEYS_DOWN;
	case KEY_PPAGE:
		return KEYS_PAGE_UP;
	case KEY_NPAGE:
		return KEYS_PAGE_DOWN;
	case KEY_HOME:
		return KEYS_HOME;
	case KEY_END:
		return KEYS_END;
	case KEY_LEFT:
		return KEYS_LEFT;
	case KEY_RIGHT:
		return KEYS_RIGHT;
	case KEY_RESIZE:
		return KEYS_RESIZE;
	default:
		return key;
	}
}
