/* host-sources: arch/x86_64/pc/console.c arch/x86_64/pc/serial.c boot/cmdline.c
 * kernel/dev/console_choice.c kernel/lib/format.c kernel/lib/string.c kernel/log/log.c */
/* host-flags: -iquote tests/unit/uart -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * The serial port and the list of consoles, with a UART of the test's own.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "boot/cmdline.h"
#include "kernel/dev/console_choice.h"
#include "kernel/dev/serial_ring.c"
#include "tests/unit/host.h"
#include "tests/unit/uart/uart.h"

/* --- A boot ------------------------------------------------------------------------------------
 */

static u32 display_length, console_columns, console_rows;

static void display_write(struct console *c, const char *text, size_t length)
{
	display_length += (u32)length;
}

static const struct console_ops display_ops = {.write = display_write};
static struct console display;

/* Each test is a process, so that the kernel's variables are as they are at boot. */
static void boot(const char *line, bool with_display)
{
	cmdline_init(line);
	log_set_clock(clock_now_ns);
	console_event = on_event;
	has_ioapic = !uart.mute;
	serial_init_early();
	log_info("early");
	if (with_display) {
		display = (struct console){.name = "tty0",
					   .columns = 100,
					   .rows = 40,
					   .is_display = true,
					   .ops = &display_ops};
		console_register(&display);
	}
	console_choose(&console_columns, &console_rows);
	serial_ring_init();
	console_start();
}

static bool port_has(const char *text)
{
	uart.sent[uart.length] = 0;
	return strstr(uart.sent, text);
}

/* Write as a terminal does, which sleeps while there is no room. */
static void program_writes(u32 bytes)
{
	char text[16] = "0123456789abcde";
	u64 limit = now + 600 * NSEC_PER_SEC;

	for (u32 i = 0; i < bytes; i += 16) {
		text[15] = i % 64 ? '.' : '\n';
		while (console_room() < 16 && now < limit) {
			u64 end = now + CONSOLE_WAIT_NS, before = readies;

			while (readies == before && now < end)
				elapse(NSEC_PER_MSEC);
			if (readies == before)
				console_write("", 0);
		}
		console_write(text, 16);
	}
}

/* --- Tests -------------------------------------------------------------------------------------
 */

/* Which consoles get the log (l) and what programs write (p): the port, the display. */
static void rule(const char *line, bool there, bool display_there, const char *port,
		 const char *screen, u32 columns)
{
	u32 before;

	uart.absent = !there;
	boot(line, display_there);
	CHECK_EQ(console_columns, columns);
	log_info("of the log");
	elapse(NSEC_PER_SEC);
	CHECK_EQ(port_has("of the log"), libc_strcmp(port, "") != 0);
	CHECK_EQ(port_has("early"), libc_strcmp(port, "") != 0);
	CHECK_EQ(display_length != 0, libc_strcmp(screen, "") != 0);
	before = display_length;
	console_write("by a program", 12);
	elapse(NSEC_PER_SEC);
	CHECK_EQ(port_has("by a program"), !libc_strcmp(port, "lp"));
	CHECK_EQ(display_length - before, libc_strcmp(screen, "lp") ? 0 : 12);
}

static void without_a_word(void)
{
	rule("", true, true, "l", "lp", 100);
}

static void without_a_display(void)
{
	rule("", true, false, "lp", "", 80);
}

static void without_a_port(void)
{
	rule("", false, true, "", "lp", 100);
}

static void port_alone(void)
{
	rule("console=ttyS0,115200n8", true, true, "lp", "", 80);
}

static void display_alone(void)
{
	rule("console=tty0", true, true, "", "lp", 100);
}

static void both(void)
{
	rule("console=tty0 console=ttyS0", true, true, "lp", "lp", 80);
}

static void both_display_last(void)
{
	rule("console=ttyS0 console=tty0", true, true, "lp", "lp", 100);
}

static void several_times(void)
{
	rule("console=ttyS0 console=ttyS1 console=ttyS0", true, true, "lp", "", 80);
}

static void none_exists(void)
{
	rule("console=ttyS1", true, true, "l", "lp", 100);
	CHECK(port_has("there is no console of that name"));
}

static void named_port_is_absent(void)
{
	rule("console=ttyS0", false, true, "", "lp", 100);
}

