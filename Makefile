# Seamark: two programs, their tests and fuzz targets. `make help` lists the commands.
#
# Sources are found by folder: a new .c file in src/ or tests/ needs no line here.
# V=1 shows the commands. VARIANT picks the build: plain (default), asan (AddressSanitizer + UBSan), tsan (ThreadSanitizer).

VARIANT ?= plain
Q       := $(if $(V),,@)
CC      ?= gcc
BUILD   := build/$(VARIANT)
BIN     := $(if $(filter plain,$(VARIANT)),bin,$(BUILD)/bin)

PKGS := libnghttp2 libcurl json-c yaml-0.1 libevent libevent_pthreads liburcu ldns libunbound zlib openssl re2
VERSION := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wcast-qual
WARN_CXX := $(filter-out -Wstrict-prototypes -Wmissing-prototypes,$(WARN))
SAN_plain :=
SAN_asan  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan  := -fsanitize=thread -fno-omit-frame-pointer
OPT_plain := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT_asan  := -O1
OPT_tsan  := -O1
# What a sanitizer prints needs files and lines; variables would make these builds a quarter longer.
DEBUG     := $(if $(filter plain,$(VARIANT)),-g,-g1)

# Tests are compiled once and run once: what the compiler spends on making them fast does not come back.
OPT_TEST_plain := -O1 -D_FORTIFY_SOURCE=2
OPT_TEST_asan  := -O0
OPT_TEST_tsan  := -O0

CFLAGS  ?= $(DEBUG)
CXXFLAGS ?= $(DEBUG)
CFLAGS  += -std=gnu17 $(OPT_$(VARIANT)) $(SAN_$(VARIANT)) $(WARN) -pthread -fPIE
CXXFLAGS += -std=gnu++17 $(OPT_$(VARIANT)) $(SAN_$(VARIANT)) $(WARN_CXX) -pthread -fPIE
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CPPFLAGS += -Isrc -D_GNU_SOURCE -DSEAMARK_VERSION='"$(or $(VERSION),0.0.0)"' $(PKG_CFLAGS)
LDFLAGS += $(SAN_$(VARIANT)) -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LDLIBS  += $(PKG_LIBS) -lstdc++ -lm
# Test programs are many and large: LLVM's linker makes them in a third of the time, where it is installed. The two programs themselves
# are linked by the compiler's own.
TEST_LDFLAGS := $(if $(shell command -v ld.lld),-fuse-ld=lld)

SHARED_SRC := $(wildcard src/base/*.c src/gotemplate/*.c src/exprlang/*.c src/conf/*.c src/dns/*.c src/zone/*.c)
# What is written in C++, for a library that is: one wrapper.
SHARED_CXX := $(wildcard src/base/*.cc)
SERVE_SRC  := $(wildcard $(addsuffix /*.c,$(addprefix src/,serve exchange upstream cache rewrite template transfer metrics http plugins)))
SYNC_SRC   := $(wildcard src/sync/*.c)
MAIN_SRC   := src/serve/main.c src/sync/main.c
UNIT_SRC   := $(wildcard tests/unit/*/test_*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
SHARED_OBJ := $(call obj,$(SHARED_SRC)) $(patsubst %.cc,$(BUILD)/%.o,$(SHARED_CXX))
SERVE_OBJ  := $(call obj,$(filter-out $(MAIN_SRC),$(SERVE_SRC)))
SYNC_OBJ   := $(call obj,$(filter-out $(MAIN_SRC),$(SYNC_SRC)))
UNIT_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
FUZZ_BIN   := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))

.PHONY: all help deps demo test e2e bench unit unit-bin unit-threads unit-threads-bin clang-warnings fuzz fuzz-bin check format clean install
.DEFAULT_GOAL := all
# Objects are kept, also those that only lead to a test program.
.SECONDARY:

all: $(BIN)/seamark $(BIN)/seamark-sync

help:
	@echo 'make          build bin/seamark and bin/seamark-sync'
	@echo 'make deps     install the Debian packages that building and testing need'
	@echo 'make demo     deps, build, start on 127.0.0.1:5300 with the example cluster in zones/'
	@echo 'make test     deps, build, all tests that need only Debian packages'
	@echo 'make e2e      the tests against a real kube-apiserver, etcd and CoreDNS'
	@echo 'make bench    the figures of docs/benchmarks.md, beside the peers (BENCH=full: longer)'
	@echo 'make fuzz     run every fuzz target for FUZZ_SECONDS (default 600) each'
	@echo 'make check    layout, includes between folders, banned calls'
	@echo 'make format   let clang-format lay out the sources'

