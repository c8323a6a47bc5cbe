# tlspact - see README. One makefile for the whole tree, no recursion.
# Targets: make help

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
SHAREDIR ?= $(PREFIX)/share/tlspact
SYSCONFDIR ?= /etc
SYSTEMDUNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
COMPLETIONSDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
STATEDIR ?= /var/lib/tlspact
DESTDIR ?=
CC ?= cc
INSTALL ?= install
B ?= build
CFLAGS ?= -O2 -g
WERROR ?=

# Git tells nobody but the owner; what was built knows it, too.
VERSION := $(shell git describe --always --dirty 2>/dev/null || \
	cat $(B)/version 2>/dev/null || echo unknown)

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla \
	-Wformat=2 -Wundef -Wcast-qual $(WERROR)
HARDEN = -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
LDHARDEN = -pie -Wl,-z,relro,-z,now
STD = -std=gnu11 -D_GNU_SOURCE
BASE = $(STD) $(WARN) $(HARDEN) $(CFLAGS) $(CPPFLAGS) -MMD -MP

# The rooms, and what each may include: itself, the rooms named, and what
# these may. An edge that is not here does not compile. HACKING has the table.
INC_lib/base = -Ilib/base
INC_lib/file = -Ilib/file $(INC_lib/base)
INC_lib/event = -Ilib/event $(INC_lib/base)
INC_lib/tls = -Ilib/tls $(INC_lib/file)
INC_lib/dns = -Ilib/dns $(INC_lib/base)
INC_lib/postfix = -Ilib/postfix $(INC_lib/event) $(INC_lib/file)
INC_lib/maillog = -Ilib/maillog $(INC_lib/file)
INC_lib/received = -Ilib/received $(INC_lib/base)
INC_lib = $(INC_lib/tls) $(INC_lib/dns) $(INC_lib/postfix) $(INC_lib/maillog) \
	$(INC_lib/received)
INC_policy/core = -Ipolicy/core $(INC_lib) -DSYSCONFDIR='"$(SYSCONFDIR)"'
INC_policy/registry = -Ipolicy/registry $(INC_policy/core)
INC_policy/cert = -Ipolicy/cert $(INC_policy/registry)
INC_policy/ledger = -Ipolicy/ledger $(INC_policy/registry)
INC_policy/map = -Ipolicy/map $(INC_policy/ledger)
INC_policy/probe = -Ipolicy/probe -Ipolicy/cert $(INC_policy/ledger)
INC_policy/drop = -Ipolicy/drop $(INC_policy/registry)
INC_policy/notice = -Ipolicy/notice $(INC_policy/drop)
INC_policy/log = -Ipolicy/log $(INC_policy/ledger)
INC_policy/warden = -Ipolicy/warden -Ipolicy/map $(INC_policy/notice) \
	$(INC_policy/probe)
INC_policy/serve = -Ipolicy/serve $(INC_policy/map)
INC_policy/ctl = -Ipolicy/ctl -Ipolicy/map -Ipolicy/log $(INC_policy/probe)
INC_policy/setup = -Ipolicy/setup $(INC_policy/map)
INC_policy/trace = -Ipolicy/trace $(INC_policy/ledger)
INC_policy/report = -Ipolicy/report -Ipolicy/cert $(INC_policy/map)
INC_policy = -Ipolicy/ctl -Ipolicy/log -Ipolicy/report -Ipolicy/serve \
	-Ipolicy/setup -Ipolicy/trace -Ipolicy/map $(INC_policy/warden)
INC_cmd = $(INC_policy) -DVERSION='"$(VERSION)"'
INC_tests = $(INC_policy) -Icmd -Itests
ROOMS = $(patsubst INC_%,%,$(filter INC_lib/% INC_policy/%,$(.VARIABLES)))
# room FILE.c	the room of a source; the tests are one
room = $(if $(filter tests/%,$(1)),tests,$(patsubst %/,%,$(dir $(1))))

LIBS_all = -larchive -lcdb -lidn2 -ljansson -lssl -lcrypto -lsqlite3 -lunbound \
	-levent_core -lsystemd -lpthread -lm
