/* SPDX-License-Identifier: MIT
 *
 * Many processes can run one program: there are as many address spaces as processes, but one copy
 * of the code.  Every other process is made by fork() alone; the rest also call exec() on this
 * program's file, as a shell does, so they keep no memory of their parent.
 */
#include "lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE	   4096
#define MOST	   16
#define CODE_PAGES 256
#define CHILD                                                                                      \
	"LAB_MANY" /* environment variable: number, whether to write, two pipe descriptors         \
		    */

/* A variable alone in its page.  The code lies between the two symbols of the linker. */
static union {
	int value;
	char page[PAGE];
} variable __attribute__((aligned(PAGE))) = {1};
extern char __executable_start[], etext[];

/* What a process reports about itself. */
struct report {
	int number, value;	      /* value: what it reads from the variable */
	char *start, *end, *variable; /* addresses; NULL: exec() failed, `value` is the errno */
};

static struct process {
	pid_t pid;
	bool execs;
	struct report said;
	/* What the parent sees of it in /proc. */
	bool seen, has_space;
	uint64_t code[CODE_PAGES], data; /* frames; 0: it has not touched this page */
	struct lab_space space;
} processes[MOST];

static int reports[2], over[2]; /* pipes: for reports; the processes wait until `over` is closed */

static int live(int number, bool writes, int report_to, int wait_on)
{
	struct report r = {number, 0, __executable_start, etext, variable.page};

	if (writes)
		variable.value = 100 + number;
	r.value = variable.value;
	if (write(report_to, &r, sizeof(r)) != sizeof(r))
		return 1;
	return read(wait_on, &r, 1) != 0;
}

/* Runs before main(); handles the processes that called exec(). */
__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv(CHILD);
	int number, writes, report_to, wait_on;

	if (text && sscanf(text, "%d %d %d %d", &number, &writes, &report_to, &wait_on) == 4)
		_exit(live(number, writes, report_to, wait_on));
}

static int program(void *arg)
{
	struct process *me = arg;
	struct report failed = {.number = (int)(me - processes)};
	bool writes = !lab_knob("no-write");
	char text[64];

	close(over[1]);
	if (!me->execs)
		return live(failed.number, writes, reports[1], over[0]);
	snprintf(text, sizeof(text), "%d %d %d %d", failed.number, writes, reports[1], over[0]);
	setenv(CHILD, text, 1);
	execl("/proc/self/exe", "many", NULL);
	failed.value = errno;
	return write(reports[1], &failed, sizeof(failed)) < 0;
}

static void look(struct process *p)
{
	size_t pages = (p->said.end - p->said.start + PAGE - 1) / PAGE;

	p->seen = lab_frame(p->pid, p->said.variable, &p->data);
	for (size_t i = 0; i < pages && i < CODE_PAGES; i++)
		p->seen &= lab_frame(p->pid, p->said.start + i * PAGE, &p->code[i]);
	p->has_space = lab_space(p->pid, &p->space);
}

/* The number of different values among `count` processes; 0 is not counted. */
static int different(int count, uint64_t (*value)(const struct process *, int), int page)
{
	int found = 0;

	for (int i = 0; i < count; i++) {
		int j = 0;

		while (j < i && value(&processes[j], page) != value(&processes[i], page))
			j++;
		found += j == i && value(&processes[i], page);
	}
	return found;
}

static uint64_t code_of(const struct process *p, int page)
{
	return p->code[page];
}

static uint64_t data_of(const struct process *p, int unused)
{
	(void)unused;
	return p->data;
}

static uint64_t root_of(const struct process *p, int unused)
{
	(void)unused;
	return p->space.root;
}

static uint64_t value_of(const struct process *p, int unused)
{
	(void)unused;
	return p->said.value;
}

static void start_all(int count)
{
	if (pipe(reports) < 0 || pipe(over) < 0)
		lab_die("pipe: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		processes[i].execs = i % 2;
		processes[i].pid = lab_fork("many", program, &processes[i]);
	}
	for (int i = 0; i < count; i++) {
		struct report r;

		if (read(reports[0], &r, sizeof(r)) != sizeof(r))
			lab_die("a process sent no report");
		if (!r.variable)
			lab_die("exec: %s", strerror(r.value));
		processes[r.number].said = r;
	}
}

