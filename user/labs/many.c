/* SPDX-License-Identifier: MIT
 *
 * Many processes can run one program: as many address spaces as processes, one copy of the code.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 16

/* Two pages of this program: one of its code, one of its data. */
static int variable = 1;

static int program(void *unused);

/* What each process writes, and what is seen of it from outside. */
static struct process {
	pid_t pid;
	int value; /* what it reads from `variable` in the end */
	bool ready;
	bool seen; /* the frames below are known */
	uint64_t code, data;
	struct lab_space space;
	bool has_space;
} * processes; /* shared with the children */

static bool *over; /* shared: the children may end */

static int program(void *arg)
{
	struct process *me = arg;

	if (!lab_knob("no-write"))
		variable = 100 + (int)(me - processes);
	me->value = variable;
	__atomic_store_n(&me->ready, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(over, __ATOMIC_ACQUIRE))
		usleep(1000);
	return 0;
}

static void look(struct process *p)
{
	p->seen =
	    lab_frame(p->pid, (void *)program, &p->code) && lab_frame(p->pid, &variable, &p->data);
	p->has_space = lab_space(p->pid, &p->space);
}

/* How many different values there are among `count`. */
static int different(int count, uint64_t (*value)(const struct process *))
{
	int found = 0;

	for (int i = 0; i < count; i++) {
		int j = 0;

		while (j < i && value(&processes[j]) != value(&processes[i]))
			j++;
		found += j == i;
	}
	return found;
}

static uint64_t code_of(const struct process *p)
{
	return p->code;
}

static uint64_t data_of(const struct process *p)
{
	return p->data;
}

static uint64_t root_of(const struct process *p)
{
	return p->space.root;
}

static uint64_t value_of(const struct process *p)
{
	return p->value;
}

static void run(void)
{
	int count = lab_pick(8, 4), roots, codes, datas, values;
	bool seen = true, spaces = true, write = !lab_knob("no-write");

	processes = lab_shared(MOST * sizeof(*processes));
	over = lab_shared(sizeof(*over));
	for (int i = 0; i < count; i++) {
		lab_progress("processes", i, count);
		processes[i].pid = lab_fork("many", program, &processes[i]);
	}
	for (int i = 0; i < count; i++)
		while (!__atomic_load_n(&processes[i].ready, __ATOMIC_ACQUIRE))
			usleep(1000);
	/* All of them live now, and have run: look at them from outside. */
	for (int i = 0; i < count; i++) {
		look(&processes[i]);
		seen &= processes[i].seen;
		spaces &= processes[i].has_space;
	}
	__atomic_store_n(over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < count; i++)
		lab_wait(processes[i].pid);

	struct lab_table *table =
	    lab_table("Processes of one program, all alive at the same time",
		      "|>PID|>variable|page-table root|frame of the code|frame of the variable");
	for (int i = 0; i < count; i++) {
		const struct process *p = &processes[i];
		char root[32] = "-", code[32] = "-", data[32] = "-";

		if (p->has_space)
			snprintf(root, sizeof(root), "0x%llx", (unsigned long long)p->space.root);
		if (p->seen) {
			snprintf(code, sizeof(code), "0x%llx", (unsigned long long)p->code);
			snprintf(data, sizeof(data), "0x%llx", (unsigned long long)p->data);
		}
		lab_row(table, "%c|%d|%d|%s|%s|%s", lab_letter(p->pid, "many"), p->pid, p->value,
			root, code, data);
	}
	lab_note("The same virtual addresses in all of them: code at %p, the variable at %p.",
		 (void *)program, (void *)&variable);

	roots = different(count, root_of);
	codes = different(count, code_of);
	datas = different(count, data_of);
	values = different(count, value_of);
	lab_figure("processes", count, "", "processes of one program");
	if (spaces) {
		lab_check(roots == count, "%d processes have %d page-table roots", count, roots);
		lab_figure("roots", roots, "", "page-table roots");
	} else {
		lab_left_out("Page-table roots", "only Heddle tells them");
	}
	if (!seen) {
		lab_left_out("Frames", "only root may read them (/proc/PID/pagemap)");
		lab_verdict(LAB_NOT_SHOWN,
			    "%d processes ran one program, but their frames cannot be seen.",
			    count);
		return;
	}
	lab_check(codes == 1, "their code is in %d frame%s", codes, codes == 1 ? "" : "s");
	lab_check(datas == (write ? count : 1), "their variable is in %d frame%s", datas,
		  datas == 1 ? "" : "s");
	lab_check(values == (write ? count : 1), "and has %d value%s", values,
		  values == 1 ? "" : "s");
	lab_figure("code_frames", codes, "", "frames of the same page of code");
	lab_figure("data_frames", datas, "", "frames of the same variable");
	if (codes == 1 && datas == count && values == count)
		lab_verdict(LAB_TRUE,
			    "%d processes ran one program: one copy of its code, but %d of the "
			    "variable that each wrote to.",
			    count, datas);
	else
		lab_verdict(LAB_FALSE,
			    "The code is in %d frames, the variable in %d, for %d processes: each "
			    "should have a variable of its own and all the same code.",
			    codes, datas, count);
}

static const struct lab_knob knobs[] = {
    {"no-write", NULL, "nobody writes to the variable: it is not copied, all share it"},
    {0},
};

const struct lab lab = {
    .name = "many",
    .claim = "Many processes can run one program.",
    .loose =
	"The notes leave out the price: a program that runs eight times is not in memory eight "
	"times.  Its code is there once; only what a process has written to is its own.",
    .predict = {.question =
		    "Eight processes run this program, and each writes to the same variable. "
		    "How often are its code and that variable in memory?",
		.choices = {"code 8 times, variable 8 times", "code once, variable 8 times",
			    "code 8 times, variable once", "code once, variable once"},
		.answer = 1,
		.why = "Nobody writes to code, so all may look at one copy. The first write to the "
		       "variable gives the writer a copy of its page."},
    .knobs = knobs,
    .expect = LAB_TRUE,
    .books = "\"A program by itself is not a process\": two users of one mail program are two "
	     "processes with the same text section (Silberschatz, 3.1.1).",
    .sources = "kernel/vm/pages.c pages_fork(), kernel/vm/fault.c fault_copy()",
    .tour = "fork",
    .run = run,
};
