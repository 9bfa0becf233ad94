/* SPDX-License-Identifier: MIT
 *
 * execve(): another program in the same process (execve(2)).
 *
 * All that can fail is done first, in an address space of its own that nobody else sees: open,
 * follow `#!`, load, copy the arguments, lay out the stack.  Then the other threads end, and from
 * there on there is no way back: the calling thread takes the leader's number and the new space.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/layout.h"
#include "kernel/dev/random.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/trace/trace.h"

#define STRING_MAX    (128UL << 10) /* one argument, NUL included (Linux: MAX_ARG_STRLEN) */
#define ARGUMENTS_MIN (128UL << 10)
#define ARGUMENTS_MAX (6UL << 20)
#define SCRIPT_LINE   256
#define SCRIPT_DEPTH  4
#define STACK_TOP     ((u64)USER_MAX)
#define STACK_SLACK   (128UL << 10) /* mapped below the arguments at once */
#define MMAP_GAP_MIN  (128UL << 20)
#define MMAP_GAP_MAX  (STACK_TOP / 6 * 5)

enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_MINSIGSTKSZ = 51,
};

/* Strings, one after the other with their NULs, in pieces of a page. */
struct piece {
	struct piece *next;
	u64 used;
	char data[PAGE_SIZE - 16];
};

struct exec {
	struct file *file; /* what is loaded: the program, or the script's interpreter */
	const char *name;  /* as the caller gave it */

	struct piece *first, *last;
	u64 bytes, limit; /* of all strings; `limit` counts their pointers as well */
	u32 argc, envc;	  /* in the pieces */
	u64 argv0_bytes;  /* left out where a script's prefix takes its place */

	char lines[SCRIPT_DEPTH][SCRIPT_LINE];
	const char *prefix[2 * SCRIPT_DEPTH + 1]; /* interpreter, its argument, script */
	u32 prefix_count;

	struct address_space *space;
	struct elf_image image;
	u64 stack_pointer;
	struct signal_handlers *handlers;
	struct file_table *files; /* a copy, where another process shares ours; else NULL */
};

/* --- Arguments -------------------------------------------------------------------------------- */

static int piece_add(struct exec *e)
{
	struct piece *piece = kmalloc(sizeof(*piece));

	if (!piece)
		return -ENOMEM;
	piece->next = NULL;
	piece->used = 0;
	if (e->last)
		e->last->next = piece;
	else
		e->first = piece;
	e->last = piece;
	return 0;
}

static ssize_t string_fetch(char *dst, u64 from, size_t size, bool from_kernel)
{
	size_t n;

	if (!from_kernel)
		return copy_string_from_user(dst, (const char *)from, size);
	n = strnlen((const char *)from, size);
	memcpy(dst, (const char *)from, n < size ? n + 1 : size);
	return n < size ? (ssize_t)n : -ENAMETOOLONG;
}

static int string_add(struct exec *e, u64 from, bool from_kernel)
{
	u64 length = 0;

	for (;;) {
		size_t room = e->last ? sizeof(e->last->data) - e->last->used : 0;
		ssize_t n;

		if (!room) {
			int error = piece_add(e);

			if (error)
				return error;
			continue;
		}
		n = string_fetch(e->last->data + e->last->used, from + length, room, from_kernel);
		if (n < 0 && n != -ENAMETOOLONG)
			return (int)n;
		room = n < 0 ? room : (size_t)n + 1;
		e->last->used += room;
		e->bytes += room;
		length += room;
		if (length > STRING_MAX || e->bytes + 8UL * (e->argc + e->envc + 1) > e->limit)
			return -E2BIG;
		if (n >= 0)
			break;
	}
	if (!e->argv0_bytes)
		e->argv0_bytes = e->bytes;
	return 0;
}

static int strings_add(struct exec *e, u64 vector, bool from_kernel, u32 *count)
{
	u64 pointer;
	int error;

	for (; vector; vector += sizeof(u64)) {
		if (from_kernel)
			pointer = *(const u64 *)vector;
		else if (get_user_u64(&pointer, (const u64 *)vector) < 0)
			return -EFAULT;
		if (!pointer)
			break;
		error = string_add(e, pointer, from_kernel);
		if (error)
			return error;
		++*count;
	}
	return 0;
}

