# SPDX-License-Identifier: GPL-2.0-only
#
# The entry to everything: "make help". Packages are installed by "make setup" alone, which "make demo" and "make test" call
# first; other goals name what is missing. Goals that install packages or files use sudo unless run as root.

KERNEL ?= 6.12
PREFIX ?= /usr/local
export PREFIX DESTDIR V
MAKEFLAGS += --no-print-directory $(if $(V),,-s)

tests = $(or $(TESTS),$(shell $(MAKE) -s -C selftests emit_tests COLLECTION=ipcshm | sed 's/.*://'))

# Packages that a test kernel needs that is built from source, or whose modules this machine cannot build.
kernel = $(if $(filter debug kasan kcsan,$(KERNEL)),kernel) $(if $(filter 7.%,$(KERNEL)),build-root)

.PHONY: all setup module lib tool examples selftests demo test test-load kunit test-ynl test-tracers test-tool bench bench-quick bench-cost bench-latency bench-observed check-debug \
	coverage fuzz foreign mutation vm html check install uninstall clean help

## all: the module for the running kernel, the library and the program
all: module lib tool

## setup: install the Debian packages that building and testing need; FOR="build tool": only those for these goals
setup:
	tools/setup --install $(or $(FOR),build build-root kernel tool vm check bench tool-test)

## module: ipcshm.ko alone, which needs a compiler and kernel headers; KDIR=/path/to/kernel/build for another kernel
module:
	tools/build-module $(KDIR)

## lib: libipcshm alone, in lib/build
lib:
	$(MAKE) -C lib

## tool: ipcshm, the program, in tools/ipcshm/build
tool: lib
	tools/setup tool
	$(MAKE) -C tools/ipcshm

examples: lib
	$(MAKE) -C Documentation/examples

selftests: lib
	$(MAKE) -C selftests

## demo: see it work: boots a virtual machine and runs the demonstrations in it; calls "make setup" first
demo:
	$(MAKE) setup FOR="build vm"
	$(MAKE) examples
	tools/vm/run -k $(KERNEL) -a Documentation/examples/build:/demo -a Documentation/examples/demo.sh:/demo/demo.sh \
		-a /usr/share/common-licenses:/usr/share/common-licenses -- sh /demo/demo.sh

## test: all kselftests in a virtual machine; KERNEL=7.3|6.12|6.1|6.1-rt|debug|kcsan, TESTS="region queue", LONG=1: every round; calls "make setup" first
test:
	$(MAKE) setup FOR="build vm $(kernel)"
	$(MAKE) selftests
	IPCSHM_LONG=$(LONG) tools/vm/test $(KERNEL) selftests/build $(tests)

## kunit: unit tests of the module's pure logic, by KUnit, in the KASAN kernel
kunit:
	tools/kunit

## test-load: kernels that the module does not know are refused when it is loaded; KERNEL= as for test
test-load:
	tools/setup build vm $(kernel)
	rm -rf build/load && mkdir -p build/load
	cp selftests/load.sh build/load/load
	cp "$$(BUILD=build/faults tools/build-module "$$(tools/vm/fetch $(KERNEL))/build" IPCSHM_FAULTS=y)" build/load/ipcshm-faults.ko
	tools/vm/test $(KERNEL) build/load load

## test-ynl: every netlink operation by the kernel's own generic client, which is in Python; KERNEL= as for test
test-ynl:
	tools/setup build vm ynl
	tools/vm/guest/ynl/pack build/ynl
	tools/vm/test $(KERNEL) build/ynl ynl

## test-tracers: the tracepoints by perf, trace-cmd and bpftrace, 300 MB of which are put into the machine; KERNEL= as for test
test-tracers: tool
	tools/setup build vm tracers
	tools/vm/guest/tracers/pack build/tracers
	IPCSHM_TEST_LIMIT=$(or $(IPCSHM_TEST_LIMIT),600) tools/vm/test $(KERNEL) build/tracers tracers