$(BIN)/seamark: $(BUILD)/src/serve/main.o $(BUILD)/libserve.a $(BUILD)/libshared.a
$(BIN)/seamark-sync: $(BUILD)/src/sync/main.o $(BUILD)/libsync.a $(BUILD)/libshared.a
$(BIN)/seamark $(BIN)/seamark-sync:
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libshared.a: $(SHARED_OBJ)
$(BUILD)/libserve.a: $(SERVE_OBJ)
$(BUILD)/libsync.a: $(SYNC_OBJ)
$(BUILD)/lib%.a:
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/tests/%.o: CFLAGS += $(OPT_TEST_$(VARIANT))
$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC      $@'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.cc Makefile
	@mkdir -p $(@D)
	@echo '  CXX     $@'
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# A unit test links against everything but the two main files, so that it may test any module; under ThreadSanitizer without the sync
# daemon, which has no threads.
UNIT_LIBS := $(BUILD)/libserve.a $(if $(filter tsan,$(VARIANT)),,$(BUILD)/libsync.a) $(BUILD)/libshared.a
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_LIBS)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(LDFLAGS) $(TEST_LDFLAGS) -o $@ $^ -lcunit $(LDLIBS)

unit-bin: $(UNIT_BIN)
unit: unit-bin
	@scripts/run-unit $(VARIANT) $(UNIT_BIN)

# Programs that integration tests drive; the tests make them.
$(BUILD)/integration/%: $(BUILD)/tests/integration/%.o $(BUILD)/libsync.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(LDFLAGS) $(TEST_LDFLAGS) -o $@ $^ $(LDLIBS)

# Tests of what threads share, by name: these run under ThreadSanitizer too.
THREAD_BIN := $(filter %_threads,$(UNIT_BIN))
unit-threads-bin: $(THREAD_BIN)
unit-threads: unit-threads-bin
	@scripts/run-unit $(VARIANT) $(THREAD_BIN)

# The second compiler's opinion, without making anything.
clang-warnings: $(patsubst %.c,build/clang/%.ok,$(SHARED_SRC) $(SERVE_SRC) $(SYNC_SRC)) $(patsubst %.cc,build/clang/%.ok,$(SHARED_CXX))
build/clang/%.ok: %.c
	@mkdir -p $(@D)
	@clang $(CPPFLAGS) -std=gnu17 -O2 $(WARN) -fsyntax-only -MMD -MP -MF build/clang/$*.d -MT $@ $<
	@touch $@
build/clang/%.ok: %.cc
	@mkdir -p $(@D)
	@clang++ $(CPPFLAGS) -std=gnu++17 -O2 $(WARN_CXX) -fsyntax-only -MMD -MP -MF build/clang/$*.d -MT $@ $<
	@touch $@

# Fuzz targets are built by clang with all shared and sync sources instrumented, the rules of rewrite, and what
# makes names of a cluster out of questions.
FUZZ_FLAGS := -gline-tables-only -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -pthread
FUZZ_OBJ := $(patsubst %.c,build/fuzz/obj/%.o,$(SHARED_SRC) $(filter-out $(MAIN_SRC),$(SYNC_SRC)) \
                $(wildcard src/rewrite/*.c) $(addprefix src/serve/,cluster_name.c cluster_spelling.c pod_name.c)) \
            $(patsubst %.cc,build/fuzz/obj/%.o,$(SHARED_CXX))
build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CLANG   $@'
	$(Q)clang $(CPPFLAGS) -std=gnu17 $(subst fuzzer,fuzzer-no-link,$(FUZZ_FLAGS)) -MMD -MP -c -o $@ $<
build/fuzz/obj/%.o: %.cc Makefile
	@mkdir -p $(@D)
	@echo '  CLANG++ $@'
	$(Q)clang++ $(CPPFLAGS) -std=gnu++17 $(subst fuzzer,fuzzer-no-link,$(FUZZ_FLAGS)) -MMD -MP -c -o $@ $<
build/fuzz/libfuzzed.a: $(FUZZ_OBJ)
	@rm -f $@
	@ar rcs $@ $^
build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/libfuzzed.a
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)clang++ $(FUZZ_FLAGS) $(TEST_LDFLAGS) -o $@ $^ $(LDLIBS)

fuzz-bin: $(FUZZ_BIN)
fuzz: fuzz-bin
	@scripts/run-fuzz $(or $(FUZZ_SECONDS),600) $(FUZZ_BIN)

deps:
	@scripts/install-deps
demo: deps
	@$(MAKE) --no-print-directory -j2 all
	@scripts/demo
test: deps
	@scripts/run-tests
e2e: deps
	@$(MAKE) --no-print-directory -j2 all
	@tests/e2e/run.sh
bench:
	@scripts/install-deps bench
	@$(MAKE) --no-print-directory -j2 all build/bench/echo
	@tests/bench/run.sh $(if $(filter full,$(BENCH)),--full) $(BENCH_ARGS)
build/bench/%: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< -pie -pthread

check:
	@scripts/check-layout
format:
	@git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

PREFIX ?= /usr/local
install: all
	install -D -m 0755 $(BIN)/seamark $(DESTDIR)$(PREFIX)/bin/seamark
	install -D -m 0755 $(BIN)/seamark-sync $(DESTDIR)$(PREFIX)/bin/seamark-sync

clean:
	rm -rf build bin

-include $(shell find build -name '*.d' 2>/dev/null)