static int arguments_copy(struct exec *e, u64 argv, u64 envp, bool from_kernel)
{
	int error;

	e->limit = process_limit(current_process(), RLIMIT_STACK) / 4;
	e->limit = MIN(MAX(e->limit, ARGUMENTS_MIN), ARGUMENTS_MAX);
	error = strings_add(e, argv, from_kernel, &e->argc);
	if (!error && !e->argc) {
		/* Programs count on argv[0]; Linux gives them an empty one, too. */
		error = string_add(e, (u64) "", true);
		e->argc = 1;
	}
	if (error)
		return error;
	return strings_add(e, envp, from_kernel, &e->envc);
}

/* --- The file --------------------------------------------------------------------------------- */

struct file *exec_open(struct inode *at, const char *path, u32 flags)
{
	struct inode *inode;
	struct file *file;

	if (!*path && at && flags & AT_EMPTY_PATH) {
		inode_get(at);
		inode = at;
	} else {
		inode = vfs_lookup(at, path, flags & AT_SYMLINK_NOFOLLOW);
	}
	if (IS_ERR(inode))
		return ERR_PTR(PTR_ERR(inode));
	if (S_ISLNK(inode->mode))
		file = ERR_PTR(-ELOOP);
	else if (!S_ISREG(inode->mode) || !(inode->mode & 0111))
		file = ERR_PTR(-EACCES);
	else
		file = vfs_open_inode(inode, O_RDONLY, path);
	inode_put(inode);
	return file;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* `line` holds the file's first `n` bytes: "#!", blanks, interpreter, blanks, one argument (the
 * rest of the line).  Both are left terminated; *argument NULL: none. */
static int script_parse(char *line, size_t n, char **interpreter, char **argument)
{
	char *end = memchr(line, '\n', n), *p = line + 2;

	if (!end) {
		end = line + MIN(n, SCRIPT_LINE - 1UL);
		/* A name that is cut short is another file's name. */
		while (p < end && is_blank(*p))
			p++;
		while (p < end && !is_blank(*p))
			p++;
		if (n == SCRIPT_LINE && p == end)
			return -ENOEXEC;
		p = line + 2;
	}
	while (end > p && is_blank(end[-1]))
		end--;
	*end = '\0';
	while (is_blank(*p))
		p++;
	if (!*p)
		return -ENOEXEC;
	*interpreter = p;
	*argument = NULL;
	while (*p && !is_blank(*p))
		p++;
	if (*p) {
		*p++ = '\0';
		while (is_blank(*p))
			p++;
		*argument = p;
	}
	return 0;
}

static void prefix_push(struct exec *e, const char *word)
{
	memmove(e->prefix + 1, e->prefix, e->prefix_count * sizeof(e->prefix[0]));
	e->prefix[0] = word;
	e->prefix_count++;
}

/* Open the program; where it is a script, its interpreter, and so on. */
static int program_open(struct exec *e, struct inode *at, const char *path, u32 flags)
{
	for (u32 depth = 0;; depth++) {
		char head[4], *interpreter, *argument;
		struct file *file = exec_open(at, path, flags);
		ssize_t n;
		int error;

		if (IS_ERR(file))
			return (int)PTR_ERR(file);
		e->file = file;
		n = file_read_kernel(file, head, sizeof(head), 0);
		if (n < 0)
			return (int)n;
		if (n < 2 || head[0] != '#' || head[1] != '!')
			return 0;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		n = file_read_kernel(file, e->lines[depth], SCRIPT_LINE, 0);
		error = n < 2 ? -ENOEXEC
			      : script_parse(e->lines[depth], (size_t)n, &interpreter, &argument);
		if (error)
			return error;
		/* An interpreter that is a script itself stands as its own script's name already.
		 */
		if (depth == 0)
			prefix_push(e, path);
		if (argument)
			prefix_push(e, argument);
		prefix_push(e, interpreter);
		file_put(file);
		e->file = NULL;
		at = NULL;
		flags = 0;
		path = interpreter;
	}
}

/* --- The new stack ---------------------------------------------------------------------------- */

/* Words written upwards from an address, some at a time. */
struct word_writer {
	struct address_space *as;
	u64 address;
	u32 count;
	int error;
	u64 words[64];
};

static void words_flush(struct word_writer *w)
{
	ssize_t bytes = w->count * sizeof(u64);

	if (!w->error &&
	    address_space_write(w->as, w->address, w->words, (size_t)bytes, false) != bytes)
		w->error = -ENOMEM;
	w->address += (u64)bytes;
	w->count = 0;
}

