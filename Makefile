# Heddle: the only build file.  `make help` lists its targets.
MAKEFLAGS += --no-builtin-rules
BUILD ?= build
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
DEBUG ?= 0
WERROR ?= 0

CFLAGS := -std=gnu11 -ffreestanding -O2 -g -I. -DHEDDLE_DEBUG=$(DEBUG) \
  -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
  -fno-stack-protector -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-strict-aliasing \
  -fno-asynchronous-unwind-tables -fno-common -fcf-protection=none -fno-delete-null-pointer-checks \
  -Wall -Wextra -Wno-unused-parameter -Wmissing-prototypes -Wvla -Wundef -MMD -MP
ifeq ($(WERROR),1)
CFLAGS += -Werror
endif
ASFLAGS := -I. -D__ASSEMBLER__ -m64 -g -MMD -MP -fno-pic

SOURCES := $(shell find boot arch kernel tests/kernel -name '*.[cS]')
OBJECTS := $(SOURCES:%=$(BUILD)/%.o)

all: $(BUILD)/heddle.elf

# Only the objects under DIR: `make objs DIR=kernel/vm`.
objs: $(filter $(BUILD)/$(DIR)%,$(OBJECTS))

$(BUILD)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.S.o: %.S
	@mkdir -p $(@D)
	$(CC) $(ASFLAGS) -c -o $@ $<

$(BUILD)/heddle.elf: $(OBJECTS) linker.ld
	$(CC) -nostdlib -static -no-pie -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--build-id=none \
	  -Wl,--no-warn-rwx-segments -T linker.ld -o $@ $(OBJECTS)

clean:
	rm -rf build

-include $(OBJECTS:.o=.d)
.PHONY: all objs clean