static void absent_is_seen_at_once(void)
{
	uart.absent = true;
	serial_init_early();
	CHECK(uart.accesses < 20);
	CHECK(!console_next(NULL));
}

static void without_a_fifo(void)
{
	uart.no_fifo = true;
	boot("", false);
	program_writes(1000);
	elapse(NSEC_PER_SEC);
	CHECK_EQ(uart.overruns, 0);
	CHECK(port_has("abcde"));
}

/* Before there are interrupts a line has left when log_info() returns. */
static void early_lines(void)
{
	serial_init_early();
	log_info("0123456789012345678901234567890123456789");
	elapse(20 * byte_ns());
	CHECK(port_has("0123456789\r\n"));
}

static void log_does_not_wait(void)
{
	u32 before;
	u64 start;

	boot("", true);
	elapse(NSEC_PER_SEC);
	start = now;
	before = uart.accesses;
	for (int i = 0; i < 900; i++)
		log_info("line %d.", i);
	CHECK(uart.accesses - before < 900 * 30); /* 16 writes are one burst */
	CHECK(now - start < 900 * 30 * NSEC_PER_USEC);
	elapse(10 * NSEC_PER_SEC);
	CHECK(port_has("line 0.\r\n") && port_has("line 899.\r\n") && !port_has("lost"));
	CHECK_EQ(uart.overruns, 0);
}

static void programs_sleep(void)
{
	u32 before;

	boot("console=ttyS0", true);
	elapse(NSEC_PER_SEC);
	before = uart.length;
	program_writes(32000);
	elapse(NSEC_PER_SEC);
	CHECK_EQ(uart.length - before, 32000);
	CHECK(now > 32000 * byte_ns());
}

static void never_sends(void)
{
	u32 before;
	u64 start;

	uart.never_sends = true;
	boot("", true);
	elapse(NSEC_PER_SEC);
	CHECK(now < 2 * NSEC_PER_SEC);
	start = now;
	before = uart.accesses;
	for (int i = 0; i < 3000; i++)
		log_info("line %d.", i);
	CHECK(uart.accesses - before < 3000 * 4);
	CHECK(now - start < 3000 * 4 * NSEC_PER_USEC);
	CHECK(display_length > 3000 * 10); /* it has got them all */
	uart.never_sends = false;
	elapse(10 * NSEC_PER_SEC);
	log_info("after");
	elapse(10 * NSEC_PER_SEC);
	CHECK(port_has(" lines lost: ") && port_has("line 2999.\r\n") && port_has("after"));
}

/* The display does not wait for it, although console= names it. */
static void never_sends_named(void)
{
	u32 length;
	u64 start;

	uart.never_sends = true;
	boot("console=ttyS0 console=tty0", true);
	start = now;
	program_writes(32000);
	CHECK(now - start < 5 * NSEC_PER_SEC);
	CHECK(display_length > 32000);
	CHECK(console_next(NULL) == &display && !console_next(&display));
	uart.never_sends = false;
	elapse(3 * NSEC_PER_SEC);
	CHECK(port_has("programs no longer wait for it") && port_has("sends again"));
	length = uart.length;
	program_writes(160);
	elapse(NSEC_PER_SEC);
	CHECK_EQ(uart.length - length, 160);
}

/* A port that is the only console keeps its writers, and loses nothing. */
static void pauses(void)
{
	u32 before;

	boot("console=ttyS0", false);
	elapse(NSEC_PER_SEC);
	before = uart.length;
	uart.never_sends = true;
	program_writes(3000);
	elapse(10 * NSEC_PER_SEC);
	CHECK(console_room() < 128);
	uart.never_sends = false;
	readies = 0;
	elapse(NSEC_PER_SEC);
	CHECK(readies);
	program_writes(3000);
	elapse(NSEC_PER_SEC);
	CHECK_EQ(uart.length - before, 3008 + 3008);
}

static void end_waits(void)
{
	boot("console=ttyS0", false);
	program_writes(3000);
	for (int i = 0; i < 500; i++)
		log_info("line %d.", i);
	log_info("the end");
	host_irqs = false;
	log_drain();
	CHECK(port_has("line 499.\r\n") && port_has("the end\r\n"));
	CHECK(!uart.shifting && !uart.queued);
}

static void end_waits_at_low_speed(void)
{
	boot("console=ttyS0,1200", false);
	CHECK_EQ(uart.divisor, 96);
	program_writes(3000);
	log_info("the end");
	log_drain();
	CHECK(port_has("the end\r\n") && !uart.shifting);
}

