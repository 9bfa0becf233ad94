/* host-sources: kernel/dev/keymap.c kernel/dev/keys.c kernel/dev/utf8.c
 * kernel/dev/usb/usb_keyboard.c tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=512 */
/* mutant: kernel/dev/keymap.c: WRITE_ONCE(entries[table][key], entry) =>
 * WRITE_ONCE(entries[table][key & 63], entry) */
/* SPDX-License-Identifier: MIT
 *
 * Keyboard layouts and keys.  A layout of any contents is kept as it was loaded, and with it each
 * key, of a PS/2 keyboard or in a report of the USB, types at most 8 bytes; a key that is released
 * types nothing.
 */
#include "kernel/dev/boot_display.h"
#include "kernel/dev/keymap.h"
#include "kernel/dev/keys.h"
#include "kernel/dev/tty.h"
#include "kernel/dev/usb/usb_keyboard.h"
#include "kernel/lib/errno.h"
#include "kernel/task/process.h"
#include "tests/fuzz/fuzz.h"

#include <setjmp.h>

#define KDGKBENT 0x4b46
#define KDSKBENT 0x4b47

static struct process process;
static struct thread thread = {.process = &process};
struct thread *host_thread = &thread;
struct tty console_tty;
struct boot_display boot_display;
static u32 typed;

/* The linker set of magic keys is empty. */
__asm__(".data\n.globl __set_sysrq_servers, __set_sysrq_servers_end\n"
	"__set_sysrq_servers:\n__set_sysrq_servers_end: .quad 0\n.text\n");

void tty_input(struct tty *tty, const char *bytes, u32 n)
{
	typed += n;
}

int copy_from_user(void *dst, const void *from, size_t n)
{
	memcpy(dst, from, n);
	return 0;
}

int copy_to_user(void *to, const void *src, size_t n)
{
	memcpy(to, src, n);
	return 0;
}

int usb_request(struct usb_device *d, u8 type, u8 request, u16 value, u16 index, u16 length)
{
	return 0;
}

void usb_next_report(struct usb_device *d)
{
}

void display_scroll(s32 pages)
{
}

/* Ctrl-Alt-Del ends the machine, here the input. */
static jmp_buf machine_ends;

void power_reset(void)
{
	longjmp(machine_ends, 1);
}

int sleep_until(u64 deadline_ns, u32 flags)
{
	return 0;
}

struct thread *kthread_create(const char *name, void (*fn)(void *), void *argument)
{
	return NULL;
}

static void load_entry(struct input *in)
{
	u8 place[2] = {input_byte(in), input_byte(in)};
	u16 value = (u16)input_number(in, 2), entry[2], back[2];
	long result;

	memcpy(entry, place, 2);
	entry[1] = value;
	result = keymap_ioctl(&console_tty, KDSKBENT, (u64)entry);
	HOLDS(result == (place[0] < KEYMAP_TABLES && place[1] < KEYMAP_KEYS ? 0 : -EINVAL));
	memcpy(back, place, 2);
	back[1] = 0;
	HOLDS(!keymap_ioctl(&console_tty, KDGKBENT, (u64)back));
	HOLDS(back[1] == (result ? KEYMAP_HOLE : value));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	u8 *page = malloc(PAGE_SIZE);
	struct usb_device keyboard = {.buffer = page, .report_size = 8};

	process.job.tty = &console_tty;
	if (setjmp(machine_ends))
		in.at = in.end;
	while (input_left(&in)) {
		u8 what = input_byte(&in), code;

		typed = 0;
		switch (what & 3) {
		case 0:
			load_entry(&in);
			break;
		case 1:
		case 2:
			code = input_byte(&in);
			key_event(code & 0x7f, what & 4, what & 8);
			HOLDS(typed <= 8 && (what & 8 || !typed));
			break;
		case 3:
			input_bytes(&in, page + REPORT_OFFSET, 8);
			keyboard.report_length = what & 4 ? 8 : what >> 3 & 7;
			usb_keyboard_report(&keyboard);
			HOLDS(typed <= 8 * 6);
			host_now += NSEC_PER_SEC;
			(void)usb_keyboard_repeat(&keyboard);
			break;
		}
	}
	if (!setjmp(machine_ends))
		usb_keyboard_gone(&keyboard);
	for (u32 code = 0; code < 128; code++) { /* nothing is held when the next input begins */
		key_event((u8)code, false, false);
		key_event((u8)code, true, false);
	}
	free(page);
	return 0;
}
