# Crosstalk. `make help` says what there is; V=1 shows the commands.

.DEFAULT_GOAL := all
SHELL := /bin/bash

VERSION := 0.1.0

# One list of Debian packages: to build and run, to test, to check the code.
PACKAGES_RUN   := g++ make pkg-config libuv1-dev libhiredis-dev libcjson-dev libsimdjson-dev libtomlplusplus-dev libcli11-dev \
                  libspdlog-dev libfmt-dev libtelnet-dev libssl-dev robin-map-dev libhttp-parser-dev prometheus-cpp-dev \
                  libsystemd-dev libncurses-dev libedit-dev redis-server redis-tools
PACKAGES_CHECK := check python3
PACKAGES_FAULTS := nftables iproute2 faketime
PACKAGES_PERF  := valgrind
PACKAGES_CI    := clang-14 libclang-rt-14-dev clang-format-14 mandoc git systemd prometheus

BUILD ?= build
CXX   ?= g++
ifeq ($(origin CXX),default)
CXX := g++
endif
OPT   ?= -O2 -g
WARN  := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(WERROR),-Werror)
SAN   ?=
LIBS  := libuv hiredis libcjson simdjson fmt spdlog libtelnet openssl tomlplusplus prometheus-cpp-core

# Where there is libsystemd, a supervisor is told how the node is (Type=notify).
SYSTEMD = $(shell pkg-config --exists libsystemd 2>/dev/null && echo libsystemd)

# Looked up when a compiler first runs, not before: `make deps` works on a bare machine.
LIB_CFLAGS = $(eval LIB_CFLAGS := $(shell pkg-config --cflags $(LIBS) $(SYSTEMD) | sed 's/-I/-isystem /g') $(if $(SYSTEMD),-DCROSSTALK_SYSTEMD))$(LIB_CFLAGS)
# http-parser has no .pc file.
LIB_LIBS   = $(eval LIB_LIBS := $(shell pkg-config --libs $(LIBS) $(SYSTEMD)) -lhttp_parser)$(LIB_LIBS)
CHECK_LIBS = $(eval CHECK_LIBS := $(shell pkg-config --libs check))$(CHECK_LIBS)

# The tools' own: what all of them share needs these, each tool adds its own.
TOOL_LIBS  = $(eval TOOL_LIBS := $(shell pkg-config --libs libcjson) -lhttp_parser)$(TOOL_LIBS)
PEEK_LIBS  = $(eval PEEK_LIBS := $(shell pkg-config --libs hiredis ncursesw))$(PEEK_LIBS)
EDIT_LIBS  = $(eval EDIT_LIBS := $(shell pkg-config --libs libedit))$(EDIT_LIBS)

