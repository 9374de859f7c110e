// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The functions that are inline in headers, for programs in other languages. */
#include "area.h"

extern int ipcshm_is_alive(const struct ipcshm_member_page *page, uint32_t token);
extern uint32_t ipcshm_deaths(const struct ipcshm_member_page *page);
extern bool ipcshm_area_is_alive(const struct ipcshm_area *area, uint32_t token);
extern uint32_t ipcshm_area_deaths(const struct ipcshm_area *area);
extern void *ipcshm_area_at(const struct ipcshm_area *area, uint64_t offset, size_t size,
			    size_t align);
extern int ipcshm_area_wait(const struct ipcshm_area *area, const uint32_t *word,
			    uint32_t expected, uint32_t deaths, uint64_t deadline);
extern int ipcshm_area_wake(const struct ipcshm_area *area, const uint32_t *word,
			    uint32_t count);
