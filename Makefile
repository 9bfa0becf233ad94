# SPDX-License-Identifier: MIT
# Heddle: the only build file.  `make help` lists its targets.
MAKEFLAGS += --no-builtin-rules

# What setup installs is looked for below, when make starts: `make setup run` starts another.
AFTER_SETUP := $(if $(filter setup,$(MAKECMDGOALS)),$(filter-out setup,$(MAKECMDGOALS)))
ifneq ($(AFTER_SETUP),)
setup:
	@tools/setup.sh setup $(AFTER_SETUP)
$(firstword $(AFTER_SETUP)): setup
	@$(MAKE) --no-print-directory $(AFTER_SETUP)
$(wordlist 2,99,$(AFTER_SETUP)): $(firstword $(AFTER_SETUP)) ;
.PHONY: setup $(AFTER_SETUP)
else

DEBUG ?= 0
WERROR ?= $(if $(CI),1,0)
SANITIZE ?= 0

# The extensions: kernel/dev, and each folder of kernel/linux and kernel/watch. CORE=1 leaves all of
# them out, WITHOUT="trace seed" some; one whose folder has been deleted is left out as well. The
# self-tests of extension NAME lie in tests/kernel/NAME. For each of WATCHED, which the code asks for
# by that constant, WITH_NAME is 1 if it is in, else 0. The constants are ordinary conditions, never
# #if: the compiler checks a probe in every build and drops its code if the constant is 0. Each choice
# has a build folder of its own.
WATCHED := crowd dev lockdep oom panic process ptrace rights sched seed signalfd trace vdso
CORE ?= 0
FOLDERS := $(sort $(shell find kernel/dev kernel/linux/* kernel/watch/* -maxdepth 0 -type d 2>/dev/null))
$(foreach name,$(filter-out $(notdir $(FOLDERS)),$(WITHOUT)),$(error WITHOUT: no extension \
  is called $(name). There are: $(notdir $(FOLDERS))))
# Folders of kernel/watch that the compiler's checks call, each only in the builds with these checks.
CHECKERS := $(filter races addresses coverage,$(SANITIZE)) $(if $(filter 1 coverage,$(SANITIZE)),undefined)
LEFT_OUT := $(if $(filter 1,$(CORE)),$(FOLDERS),$(foreach f,$(FOLDERS),$(if $(filter $(notdir $(f)),$(WITHOUT)),$(f)))) \
  $(patsubst %,kernel/watch/%,$(filter-out $(CHECKERS),races addresses coverage undefined))
# What extensions share: the files beside their folders.
SHARED := $(if $(filter 1,$(CORE)),kernel/linux/% kernel/watch/%)
EXTENSIONS := $(notdir $(filter-out $(LEFT_OUT),$(FOLDERS)))
EMPTY :=
COMMA := ,
SPACE := $(EMPTY) $(EMPTY)
BUILD ?= build$(if $(filter 1,$(CORE)),/core,$(if $(WITHOUT),/without-$(subst $(SPACE),-,$(sort $(WITHOUT))),$(if \
  $(filter races addresses coverage,$(SANITIZE)),/$(SANITIZE))))
# The whole path of a folder in this tree means the same files, built with the same words.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
$(foreach goal,$(filter $(CURDIR)/%,$(MAKECMDGOALS)),$(eval $(goal): $(goal:$(CURDIR)/%=%) ;))

# The usual names of a compiler for this machine; CC= overrides.
ifeq ($(origin CC),default)
CC := $(firstword $(foreach c,gcc x86_64-elf-gcc x86_64-linux-gnu-gcc clang cc,\
        $(if $(shell command -v $(c) 2>/dev/null),$(c))) gcc)
ifneq ($(shell uname -m),x86_64)
CC := $(firstword $(foreach c,x86_64-elf-gcc x86_64-linux-gnu-gcc clang,\
        $(if $(shell command -v $(c) 2>/dev/null),$(c))) $(CC))
endif
endif
COMPILER := $(shell $(CC) --version 2>/dev/null | head -1)
IS_CLANG := $(findstring clang,$(COMPILER))
MUSL_CC ?= $(firstword $(foreach c,musl-gcc x86_64-linux-musl-gcc,\
        $(if $(shell command -v $(c) 2>/dev/null),$(c))) gcc)
AR ?= ar
NM ?= $(firstword $(foreach c,nm x86_64-elf-nm x86_64-linux-gnu-nm llvm-nm,\
        $(if $(shell command -v $(c) 2>/dev/null),$(c))) nm)
HOST_CC ?= $(firstword $(foreach c,cc gcc clang,$(if $(shell command -v $(c) 2>/dev/null),$(c))) cc)
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

# In WSL the environment has a NAME, the machine's.
ifeq ($(origin NAME),environment)
NAME :=
endif

# A name that does not exist is answered before anything is built.
quote = '$(subst ','\'',$(1))'
ifneq ($(filter run lab gdb trace iso race,$(MAKECMDGOALS)),)
WRONG_NAME := $(shell $(PYTHON) tools/check_names.py $(subst $(SPACE),$(COMMA),$(MAKECMDGOALS)) \
  $(foreach s,NAME LAB TOUR BOOT APPEND PROGRAM,$(if $($(s)),$(call quote,$(s)=$($(s))))) 2>/dev/null)
$(if $(WRONG_NAME),$(error $(WRONG_NAME)))
endif

# What `make run` and `make gdb` take.
export BUILD JOBS BOOT CPUS MEM ACCEL APPEND INITRD INIT QEMU_EXTRA DISPLAY_WINDOW GDB LAB RACE STEP ARGS GDBARGS REPLAY ADD

# Flags from outside add to these: CFLAGS, ASFLAGS and LDFLAGS to the kernel's, USER_CFLAGS to the
# programs'. They may replace what comes before them (-O2), not what the kernel cannot do without.
WITH := $(shell echo '$(foreach e,$(WATCHED),-DWITH_$(e)=$(if $(filter $(e),$(EXTENSIONS)),1,0))' | tr a-z A-Z)
# 2: a debug build whose freed objects are not filled, because SANITIZE=addresses reports each write to them.
DEBUG_LEVEL := $(if $(filter 1-addresses,$(DEBUG)-$(SANITIZE)),2,$(DEBUG))
# The bytes of stack that one function may use: a kernel stack has 8 KiB, in debug builds 16 (layout.h).
MAX_FRAME := $(if $(filter 1,$(DEBUG)),2048,1280)
KERNEL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Wmissing-prototypes -Wvla \
  -Wundef $(CFLAGS) -ffreestanding -I. -I$(BUILD) -DHEDDLE_DEBUG=$(DEBUG_LEVEL) $(WITH) \
  -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer \
  -fno-optimize-sibling-calls -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-common \
  -fcf-protection=none -fno-delete-null-pointer-checks -fno-lto -Wframe-larger-than=$(MAX_FRAME) -MMD -MP
ifneq ($(IS_CLANG),)
KERNEL_CFLAGS += --target=x86_64-unknown-none-elf
LDCC := $(CC) --target=x86_64-unknown-none-elf -fuse-ld=$(if $(shell command -v ld.lld),lld,bfd)
else
LDCC := $(CC)
endif
# Calls of a checker before each access of memory (kernel/watch/races, kernel/watch/addresses), in each
# basic block (kernel/watch/coverage), or where behaviour is undefined (kernel/watch/undefined; without
# this folder, an invalid opcode there). The checker is compiled without, and for addresses so are the
# allocators, whose lists lie in free memory.
CHECKED_1 := -fsanitize=undefined -fno-sanitize=alignment $(if $(filter undefined,$(EXTENSIONS)),\
  -fno-sanitize-recover=undefined,-fsanitize-undefined-trap-on-error)
ifneq ($(filter races addresses coverage,$(SANITIZE)),)
$(if $(IS_CLANG),$(error SANITIZE=$(SANITIZE) needs gcc: clang does not have it for such a target))
CHECKED_races := -fsanitize=thread --param tsan-distinguish-volatile=1 --param tsan-instrument-func-entry-exit=0 -Wno-tsan
CHECKED_addresses := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
  --param asan-stack=0 --param asan-globals=0 -ftrivial-auto-var-init=pattern
CHECKED_coverage := -fsanitize-coverage=trace-pc $(CHECKED_1)
endif
UNCHECKED := $(foreach c,$(CHECKERS),kernel/watch/$(c)/%) $(if $(filter addresses,$(SANITIZE)),kernel/mem/page.c kernel/mem/slab.c)
WRAPPED := $(if $(filter addresses,$(SANITIZE)),slab_cache_create slab_alloc slab_alloc_zeroed slab_free kmalloc \
  kzalloc kfree page_alloc page_alloc_zeroed page_table_frame_alloc page_put page_free_zeroed \
  page_clear usercopy_raw_out usercopy_raw_in) \
  $(if $(filter races,$(SANITIZE)),memcpy memmove memset page_clear page_copy usercopy_raw_in)
ifeq ($(WERROR),1)
KERNEL_CFLAGS += -Werror
endif
KERNEL_ASFLAGS := $(ASFLAGS) -I. -I$(BUILD) -D__ASSEMBLER__ -DHEDDLE_DEBUG=$(DEBUG_LEVEL) -m64 -g -MMD -MP -fno-pic
# Clang's own assembler leaves .cfi_signal_frame out of .debug_frame: gdb's bt would end there.
ifneq ($(IS_CLANG),)
KERNEL_ASFLAGS += $(if $(findstring GNU,$(shell as --version 2>/dev/null)),-fno-integrated-as -Xassembler -g)
endif
KERNEL_LDFLAGS := $(LDFLAGS) -nostdlib -static $(if $(IS_CLANG),,-no-pie) -Wl,-z,max-page-size=4096 \
  -Wl,-z,noexecstack -Wl,--build-id=none $(WRAPPED:%=-Wl,--wrap=%) -L$(BUILD) -T linker.ld
PROGRAM_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra $(USER_CFLAGS) -static -pthread

ASM_OFFSETS := arch/x86_64/cpu/asm_offsets.c
VDSO := kernel/linux/vdso/image
SOURCES := $(sort $(filter-out $(ASM_OFFSETS) $(VDSO)/% $(LEFT_OUT:%=%/%) $(SHARED),$(shell find boot arch kernel -name '*.[cS]')) \
  $(wildcard tests/kernel/*.c $(EXTENSIONS:%=tests/kernel/%/*.c)))
OBJECTS := $(SOURCES:%=$(BUILD)/%.o)
PROGRAMS := $(patsubst user/%.c,$(BUILD)/user/%,$(wildcard user/*.c))
LAB_NAMES := $(patsubst user/labs/%.c,%,$(wildcard user/labs/*.c))
LABS := $(LAB_NAMES:%=$(BUILD)/labs/%)
LAB_LIBRARY := $(wildcard user/lab/*.c)
LAB_PAGES := $(patsubst docs/labs/%.md,$(BUILD)/host/labs/pages/%.txt,$(wildcard docs/labs/*.md))
HOST_LABS := $(LAB_NAMES:%=$(BUILD)/host/labs/%) $(BUILD)/host/labs/lab $(BUILD)/host/labs/timeline $(LAB_PAGES)
USER_TESTS := $(patsubst tests/user/%.c,$(BUILD)/tests/user/%,$(wildcard tests/user/*.c))

all: $(BUILD)/heddle.elf $(BUILD)/initramfs.cpio ## build the kernel and the RAM file system

help: ## list the targets
	@echo "Heddle.  The usual way in: make setup run"
	@awk -F ':.*## ' '/^[a-z-]*:.*## / {line = sprintf("  make %-14s", $$1); n = split($$2, word, " "); \
	    for (i = 1; i <= n; i++) {if (length(line) + length(word[i]) >= 79) {print line; line = sprintf("%21s", "")} \
	    line = line " " word[i]} print line}' Makefile
	@echo "Settings (make run CPUS=4 ...): BOOT=iso|usb|uefi|direct CPUS= MEM="
	@echo "  ACCEL=tcg|kvm"
	@echo "  APPEND='kernel words' INITRD=extra.cpio INIT=/path DISPLAY_WINDOW=1 GDB=1"
	@echo "Settings of the build: CC=clang DEBUG=1 WERROR=1 SANITIZE=1|races|addresses|coverage;"
	@echo "  CFLAGS= LDFLAGS="
	@echo "  (the kernel) and USER_CFLAGS= (programs) add flags. What a setting changes is"
	@echo "  built again."
	@echo "  CORE=1: no extensions; WITHOUT='trace seed': without these. There are:"
	@echo "$(notdir $(FOLDERS))" | fold -s -w 76 | sed 's/^/  /'

setup: ## install what running needs (asks first, unless root or CI); make setup test: the rest, too
	@tools/setup.sh setup

doctor: ## say what is there and what is missing
	@tools/setup.sh doctor

# GUEST="python java": with these guests, packed if they are not.
WITH_GUESTS = $(if $(GUEST),$(PYTHON) tools/guest.py with $(GUEST) --)

run: all ## boot in QEMU, console on this terminal
	@$(WITH_GUESTS) tools/run.sh

gdb: all ## the machine under gdb, which knows its threads: make gdb CPUS=2 LAB=switching
	@$(PYTHON) tools/gdb.py

lab: all ## boot into a lab, then the shell: make lab NAME=races ARGS=--no-lock; NAME=tour: all
	@# Into a file it asks nothing, and ends when the lab has.
	@how="first lab $(NAME) $(ARGS)"; [ -t 0 ] && [ -t 1 ] || \
	how="run /bin/sh -c \"lab $(NAME) $(ARGS) --plain </dev/null\""; \
	APPEND="$(APPEND) -- $$how" $(WITH_GUESTS) tools/run.sh

# RACEFLAGS: tools/race.py --help.  SCHEDULE='1.4>2' replays one schedule.
race: all $(BUILD)/race/lib/libruntime.a ## your own program under many schedules: make race PROGRAM=my.c (docs/race.md)
	@MUSL_CC="$(MUSL_CC)" $(PYTHON) tools/race.py $(foreach o,SEEDS DEPTH BOUND RUNS STEPS INPUT EXPECT,$(if \
	  $($(o)),--$(shell echo $(o) | tr A-Z a-z) $(call quote,$($(o))))) $(if $(SCHEDULE),--schedule $(call \
	  quote,$(SCHEDULE))) $(if $(ARGS),--args=$(call quote,$(ARGS))) $(RACEFLAGS) $(PROGRAM)

usb: $(BUILD)/heddle.iso ## write the image to a USB stick: make usb DEV=/dev/sdX; without DEV, list them
	@$(PYTHON) tools/usb.py $< $(call quote,$(DEV)) $(USBFLAGS)

iso: $(BUILD)/heddle.iso ## build/heddle.iso, for CD and USB stick, BIOS and UEFI

$(BUILD)/heddle.iso: $(BUILD)/heddle.elf $(BUILD)/initramfs.cpio iso/grub.cfg tools/mkiso.sh tools/mklog.py
	@TIMEOUT=5 tools/mkiso.sh make $@ $(BUILD) "$(APPEND)" $(INITRD)
	@echo "  ISO $@"

# What each kind of file is made with. Its stamp is written anew when that changes, and all files of
# the kind depend on it. -Werror makes no object different.
STAMPS := kernel assembly link user host initramfs
FLAGS_kernel := $(COMPILER) $(CC) $(filter-out -Werror,$(KERNEL_CFLAGS)) $(CHECKED_$(SANITIZE))
FLAGS_assembly := $(COMPILER) $(CC) $(KERNEL_ASFLAGS)
FLAGS_link := $(COMPILER) $(LDCC) $(KERNEL_LDFLAGS) $(NM) $(OBJECTS)
FLAGS_user := $(MUSL_CC) $(PROGRAM_CFLAGS)
FLAGS_host := $(HOST_CC) $(PROGRAM_CFLAGS)
FLAGS_initramfs := $(PROGRAMS) $(LABS) $(LAB_PAGES) $(USER_TESTS) $(wildcard /bin/loadkeys /usr/bin/loadkeys \
  /usr/share/keymaps /usr/share/kbd/keymaps)
differ = $(subst x$(1)x,,x$(2)x)$(subst x$(2)x,,x$(1)x)
$(foreach s,$(STAMPS),$(if $(call differ,$(strip $(FLAGS_$(s))),$(strip \
  $(shell cat $(BUILD)/flags/$(s) 2>/dev/null))),$(eval $(BUILD)/flags/$(s): FORCE)))

$(STAMPS:%=$(BUILD)/flags/%):
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(strip $(FLAGS_$(@F)))) > $@

# Only the objects under DIR: make objs DIR=kernel/vm
objs: $(filter $(BUILD)/$(DIR)%,$(OBJECTS))

$(BUILD)/%.c.o: %.c $(BUILD)/flags/kernel | $(BUILD)/syscall_numbers.h
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(KERNEL_CFLAGS) $(if $(filter $(UNCHECKED),$<),,$(CHECKED_$(SANITIZE))) -c -o $@ $<

# The vDSO: a shared object of position-independent code, inside the kernel's image.  vdso.so.debug
# is the same with debug information, for gdb.
VDSO_CFLAGS = $(filter-out -mcmodel=% -mno-red-zone -fno-pic -fno-pie -fno-omit-frame-pointer \
  -fno-optimize-sibling-calls -fno-asynchronous-unwind-tables,$(KERNEL_CFLAGS)) \
  -fPIC -fomit-frame-pointer -fasynchronous-unwind-tables
VDSO_LDFLAGS := -nostdlib -shared -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=both -Wl,--eh-frame-hdr -Wl,-Bsymbolic \
  -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id=none -Wl,-T,$(VDSO)/vdso.lds
$(BUILD)/$(VDSO)/%.c.o: $(VDSO)/%.c $(BUILD)/flags/kernel | $(BUILD)/syscall_numbers.h
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(VDSO_CFLAGS) -c -o $@ $<

$(BUILD)/vdso.so: $(BUILD)/$(VDSO)/vdso_user.c.o $(VDSO)/vdso.lds $(BUILD)/flags/link
	@$(LDCC) $(VDSO_LDFLAGS) -o $@.debug $<
	@$(LDCC) $(VDSO_LDFLAGS) -Wl,-s -o $@ $<

$(BUILD)/kernel/linux/vdso/image.S.o: $(BUILD)/vdso.so
$(BUILD)/kernel/linux/vdso/image.S.o: KERNEL_ASFLAGS += -I$(BUILD)

# Code for 32-bit mode (NAME_32.c): the compiler's assembly, in an object of 64-bit code.
CFLAGS_32 = $(filter-out -m64 -mcmodel=% -mno-red-zone -g -MMD -MP,$(KERNEL_CFLAGS)) \
  -m32 -march=i486 $(if $(IS_CLANG),-fno-addrsig)
$(BUILD)/%_32.c.o: %_32.c $(BUILD)/flags/kernel
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(CFLAGS_32) -MMD -MP -MF $(@:.o=.d) -MT $@ -S -o $(@:.o=.s) $<
	@(echo .code32; cat $(@:.o=.s)) > $(@:.o=.code32.s)
	@$(CC) $(filter-out -MMD -MP -D%,$(KERNEL_ASFLAGS)) $(if $(IS_CLANG),-Wno-unused-command-line-argument) -c -o $@ $(@:.o=.code32.s)
	@if $(NM) -u $@ | grep -v ' boot_'; then echo "$<: 32-bit code refers to this" >&2; rm $@; exit 1; fi

# What assembly knows of C, as #defines, and what the linker does.
$(BUILD)/asm_offsets.h: $(ASM_OFFSETS) $(BUILD)/flags/kernel | $(BUILD)/syscall_numbers.h
	@mkdir -p $(@D)
	@$(CC) $(KERNEL_CFLAGS) -MF $(@:.h=.d) -MT $@ -S -o $(@:.h=.s) $<
	@sed -n 's/.*"\(#define [A-Z_0-9]* \)[$$]*\(.*\)"/\1\2/p' $(@:.h=.s) > $@
	@sed -n -e 's/#define \(KERNEL_BASE\) \(.*\)/\1 = \2;/p' \
	  -e 's/#define \(DIRECT_MAP_BASE\) \(.*\)/\1 = \2;/p' $@ > $(@D)/layout.ld

$(BUILD)/%.S.o: %.S $(BUILD)/flags/assembly $(BUILD)/asm_offsets.h
	@mkdir -p $(@D)
	@echo "  AS  $<"
	@$(CC) $(KERNEL_ASFLAGS) -c -o $@ $<

# The numbers of all system calls, as the C library's header lists them.  musl 1.2.3 lacks the last.
$(BUILD)/syscall_numbers.h: Makefile $(BUILD)/flags/user
	@mkdir -p $(@D)
	@(echo '#define SYSCALL_NUMBERS(X) \'; echo '#include <sys/syscall.h>' | $(MUSL_CC) -E -dM - | sed -n \
	  -e '/ 449$$/d' -e 's/^#define __NR_\([a-z_0-9]*\) \([0-9][0-9]*\)$$/  X(\2, \1) \\/p'; \
	  echo '  X(449, futex_waitv)') > $@

# The display's font, out of GRUB's own; without it the display stays dark.
PF2 := $(firstword $(wildcard /usr/share/grub/unicode.pf2 /usr/share/grub2/unicode.pf2 \
         /opt/homebrew/share/grub/unicode.pf2))
$(BUILD)/font.S: tools/mkfont.py $(PF2)
	@mkdir -p $(@D)
	@$(PYTHON) tools/mkfont.py "$(PF2)" $@

$(BUILD)/%.o: $(BUILD)/%.S $(BUILD)/flags/assembly
	@$(CC) $(KERNEL_ASFLAGS) -c -o $@ $<

# Backtraces name functions: the first link gives the names, the second carries them.
$(BUILD)/heddle.elf: $(OBJECTS) $(BUILD)/font.o linker.ld tools/mksymbols.sh $(BUILD)/flags/link
	@$(LDCC) $(KERNEL_LDFLAGS) -o $(BUILD)/heddle.stage1 $(OBJECTS) $(BUILD)/font.o
	@NM=$(NM) tools/mksymbols.sh $(BUILD)/heddle.stage1 > $(BUILD)/symbols.S
	@$(CC) $(KERNEL_ASFLAGS) -c -o $(BUILD)/symbols.o $(BUILD)/symbols.S
	@$(LDCC) $(KERNEL_LDFLAGS) -o $@ $(OBJECTS) $(BUILD)/font.o $(BUILD)/symbols.o
	@echo "  LD  $@"

$(BUILD)/user/%: user/%.c $(BUILD)/flags/user
	@mkdir -p $(@D)
	@echo "  CC  $< (musl)"
	@$(MUSL_CC) $(PROGRAM_CFLAGS) -I. -o $@ $(filter %.c %.a,$^)

# The labs: each one file over the library in user/lab; for Heddle, and for the host's Linux.
$(BUILD)/lab/%.o: user/lab/%.c $(wildcard user/lab/*.h) $(BUILD)/flags/user
	@mkdir -p $(@D)
	@echo "  CC  $< (musl)"
	@$(MUSL_CC) $(PROGRAM_CFLAGS) -c -o $@ $<

$(BUILD)/host/lab/%.o: user/lab/%.c $(wildcard user/lab/*.h) $(BUILD)/flags/host
	@mkdir -p $(@D)
	@echo "  CC  $< (host)"
	@$(HOST_CC) $(PROGRAM_CFLAGS) -c -o $@ $<

$(BUILD)/lab/liblab.a: $(LAB_LIBRARY:user/lab/%.c=$(BUILD)/lab/%.o)
	@rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/host/lab/liblab.a: $(LAB_LIBRARY:user/lab/%.c=$(BUILD)/host/lab/%.o)
	@rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/user/lab $(BUILD)/user/timeline: $(BUILD)/lab/liblab.a
$(BUILD)/user/lab: user/lab/catalogue.h
$(BUILD)/user/bench: $(wildcard user/bench/*.[ch])
$(BUILD)/user/race: user/race/run.c user/race/search.c user/race/runner.h user/race/race.h

# What `make race` links with a learner's program.
RACE_RUNTIME := $(patsubst %,$(BUILD)/race/lib/%.o,runtime accesses threads memory)
$(BUILD)/race/lib/%.o: user/race/%.c user/race/runtime.h user/race/race.h $(BUILD)/flags/user
	@mkdir -p $(@D)
	@echo "  CC  $< (musl)"
	@$(MUSL_CC) $(PROGRAM_CFLAGS) -fno-omit-frame-pointer -I. -c -o $@ $<

$(BUILD)/race/lib/libruntime.a: $(RACE_RUNTIME)
	@rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/host/labs/lab $(BUILD)/host/labs/timeline: $(BUILD)/host/labs/%: user/%.c \
  user/lab/catalogue.h $(BUILD)/host/lab/liblab.a $(BUILD)/flags/host
	@mkdir -p $(@D)
	@echo "  CC  $< (host)"
	@$(HOST_CC) $(PROGRAM_CFLAGS) -I. -o $@ $< $(BUILD)/host/lab/liblab.a

# A lab that is larger than one file has the others in a folder of its name.
LAB_PARTS = $(wildcard user/labs/$*/*.c)
LAB_FOLDERS := $(sort $(foreach f,$(wildcard user/labs/*/*),$(word 3,$(subst /, ,$(f)))))
$(foreach f,$(LAB_FOLDERS),$(eval $(BUILD)/labs/$(f) $(BUILD)/host/labs/$(f): $(wildcard user/labs/$(f)/*)))

$(BUILD)/labs/%: user/labs/%.c user/lab/lab.h $(BUILD)/lab/liblab.a $(BUILD)/flags/user
	@mkdir -p $(@D)
	@echo "  CC  $< (musl)"
	@$(MUSL_CC) $(PROGRAM_CFLAGS) -I. -Iuser/lab -o $@ $< $(LAB_PARTS) $(BUILD)/lab/liblab.a

$(BUILD)/host/labs/%: user/labs/%.c user/lab/lab.h $(BUILD)/host/lab/liblab.a $(BUILD)/flags/host
	@mkdir -p $(@D)
	@echo "  CC  $< (host)"
	@$(HOST_CC) $(PROGRAM_CFLAGS) -I. -Iuser/lab -o $@ $< $(LAB_PARTS) $(BUILD)/host/lab/liblab.a

# The labs' pages, for `lab NAME --page`.
$(BUILD)/host/labs/pages/%.txt: docs/labs/%.md tools/lab_page.py
	@mkdir -p $(@D)
	@$(PYTHON) tools/lab_page.py $< > $@

labs-host: $(HOST_LABS) ## the labs for this machine's Linux: build/host/labs/NAME

$(BUILD)/tests/user/%: tests/user/%.c $(wildcard tests/user/*.h) $(BUILD)/flags/user
	@mkdir -p $(@D)
	@echo "  CC  $< (musl)"
	@$(MUSL_CC) $(PROGRAM_CFLAGS) -o $@ $<

$(BUILD)/tests/user/scene_pie: PROGRAM_CFLAGS += -nostdlib -fPIE -fno-stack-protector \
  -Wl,-pie,--no-dynamic-linker,-z,text

# Keyboard layouts for keymap=; without the packages kbd and console-data there are none.
$(BUILD)/keymaps/made: tools/mkkeymaps.sh $(BUILD)/flags/initramfs
	@mkdir -p $(BUILD)
	@tools/mkkeymaps.sh $(@D)
	@touch $@

$(BUILD)/initramfs.cpio: $(BUILD)/keymaps/made $(PROGRAMS) $(LABS) $(LAB_PAGES) $(USER_TESTS) tools/mkinitramfs.sh \
  $(shell find user/etc user/bin -type f) $(BUILD)/flags/initramfs
	@tools/mkinitramfs.sh $@ $(BUILD)/stage $(BUILD)/user/init \
	  $(addprefix bin=,$(filter-out $(BUILD)/user/init,$(PROGRAMS))) \
	  $(addprefix labs=,$(LABS)) $(addprefix labs/pages=,$(LAB_PAGES)) $(addprefix tests=,$(USER_TESTS)) \
	  $$(find $(BUILD)/keymaps -name '*.bmap' | sort | sed 's,^,usr/share/keymaps=,')
	@echo "  CPIO $@"

# All tests run side by side, JOBS at a time, where pytest-xdist is there; those that are named, one by one.
test_jobs = $(shell $(PYTHON) -c 'import xdist' 2>/dev/null && echo --numprocesses=$(or $(JOBS),auto) --dist=loadgroup)

test: ## all tests, JOBS at a time; one by its name: make test NAME=treap (docs/tests.md)
	@$(PYTHON) -m pytest -p no:cacheprovider -q tests $(if $(NAME),--name $(call quote,$(NAME)),$(test_jobs)) $(TESTFLAGS)

# RUNS=1 LOOPS=4 TESTFLAGS="-k shell": other numbers, fewer tests.
test-busy: ## all tests three times in a row beside eight busy loops: make test-busy RUNS=3 LOOPS=8 (docs/tests.md)
	@BUILD=$(BUILD) RUNS=$(RUNS) LOOPS=$(LOOPS) TESTFLAGS=$(call quote,$(TESTFLAGS)) tests/busy.sh
.PHONY: test-busy

guest: ## pack a Debian program for INITRD=: make guest NAME=python; without NAME, the list (docs/guests.md)
	@$(PYTHON) tools/guest.py $(if $(NAME),pack $(NAME),list)

test-abi: all ## guests on 1, 2 and 4 CPUs, judged by what Linux prints; NAME="bash git": these
	@$(PYTHON) tools/guest_tests.py $(ABIFLAGS) $(NAME)

# Words choose cells by name or axis: make test-machines NAME="UEFI Bochs" JOBS=2 MACHINEFLAGS=--list
test-machines: $(BUILD)/heddle.iso ## the matrix of machines as a table: make test-machines NAME="UEFI Bochs" JOBS=2 (docs/hardware.md)
	@$(PYTHON) tests/machines/run.py $(MACHINEFLAGS) $(NAME)

bench: all ## the same measurements on Heddle and on Linux, side by side
	@$(PYTHON) tools/bench.py $(BENCHFLAGS)

.PHONY: fuzz-host
# MUTANT=1 builds the targets with a mistake, which they must find; INPUT=file runs one input again.
fuzz-host: $(BUILD)/syscall_numbers.h ## fuzz what parses, on the host, with clang: make fuzz-host MINUTES=1 NAME="elf tty" (docs/fuzz-host.md)
	@$(PYTHON) tests/fuzz/fuzz_host.py -m $(or $(MINUTES),1) $(if $(RUNS),-r $(RUNS)) -s $(or $(SEED),1) \
	  $(if $(MUTANT),--mutant) $(if $(INPUT),--input $(call quote,$(INPUT))) $(NAME)

models: ## explore the models of the kernel's protocols with spin: make models NAME=wait (docs/models.md)
	@tests/model/models.py $(if $(RECORD),-r) $(NAME)
explore: $(BUILD)/syscall_numbers.h ## run the kernel's own locks and wait queues in every order: make explore NAME=locks ARGS=-a; ARGS=-m: mutants (docs/models.md)
	@tests/unit/explore/explore.py $(NAME) $(ARGS)

# HOURS=0.05: three minutes. SOAKFLAGS: tests/soak/soak.py --help.
soak: ## one machine for hours, under load and faults: make soak HOURS=1 (docs/soak.md)
	@$(MAKE) --no-print-directory all BUILD=build/debug DEBUG=1 SANITIZE=1
	@BUILD=build/debug $(PYTHON) tests/soak/soak.py --hours $(or $(HOURS),1) $(SOAKFLAGS)
.PHONY: soak

bench-check: all ## does a row need more instructions than tests/bench.json says? (RECORD=1 writes it)
	@$(PYTHON) tools/bench.py -i -c tests/bench.json $(if $(RECORD),--record) $(BENCHFLAGS)

# SUITEFLAGS: --linux runs on Linux, -m and -x choose tests by name (tools/suite.py).
suite: all ## a folder of other people's tests, as TAP: make suite DIR=folder KIND=plain|posix|ltp
	@$(PYTHON) tools/suite.py -k $(or $(KIND),plain) -t $(or $(TIMEOUT),60) $(SUITEFLAGS) $(call quote,$(DIR))

$(BUILD)/fuzz/fuzz: $(wildcard tests/fuzz_calls/*.[ch]) $(BUILD)/flags/user
	@mkdir -p $(@D)
	@echo "  CC  tests/fuzz_calls (musl)"
	@$(MUSL_CC) $(PROGRAM_CFLAGS) -Wno-unused-parameter -o $@ $(filter %.c,$^)

# A kernel of its own, with all checks and the places that it reaches. FUZZFLAGS: tests/fuzz_calls/fuzz_calls.py --help.
fuzz: $(BUILD)/fuzz/fuzz $(BUILD)/initramfs.cpio ## random system calls, guided by what they reach: make fuzz MINUTES=10 CPUS=4 SEED=1; REPRO=file (docs/fuzz.md)
	@$(MAKE) --no-print-directory SANITIZE=coverage DEBUG=1 BUILD=build/coverage build/coverage/heddle.elf
	@$(PYTHON) tests/fuzz_calls/fuzz_calls.py $(foreach o,MINUTES SEED CPUS REPRO,$(if $($(o)),--$(shell echo $(o) | tr A-Z \
	  a-z) $(call quote,$($(o))))) $(FUZZFLAGS)
.PHONY: fuzz

stretch: all ## the longest stretches of the kernel with interrupts or preemption off: make stretch STRETCHFLAGS=--lines=3
	@$(PYTHON) tools/stretch.py $(STRETCHFLAGS)

ways: all ## functions, files and rooms on the kernel's main ways: make ways WAYSFLAGS=--list
	@$(PYTHON) tools/ways.py $(WAYSFLAGS)

trace: all ## one lab's trace, for Perfetto, KernelShark and as a page: make trace LAB=concurrency
	@$(PYTHON) tools/trace.py $(or $(LAB),concurrency) $(TRACEFLAGS) $(if $(ARGS),-- $(ARGS))

drive-page: ## the levels of lab drive as one page for a browser: build/drive.html
	@$(PYTHON) tools/drive_page.py $(BUILD)/drive.html

report: all ## all labs on Heddle and on Linux, as one page: build/report/index.html
	@$(PYTHON) tools/report.py $(REPORTFLAGS) $(if $(ARGS),-- $(ARGS))

# BOOKFLAGS: --without-answers leaves out the teacher's answers. RECORDFLAGS go to the labs: -- --quick.
book: $(BUILD)/records.json ## docs/ as one site with the labs' evidence, for a browser: build/book/index.html
	@$(PYTHON) tools/book.py --records $< $(BOOKFLAGS)

$(BUILD)/records.json: $(BUILD)/heddle.elf $(BUILD)/initramfs.cpio
	@$(PYTHON) tools/record.py $@ $(RECORDFLAGS)

exercise: ## list the exercises; begin one on a branch of its own: make exercise EX=cow STUDENT=name; HINT=1
	@$(PYTHON) tools/exercise.py $(if $(STUDENT),-s $(call quote,$(STUDENT))) $(if $(HINT),--hint $(HINT)) $(EX)

grade: ## points for exercises: make grade EX=cow STUDENT=name JSON=results.json; without EX, all
	@$(PYTHON) tools/grade.py $(if $(STUDENT),-s $(call quote,$(STUDENT))) $(if $(SEED),--seed $(SEED)) $(if $(GDB),--gdb $(GDB)) \
	  $(if $(JSON),--json $(call quote,$(JSON))) $(GRADEFLAGS) $(EX)

submit: ## pack an exercise's branch and its grade: make submit EX=cow STUDENT=name KEY=~/.ssh/id_ed25519
	@$(PYTHON) tools/submit.py make $(if $(KEY),--key $(KEY)) $(call quote,$(STUDENT)) $(call quote,$(EX))

submit-check: ## the teacher's side: verify, grade again, find copies: make submit-check FILE="a.tar.gz b.tar.gz"
	@$(PYTHON) tools/submit.py check $(if $(SIGNERS),--signers $(SIGNERS)) $(CHECKFLAGS) $(FILE)

compile_commands.json: ## for clangd
	@$(PYTHON) tools/compile_commands.py $(CC) '$(KERNEL_CFLAGS)' $(filter %.c,$(SOURCES)) > $@

loc: ## lines of code of the kernel: core, base, extensions, room by room
	@$(PYTHON) tools/house.py loc

house: $(BUILD)/heddle.elf ## floors and rooms: what refers upward, circles, budgets
	@$(PYTHON) tools/house.py

house-picture: $(BUILD)/heddle.elf ## draw docs/house.svg anew, and the figures of docs/house.md
	@$(PYTHON) tools/house.py picture

pictures: ## draw docs/pictures anew
	@$(PYTHON) tools/pictures.py

abi: $(BUILD)/heddle.elf ## write what is known into the table of system calls, docs/abi.md
	@$(PYTHON) tools/abi.py write

format: ## clang-format on all C of ours
	@clang-format -i $(filter %.c,$(SOURCES)) $(shell find user tests -name '*.[ch]')

clean: ## remove build/
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(BUILD)/asm_offsets.d $(BUILD)/$(VDSO)/vdso_user.c.d
.PHONY: all help setup doctor run gdb lab race iso objs labs-host test guest test-abi test-machines bench bench-check models explore suite stretch ways trace report drive-page book exercise grade submit submit-check compile_commands.json loc house house-picture pictures abi format \
  clean FORCE
.DELETE_ON_ERROR:
endif
