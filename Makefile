# SPDX-License-Identifier: GPL-2.0-only
#
# The entry to everything: "make help". Packages are installed by "make setup" alone, which "make
# demo" and "make test" call first; other goals name what is missing. Goals that install packages or
# files use sudo unless run as root.

KERNEL ?= 6.12
kernels := 7.3 6.12 6.1 6.1-rt debug kasan kcsan
$(if $(filter-out $(kernels),$(or $(KERNEL),none)),$(error unknown kernel "$(KERNEL)" (known: $(kernels))))
PREFIX ?= /usr/local
export PREFIX DESTDIR V
MAKEFLAGS += --no-print-directory $(if $(V),,-s)

tests = $(or $(TESTS),$(shell $(MAKE) -s -C selftests emit_tests COLLECTION=ipcshm | sed 's/.*://'))

# Packages that a test kernel needs that is built from source, or whose modules this machine cannot
# build.
kernel = $(if $(filter debug kasan kcsan,$(KERNEL)),kernel) $(if $(filter 7.%,$(KERNEL)),build-root)

.PHONY: all setup module lib tool examples selftests demo test test-32 test-load kunit test-guides test-python test-ynl test-tracers test-tool test-programs bench bench-quick bench-cost bench-latency bench-observed profile check-debug \
	coverage fuzz foreign mutation vm html deb check install uninstall clean help

## all: build module, library and program
all: module lib tool

## setup: install the Debian packages for building and testing [FOR]
setup:
	tools/setup --install $(or $(FOR),build build-root kernel tool vm check bench tool-test)

## module: build ipcshm.ko; needs a compiler and kernel headers [KDIR]
module:
	tools/build-module $(KDIR)

## lib: build libipcshm, in lib/build
lib:
	$(MAKE) -C lib

## tool: build the program ipcshm, in tools/ipcshm/build
tool: lib
	tools/setup tool
	$(MAKE) -C tools/ipcshm

examples: lib
	$(MAKE) -C Documentation/examples

selftests: lib
	$(MAKE) -C selftests

## demo: run the demonstrations in a virtual machine, after make setup
demo:
	$(MAKE) setup FOR="build vm"
	$(MAKE) examples
	tools/vm/run -k $(KERNEL) -a Documentation/examples/build:/demo -a Documentation/examples/demo.sh:/demo/demo.sh \
		-a /usr/share/common-licenses:/usr/share/common-licenses -- sh /demo/demo.sh

## test: run kselftests in a virtual machine, after make setup
##	[KERNEL TESTS LONG]
test:
	$(MAKE) setup FOR="build vm $(kernel)"
	$(MAKE) selftests
	IPCSHM_LONG=$(LONG) tools/vm/test $(KERNEL) selftests/build $(tests)

## test-32: run kselftests and the library's unit tests as 32-bit programs
##	[KERNEL TESTS]
test-32:
	tools/setup build vm bits32
	tools/vm/guest/32/pack build/test-32
	tools/vm/test $(KERNEL) build/test-32 $(or $(TESTS),$$(cat build/test-32/programs))

## kunit: run unit tests of the module's pure logic, on a KASAN kernel
kunit:
	tools/kunit

## test-load: test that the module refuses unknown kernels [KERNEL]
test-load:
	tools/setup build vm $(kernel)
	rm -rf build/load && mkdir -p build/load
	cp selftests/load.sh build/load/load
	cp "$$(BUILD=build/faults tools/build-module "$$(tools/vm/fetch $(KERNEL))/build" IPCSHM_FAULTS=y)" build/load/ipcshm-faults.ko
	tools/vm/test $(KERNEL) build/load load

## test-guides: run the programs of the guides [KERNEL]
test-guides: lib
	tools/setup build vm
	tools/vm/guest/guides/pack build/test-guides
	tools/vm/test $(KERNEL) build/test-guides guides

## test-python: test the Python package [KERNEL]
test-python: tool
	tools/setup build vm tool python
	tools/vm/guest/python/pack build/test-python
	tools/vm/test $(KERNEL) build/test-python python python-bench

## test-ynl: test netlink by the kernel's generic client [KERNEL]
test-ynl:
	tools/setup build vm ynl
	tools/vm/guest/ynl/pack build/ynl
	tools/vm/test $(KERNEL) build/ynl ynl

## test-tracers: test tracepoints by perf, trace-cmd and bpftrace [KERNEL]
test-tracers: tool
	tools/setup build vm tracers
	tools/vm/guest/tracers/pack build/tracers
	IPCSHM_TEST_LIMIT=$(or $(IPCSHM_TEST_LIMIT),600) tools/vm/test $(KERNEL) build/tracers tracers

## test-tool: test the program ipcshm, up to 100,000 objects [KERNEL]
test-tool: tool
	tools/setup build vm tool-test
	tools/vm/guest/tool/pack build/test-tool
	IPCSHM_TEST_LIMIT=$(or $(IPCSHM_TEST_LIMIT),900) tools/vm/test $(KERNEL) build/test-tool tool tool-many

