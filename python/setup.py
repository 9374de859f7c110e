# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The two modules in C; pyproject.toml has everything else."""

from glob import glob

from setuptools import Extension, setup

setup(
    ext_modules=[Extension("ipcshm._core", sorted(glob("src/*.c")), depends=glob("src/*.h"),
                           libraries=["ipcshm"], extra_compile_args=["-fvisibility=hidden"])],
    cffi_modules=["build_ffi.py:ffi"],
)