static void word_put(struct word_writer *w, u64 word)
{
	w->words[w->count++] = word;
	if (w->count == ARRAY_SIZE(w->words))
		words_flush(w);
}

static void aux_put(struct word_writer *w, u64 type, u64 value)
{
	word_put(w, type);
	word_put(w, value);
}

#define AUX_PAIRS 20

static void aux_put_all(struct word_writer *w, const struct exec *e, u64 name, u64 platform,
			u64 random)
{
	const struct process *p = current_process();

	aux_put(w, AT_PHDR, e->image.headers);
	aux_put(w, AT_PHENT, 56);
	aux_put(w, AT_PHNUM, e->image.header_count);
	aux_put(w, AT_PAGESZ, PAGE_SIZE);
	aux_put(w, AT_BASE, e->image.base);
	aux_put(w, AT_FLAGS, 0);
	aux_put(w, AT_ENTRY, e->image.program_entry);
	aux_put(w, AT_UID, p->uid);
	aux_put(w, AT_EUID, p->euid);
	aux_put(w, AT_GID, p->gid);
	aux_put(w, AT_EGID, p->egid);
	aux_put(w, AT_SECURE, 0);
	aux_put(w, AT_HWCAP, cpu_features.cpuid1_edx);
	aux_put(w, AT_HWCAP2, 0); /* bit 1 would promise FSGSBASE */
	aux_put(w, AT_CLKTCK, 100);
	aux_put(w, AT_RANDOM, random);
	aux_put(w, AT_EXECFN, name);
	aux_put(w, AT_PLATFORM, platform);
	aux_put(w, AT_MINSIGSTKSZ, signal_frame_size());
	aux_put(w, AT_NULL, 0);
}

static int bytes_put(struct address_space *as, u64 *address, const void *data, size_t n)
{
	if (address_space_write(as, *address, data, n, false) != (ssize_t)n)
		return -ENOMEM;
	*address += n;
	return 0;
}

/* All strings from `address` on, prefix first. */
static int strings_put(const struct exec *e, u64 address)
{
	u64 skip = e->prefix_count ? e->argv0_bytes : 0;
	int error = 0;

	for (u32 i = 0; i < e->prefix_count && !error; i++)
		error = bytes_put(e->space, &address, e->prefix[i], strlen(e->prefix[i]) + 1);
	for (struct piece *p = e->first; p && !error; p = p->next) {
		u64 from = MIN(skip, p->used);

		skip -= from;
		if (p->used > from)
			error = bytes_put(e->space, &address, p->data + from, p->used - from);
	}
	return error;
}

/* Where in the pieces a walk over the strings is, and at which address that will be. */
struct string_cursor {
	const struct piece *piece;
	u64 offset, address;
};

static void cursor_skip(struct string_cursor *c)
{
	for (;;) {
		if (c->offset == c->piece->used) {
			c->piece = c->piece->next;
			c->offset = 0;
		}
		c->address++;
		if (!c->piece->data[c->offset++])
			return;
	}
}

static void pointers_put(struct word_writer *w, struct string_cursor *c, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		word_put(w, c->address);
		cursor_skip(c);
	}
	word_put(w, 0);
}

/* argc, argv, envp and the auxiliary vector (ABI 3.4.1). */
static int vectors_put(struct exec *e, u64 sp, u64 strings, u64 name, u64 platform, u64 random)
{
	struct word_writer *w = kzalloc(sizeof(*w));
	struct string_cursor c = {.piece = e->first, .address = strings};
	u32 argc = e->argc;
	int error;

	if (!w)
		return -ENOMEM;
	w->as = e->space;
	w->address = sp;
	if (e->prefix_count) {
		cursor_skip(&c); /* argv[0] gives way */
		c.address = strings;
		argc--;
	}
	word_put(w, argc + e->prefix_count);
	for (u32 i = 0; i < e->prefix_count; i++) {
		word_put(w, c.address);
		c.address += strlen(e->prefix[i]) + 1;
	}
	e->space->arg_start = strings;
	pointers_put(w, &c, argc);
	e->space->arg_end = e->space->env_start = c.address;
	pointers_put(w, &c, e->envc);
	e->space->env_end = c.address;
	aux_put_all(w, e, name, platform, random);
	words_flush(w);
	error = w->error;
	kfree(w);
	return error;
}