## test-programs: run PostgreSQL and others with the drop-in [KERNEL]
test-programs: lib tool
	tools/setup build vm tool programs
	tools/vm/guest/programs/pack build/test-programs
	IPCSHM_TEST_LIMIT=$(or $(IPCSHM_TEST_LIMIT),900) tools/vm/test $(KERNEL) build/test-programs programs

## bench: measure all, into Documentation/performance [KERNEL BENCH]
bench: lib
	tools/setup build vm bench
	$(MAKE) -C tools/bench
	tools/vm/run -k $(KERNEL) -t 900 -a tools/bench/build:/bench -a tools/bench/run:/vm/bench -- \
		/vm/bench /bench $(or $(BENCH),$(basename $(notdir $(wildcard tools/bench/*.c))))
	$(if $(BENCH),,tools/bench/measure full $(KERNEL) && tools/bench/report build/bench)

## bench-quick: compare messages with their targets, in three minutes [KERNEL]
bench-quick: lib
	tools/bench/measure quick $(KERNEL)

## bench-cost: compare instructions of operations with the expected ones
##	[KERNEL UPDATE]
bench-cost: lib
	tools/bench/cost $(if $(UPDATE),-u) $(KERNEL)

## bench-latency: measure how long a user can delay a real-time task
##	[KERNEL SCENARIOS]
bench-latency: lib
	tools/bench/latency/measure $(KERNEL) $(SCENARIOS)

## bench-observed: count the instructions that unused tracepoints cost
##	[KERNEL UPDATE]
bench-observed: lib
	tools/bench/observed $(if $(UPDATE),-u) $(KERNEL)

## profile: count the instructions of messages by function [KERNEL SIZE]
profile: lib
	SIZE=$(SIZE) tools/bench/profile/run $(KERNEL)

## check-debug: run kselftests under KASAN and lockdep, then KCSAN [TESTS]
check-debug:
	tools/setup build vm
	$(MAKE) selftests
	tools/vm/test-debug $(tests)

## coverage: measure the lines of the module that kselftests run [TESTS]
coverage:
	tools/setup build vm coverage
	$(MAKE) selftests
	tools/coverage $(tests)

## fuzz: run random programs against the module under KASAN [TIME]
fuzz:
	tools/fuzz/run -t $(or $(TIME),600)

## foreign: run stress-ng and trinity against the module, under KASAN
foreign:
	tools/fuzz/foreign

## mutation: put bugs in, one at a time, and run the test that finds each
##	[MUTATE]
mutation:
	tools/setup build vm mutation
	$(foreach kind,$(or $(MUTATE),module library),tools/mutation/run $(kind) &&) true

## vm: start a shell in a virtual machine with all programs [KERNEL]
vm:
	tools/setup build vm
	$(MAKE) selftests examples tool
	tools/vm/run -i -k $(KERNEL) -a tools/ipcshm/build/ipcshm:/bin/ipcshm -a /lib/terminfo/l/linux:/lib/terminfo/l/linux \
		-a selftests/build:/root/selftests -a Documentation/examples/build:/root/examples \
		-a Documentation/examples/demo.sh:/root/examples/demo.sh

## html: build the documents and manual pages as HTML, in build/html
html:
	tools/setup build html
	tools/html

## check: run static checks and sanitized unit tests, without the module
check:
	tools/setup build tool check html
	tools/check/all

## deb: build the Debian packages, in build/deb
deb:
	tools/setup deb
	tools/deb

## install: install module, library and program [DESTDIR PREFIX KDIR]
install: all
	tools/install-module $(KDIR)
	$(MAKE) -C lib install
	$(MAKE) -C tools/ipcshm install

## uninstall: remove installed files [DESTDIR PREFIX KDIR]
uninstall:
	tools/install-module -u $(KDIR)
	$(MAKE) -C lib uninstall
	$(MAKE) -C tools/ipcshm uninstall

## clean: remove built files, but not the cache ~/.cache/ipcshm
clean:
	rm -rf build selftests/build
	$(MAKE) -C lib clean
	$(MAKE) -C tools/ipcshm clean
	$(MAKE) -C Documentation/examples clean
	$(MAKE) -C tools/bench clean

## help: print this list
##!
##!Variables:
##!  KERNEL=VERSION            7.3, 6.12 (default), 6.1, 6.1-rt, debug or kcsan
##!  TESTS="region queue"      only these test programs
##!  LONG=1                    every round of every test
##!  TIME=1800                 seconds of fuzzing (default 600)
##!  BENCH="wake-latency"      only these measurements
##!  SIZE=1024                 bytes of the messages that are profiled (default 64)
##!  SCENARIOS="pollers-send"  only these scenarios
##!  UPDATE=1                  expect the counted instructions from now on
##!  MUTATE=module|library     only bugs of the module, or of the library
##!  FOR="build vm"            only the packages of these groups, see tools/setup
##!  KDIR=DIRECTORY            build tree of another kernel
##!  DESTDIR= PREFIX=          where to install; PREFIX is /usr/local by default
help:
	sed -n 's/^## \([a-z-]*\): /  \1\t/p; s/^##\t/\t/p; s/^##!//p' Makefile | expand -t 18
