/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminal as a whole.  Only output_screen.c uses ncurses. */
#ifndef OUTPUT_SCREEN_H
#define OUTPUT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum key { KEYS_NONE = -1, KEYS_UP = 0x1000, KEYS_DOWN, KEYS_PAGE_UP, KEYS_PAGE_DOWN, KEYS_HOME,
	KEYS_END, KEYS_LEFT, KEYS_RIGHT, KEYS_RESIZE };

enum look { LOOK_PLAIN, LOOK_BOLD, LOOK_HEADING, LOOK_CHOSEN, LOOK_ALARM };

/* Take the terminal over.  False: no terminal, or one of an unknown type. */
bool screen_open(void);
void screen_close(void);

size_t screen_rows(void);
size_t screen_columns(void);

void screen_clear(void);

/* Put text, cut to @width columns and to the screen. */
void screen_put(size_t row, size_t column, size_t width, const char *text, enum look look);

/* Show the text on the screen. */
void screen_show(void);

/* Return a character or an enum key; KEYS_NONE after @milliseconds without one. */
int screen_key(int milliseconds);

#endif /* OUTPUT_SCREEN_H */
