/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminal as a whole.  Only screen.c knows ncurses. */
#ifndef OUTPUT_SCREEN_H
#define OUTPUT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum key { KEYS_NONE = -1, KEYS_UP = 0x1000, KEYS_DOWN, KEYS_PAGE_UP, KEYS_PAGE_DOWN, KEYS_HOME,
	KEYS_END, KEYS_LEFT, KEYS_RIGHT, KEYS_RESIZE };

enum look { LOOK_PLAIN, LOOK_BOLD, LOOK_HEADING, LOOK_CHOSEN, LOOK_ALARM };

/* Takes the terminal over.  False: it isn't one, or isn't known. */
bool screen_open(void);
void screen_close(void);

size_t screen_rows(void);
size_t screen_columns(void);

void screen_clear(void);

/* Puts text, cut to @width columns and to what there is. */
void screen_put(size_t row, size_t column, size_t width, const char *text, enum look look);

/* Shows what was put. */
void screen_show(void);

/* A character, or enum key; KEYS_NONE after @milliseconds without. */
int screen_key(int milliseconds);

#endif /* OUTPUT_SCREEN_H */
