/* host-sources: kernel/proc/elf.c tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=4096 */
/* mutant: kernel/proc/elf.c: h->file_size > file_size - h->offset => h->file_size > file_size */
/* SPDX-License-Identifier: MIT
 *
 * The ELF loader.  It maps only whole pages of the user half, and only parts of the file that
 * exist; what a program then finds at the addresses of its segments is what its file says; nothing
 * is lost if a step fails.
 *
 * The input is the program, the interpreter, and 4 bytes: how long the latter is, and which step
 * fails.
 */
#include "kernel/lib/errno.h"
#include "kernel/proc/internal.h"
#include "tests/fuzz/fuzz.h"

struct thread *host_thread;

/* --- Files --------------------------------------------------------------------------------------
 */

struct host_file {
	struct file file;
	struct inode inode;
	const u8 *bytes;
	u32 opened;   /* references */
	bool is_used; /* it was opened at all */
};

static struct host_file program, interpreter;
static u32 steps_left; /* then one fails; 0: none */

static bool step_fails(void)
{
	return steps_left && !--steps_left;
}

static void host_file_make(struct host_file *f, const u8 *bytes, size_t n)
{
	f->bytes = bytes;
	f->opened = 0;
	f->is_used = false;
	f->inode.size = n;
	f->file.inode = &f->inode;
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 position)
{
	struct host_file *h = container_of(f, struct host_file, file);
	size_t left = position < h->inode.size ? h->inode.size - position : 0;

	if (step_fails())
		return -EIO;
	memcpy(buf, h->bytes + (left ? position : 0), MIN(n, left));
	return (ssize_t)MIN(n, left);
}

struct file *vfs_open(struct inode *at, const char *path, u32 flags, u32 mode)
{
	HOLDS(strlen(path) < PATH_MAX && flags & O_EXEC);
	if (step_fails())
		return ERR_PTR(-ENOENT);
	interpreter.opened++;
	interpreter.is_used = true;
	return &interpreter.file;
}

void file_put(struct file *f)
{
	container_of(f, struct host_file, file)->opened--;
}

/* --- The address space: a list of what was done --------------------------------------------------
 */

struct change {
	u64 start, end;
	bool mapped;
	struct host_file *file; /* NULL: zeros */
	u64 offset;
};
static struct change changes[8192];
static u32 change_count;

static void change_add(u64 start, u64 end, bool mapped, struct host_file *file, u64 offset)
{
	HOLDS(change_count < ARRAY_SIZE(changes));
	changes[change_count++] = (struct change){start, end, mapped, file, offset};
}

/* The last change of the byte at `address`; NULL: it is not mapped. */
static const struct change *change_of(u64 address)
{
	for (u32 i = change_count; i--;)
		if (address >= changes[i].start && address < changes[i].end)
			return changes[i].mapped ? &changes[i] : NULL;
	return NULL;
}

/* The byte that a program reads there; -1: it gets a signal. */
static int byte_at(u64 address)
{
	const struct change *c = change_of(address);
	u64 at = c ? c->offset + (address - c->start) : 0;

	if (!c || (c->file && at >= ALIGN_UP(c->file->inode.size, PAGE_SIZE)))
		return -1;
	return c->file && at < c->file->inode.size ? c->file->bytes[at] : 0;
}

static void check_request(const struct map_request *r)
{
	HOLDS(r->length && !(r->length % PAGE_SIZE) && !(r->address % PAGE_SIZE));
	HOLDS(r->address >= USER_MIN && r->address < USER_MAX &&
	      r->length <= USER_MAX - r->address);
	HOLDS(r->flags & MAP_PRIVATE && !(r->prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC)));
}

static bool is_free(u64 start, u64 length)
{
	for (u32 i = 0; i < change_count; i++)
		if (start < changes[i].end && changes[i].start < start + length)
			return false;
	return true;
}

long address_space_map(struct address_space *as, const struct map_request *request)
{
	struct map_request r = *request;

	HOLDS(r.flags & MAP_ANONYMOUS);
	if (step_fails())
		return -ENOMEM;
	if (!(r.flags & MAP_FIXED)) {
		r.address = 0x7ff000000000;
		while (r.address >= r.length + 0x100000000 &&
		       !is_free(r.address - r.length, r.length))
			r.address -= 0x10000000000;
		if (r.address < r.length + 0x100000000)
			return -ENOMEM;
		r.address -= r.length;
	}
	check_request(&r);
	change_add(r.address, r.address + r.length, true, NULL, 0);
	return (long)r.address;
}

long file_map(struct file *f, struct address_space *as, struct map_request *r)
{
	struct host_file *h = container_of(f, struct host_file, file);

	check_request(r);
	HOLDS(r->flags & MAP_FIXED && !(r->offset % PAGE_SIZE));
	HOLDS(r->offset + r->length <= ALIGN_UP(h->inode.size, PAGE_SIZE));
	if (step_fails())
		return -ENOMEM;
	change_add(r->address, r->address + r->length, true, h, r->offset);
	return (long)r->address;
}