CPPFLAGS_ALL = -I. -DCROSSTALK_VERSION='"$(VERSION)"' $(CPPFLAGS)
CXXFLAGS_ALL = -std=c++20 $(OPT) $(WARN) -fno-omit-frame-pointer $(SAN) $(LIB_CFLAGS) $(CXXFLAGS)
LDFLAGS_ALL  = $(SAN) $(LDFLAGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(2)')

PRODUCT_SRC := $(wildcard peer/*.cc src/*/*.cc)
UNIT_SRC    := $(wildcard tests/unit/*_test.cc)
SIM_SRC     := $(wildcard tests/sim/*.cc)
PERF_SRC    := $(wildcard tests/perf/*.cc)
TOOL_SRC    := $(filter-out %/main.cc,$(wildcard tools/*/*.cc))
TOOL_MAIN   := $(wildcard tools/*/main.cc)
PRODUCT_OBJ := $(PRODUCT_SRC:%.cc=$(BUILD)/obj/%.o)
UNIT_BIN    := $(UNIT_SRC:tests/unit/%.cc=$(BUILD)/unit/%)
SIM_OBJ     := $(SIM_SRC:%.cc=$(BUILD)/obj/%.o)
PERF_OBJ    := $(PERF_SRC:%.cc=$(BUILD)/obj/%.o)
TOOL_OBJ    := $(TOOL_SRC:%.cc=$(BUILD)/obj/%.o)
ALL_OBJ     := $(PRODUCT_OBJ) $(BUILD)/obj/src/main.o $(UNIT_SRC:%.cc=$(BUILD)/obj/%.o) $(SIM_OBJ) $(PERF_OBJ) \
               $(TOOL_OBJ) $(TOOL_MAIN:%.cc=$(BUILD)/obj/%.o)
CLANG_SEEN  := $(ALL_OBJ:.o=.seen)

.PHONY: all programs tests deps deps-run deps-check deps-faults deps-perf deps-ci run check unit sim live faults perf-check perf-accept \
        perf-top asan clang mutate layers format format-check man-lint ci help clean install uninstall dist unit-lint prometheus-lint \
        bench bench-deps

all: deps-run programs ## build the programs into build/

programs: $(BUILD)/crosstalkd $(BUILD)/crosstalk $(BUILD)/cluster-peek $(BUILD)/crosstalk-bench

tests: $(UNIT_BIN) $(BUILD)/sim

$(BUILD)/obj/%.o: %.cc Makefile
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(CPPFLAGS_ALL) $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/libcrosstalk.a: $(PRODUCT_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/crosstalkd: $(BUILD)/obj/src/main.o $(BUILD)/libcrosstalk.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

$(BUILD)/libtool.a: $(TOOL_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/cluster-peek: $(BUILD)/obj/tools/peek/main.o $(BUILD)/libtool.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(TOOL_LIBS) $(PEEK_LIBS)

$(BUILD)/crosstalk: $(BUILD)/obj/tools/crosstalk/main.o $(BUILD)/libtool.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(TOOL_LIBS) $(EDIT_LIBS)

$(BUILD)/crosstalk-bench: $(BUILD)/obj/tools/bench/main.o $(BUILD)/libtool.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(TOOL_LIBS)

# Tests of the tools know nothing of the server.
$(BUILD)/unit/tool_%: $(BUILD)/obj/tests/unit/tool_%.o $(BUILD)/libtool.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(TOOL_LIBS) $(CHECK_LIBS)

$(BUILD)/unit/peek_%: $(BUILD)/obj/tests/unit/peek_%.o $(BUILD)/libtool.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(TOOL_LIBS) $(PEEK_LIBS) $(CHECK_LIBS)

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libcrosstalk.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS) $(CHECK_LIBS)

$(BUILD)/sim: $(SIM_OBJ) $(BUILD)/libcrosstalk.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

$(BUILD)/perf: $(PERF_OBJ) $(BUILD)/libcrosstalk.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

# A unit program runs for less time than it takes to optimize it.
$(BUILD)/obj/tests/unit/%.o: CXXFLAGS_ALL += -O0

.PRECIOUS: $(BUILD)/obj/%.o

-include $(ALL_OBJ:.o=.d) $(CLANG_SEEN:=.d)

# Installs only when something is missing, with sudo where we are not root.
define install_packages
	@missing=$$(for p in $(1); do [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "  APT  $$(echo $$missing)"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

deps: deps-run deps-check ## install the Debian packages that are missing
deps-run:
	$(call install_packages,$(PACKAGES_RUN))
deps-check:
	$(call install_packages,$(PACKAGES_RUN) $(PACKAGES_CHECK))
deps-faults:
	$(call install_packages,$(PACKAGES_RUN) $(PACKAGES_CHECK) $(PACKAGES_FAULTS))
deps-perf:
	$(call install_packages,$(PACKAGES_RUN) $(PACKAGES_CHECK) $(PACKAGES_PERF))
deps-ci:
	$(call install_packages,$(PACKAGES_RUN) $(PACKAGES_CHECK) $(PACKAGES_FAULTS) $(PACKAGES_PERF) $(PACKAGES_CI))

run: deps-run programs ## three nodes and a private Redis on this machine, until Ctrl-C
	@bash tools/run-mesh.sh $(BUILD)

# Everything that a change has to pass: the quick tests first.
check: deps-check programs tests ## build and run all tests
	@bash tests/all.sh $(BUILD) unit sim live docs layers

unit: deps-check $(UNIT_BIN) ## the unit tests alone, in seconds
	@bash tests/all.sh $(BUILD) unit

SEEDS ?= 600
sim: deps-check $(BUILD)/sim ## the simulator; SEEDS=20000 for more
	@$(BUILD)/sim --seeds $(SEEDS)

live: deps-check programs ## real processes, real Redis, real faults
	@bash tests/all.sh $(BUILD) live

# Nothing of it is judged by the clock in CI: this is for people to look at.
bench: deps-run programs ## measure beside NATS, Redis and a bare relay; ROUNDS=3 DURATION=5 SESSIONS=10000
	@bash tools/bench.sh $(BUILD)

# Into build/, so that neither root nor a service that starts by itself is needed.
bench-deps: ## fetch Debian's nats-server for make bench
	@command -v nats-server >/dev/null || [ -x /usr/sbin/nats-server ] || [ -x $(BUILD)/bench/nats/usr/sbin/nats-server ] || { \
	  mkdir -p $(BUILD)/bench/nats && cd $(BUILD)/bench/nats && apt-get download -qq nats-server && \
	  dpkg -x nats-server_*.deb . && rm nats-server_*.deb; }

# Some need root (namespaces, nft); those are skipped, with the reason, where that is not to be had.
faults: deps-faults programs ## the fault table, in minutes; ROWS="kill redis" for some of it
	@CROSSTALKD=$(BUILD)/crosstalkd python3 tests/live/faults/table.py --out $(BUILD)/faults.md $(ROWS)

# The same figures on a busy machine as on an idle one, but of g++ on x86-64 alone.
perf-check: deps-perf $(BUILD)/perf ## the instructions of a chat, at most 5 % over those accepted
	@python3 tests/perf/check.py $(BUILD)/perf

perf-accept: deps-perf $(BUILD)/perf ## … accepts those of this tree
	@python3 tests/perf/check.py $(BUILD)/perf --accept

SCRIPT ?= remote
perf-top: deps-perf $(BUILD)/perf ## … and the functions that take most; SCRIPT=remote
	@python3 tests/perf/check.py $(BUILD)/perf --top $(SCRIPT)

# Built by clang, in half of g++'s time, and so seen by clang's warnings, too. A shorter
# storm: the sanitizers make it slow, not different.
asan: deps-ci ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory BUILD=build/asan CXX=clang++-14 OPT='-O1 -g1' \
	  SAN='-fsanitize=address,undefined -fno-sanitize-recover=all' programs tests build/asan/perf
	@CK_TIMEOUT_MULTIPLIER=4 CROSSTALK_STORM_CHATS=50000 SIM_SEEDS=40 bash tests/all.sh build/asan unit sim live

# All of clang's warnings are its front end's: nothing has to be built for them.
clang: deps-ci $(CLANG_SEEN) ## what clang warns of

$(BUILD)/obj/%.seen: %.cc Makefile
	@mkdir -p $(@D)
	$(call say,SEE,$<)
	$(Q)clang++-14 $(CPPFLAGS_ALL) $(CXXFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -fsyntax-only $< && touch $@

mutate: deps-check $(BUILD)/sim ## take guards away one by one; the simulator must notice each
	@python3 tests/sim/mutate.py --build $(BUILD)

layers: ## who includes whom
	@bash tests/layers.sh

FORMATTED = $(wildcard peer/*.h peer/*.cc src/*.cc src/*/*.h src/*/*.cc tests/*/*.h tests/*/*.cc tools/*/*.h tools/*/*.cc)
format: deps-ci ## lay the code out
	@clang-format-14 -i $(FORMATTED)
format-check: deps-ci
	@clang-format-14 --dry-run --Werror $(FORMATTED)

man-lint: deps-ci ## the manual pages are well-formed
	@mandoc -Tlint -W warning man/*.[1-8]

# Where things go, after the Filesystem Hierarchy Standard; DESTDIR before all of
# it, for packages.
PREFIX      ?= /usr/local
DESTDIR     ?=
SBINDIR     ?= $(PREFIX)/sbin
BINDIR      ?= $(PREFIX)/bin
MANDIR      ?= $(PREFIX)/share/man
DATADIR     ?= $(PREFIX)/share/crosstalk
SYSCONFDIR  ?= /etc
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
PATHS = $(foreach p,PREFIX DESTDIR SBINDIR BINDIR MANDIR DATADIR SYSCONFDIR UNITDIR SYSUSERSDIR,$(p)='$($(p))')

install: programs ## programs, manual, settings and systemd units; PREFIX=/usr/local DESTDIR=
	@$(PATHS) bash tools/install.sh install $(BUILD)

uninstall: ## what install has put there, but the settings
	@$(PATHS) bash tools/install.sh uninstall $(BUILD)

DIST := crosstalk-$(VERSION)
dist: ## build/crosstalk-VERSION.tar.gz of what is committed
	@mkdir -p $(BUILD)
	@git archive --format=tar.gz --prefix=$(DIST)/ -o $(BUILD)/$(DIST).tar.gz HEAD
	@printf '  %s\n' $(BUILD)/$(DIST).tar.gz

# The unit is sound, and as closed as we promise: an exposure of 1.5 or less.
unit-lint: deps-ci
	@bash tests/systemd.sh $(BUILD)

prometheus-lint: deps-ci ## the alert rules and the dashboard are sound
	@bash tests/prometheus.sh

# All is built twice: by g++ as it is shipped (nobody debugs it here: no -g), by clang with the sanitizers.
ci: deps-ci ## what .ci/run runs
	@$(MAKE) --no-print-directory format-check man-lint
	@$(MAKE) --no-print-directory WERROR=1 OPT=-O2 check
	@$(MAKE) --no-print-directory WERROR=1 OPT=-O2 perf-check
	@$(MAKE) --no-print-directory unit-lint prometheus-lint
	@$(MAKE) --no-print-directory mutate
	@$(MAKE) --no-print-directory WERROR=1 asan

clean: ## remove what was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22