static int stack_map(struct exec *e, u64 bytes)
{
	u64 length = ALIGN_UP(bytes + STACK_SLACK, PAGE_SIZE);
	struct map_request request = {
	    .address = STACK_TOP - length,
	    .length = length,
	    .prot = PROT_READ | PROT_WRITE | (e->image.executable_stack ? PROT_EXEC : 0),
	    .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | MAP_STACK,
	    .is_stack = true,
	};
	long result = address_space_map(e->space, &request);

	return result == -EEXIST ? -ENOMEM : result < 0 ? (int)result : 0;
}

static int stack_build(struct exec *e)
{
	static const char platform_name[] = "x86_64";
	u64 bytes = e->bytes - (e->prefix_count ? e->argv0_bytes : 0);
	u64 words = 1 + e->argc + e->prefix_count + 1 + e->envc + 1 + 2 * AUX_PAIRS;
	u64 name, strings, platform, random, sp, at;
	u8 random_data[16];
	int error;

	for (u32 i = 0; i < e->prefix_count; i++)
		bytes += strlen(e->prefix[i]) + 1;
	name = STACK_TOP - 8 - (strlen(e->name) + 1);
	strings = name - bytes;
	platform = ALIGN_DOWN(strings - sizeof(platform_name), 16);
	random = platform - sizeof(random_data);
	sp = ALIGN_DOWN(random - words * sizeof(u64), 16);

	error = stack_map(e, STACK_TOP - sp);
	if (error)
		return error;
	random_bytes(random_data, sizeof(random_data));
	at = name;
	error = bytes_put(e->space, &at, e->name, strlen(e->name) + 1);
	at = platform;
	if (!error)
		error = bytes_put(e->space, &at, platform_name, sizeof(platform_name));
	at = random;
	if (!error)
		error = bytes_put(e->space, &at, random_data, sizeof(random_data));
	if (!error)
		error = strings_put(e, strings);
	if (!error)
		error = vectors_put(e, sp, strings, name, platform, random);
	e->space->stack_start = e->stack_pointer = sp;
	return error;
}

static struct address_space *space_create(struct process *p)
{
	struct address_space *as = address_space_create();
	u64 gap = process_limit(p, RLIMIT_STACK);

	if (IS_ERR(as))
		return as;
	gap = MIN(MAX(gap, MMAP_GAP_MIN), MMAP_GAP_MAX);
	as->mmap_top = ALIGN_DOWN(STACK_TOP - gap, PAGE_SIZE) - STACK_SLACK;
	as->limit_as_bytes = process_limit(p, RLIMIT_AS);
	as->limit_data_bytes = process_limit(p, RLIMIT_DATA);
	as->limit_stack_bytes = process_limit(p, RLIMIT_STACK);
	return as;
}

/* --- Up to the point of no return ------------------------------------------------------------- */

static int prepare(struct exec *e, struct inode *at, u64 argv, u64 envp, bool from_kernel,
		   u32 flags)
{
	struct process *p = current_process();
	int error = program_open(e, at, e->name, flags);

	if (!error)
		error = arguments_copy(e, argv, envp, from_kernel);
	if (error)
		return error;
	e->space = space_create(p);
	if (IS_ERR(e->space))
		return (int)PTR_ERR(e->space);
	error = elf_load(e->space, e->file, &e->image);
	if (!error)
		error = stack_build(e);
	if (error)
		return error;
	e->handlers = signal_handlers_copy(p->handlers, true);
	if (!e->handlers)
		return -ENOMEM;
	if (refcount_read(&p->files->refs) > 1) {
		e->files = file_table_copy(p->files);
		if (IS_ERR(e->files))
			return (int)PTR_ERR(e->files);
	}
	return 0;
}

/* What is left of a preparation, or after the exchange what the process had before. */
static void release(struct exec *e)
{
	struct piece *next;

	for (struct piece *p = e->first; p; p = next) {
		next = p->next;
		kfree(p);
	}
	if (e->space && !IS_ERR(e->space))
		address_space_put(e->space);
	if (e->files && !IS_ERR(e->files))
		file_table_put(e->files);
	if (e->handlers)
		signal_handlers_put(e->handlers);
	if (e->file)
		file_put(e->file);
	kfree(e);
}

