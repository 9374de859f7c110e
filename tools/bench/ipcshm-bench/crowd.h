/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of ipcshm-cost that compare few with many. */
#ifndef CROWD_H
#define CROWD_H

void crowd_exec(void);
void crowd_types(void);

#endif /* CROWD_H */
