/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of the process that comes late, or never: from a FUSE server, and by userfaultfd. */
#ifndef LATE_H
#define LATE_H

#include <stdbool.h>
#include <stdint.h>

/* After 1 and 15 ms, with EIO, when a signal comes; the others within 20 ms, by userfaultfd. */
#define LATE_PAGES	6

/* Once in a process. Without FUSE or userfaultfd, the pages are ordinary memory. */
bool late_prepare(void);

/* To be given to the kernel only: an access in user mode can be a SIGBUS. */
uint8_t *late_page(unsigned int page);

/* The bytes that the page has when it comes. */
uint8_t *late_content(unsigned int page);

/* The next access waits again. */
void late_renew(unsigned int page);

#endif /* LATE_H */
