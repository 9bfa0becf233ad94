/* SPDX-License-Identifier: MIT
 *
 * Address spaces: a tree of regions, and the page tables.  The threads of a process share one.
 * vfork() shares it between two processes until exec, so it counts its references.
 */
#pragma once

#include "arch/x86_64/mmu/paging.h"
#include "kernel/lib/list.h"
#include "kernel/lib/treap.h"
#include "kernel/sync/refcount.h"
#include "kernel/task/mutex.h"
#include "kernel/vm/object.h"

struct file;

/* Protection and flags of mmap(), with the numbers of the Linux ABI. */
#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED	    0x01
#define MAP_PRIVATE	    0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_FIXED	    0x10
#define MAP_32BIT	    0x40
#define MAP_ANONYMOUS	    0x20
#define MAP_GROWSDOWN	    0x100
#define MAP_STACK	    0x20000
#define MAP_FIXED_NOREPLACE 0x100000

/* Where a program's parts are.  A child inherits it. */
struct space_layout {
	u64 brk_start, brk; /* bytes */
	u64 mmap_top;	    /* automatic mappings are placed below this, downwards */
	u64 code_start, code_end, data_start, data_end, stack_start; /* /proc/PID/stat */
	u64 arg_start, arg_end, env_start, env_end;		     /* /proc/PID/cmdline */
};

struct region {
	struct treap_node node;	  /* in address_space.regions, ordered by start */
	u64 start, end;		  /* page-aligned, [start, end) */
	u32 prot;		  /* PROT_* */
	u32 max_prot;		  /* PROT_* that mprotect() may set; less for a shared mapping of a
				   * read-only file */
	bool shared;		  /* writes change the object, not a private copy */
	bool grows_down;	  /* a stack: a fault below it grows it, up to RLIMIT_STACK */
	bool is_heap, is_stack;	  /* for /proc/PID/maps */
	u32 advice;		  /* REGION_*: of extensions; two regions that differ are not merged */
	struct vm_object *object; /* NULL: private anonymous */
	u64 object_page;	  /* index in the object of the page at start */
	struct file *file;	  /* for /proc/PID/maps; with a reference (region_file_hooks) */
	struct address_space *space;
	struct object_mapping mapping; /* in object->mappings.  start, end and object_page change
					* under object->mappings_lock too */
};

#define REGION_LOCKED	   1U /* mlock(2); not inherited by fork */
#define REGION_DONTFORK	   2U /* madvise(2): a child does not get the region */
#define REGION_WIPEONFORK  4U /* ... gets it without its pages */

static inline struct region *region_of(struct treap_node *node)
{
	return node ? treap_entry(node, struct region, node) : NULL;
}

/* Set by kernel/fs: take and drop a reference to a mapped file. */
struct region_file_hooks {
	void (*get)(struct file *f);
	void (*put)(struct file *f);
};
void vm_set_file_hooks(const struct region_file_hooks *hooks);

struct address_space {
	struct refcount refs;
	struct pmap pmap;
	struct rwlock lock;	 /* guards the tree and the fields below.  Readers may change page
				  * tables (under page_table_lock), writers change regions */
	struct treap regions;
	u32 region_count;
	u64 mapped_bytes;	 /* sum over regions; RLIMIT_AS bounds it */
	u64 peak_mapped_bytes;
	u64 data_bytes;		 /* the private writable ones among them */
	u64 gap_hint;		 /* address of the last automatic mapping; 0: none yet */
	u64 gap_largest;	 /* bytes: the largest gap above gap_hint.  region_place() does not
				  * search there for a larger one */
	struct space_layout layout;

	struct spinlock page_table_lock; /* guards the page-table entries and the counters below */
	u64 resident_anon, resident_file, resident_shared; /* pages mapped */
	u64 peak_resident; /* before the last pages were unmapped: address_space_peak() */
	u64 cow_copies, zero_fills; /* counters of faults by kind */
	struct list all_link;	 /* in address_spaces */
};

extern struct list address_spaces; /* all of them, for debuggers */

#define VM_REGIONS_MAX 65530 /* as Linux's max_map_count */

/* An empty space with one reference.  ERR_PTR(-ENOMEM). */
struct address_space *address_space_create(void);
void address_space_get(struct address_space *as);

/* Drop a reference; the last one unmaps everything and frees the tables.  Sleeps. */
void address_space_put(struct address_space *as);

/* A copy-on-write copy for fork.  ERR_PTR(-ENOMEM).  Sleeps. */
struct address_space *address_space_fork(struct address_space *as);