static void show_all(int count)
{
	struct lab_table *table =
	    lab_table("Processes of one program, all alive at the same time",
		      "|>PID|by|>variable|root|>code pages|frame of code|variable's frame");

	for (int i = 0; i < count; i++) {
		const struct process *p = &processes[i];
		char root[32] = "-", pages[32] = "-", code[32] = "-", data[32] = "-";
		int has = 0, at = -1;

		for (int c = 0; c < CODE_PAGES; c++) {
			has += p->code[c] != 0;
			if (p->code[c] && at < 0 && c > 0)
				at = c;
		}
		if (p->has_space)
			snprintf(root, sizeof(root), "0x%llx", (unsigned long long)p->space.root);
		if (p->seen) {
			snprintf(pages, sizeof(pages), "%d", has);
			snprintf(code, sizeof(code), "0x%llx",
				 (unsigned long long)(at < 0 ? 0 : p->code[at]));
			snprintf(data, sizeof(data), "0x%llx", (unsigned long long)p->data);
		}
		lab_row(table, "%c|%d|%s|%d|%s|%s|%s|%s", lab_letter(p->pid, "many"), p->pid,
			p->execs ? "exec" : "fork", p->said.value, root, pages, code, data);
	}
	lab_note("The variable is at address %p in the first process, %p in the second.",
		 (void *)processes[0].said.variable, (void *)processes[1].said.variable);
}

static void run(void)
{
	int count = lab_pick(8, 4), roots, codes = 0, pages = 0, datas, values;
	bool seen = true, spaces = true, write = !lab_knob("no-write");

	start_all(count);
	/* All processes are alive and have written: read their page tables through /proc. */
	for (int i = 0; i < count; i++) {
		look(&processes[i]);
		seen &= processes[i].seen;
		spaces &= processes[i].has_space;
	}
	close(over[1]);
	for (int i = 0; i < count; i++)
		lab_wait(processes[i].pid);
	show_all(count);

	roots = different(count, root_of, 0);
	datas = different(count, data_of, 0);
	values = different(count, value_of, 0);
	for (int page = 0; page < CODE_PAGES; page++) {
		int frames = different(count, code_of, page);

		codes += frames;
		pages += frames > 0;
	}
	lab_figure("processes", count, "", "processes of one program");
	if (spaces) {
		lab_check_equals(roots, count, "", "page-table roots of %d processes", count);
		lab_figure("roots", roots, "", "page-table roots");
	} else {
		lab_left_out("Page-table roots", "only Heddle shows them");
	}
	if (!seen) {
		lab_left_out("Frames", "only root may read frame numbers (/proc/PID/pagemap)");
		lab_verdict(LAB_NOT_SHOWN,
			    "%d processes ran one program, but their frames cannot be seen.",
			    count);
		return;
	}
	lab_check_at_least(pages, 1, "pages", "pages of code that were used");
	lab_check_equals(codes, pages, "frames", "frames that hold the %d pages of code", pages);
	lab_check_equals(datas, write ? count : 1, "", "frames that hold the variable");
	lab_check_equals(values, write ? count : 1, "", "different values of the variable");
	lab_figure("code_pages", pages, "", "pages of code that at least one process used");
	lab_figure("code_frames", codes, "", "frames that hold these pages of code");
	lab_figure("data_frames", datas, "", "frames that hold the variable");
	if (codes == pages && datas == count && values == count)
		lab_verdict(LAB_TRUE,
			    "%d processes ran one program: one copy of its code (%d pages), but %d "
			    "copies of the variable, because each process wrote to it.",
			    count, pages, datas);
	else
		lab_verdict(LAB_FALSE,
			    "%d pages of code are in %d frames and the variable is in %d, for %d "
			    "processes: each should have its own variable, and all of them the "
			    "same code.",
			    pages, codes, datas, count);
}

static const struct lab_knob knobs[] = {
    {"no-write", NULL, "no process writes to the variable: it is not copied, all share it"},
    {0},
};

const struct lab lab = {
    .name = "many",
    .claim = "Many processes can run one program.",
    .loose =
	"The notes leave out the price: a program that runs eight times is not in memory eight "
	"times. Its code is in memory once; a process has its own copy only of what it wrote to.",
    .predict = {.question =
		    "Eight processes run this program, and each writes to the same variable. "
		    "How often are its code and that variable in memory?",
		.choices = {"code 8 times, variable 8 times", "code once, variable 8 times",
			    "code 8 times, variable once", "code once, variable once"},
		.answer = 1,
		.why = "No process writes to code, so all can use one copy. The first write to the "
		       "variable gives the writing process a copy of the page."},
    .knobs = knobs,
    .expect = LAB_TRUE,
    .books = "\"A program by itself is not a process\": two users of one mail program are two "
	     "processes with the same text section (Silberschatz, 3.1.1).",
    .sources = "kernel/vm/fault.c fault_object(), fault_copy(); kernel/vm/pages.c pages_fork()",
    .tour = "fork",
    .run = run,
};
