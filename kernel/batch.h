/* SPDX-License-Identifier: GPL-2.0-only */
/* Many messages in one call. */
#ifndef IPCSHM_BATCH_H
#define IPCSHM_BATCH_H

#include "queue.h"

int ipcshm_batch_send(struct ipcshm_port *port, const struct ipcshm_batch_args *args,
		      const struct ipcshm_patience *patience);
int ipcshm_batch_receive(struct ipcshm_port *port, const struct ipcshm_batch_args *args,
			 struct ipcshm_patience *patience);

#endif /* IPCSHM_BATCH_H */
