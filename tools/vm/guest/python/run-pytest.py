# SPDX-License-Identifier: GPL-2.0-only
"""Run pytest on its arguments and print TAP; the last test is that "ipcshm list" prints nothing."""

import os
import subprocess
import sys

import pytest


class Tap:
    """A plugin that prints the result of each test."""

    def __init__(self):
        self.counts = {"pass": 0, "fail": 0, "skip": 0}

    @staticmethod
    def pytest_addoption(parser):
        # That of the terminal, which is not used.
        parser.addoption("--verbose", dest="verbose", type=int, default=0)

    def report(self, kind, name, text=""):
        self.counts[kind] += 1
        for line in text.splitlines():
            print("# " + line)
        print("not ok" if kind == "fail" else "ok", sum(self.counts.values()), name,
              "# SKIP" if kind == "skip" else "", flush=True)

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("/")[-1].replace("#", "")
        if report.failed:
            output = [f"{title}\n{text}" for title, text in report.sections]
            self.report("fail", f"{name} {report.when}", "\n".join([report.longreprtext, *output]))
        elif report.skipped:
            self.report("skip", name)
        elif report.when == "call":
            self.report("pass", name)

    def pytest_collectreport(self, report):
        if report.failed:
            self.report("fail", report.nodeid, report.longreprtext)


def main():
    tap = Tap()
    print("TAP version 13", flush=True)
    options = ["-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler"]
    status = pytest.main([*options, *sys.argv[1:]], plugins=[tap])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        tap.report("fail", f"pytest ended with {status!r}")
    if os.path.exists("/dev/ipcshm"):
        left = subprocess.run([os.environ["IPCSHM"], "list"], stdout=subprocess.PIPE, text=True, check=False)
        lines = left.stdout.splitlines()[1:]
        tap.report("fail" if lines or left.returncode else "pass", "no object is left", "\n".join(lines))
    counts = tap.counts
    print(f"1..{sum(counts.values())}")
    print(f"# Totals: pass:{counts['pass']} fail:{counts['fail']} xfail:0 xpass:0 "
          f"skip:{counts['skip']} error:0")
    return counts["fail"] > 0


if __name__ == "__main__":
    sys.exit(main())