static void end_does_not_wait_for_ever(void)
{
	u64 start;

	uart.never_sends = true;
	boot("console=ttyS0", false);
	for (int i = 0; i < 500; i++)
		log_info("line %d.", i);
	start = now;
	log_drain();
	CHECK(now - start < 5 * NSEC_PER_SEC);
}

static void panic_polls(void)
{
	boot("", true);
	host_irqs = false;
	for (int i = 0; i < 500; i++)
		log_info("line %d.", i);
	panic_in_progress = true;
	log_info("panic");
	log_flush_forced();
	elapse(20 * byte_ns());
	CHECK(port_has("line 499.\r\n") && port_has("panic\r\n"));
}

static void panic_polls_in_vain(void)
{
	u64 start;

	uart.never_sends = true;
	boot("", true);
	host_irqs = false;
	panic_in_progress = true;
	start = now;
	for (int i = 0; i < 2000; i++)
		log_info("line %d.", i);
	log_flush_forced();
	CHECK(now - start < NSEC_PER_SEC);
}

static void without_an_interrupt(void)
{
	u32 before;

	uart.mute = true;
	boot("console=ttyS0", false);
	before = uart.length;
	program_writes(3200);
	elapse(10 * NSEC_PER_SEC);
	CHECK(uart.length - before >= 3200);
	uart.has_received = true;
	uart.received = 'x';
	elapse(NSEC_PER_SEC);
	CHECK_EQ(typed[0], 'x');
}

static void interrupt_without_a_cause(void)
{
	u32 before;

	uart.lies = true;
	boot("console=ttyS0", false);
	elapse(NSEC_PER_SEC);
	before = uart.accesses;
	elapse(NSEC_PER_SEC);
	CHECK(uart.accesses - before < 10000);
	program_writes(160);
	elapse(NSEC_PER_SEC);
	CHECK(port_has("abcde"));
}

static void input(void)
{
	boot("console=ttyS0", true);
	elapse(NSEC_PER_SEC);
	uart.has_received = true;
	uart.received = 'k';
	elapse(NSEC_PER_MSEC);
	CHECK(typed_length == 1 && typed[0] == 'k');
}

static void input_of_a_port_for_the_log(void)
{
	boot("", true);
	elapse(NSEC_PER_SEC);
	uart.has_received = true;
	uart.received = 'k';
	elapse(NSEC_PER_MSEC);
	uart.has_received = uart.has_break = true;
	elapse(NSEC_PER_MSEC);
	uart.has_break = false;
	uart.has_received = true;
	elapse(NSEC_PER_MSEC);
	CHECK_EQ(magic_key, 'k');
	log_info("more");
	elapse(NSEC_PER_SEC);
	CHECK_EQ(typed_length, 0);
	CHECK(port_has("more"));
}

/* Run a test in a process of its own. */
static void (*test_function)(void);

static void in_child(void)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		test_function();
		fflush(stdout);
		_exit(!host_ok);
	}
	CHECK(waitpid(child, &status, 0) == child && !status);
}

#define TEST(function)                                                                             \
	do {                                                                                       \
		test_function = (function);                                                        \
		host_ok = true;                                                                    \
		in_child();                                                                        \
		printf("%sok %u - %s\n", host_ok ? "" : "not ", ++host_tests, #function);          \
		host_failed += !host_ok;                                                           \
	} while (0)

int main(void)
{
	TEST(without_a_word);
	TEST(without_a_display);
	TEST(without_a_port);
	TEST(port_alone);
	TEST(display_alone);
	TEST(both);
	TEST(both_display_last);
	TEST(several_times);
	TEST(none_exists);
	TEST(named_port_is_absent);
	TEST(absent_is_seen_at_once);
	TEST(without_a_fifo);
	TEST(early_lines);
	TEST(log_does_not_wait);
	TEST(programs_sleep);
	TEST(never_sends);
	TEST(never_sends_named);
	TEST(pauses);
	TEST(end_waits);
	TEST(end_waits_at_low_speed);
	TEST(end_does_not_wait_for_ever);
	TEST(panic_polls);
	TEST(panic_polls_in_vain);
	TEST(without_an_interrupt);
	TEST(interrupt_without_a_cause);
	TEST(input);
	TEST(input_of_a_port_for_the_log);
	return host_done();
}
