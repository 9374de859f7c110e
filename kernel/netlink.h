/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family "ipcshm". */
#ifndef IPCSHM_NETLINK_H
#define IPCSHM_NETLINK_H

int ipcshm_netlink_init(void);
void ipcshm_netlink_exit(void);

#endif /* IPCSHM_NETLINK_H */