/* All other threads end; -EINTR where the whole process is to. */
static int end_other_threads(struct process *p, struct thread *self)
{
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signal_lock);
	int error = signal_dying(self) ? -EINTR : 0;

	if (!error && p->thread_count > 1)
		signal_exec_kill(p, self);
	spin_unlock_irq(&p->signal_lock, inner);
	while (!error && p->thread_count > 1)
		error = wait_sleep_irq(&p->exec_wait, &process_lock, WAIT_FOREVER, WAIT_KILLABLE);
	inner = spin_lock_irq(&p->signal_lock);
	p->exec_thread = NULL;
	spin_unlock_irq(&p->signal_lock, inner);
	spin_unlock_irq(&process_lock, flags);
	return error;
}

/* The PID stays the process's, whichever thread goes on: it takes the number of the leader, which
 * has ended. */
static void become_leader(struct process *p, struct thread *self)
{
	struct thread *leader = p->leader;
	tid_t tid = self->tid;
	u64 flags, inner;

	if (leader == self)
		return;
	flags = spin_lock_irq(&process_lock);
	inner = spin_lock_irq(&p->signal_lock);
	thread_unlink(leader);
	thread_unlink(self);
	self->tid = p->pid;
	p->leader = self;
	thread_link(self);
	spin_unlock_irq(&p->signal_lock, inner);
	spin_unlock_irq(&process_lock, flags);
	tid_free(tid);
	thread_put(leader); /* the hash's two */
	thread_put(self);
}

/* --- Beyond it -------------------------------------------------------------------------------- */

/* New for old; `e` holds the old ones afterwards. */
static void exchange(struct exec *e, struct process *p, struct thread *self)
{
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signal_lock);
	struct address_space *space = p->space;
	struct signal_handlers *handlers = p->handlers;
	struct file *executable = p->executable;
	struct file_table *files = p->files;

	p->handlers = e->handlers;
	e->handlers = handlers;
	spin_unlock_irq(&p->signal_lock, inner);
	if (space)
		p->own_dead.peak_resident_pages =
		    MAX(p->own_dead.peak_resident_pages, READ_ONCE(space->peak_resident));
	p->space = e->space;
	e->space = space;
	p->executable = e->file;
	e->file = executable;
	if (e->files) {
		p->files = e->files;
		e->files = files;
	}
	p->did_exec = true;
	p->exit_signal = SIGCHLD;
	self->pmap = &p->space->pmap;
	(void)pmap_switch(self->pmap); /* interrupts are off */
	spin_unlock_irq(&process_lock, flags);
}

static void reset_thread(struct thread *t, const struct exec *e)
{
	const char *slash = strrchr(e->name, '/');
	struct trap_frame *frame = thread_frame(t);

	thread_set_name(t, slash ? slash + 1 : e->name);
	t->altstack_base = t->altstack_size = t->altstack_flags = 0;
	t->robust_list = t->robust_list_size = t->rseq = 0;
	t->restart.fn = NULL;
	preempt_disable();
	t->fs_base = t->gs_base = 0;
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	fpu_area_init(t->fpu);
	fpu_restore(t->fpu);
	preempt_enable();
	*frame = (struct trap_frame){
	    .vector = frame->vector,
	    .error = (u64)-1, /* there is no call to start again */
	    .rip = e->image.entry,
	    .cs = SELECTOR_USER_CODE,
	    .rflags = RFLAGS_IF,
	    .rsp = e->stack_pointer,
	    .ss = SELECTOR_USER_DATA,
	};
}

static int commit(struct exec *e)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	int error = end_other_threads(p, self);

	if (error)
		return error;
	become_leader(p, self);
	if (p->space)
		thread_release_user_words(self);
	exchange(e, p, self);
	process_vfork_done(p);
	posix_timers_release(p);
	file_table_close_on_exec(p->files);
	reset_thread(self, e);
	trace(TRACE_EXEC, (u32)p->pid, 0, 0);
	return 0;
}

long process_exec(struct inode *at, const char *path, u64 argv, u64 envp, bool from_kernel,
		  u32 flags)
{
	struct process *p = current_process();
	struct exec *e = kzalloc(sizeof(*e));
	int error;

	if (!e)
		return -ENOMEM;
	e->name = path;
	error = mutex_lock_killable(&p->exec_lock);
	if (!error) {
		error = prepare(e, at, argv, envp, from_kernel, flags);
		if (!error)
			error = commit(e);
		mutex_unlock(&p->exec_lock);
	}
	release(e);
	return error;
}
