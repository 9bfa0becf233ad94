/* SPDX-License-Identifier: MIT
 *
 * A plugin for QEMU (docs/devel/tcg-plugins.rst in QEMU's sources) that finds the longest stretches
 * of instructions during which the kernel has interrupts off, and during which it cannot be
 * preempted.  tools/stretch.py builds it, runs QEMU with it, and looks up the addresses that it
 * writes.
 *
 * The plugin sees which instructions are executed, but no registers.  That is enough: the kernel
 * changes IF only by CLI, STI, SYSCALL, SYSRET, IRET and interrupts, and its count of reasons not to
 * preempt only by `incl` and `decl` of one word at %gs.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- What is used of qemu-plugin.h, version 1 (QEMU 4.2 to 8.2), which Debian does not package -- */

#define EXPORT __attribute__((visibility("default")))
EXPORT extern const int qemu_plugin_version;
const int qemu_plugin_version = 1;

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS };
typedef void on_exec(unsigned int cpu, void *data);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, on_exec *cb, int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, on_exec *cb, int flags,
					    void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id, void *),
				    void *data);
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

/* --- Stretches -------------------------------------------------------------------------------- */

enum { IRQS_OFF, NO_PREEMPTION, KINDS };
static const char *const kind_names[KINDS] = {"irqs", "preemption"};

#define PLACES	  4096	/* different instructions at which a stretch begins */
#define BLOCKS	  16384 /* different blocks of one stretch */
#define HOT	  8	/* blocks of the longest that are written */
#define REPORTED  500	/* shorter stretches are not kept */
#define KERNEL	  0xffff800000000000

/* A block of code that QEMU has translated. */
struct block {
	uint64_t at;
	uint32_t size;		/* instructions */
	uint64_t seen[KINDS];	/* the number of the last stretch with it */
	uint32_t count[KINDS];	/* how often that stretch went through it */
};

/* The stretches that begin at one instruction. */
struct place {
	uint64_t from, to, longest, times;
	struct { uint64_t at, instructions; } hot[HOT];
};

static struct {
	uint64_t number, from, begin;
	bool on, booted; /* booted: it began after the boot */
	struct block *blocks[BLOCKS];
	uint32_t block_count;
	struct place places[PLACES];
	uint32_t place_count;
} kinds[KINDS];

/* An instruction that changes something. */
struct change {
	enum { CLI, STI, SYSCALL_ENTRY, TRAP_ENTRY, IRET, PREEMPT_OFF, PREEMPT_ON } what;
	uint64_t at;
	uint32_t behind; /* instructions of its block that come after it */
};

static uint64_t executed; /* instructions, to the end of the present block */
static uint64_t stubs_begin, stubs_end, syscall_entry;
static const char *out;
static bool booted, irqs_off;
static uint32_t preempt_count, nested; /* nested: traps that came while interrupts were off */

static int by_instructions(const void *a, const void *b, int kind)
{
	const struct block *x = a, *y = b;
	uint64_t m = (uint64_t)x->count[kind] * x->size, n = (uint64_t)y->count[kind] * y->size;

	return m < n ? 1 : m > n ? -1 : 0;
}

static int by_irqs(const void *a, const void *b)
{
	return by_instructions(*(struct block *const *)a, *(struct block *const *)b, IRQS_OFF);
}

static int by_preemption(const void *a, const void *b)
{
	return by_instructions(*(struct block *const *)a, *(struct block *const *)b, NO_PREEMPTION);
}

static struct place *place_of(int kind, uint64_t from)
{
	struct place *p = kinds[kind].places, *end = p + kinds[kind].place_count;

	while (p < end && p->from != from)
		p++;
	if (p == end && p < kinds[kind].places + PLACES) {
		p->from = from;
		kinds[kind].place_count++;
	}
	return p < kinds[kind].places + PLACES ? p : p - 1;
}

static void stretch_begin(int kind, uint64_t at, uint64_t now)
{
	kinds[kind].on = true;
	kinds[kind].booted = booted;
	kinds[kind].number++;
	kinds[kind].from = at;
	kinds[kind].begin = now;
	kinds[kind].block_count = 0;
}

static void stretch_end(int kind, uint64_t at, uint64_t now)
{
	uint64_t length = now - kinds[kind].begin;
	struct place *p;

	kinds[kind].on = false;
	if (!kinds[kind].booted || length < REPORTED)
		return;
	p = place_of(kind, kinds[kind].from);
	p->times++;
	if (length <= p->longest)
		return;
	p->longest = length;
	p->to = at;
	memset(p->hot, 0, sizeof(p->hot));
	qsort(kinds[kind].blocks, kinds[kind].block_count, sizeof(struct block *),
	      kind == IRQS_OFF ? by_irqs : by_preemption);
	for (uint32_t i = 0; i < HOT && i < kinds[kind].block_count; i++) {
		struct block *b = kinds[kind].blocks[i];

		p->hot[i].at = b->at;
		p->hot[i].instructions = (uint64_t)b->count[kind] * b->size;
	}
}