## test-tool: the program ipcshm, in the same machine: each command, a terminal, 100,000 objects; KERNEL= as for test
test-tool: tool
	tools/setup build vm tool-test
	tools/vm/guest/tool/pack build/test-tool
	IPCSHM_TEST_LIMIT=$(or $(IPCSHM_TEST_LIMIT),900) tools/vm/test $(KERNEL) build/test-tool tool tool-many

## bench: what things cost in a virtual machine, nothing else running, into Documentation/performance; BENCH="wake-latency": these only
bench: lib
	tools/setup build vm bench
	$(MAKE) -C tools/bench
	tools/vm/run -k $(KERNEL) -t 900 -a tools/bench/build:/bench -a tools/bench/run:/vm/bench -- \
		/vm/bench /bench $(or $(BENCH),$(basename $(notdir $(wildcard tools/bench/*.c))))
	$(if $(BENCH),,tools/bench/measure full $(KERNEL) && tools/bench/report build/bench)

## bench-quick: messages against their targets, in three minutes
bench-quick: lib
	tools/bench/measure quick $(KERNEL)

## bench-cost: instructions per operation, the same on every machine, against what is expected; UPDATE=1: expect these
bench-cost: lib
	tools/bench/cost $(if $(UPDATE),-u) $(KERNEL)

## bench-latency: how long one user can keep a real-time task off the CPU, in microseconds; SCENARIOS="pollers-send": these only
bench-latency: lib
	tools/bench/latency/measure $(KERNEL) $(SCENARIOS)

## bench-observed: instructions that tracepoints cost while nobody looks, which is to be at most 2 % of a queue's operations
bench-observed: lib
	tools/bench/observed $(KERNEL)

## check-debug: all tests on both debug kernels: KASAN and lockdep, then KCSAN; TESTS= as for test
check-debug:
	tools/setup build vm
	$(MAKE) selftests
	tools/vm/test-debug $(tests)

## coverage: how much of the module the tests run, line by line in build/coverage/html; TESTS= as for test
coverage:
	tools/setup build vm coverage
	$(MAKE) selftests
	tools/coverage $(tests)

## fuzz: call the module with what nobody would, in the KASAN kernel; TIME= in seconds, see tools/fuzz/run
fuzz:
	tools/fuzz/run -t $(or $(TIME),600)

## foreign: the same with stress-ng and trinity, a minute each
foreign:
	tools/fuzz/foreign

## mutation: put bugs into the module and the library, one at a time, and see the tests find them; MUTATE=module|library
mutation:
	tools/setup build vm
	$(foreach kind,$(or $(MUTATE),module library),tools/mutation/run $(kind) &&) true

## vm: a shell in a virtual machine with the module, the tests and the examples; KERNEL= as for test
vm:
	tools/setup build vm
	$(MAKE) selftests examples tool
	tools/vm/run -i -k $(KERNEL) -a tools/ipcshm/build/ipcshm:/bin/ipcshm -a /lib/terminfo/l/linux:/lib/terminfo/l/linux \
		-a selftests/build:/root/selftests -a Documentation/examples/build:/root/examples \
		-a Documentation/examples/demo.sh:/root/examples/demo.sh

## html: these documents, the manual pages and the headers as HTML, in build/html
html:
	tools/setup build html
	tools/html

## check: static checks, and the tests of the library and the program that need no module, under sanitizers
check:
	tools/setup build tool check html
	tools/check/all

## install: module, library and program below DESTDIR; the latter two in PREFIX (/usr/local)
install: all
	tools/install-module $(KDIR)
	$(MAKE) -C lib install
	$(MAKE) -C tools/ipcshm install

## uninstall: the reverse of install
uninstall:
	tools/install-module -u $(KDIR)
	$(MAKE) -C lib uninstall
	$(MAKE) -C tools/ipcshm uninstall

## clean: remove what was built here (not the cache of kernels, ~/.cache/ipcshm)
clean:
	rm -rf build selftests/build
	$(MAKE) -C lib clean
	$(MAKE) -C tools/ipcshm clean
	$(MAKE) -C Documentation/examples clean
	$(MAKE) -C tools/bench clean

## help: this list
help:
	sed -n 's/^## \([a-z-]*\): /  \1\t/p' Makefile | expand -t 16
