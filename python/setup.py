# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The two modules in C; pyproject.toml has everything else."""

from setuptools import Extension, setup

setup(
    ext_modules=[Extension("ipcshm._core", ["src/core.c", "src/memory.c"], depends=["src/core.h"],
                           libraries=["ipcshm"])],
    cffi_modules=["build_ffi.py:ffi"],
)