static void update(uint64_t at, uint64_t now)
{
	const bool off[KINDS] = {irqs_off, irqs_off || preempt_count};

	for (int kind = 0; kind < KINDS; kind++)
		if (off[kind] && !kinds[kind].on)
			stretch_begin(kind, at, now);
		else if (!off[kind] && kinds[kind].on)
			stretch_end(kind, at, now);
}

static void changed(unsigned int cpu, void *data)
{
	const struct change *c = data;

	switch (c->what) {
	case SYSCALL_ENTRY:
		booted = true; /* there is a program */
		irqs_off = true;
		break;
	case CLI:
		irqs_off = true;
		break;
	case STI:
		irqs_off = false;
		break;
	case TRAP_ENTRY:
		nested += irqs_off;
		irqs_off = true;
		break;
	case IRET: /* back to where interrupts were on, unless the trap came while they were off */
		irqs_off = nested;
		nested -= nested > 0;
		break;
	case PREEMPT_OFF:
		preempt_count++;
		break;
	case PREEMPT_ON:
		preempt_count -= preempt_count > 0;
		break;
	}
	update(c->at, executed - c->behind);
}

static void ran(unsigned int cpu, void *data)
{
	struct block *b = data;

	if (b->at < KERNEL) { /* a program, or the firmware: all is on */
		irqs_off = false;
		nested = preempt_count = 0;
		update(b->at, executed);
		executed += b->size;
		return;
	}
	executed += b->size;
	for (int kind = 0; kind < KINDS; kind++) {
		if (!kinds[kind].on)
			continue;
		if (b->seen[kind] != kinds[kind].number) {
			if (kinds[kind].block_count == BLOCKS)
				continue;
			b->seen[kind] = kinds[kind].number;
			b->count[kind] = 0;
			kinds[kind].blocks[kinds[kind].block_count++] = b;
		}
		b->count[kind]++;
	}
}

/* What does the instruction change?  -1: nothing. */
static int kind_of(const uint8_t *code, size_t size, uint64_t at)
{
	if (at == syscall_entry)
		return SYSCALL_ENTRY;
	if (at >= stubs_begin && at < stubs_end && at % 16 == 0)
		return TRAP_ENTRY;
	if (size == 1 && code[0] == 0xfa)
		return CLI;
	if (size == 1 && code[0] == 0xfb)
		return STI;
	if (size == 2 && code[0] == 0x48 && code[1] == 0xcf)
		return IRET;
	if (size == 8 && code[0] == 0x65 && code[1] == 0xff && code[2] == 0x04 && code[3] == 0x25)
		return PREEMPT_OFF; /* incl %gs:constant */
	if (size == 8 && code[0] == 0x65 && code[1] == 0xff && code[2] == 0x0c && code[3] == 0x25)
		return PREEMPT_ON;
	return -1;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t size = qemu_plugin_tb_n_insns(tb);
	struct block *b = calloc(1, sizeof(*b));

	b->at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	b->size = (uint32_t)size;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, ran, QEMU_PLUGIN_CB_NO_REGS, b);
	for (size_t i = 0; i < size && b->at >= KERNEL; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);
		int what = kind_of(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn), at);
		struct change *c;

		if (what < 0)
			continue;
		c = malloc(sizeof(*c));
		*c = (struct change){what, at, (uint32_t)(size - i)};
		qemu_plugin_register_vcpu_insn_exec_cb(insn, changed, QEMU_PLUGIN_CB_NO_REGS, c);
	}
}

/* A line for each place: kind, longest, times, from, to, and `address:instructions` of the blocks in
 * which the longest spent most. */
static void finished(qemu_plugin_id_t id, void *data)
{
	FILE *f = fopen(out, "w");

	if (!f) {
		perror(out);
		return;
	}
	for (int kind = 0; kind < KINDS; kind++)
		for (uint32_t i = 0; i < kinds[kind].place_count; i++) {
			const struct place *p = &kinds[kind].places[i];

			fprintf(f, "%s %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64,
				kind_names[kind], p->longest, p->times, p->from, p->to);
			for (int h = 0; h < HOT && p->hot[h].at; h++)
				fprintf(f, " %" PRIx64 ":%" PRIu64, p->hot[h].at,
					p->hot[h].instructions);
			fprintf(f, "\n");
		}
	fclose(f);
}

/* Arguments: stubs=BEGIN-END and syscall=ADDRESS, in hexadecimal; out=FILE. */
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
		else if (sscanf(argv[i], "stubs=%" SCNx64 "-%" SCNx64, &stubs_begin, &stubs_end) != 2 &&
			 sscanf(argv[i], "syscall=%" SCNx64, &syscall_entry) != 1)
			return -1;
	if (!out || !stubs_end || !syscall_entry)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
