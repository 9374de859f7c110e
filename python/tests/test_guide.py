# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The program of Documentation/guides."""

import os
import pathlib
import subprocess
import sys

TREE = pathlib.Path(__file__).parents[2] / "Documentation/guides/python.py"


def test_the_program_of_the_guide():
    program = os.environ.get("GUIDE", TREE)
    done = subprocess.run([sys.executable, "-X", "dev", "-W", "error", program], timeout=200, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout == "camera, jobs, deliveries, configuration, accounts and log: as they should be\n"
