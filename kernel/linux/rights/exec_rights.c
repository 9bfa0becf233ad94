/* SPDX-License-Identifier: MIT
 *
 * With which ids and capabilities a program runs: set-user-ID and set-group-ID bits, and the rules
 * of capabilities(7), "Transformation of capabilities during execve()".
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/sys/calls.h"
#include "kernel/task/process_events.h"

struct exec_rights {
	struct credentials ids; /* these two for the program that is being loaded */
	struct capability_sets sets;
	bool secure;		     /* its AT_SECURE */
	bool dumpable;
	bool no_new_privileges; /* set-id bits do not count: prctl(2) */
};

static DEFINE_PER_THREAD(struct exec_rights, state);

/* The set-user-ID and set-group-ID bits of a program that is to be executed. */
static void take_set_id_bits(struct credentials *c, const struct inode *program)
{
	u32 mode = READ_ONCE(program->mode);

	if (per_thread(current_thread(), state)->no_new_privileges)
		return;
	if (mode & 04000)
		c->euid = program->uid;
	if ((mode & 02010) == 02010)
		c->egid = program->gid;
}

/* execve(2): the ids in *c become those with which the program will run; they and the capabilities
 * become the thread's in the event `exec`.  The rules and their order are those of
 * capabilities(7), "Transformation of capabilities during execve()". */
int rights_exec(struct credentials *c, const struct inode *program, bool *secure)
{
	struct exec_rights *r = per_thread(current_thread(), state);
	const struct credentials *old = &current_thread()->credentials;
	struct capability_sets s = capabilities_of(current_thread());
	u64 before = s.permitted;
	bool root_counts = !(s.securebits & SECURE_NOROOT), effective, set_id;

	if (users_too_many_threads())
		return -EAGAIN;
	take_set_id_bits(c, program);
	set_id = c->euid != old->uid || c->egid != old->gid;
	effective = root_counts && !c->euid;
	s.permitted = root_counts && (!c->euid || !c->uid) ? s.bounding | s.inheritable : 0;
	if ((set_id || s.permitted & ~before) &&
	    (r->no_new_privileges || is_watched(current_thread()))) {
		if (r->no_new_privileges || !capable(CAP_SETUID)) {
			c->euid = c->uid;
			c->egid = c->gid;
		}
		s.permitted &= before;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	if (set_id)
		s.ambient = 0;
	s.permitted |= s.ambient;
	s.effective = effective ? s.permitted : s.ambient;
	s.securebits &= ~(u64)SECURE_KEEP_CAPS;
	*secure = set_id || (c->uid && (effective || s.permitted & ~s.ambient));
	r->ids = *c;
	r->sets = s;
	r->secure = *secure;
	r->dumpable = c->euid == c->uid && c->egid == c->gid && !may_access(program, MAY_READ);
	return 0;
}

static void inherit(struct thread *t)
{
	*per_thread(t, state) = *per_thread(current_thread(), state);
}

static void exec(struct process *p)
{
	struct exec_rights *r = per_thread(current_thread(), state);

	rights_set(&r->ids, &r->sets);
	dumpable_set(p, r->dumpable);
	if (r->secure)
		WRITE_ONCE(p->signals.parent_death, 0); /* prctl(2) */
}

ON_EVENT(clone, inherit);
ON_EVENT(exec, exec);

static long no_new_privileges_set(u64 a, u64 b, u64 c, u64 d)
{
	if (a != 1 || b || c || d)
		return -EINVAL;
	per_thread(current_thread(), state)->no_new_privileges = true;
	return 0;
}

static long no_new_privileges_read(u64 a, u64 b, u64 c, u64 d)
{
	return a || b || c || d ? -EINVAL : per_thread(current_thread(), state)->no_new_privileges;
}

PRCTL_OPTIONS(privileges_options) = {{38, no_new_privileges_set}, {39, no_new_privileges_read}};

void rights_show_capabilities(struct thread *t, struct text *text)
{
	struct capability_sets s = capabilities_of(t);

	text_printf(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", s.inheritable,
		    s.permitted, s.effective);
	text_printf(text, "CapBnd:\t%016lx\nCapAmb:\t%016lx\nNoNewPrivs:\t%u\n", s.bounding,
		    s.ambient, per_thread(t, state)->no_new_privileges);
}
