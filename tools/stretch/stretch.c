/* SPDX-License-Identifier: MIT
 *
 * A plugin for QEMU (docs/devel/tcg-plugins.rst in QEMU's sources) that finds the longest stretches
 * of instructions during which the kernel has interrupts off, and during which it cannot be
 * preempted.  tools/stretch.py builds it, runs QEMU with it, and looks up the addresses that it
 * writes.
 *
 * The plugin sees which instructions are executed, but no registers.  That is enough: the kernel
 * changes IF only by CLI, STI, SYSCALL, SYSRET, IRET and interrupts, and its count of reasons not
 * to preempt only by `incl` and `decl` of one word at %gs.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- What is used of qemu-plugin.h, version 1 (QEMU 4.2 to 8.2), which Debian does not package --
 */

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
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, on_exec *cb, int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, on_exec *cb, int flags,
					    void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id, void *),
				    void *data);
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

/* --- Stretches -------------------------------------------------------------------------------- */

#define CPUS 8 /* further ones are not counted */

enum { IRQS_OFF, NO_PREEMPTION, KINDS };
static const char *const kind_names[KINDS] = {"irqs", "preemption"};

#define PLACES	 4096  /* different instructions at which a stretch begins */
#define BLOCKS	 16384 /* different blocks of one stretch */
#define HOT	 8     /* blocks of the longest that are written */
#define REPORTED 500   /* shorter stretches are not kept */
#define KERNEL	 0xffff800000000000

/* A block of code that QEMU has translated. */
struct block {
	uint64_t at;
	uint32_t size;		     /* instructions */
	uint64_t seen[CPUS][KINDS];  /* the number of the CPU's last stretch with it */
	uint32_t count[CPUS][KINDS]; /* how often that stretch went through it */
};

/* The stretches that begin at one instruction. */
struct place {
	uint64_t from, to, longest, times;
	struct {
		uint64_t at, instructions;
	} hot[HOT];
};

static struct {
	struct place places[PLACES];
	uint32_t place_count;
} kinds[KINDS];

static struct cpu {
	uint64_t executed; /* instructions, to the end of the present block */
	bool irqs_off;
	uint32_t preempt_count, nested; /* nested: traps that came while interrupts were off */
	struct {
		uint64_t number, from, begin;
		bool on, booted; /* booted: it began after the boot */
		struct block *blocks[BLOCKS];
		uint32_t block_count;
	} stretch[KINDS]; /* the present one */
} cpus[CPUS];

/* An instruction that changes something. */
struct change {
	enum { CLI, STI, SYSCALL_ENTRY, TRAP_ENTRY, IRET, PREEMPT_OFF, PREEMPT_ON } what;
	uint64_t at;
	uint32_t behind; /* instructions of its block that come after it */
};

static uint64_t stubs_begin, stubs_end, syscall_entry;
static const char *out;
static bool booted;
static unsigned int sorted_cpu, sorted_kind; /* for by_instructions() */

static uint64_t instructions(const struct block *b)
{
	return (uint64_t)b->count[sorted_cpu][sorted_kind] * b->size;
}

static int by_instructions(const void *a, const void *b)
{
	uint64_t m = instructions(*(struct block *const *)a);
	uint64_t n = instructions(*(struct block *const *)b);

	return m < n ? 1 : m > n ? -1 : 0;
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

static void stretch_begin(struct cpu *c, int kind, uint64_t at, uint64_t now)
{
	c->stretch[kind].on = true;
	c->stretch[kind].booted = booted;
	c->stretch[kind].number++;
	c->stretch[kind].from = at;
	c->stretch[kind].begin = now;
	c->stretch[kind].block_count = 0;
}

static void stretch_end(struct cpu *c, int kind, uint64_t at, uint64_t now)
{
	uint64_t length = now - c->stretch[kind].begin;
	struct place *p;

	c->stretch[kind].on = false;
	if (!c->stretch[kind].booted || length < REPORTED)
		return;
	p = place_of(kind, c->stretch[kind].from);
	p->times++;
	if (length <= p->longest)
		return;
	p->longest = length;
	p->to = at;
	memset(p->hot, 0, sizeof(p->hot));
	sorted_cpu = (unsigned int)(c - cpus);
	sorted_kind = (unsigned int)kind;
	qsort(c->stretch[kind].blocks, c->stretch[kind].block_count, sizeof(struct block *),
	      by_instructions);
	for (uint32_t i = 0; i < HOT && i < c->stretch[kind].block_count; i++) {
		p->hot[i].at = c->stretch[kind].blocks[i]->at;
		p->hot[i].instructions = instructions(c->stretch[kind].blocks[i]);
	}
}

static void update(struct cpu *c, uint64_t at, uint64_t now)
{
	const bool off[KINDS] = {c->irqs_off, c->irqs_off || c->preempt_count};

	for (int kind = 0; kind < KINDS; kind++)
		if (off[kind] && !c->stretch[kind].on)
			stretch_begin(c, kind, at, now);
		else if (!off[kind] && c->stretch[kind].on)
			stretch_end(c, kind, at, now);
}

static void changed(unsigned int cpu, void *data)
{
	const struct change *change = data;
	struct cpu *c = &cpus[cpu];

	if (cpu >= CPUS)
		return;
	switch (change->what) {
	case SYSCALL_ENTRY:
		booted = true; /* there is a program */
		c->irqs_off = true;
		break;
	case CLI:
		c->irqs_off = true;
		break;
	case STI:
		c->irqs_off = false;
		break;
	case TRAP_ENTRY:
		c->nested += c->irqs_off;
		c->irqs_off = true;
		break;
	case IRET: /* back to where interrupts were on, unless the trap came while they were off */
		c->irqs_off = c->nested;
		c->nested -= c->nested > 0;
		break;
	case PREEMPT_OFF:
		c->preempt_count++;
		break;
	case PREEMPT_ON:
		c->preempt_count -= c->preempt_count > 0;
		break;
	}
	update(c, change->at, c->executed - change->behind);
}

static void ran(unsigned int cpu, void *data)
{
	struct block *b = data;
	struct cpu *c = &cpus[cpu];

	if (cpu >= CPUS)
		return;
	if (b->at < KERNEL) { /* a program, or the firmware: all is on */
		c->irqs_off = false;
		c->nested = c->preempt_count = 0;
		update(c, b->at, c->executed);
		c->executed += b->size;
		return;
	}
	c->executed += b->size;
	for (int kind = 0; kind < KINDS; kind++) {
		if (!c->stretch[kind].on)
			continue;
		if (b->seen[cpu][kind] != c->stretch[kind].number) {
			if (c->stretch[kind].block_count == BLOCKS)
				continue;
			b->seen[cpu][kind] = c->stretch[kind].number;
			b->count[cpu][kind] = 0;
			c->stretch[kind].blocks[c->stretch[kind].block_count++] = b;
		}
		b->count[cpu][kind]++;
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

/* A line for each place: kind, longest, times, from, to, and `address:instructions` of the blocks
 * in which the longest spent most. */
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
		else if (sscanf(argv[i], "stubs=%" SCNx64 "-%" SCNx64, &stubs_begin, &stubs_end) !=
			     2 &&
			 sscanf(argv[i], "syscall=%" SCNx64, &syscall_entry) != 1)
			return -1;
	if (!out || !stubs_end || !syscall_entry)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