PROGRAMS = $(patsubst cmd/%.c,%,$(wildcard cmd/tlspact*.c))
MAN5 = cmd/tlspact-json.5 cmd/tlspact-registry.5 cmd/tlspact.conf.5
MAN7 = cmd/tlspact.7
MAN8 = $(wildcard cmd/*.8)
# In the order in which they are stopped: first what starts the others.
UNIT_FILES = $(wildcard cmd/*.timer) $(wildcard cmd/*.socket) \
	$(wildcard cmd/*.service)
# To be copied to /etc by whoever wants them; what is there is his.
EXAMPLES = scripts/samples/registry scripts/samples/tlspact.conf \
	scripts/tlspact.cron scripts/tlspact.logrotate
MONITORING = $(wildcard scripts/samples/monitoring/*)

LIB_OBJ = $(patsubst %.c,$(B)/%.o,$(wildcard lib/*/*.c))
POLICY_OBJ = $(patsubst %.c,$(B)/%.o,$(wildcard policy/*/*.c))
# What the programs share.
CMD_OBJ = $(filter-out $(PROGRAMS:%=$(B)/cmd/%.o), \
	$(patsubst %.c,$(B)/%.o,$(wildcard cmd/*.c)))
BINS = $(PROGRAMS:%=$(B)/%)
UNITS = $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/cmd/t_*.c tests/*/*/t_*.c))
TOOLS = $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
FUZZERS = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
# FEWER=1: without those that start a program a thousand times for what the
# disk has, or that read the tree alone; for a second round of all tests.
FEWER =
FEWER_NOT = tests/rooms.t tests/lib/file/publish.t tests/lib/file/owned.t \
	tests/policy/map/wayback.t tests/policy/map/inboundmap.t
SHELL_TESTS = $(filter-out $(if $(FEWER),$(FEWER_NOT)), \
	$(wildcard tests/*.t tests/*/*.t tests/*/*/*.t))
# Most tests wait more than they compute.
JOBS ?= $(shell expr 3 \* $$(nproc))

V ?= 0
Q_0 = @
Q = $(Q_$(V))
SAY_0 = @echo "  $(1)	$(2)";
SAY = $(SAY_$(V))

COMPLETIONS = $(B)/completions/tlspact.bash $(B)/completions/tlspact.zsh \
	$(B)/completions/tlspact.fish

all: $(BINS) $(COMPLETIONS)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call SAY,CC,$<)$(CC) $(BASE) $(INC_$(call room,$<)) -c -o $@ $<

# Of which a program takes what it calls, and no more libraries than that does.
$(B)/libtlspact.a: $(CMD_OBJ) $(POLICY_OBJ) $(LIB_OBJ)
	@rm -f $@
	$(call SAY,AR,$@)$(AR) rcs $@ $^

$(BINS): $(B)/%: $(B)/cmd/%.o $(B)/libtlspact.a
	$(call SAY,LD,$@)$(CC) $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_all) $(LIBS)

$(UNITS): $(B)/tests/%: $(B)/tests/%.o $(B)/libtlspact.a
	$(call SAY,LD,$@)$(CC) $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_all) $(LIBS)

$(TOOLS): $(B)/tools/%: $(B)/tests/tools/%.o $(B)/libtlspact.a
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_all) $(LIBS)

# The programs tell what they take. To be built where they do not run, B needs
# these three files of another machine.
$(COMPLETIONS): $(B)/completions/tlspact.%: scripts/completions/make $(BINS)
	@mkdir -p $(@D)
	$(call SAY,GEN,$@)scripts/completions/make $* $(BINS) >$@

# A change of compiler or flags rebuilds everything; one of the version,
# which each commit brings, only what says it.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(BASE) $(SYSCONFDIR)' | cmp -s - $@ || \
		echo '$(CC) $(BASE) $(SYSCONFDIR)' >$@

$(B)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

