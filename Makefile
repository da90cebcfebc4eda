# The module, built with PGXS: make, make install, make installcheck. PG_CONFIG names the server to build for.
EXTENSION = crm_concurrency
MODULE_big = crm_concurrency
DATA = $(wildcard crm_concurrency--*.sql)

# Each directory of src is compiled as one source, for most of the time goes to the server's headers.
ROOMS = $(patsubst src/%/,%,$(sort $(wildcard src/*/)))
OBJS = $(ROOMS:%=build/module/%.o)
EXTRA_CLEAN = build/module

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))

# The version is named in the control file alone.
CRM_VERSION := $(shell sed -nE "s/^default_version = '(.*)'$$/\1/p" crm_concurrency.control)

PG_CONFIG ?= pg_config
PG_MAJOR := $(shell $(PG_CONFIG) --version 2>/dev/null | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
ifeq ($(filter $(PG_MAJOR),15 16 17 18 19),)
$(error crm_concurrency needs PostgreSQL 15 to 19, but "$(PG_CONFIG) --version" says "$(shell $(PG_CONFIG) --version 2>&1)")
endif

# -isystem silences warnings of the server's headers; 15 exports nothing by themselves under hidden visibility.
PG_CPPFLAGS = -iquote . -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DPGDLLEXPORT='__attribute__((visibility("default")))' -DCRM_VERSION=$(CRM_VERSION)
# WERROR=-Werror makes warnings errors.
PG_CXXFLAGS = -std=gnu++20 -Wall -Wextra -Wno-register $(WERROR) -fvisibility=hidden -fvisibility-inlines-hidden
SHLIB_LINK = -lstdc++ -lnettle

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS passes these flags to the compiler of the objects, but not to that of the bitcode.
COMPILE.cxx.bc += $(PG_CXXFLAGS)

$(OBJS) $(OBJS:.o=.bc): crm_concurrency.control

# Written anew only where a file came or went.
.PHONY: always
$(OBJS:.o=.cpp): build/module/%.cpp: always
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(sort $(wildcard src/$*/*.cpp)) >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# PGXS on Debian tracks no header dependencies. Who calls the server without a detour by the PLT touches fewer lines of code.
%.o: CXXFLAGS += -MMD -MP -fno-plt
-include $(OBJS:.o=.d)

# The distribution for PGXN.
.PHONY: dist META.json
dist:
	scripts/package pgxn

# Writes the version into META.json, and the addresses of the project: make META.json HOMEPAGE=https://…
META.json:
	scripts/release --meta $(HOMEPAGE) >META.json.new
	mv META.json.new META.json