/* --- Regions; all take as->lock themselves, all sleep, all return 0 or a negative errno ------- */

struct map_request {
	u64 address, length;	  /* bytes; with MAP_FIXED the address must be page-aligned */
	u32 prot, flags;	  /* PROT_*, MAP_* */
	struct vm_object *object; /* the mapping takes its own reference.  NULL: anonymous memory;
				   * for MAP_SHARED a new object is made */
	u64 offset;		  /* into the object, page-aligned */
	struct file *file;	  /* for /proc/PID/maps; may be NULL */
	u32 max_prot;		  /* of the region; 0: all rights */
	bool is_stack, is_heap;
};

/* Returns the address or -ENOMEM, -EINVAL, -EEXIST, -EPERM, -EOVERFLOW. */
long address_space_map(struct address_space *as, const struct map_request *request);
int address_space_unmap(struct address_space *as, u64 address, u64 length);
int address_space_protect(struct address_space *as, u64 address, u64 length, u32 prot);

/* --- Faults ---------------------------------------------------------------------------------- */

enum fault_access { FAULT_READ = 1, FAULT_WRITE = 2, FAULT_EXEC = 4 };

enum fault_result {
	FAULT_DONE,	 /* the access may be tried again */
	FAULT_SPURIOUS,	 /* the access may be tried again, but the entry allowed it already: the
			  * TLB of this CPU held an older entry, or another thread was faster */
	FAULT_MAPERR,	 /* SIGSEGV, SEGV_MAPERR: no region */
	FAULT_ACCERR,	 /* SIGSEGV, SEGV_ACCERR: the region forbids it */
	FAULT_BUS,	 /* SIGBUS, BUS_ADRERR: beyond the end of the object */
	FAULT_NO_MEMORY, /* kill the process */
	FAULT_SIGNAL,	 /* the thread is being killed: deliver the signal */
};

/* Resolve a page fault at `address`.  A stack region above the address grows down to it, as far as
 * the limits allow.  Takes as->lock for reading, or for writing while a stack grows; sleeps. */
enum fault_result address_space_fault(struct address_space *as, u64 address,
				      enum fault_access access);

/* --- Another's memory (exec, /proc/PID/mem, ptrace) -------------------------------------------- */

/* Copy `n` bytes from or, with `write`, to the space.  Returns the bytes copied, fewer if a hole
 * follows, or -EFAULT if none could be copied.  With `force`, the protection of a page does not
 * count, but private pages that are read-only are copied before they are written.  Sleeps. */
ssize_t address_space_copy(struct address_space *as, u64 address, void *buf, size_t n, bool write,
			   bool force);
#define address_space_read(as, address, buf, n) address_space_copy(as, address, buf, n, false, true)
#define address_space_write(as, address, buf, n, force)                                            \
	address_space_copy(as, address, (void *)(buf), n, true, force)

/* --- Futex keys --------------------------------------------------------------------------------*/

/* The identity of one word of memory, the same in every process that maps it: (space, address) for
 * private memory, (object, offset) for shared memory. */
struct futex_key {
	u64 object; /* address of the space, or id of the object | 1<<63 */
	u64 offset; /* address, or byte offset in the object */
};

/* Set *key, which is (space, address), to the key of a word that may be in shared memory.  0, or
 * -EFAULT: not mapped.  Sleeps. */
int address_space_futex_key(struct address_space *as, u64 address, struct futex_key *key);

/* --- Counters --------------------------------------------------------------------------------- */

/* What page faults did since the boot. */
struct fault_stats {
	u64 cow_copies;	   /* pages copied on a write, because other spaces map them too */
	u64 cow_reuses;	   /* pages not copied on a write: no other space maps them any more */
	u64 zeroed_pages;  /* pages zero-filled on the first write */
	u64 object_faults; /* faults served by a page of a file or of shared memory */
};
extern struct fault_stats fault_counters; /* DEFINE_PER_CPU(): counters.c adds them up */

/* --- /proc ------------------------------------------------------------------------------------ */

/* Resident pages. */
static inline u64 address_space_resident(const struct address_space *as)
{
	return READ_ONCE(as->resident_anon) + READ_ONCE(as->resident_file) +
	       READ_ONCE(as->resident_shared);
}

/* The most that were resident at one time. */
static inline u64 address_space_peak(const struct address_space *as)
{
	return MAX(READ_ONCE(as->peak_resident), address_space_resident(as));
}