int address_space_unmap(struct address_space *as, u64 address, u64 length)
{
	change_add(address, address + length, false, NULL, 0);
	return 0;
}

ssize_t address_space_copy(struct address_space *as, u64 address, void *buf, size_t n, bool write,
			   bool force)
{
	const u8 *zeros = buf;

	HOLDS(write && n < PAGE_SIZE &&
	      ALIGN_UP(address + n, PAGE_SIZE) == ALIGN_UP(address + 1, PAGE_SIZE));
	for (size_t i = 0; i < n; i++)
		HOLDS(!zeros[i]);
	HOLDS(!n || change_of(address));
	if (step_fails())
		return -EFAULT;
	change_add(address, address + n, true, NULL, 0);
	return (ssize_t)n;
}

/* --- What must be there
 * --------------------------------------------------------------------------- */

struct program_header {
	u32 type, flags;
	u64 offset, address, physical_address, file_size, memory_size, align;
};
#define PT_LOAD 1

static struct program_header header_of(const struct host_file *f, u32 i)
{
	struct program_header h;
	u64 at;

	memcpy(&at, f->bytes + 32, sizeof(at));
	memcpy(&h, f->bytes + at + i * sizeof(h), sizeof(h));
	return h;
}

static u32 headers_of(const struct host_file *f)
{
	return f->bytes[56] | (u32)f->bytes[57] << 8;
}

/* Does a later segment have the page of this address? */
static bool is_replaced(const struct host_file *f, u32 i, u64 address)
{
	for (i++; i < headers_of(f); i++) {
		struct program_header h = header_of(f, i);

		if (h.type == PT_LOAD && h.memory_size &&
		    address >= ALIGN_DOWN(h.address, PAGE_SIZE) &&
		    address < ALIGN_UP(h.address + h.memory_size, PAGE_SIZE))
			return true;
	}
	return false;
}

static void check_byte(const struct host_file *f, u32 i, const struct program_header *h, u64 n,
		       u64 bias)
{
	if (n < h->memory_size && !is_replaced(f, i, h->address + n))
		HOLDS(byte_at(h->address + n + bias) ==
		      (n < h->file_size ? f->bytes[h->offset + n] : 0));
}

static void check_segments(const struct host_file *f, u64 bias)
{
	for (u32 i = 0; i < headers_of(f); i++) {
		struct program_header h = header_of(f, i);

		if (h.type != PT_LOAD || !h.memory_size)
			continue;
		check_byte(f, i, &h, 0, bias);
		check_byte(f, i, &h, h.file_size - 1, bias);
		check_byte(f, i, &h, h.file_size, bias);
		check_byte(f, i, &h, h.file_size / 2, bias);
		check_byte(f, i, &h, h.memory_size - 1, bias);
		check_byte(f, i, &h, h.memory_size / 2, bias);
	}
}

static void check_image(const struct address_space *as, const struct elf_image *image)
{
	u64 entry, at;

	memcpy(&entry, program.bytes + 24, sizeof(entry));
	memcpy(&at, program.bytes + 32, sizeof(at));
	HOLDS(image->entry < USER_MAX && image->program_entry < USER_MAX);
	HOLDS(image->header_count == headers_of(&program));
	HOLDS(!image->headers || (image->headers >= USER_MIN && image->headers < USER_MAX));
	HOLDS(as->layout.code_start <= as->layout.code_end && as->layout.code_end <= USER_MAX);
	HOLDS(as->layout.data_start <= as->layout.data_end && as->layout.data_end <= USER_MAX);
	HOLDS(as->layout.brk_start >= USER_MIN && as->layout.brk_start <= USER_MAX);
	HOLDS(as->layout.brk == as->layout.brk_start);
	/* One at addresses of its own may replace parts of the program. */
	if (!interpreter.is_used || interpreter.bytes[16] == 3)
		check_segments(&program, image->program_entry - entry);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct address_space as;
	struct elf_image image;
	size_t second;
	u8 *first_copy, *second_copy;

	if (size < 4)
		return 0;
	size -= 4;
	second = MIN(data[size] | (size_t)data[size + 1] << 8, size);
	first_copy = exact_copy(data, size - second);
	second_copy = exact_copy(data + size - second, second);
	host_file_make(&program, first_copy, size - second);
	host_file_make(&interpreter, second_copy, second);
	steps_left = data[size + 2] & 0x1f;
	fail_after = data[size + 3] & 7;
	change_count = 0;
	memset(&as, 0, sizeof(as));
	if (!elf_load(&as, &program.file, &image)) {
		check_image(&as, &image);
		if (interpreter.is_used)
			check_segments(&interpreter, image.base);
	}
	HOLDS(!live_objects && !interpreter.opened && !program.opened);
	fail_after = 0;
	free(first_copy);
	free(second_copy);
	return 0;
}
