# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Without the kernel module."""

import os

import pytest

import ipcshm


@pytest.mark.anonymous
@pytest.mark.skipif(os.path.exists("/dev/ipcshm"), reason="the kernel module is loaded")
def test_the_error_names_the_module():
    for use in ipcshm.Device, lambda: ipcshm.Queue("jobs"), lambda: ipcshm.Region("r", 1, create=True):
        with pytest.raises(ipcshm.Unavailable, match="the kernel module ipcshm is not loaded"):
            use()