$(B)/cmd/options.o: $(B)/version
# What is within it, and no compiler tells.
$(B)/cmd/reporthtml.o: $(wildcard cmd/page/*)

programs-for-tests: all $(UNITS) $(TOOLS)

# The tests take the build folder from B; cmocka speaks TAP to prove.
check: programs-for-tests
	$(Q)exec env B="$(abspath $(B))" tests/run -j $(JOBS) $(UNITS) $(SHELL_TESTS)

unit: $(UNITS) $(TOOLS)
	$(Q)exec env B="$(abspath $(B))" tests/run -j $(JOBS) $(UNITS)

asan:
	$(Q)$(MAKE) B=$(B)/asan CC=clang FEWER=1 \
		CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" \
		HARDEN= LDHARDEN= WERROR=-Werror check

# Without the simulated year, which is arithmetic alone and asan has gone
# through: a fifth of the round.
valgrind: $(UNITS) $(TOOLS)
	$(Q)exec env B="$(abspath $(B))" tests/run --valgrind -j $(JOBS) \
		$(filter-out %/t_drop_year,$(UNITS))

# Fuzz harnesses; `make fuzz` replays the seeds, `make fuzz FUZZ_SECONDS=600`
# goes on looking for that long with each.
FUZZ_SECONDS ?= 0
FUZZ_CFLAGS = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fprofile-instr-generate -fcoverage-mapping
fuzz:
	$(Q)$(MAKE) B=$(B)/fuzzed CC=clang CFLAGS="$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link" \
		HARDEN= LDHARDEN= WERROR=-Werror fuzzers
	$(Q)B="$(abspath $(B))/fuzzed" FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run
fuzzers: $(FUZZERS)
$(FUZZERS): $(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libtlspact.a
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS_all) $(LIBS)

lint:
	$(Q)scripts/lint $(B)

cover:
	$(Q)$(MAKE) B=$(B)/cover CC=clang \
		CFLAGS="-O0 -g -fprofile-instr-generate -fcoverage-mapping" \
		HARDEN= LDHARDEN= programs-for-tests
	$(Q)B="$(abspath $(B))/cover" tests/cover

bench: $(BINS) $(TOOLS)
	$(Q)for b in tests/bench/*; do test -x $$b || continue; \
		B="$(abspath $(B))" $$b || exit 1; done

# Boots a machine of its own; see tests/systemd/run.
systemd: all $(TOOLS)
	$(Q)exec env B="$(abspath $(B))" CC="$(CC)" CFLAGS="$(CFLAGS)" tests/systemd/run

# A year that never was, as a page to look at.
sample: $(BINS) $(TOOLS)
	$(Q)rm -rf $(B)/sample && mkdir -p $(B)/sample/year
	$(Q)$(B)/tools/mkyear $(abspath $(B))/sample/year
	$(Q)$(B)/tlspact-report -C $(B)/sample/year/tlspact.conf --format html --check \
		--from 2025-12-01 --to 2026-11-30 --at 2026-11-30T23:30:00Z \
		--output $(B)/sample/report.html
	@echo '$(B)/sample/report.html'

# That page in Chromium; scripts/install-deps --for page.
page: $(BINS) $(TOOLS)
	$(Q)exec env B="$(abspath $(B))" tests/page/run

demo: $(BINS)
	$(Q)exec env B="$(abspath $(B))" scripts/demo.d/run

# README's two commands in a root that has nothing else.
fresh:
	$(Q)exec env B="$(abspath $(B))" tests/fresh $(FRESH)

# Where a page, unit or sample names one of our places, it is where it went.
PLACED = sed -e 's|/usr/local/sbin|$(SBINDIR)|g' \
	-e 's|/usr/local/share/tlspact|$(SHAREDIR)|g' \
	-e 's|/etc/tlspact|$(SYSCONFDIR)/tlspact|g'

# place FILE TARGET	text, with its paths put right
place = $(PLACED) $(1) >$(DESTDIR)$(2) && chmod 644 $(DESTDIR)$(2)

install: all
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8 \
		$(DESTDIR)$(SYSTEMDUNITDIR) $(DESTDIR)$(SYSUSERSDIR) \
		$(DESTDIR)$(TMPFILESDIR) $(DESTDIR)$(COMPLETIONSDIR) \
		$(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR) \
		$(DESTDIR)$(SHAREDIR)/examples/monitoring
	for d in $(SYSCONFDIR)/tlspact $(STATEDIR); do \
		test -d $(DESTDIR)$$d || $(INSTALL) -d $(DESTDIR)$$d || exit 1; done
	$(INSTALL) -m 755 $(BINS) $(DESTDIR)$(SBINDIR)
	$(foreach f,$(MAN5),$(call place,$f,$(MANDIR)/man5/$(notdir $f)) &&) :
	$(foreach f,$(MAN7),$(call place,$f,$(MANDIR)/man7/$(notdir $f)) &&) :
	$(foreach f,$(MAN8),$(call place,$f,$(MANDIR)/man8/$(notdir $f)) &&) :
	$(INSTALL) -m 644 scripts/tlspact.sysusers $(DESTDIR)$(SYSUSERSDIR)/tlspact.conf
	$(INSTALL) -m 644 scripts/tlspact.tmpfiles $(DESTDIR)$(TMPFILESDIR)/tlspact.conf
	$(INSTALL) -m 644 $(B)/completions/tlspact.bash \
		$(DESTDIR)$(COMPLETIONSDIR)/tlspactctl
	$(INSTALL) -m 644 $(B)/completions/tlspact.zsh \
		$(DESTDIR)$(ZSHDIR)/_tlspactctl
	$(INSTALL) -m 644 $(B)/completions/tlspact.fish \
		$(DESTDIR)$(FISHDIR)/tlspactctl.fish
	for p in $(filter-out tlspactctl,$(PROGRAMS)); do \
		ln -sf tlspactctl $(DESTDIR)$(COMPLETIONSDIR)/$$p && \
		ln -sf tlspactctl.fish $(DESTDIR)$(FISHDIR)/$$p.fish || \
		exit 1; done
	$(foreach f,$(UNIT_FILES),$(call place,$f,$(SYSTEMDUNITDIR)/$(notdir $f)) &&) :
	$(foreach f,$(EXAMPLES),$(call place,$f,$(SHAREDIR)/examples/$(notdir $f)) &&) :
	$(foreach f,$(MONITORING),$(call place,$f,$(SHAREDIR)/examples/monitoring/$(notdir $f)) &&) :

# What install has put there. Folders of ours go if nothing else is in them.
# Units are stopped and disabled first, if systemd has them from there.
uninstall:
	if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then \
		for u in $(UNIT_FILES:cmd/%=%); do \
			f=$$(systemctl show --value -p FragmentPath $$u); \
			test "$$f" != $(SYSTEMDUNITDIR)/$$u || \
				systemctl -q disable --now $$u || :; done; fi
	rm -f $(PROGRAMS:%=$(DESTDIR)$(SBINDIR)/%)
	rm -f $(MAN5:cmd/%=$(DESTDIR)$(MANDIR)/man5/%)
	rm -f $(MAN7:cmd/%=$(DESTDIR)$(MANDIR)/man7/%)
	rm -f $(MAN8:cmd/%=$(DESTDIR)$(MANDIR)/man8/%)
	rm -f $(DESTDIR)$(SYSUSERSDIR)/tlspact.conf $(DESTDIR)$(TMPFILESDIR)/tlspact.conf
	rm -f $(PROGRAMS:%=$(DESTDIR)$(COMPLETIONSDIR)/%) \
		$(PROGRAMS:%=$(DESTDIR)$(FISHDIR)/%.fish) \
		$(DESTDIR)$(ZSHDIR)/_tlspactctl
	rm -f $(UNIT_FILES:cmd/%=$(DESTDIR)$(SYSTEMDUNITDIR)/%)
	rm -f $(addprefix $(DESTDIR)$(SHAREDIR)/examples/,$(notdir $(EXAMPLES)))
	rm -f $(addprefix $(DESTDIR)$(SHAREDIR)/examples/monitoring/,$(notdir $(MONITORING)))
	for d in $(SHAREDIR)/examples/monitoring $(SHAREDIR)/examples $(SHAREDIR) $(SYSCONFDIR)/tlspact $(STATEDIR); do \
		rmdir $(DESTDIR)$$d 2>/dev/null || :; done
	test -n "$(DESTDIR)" || test ! -d /run/systemd/system || \
		systemctl daemon-reload || :

# The table of HACKING, followed to its ends: a room, what it may include.
rooms:
	@$(foreach r,$(sort $(ROOMS)),echo $(r) \
		$(sort $(patsubst -I%,%,$(filter -I%,$(INC_$(r)))));)

clean:
	rm -rf $(B)

help:
	@echo 'all        build the programs into $(B)/ (default)'
	@echo 'check      unit tests, program tests, tests with real Postfix (root)'
	@echo 'unit       the unit tests alone'
	@echo 'asan       check under AddressSanitizer and UBSan'
	@echo 'valgrind   the unit tests under valgrind'
	@echo 'fuzz       replay the fuzz seeds; FUZZ_SECONDS=n goes on looking'
	@echo 'lint       format, compilers, cppcheck, shellcheck, man pages'
	@echo 'cover      line coverage of the unit and program tests'
	@echo 'bench      the measurements of tests/bench'
	@echo 'systemd    the units, in a machine that is booted for it (root)'
	@echo 'sample     a report of a made-up year of 40 partners, as a page'
	@echo 'page       that page in headless Chromium'
	@echo 'demo       a real Postfix, partners, and what happens to the mail (root)'
	@echo 'fresh      demo and check in a bare Debian; FRESH=trixie in another (root)'
	@echo 'install    programs, pages, units, account, samples; nothing is started'
	@echo 'uninstall  stop and take that away; settings, map and ledger stay'
	@echo 'rooms      the folders, and what each may include'
	@echo 'clean      remove $(B)/'
	@echo 'Settings: PREFIX=$(PREFIX) SYSCONFDIR=$(SYSCONFDIR) DESTDIR=$(DESTDIR)'
	@echo '          SYSTEMDUNITDIR SYSUSERSDIR TMPFILESDIR COMPLETIONSDIR'
	@echo '          ZSHDIR FISHDIR'
	@echo '          CC=$(CC) CFLAGS="$(CFLAGS)" B=$(B) V=1'

FORCE:
.PHONY: all check unit asan valgrind fuzz fuzzers lint cover bench systemd sample \
	page demo fresh install uninstall rooms clean help FORCE programs-for-tests
.DELETE_ON_ERROR:
.SECONDARY:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
