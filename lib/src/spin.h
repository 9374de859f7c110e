/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Bounds of busy polling, before a call sleeps. */
#ifndef IPCSHM_SPIN_H
#define IPCSHM_SPIN_H

#define SPIN_MIN	2000U	/* nanoseconds: longer than the other side needs to wake a task */
#define SPIN_LOOKS	16	/* between two looks at the clock */

#endif /* IPCSHM_SPIN_H */
