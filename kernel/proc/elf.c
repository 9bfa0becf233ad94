/* SPDX-License-Identifier: MIT
 *
 * The ELF loader (System V ABI, chapters 4 and 5; x86-64 supplement).  The file is not trusted:
 * each number is checked against the file size and the user half of the address space before use.
 */
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"

#define ET_EXEC		  2
#define ET_DYN		  3
#define EM_X86_64	  62
#define PT_LOAD		  1
#define PT_INTERP	  3
#define PT_GNU_STACK	  0x6474e551
#define PF_X		  1
#define PF_W		  2
#define PF_R		  4

#define HEADERS_BYTES_MAX 65536
#define PIE_BASE	  0x555555554000UL /* at 2/3 of the user half, as Linux without ASLR */
#define ALIGN_MAX	  (1UL << 30)

struct elf_header {
	u8 magic[4], class, data, ident_version, rest[9];
	u16 type, machine;
	u32 version;
	u64 entry, program_headers, section_headers;
	u32 flags;
	u16 size, program_header_size, program_header_count;
	u16 section_header_size, section_header_count, name_section;
};

struct program_header {
	u32 type, flags;
	u64 offset, address, physical_address, file_size, memory_size, align;
};

struct elf_file {
	struct file *file;
	struct elf_header header;
	struct program_header *headers;
	u64 low, high; /* page-aligned bounds of all segments, before `bias` is added */
	u64 align;     /* largest alignment of a segment */
	u64 bias;      /* load address minus address in the file */
};

/* Read `n` bytes.  -ENOEXEC if the file is too short. */
static int read_exactly(struct file *file, void *buf, size_t n, u64 offset)
{
	ssize_t got = file_read_kernel(file, buf, n, offset);

	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

/* Can this segment be loaded: bytes inside the file, addresses in the user half, offset congruent
 * to the address modulo the page size? */
static bool segment_ok(const struct program_header *h, u64 file_size)
{
	if (h->file_size > h->memory_size)
		return false;
	if (h->file_size && (h->offset > file_size || h->file_size > file_size - h->offset))
		return false;
	if (h->address > USER_MAX || h->memory_size > USER_MAX - h->address)
		return false;
	return !((h->address ^ h->offset) & (PAGE_SIZE - 1)) || !h->file_size;
}

/* Check all segments, and find their bounds and their largest alignment. */
static int measure(struct elf_file *elf)
{
	u64 file_size = elf->file->inode->size;

	elf->low = UINT64_MAX;
	elf->align = PAGE_SIZE;
	for (u32 i = 0; i < elf->header.program_header_count; i++) {
		const struct program_header *h = &elf->headers[i];

		if (h->type != PT_LOAD || !h->memory_size)
			continue;
		if (!segment_ok(h, file_size))
			return -ENOEXEC;
		elf->low = MIN(elf->low, ALIGN_DOWN(h->address, PAGE_SIZE));
		elf->high = MAX(elf->high, ALIGN_UP(h->address + h->memory_size, PAGE_SIZE));
		if (h->align > elf->align && h->align <= ALIGN_MAX && !(h->align & (h->align - 1)))
			elf->align = h->align;
	}
	return elf->high > elf->low ? 0 : -ENOEXEC;
}

/* Read and check the headers.  The caller frees elf->headers, after an error too. */
static int open_elf(struct elf_file *elf, struct file *file)
{
	struct elf_header *h = &elf->header;
	size_t bytes;
	int error;

	*elf = (struct elf_file){.file = file};
	error = read_exactly(file, h, sizeof(*h), 0);
	if (error)
		return error;
	bytes = (size_t)h->program_header_count * sizeof(struct program_header);
	if (memcmp(h->magic, "\177ELF", 4) || h->class != 2 || h->data != 1 ||
	    h->ident_version != 1 || (h->type != ET_EXEC && h->type != ET_DYN) ||
	    h->machine != EM_X86_64 || h->program_header_size != sizeof(struct program_header) ||
	    !bytes || bytes > HEADERS_BYTES_MAX || h->program_headers > file->inode->size)
		return -ENOEXEC;
	elf->headers = kmalloc(bytes);
	if (!elf->headers)
		return -ENOMEM;
	error = read_exactly(file, elf->headers, bytes, h->program_headers);
	return error ? error : measure(elf);
}

/* --- Mapping ---------------------------------------------------------------------------------- */

static u32 segment_prot(const struct program_header *h)
{
	return (h->flags & PF_R ? PROT_READ : 0) | (h->flags & PF_W ? PROT_WRITE : 0) |
	       (h->flags & PF_X ? PROT_EXEC : 0);
}

/* Map a part of a segment from the file, or with `file` NULL zeros. */
static int map_part(struct address_space *as, struct file *file, const struct program_header *h,
		    u64 start, u64 end)
{
	struct map_request request = {
	    .address = start,
	    .length = end - start,
	    .prot = segment_prot(h),
	    .flags = MAP_PRIVATE | MAP_FIXED | (file ? 0 : MAP_ANONYMOUS),
	    .offset = file ? ALIGN_DOWN(h->offset, PAGE_SIZE) : 0,
	};
	long result = file ? file_map(file, as, &request) : address_space_map(as, &request);

	return result < 0 ? (int)result : 0;
}

/* Zero the rest of the last page that is mapped from the file, to the page's end: the file may
 * continue there, but the program must see zeros (.bss), and ld.so uses what follows them. */
static int clear_tail(struct address_space *as, u64 start, u64 end)
{
	static char zeros[PAGE_SIZE]; /* not constant: it need not be in the image's file */
	size_t n = end - start;

	return address_space_write(as, start, zeros, n, true) == (ssize_t)n ? 0 : -ENOMEM;
}

static int map_segment(struct address_space *as, struct elf_file *elf,
		       const struct program_header *h)
{
	u64 start = h->address + elf->bias, file_end = start + h->file_size;
	u64 memory_end = ALIGN_UP(start + h->memory_size, PAGE_SIZE);
	u64 zeros_from =
	    h->file_size ? ALIGN_UP(file_end, PAGE_SIZE) : ALIGN_DOWN(start, PAGE_SIZE);
	int error = 0;

	if (h->file_size)
		error = map_part(as, elf->file, h, ALIGN_DOWN(start, PAGE_SIZE), zeros_from);
	if (!error && h->file_size && h->memory_size > h->file_size)
		error = clear_tail(as, file_end, zeros_from);
	if (!error && memory_end > zeros_from)
		error = map_part(as, NULL, h, zeros_from, memory_end);
	return error;
}

static int map_segments(struct address_space *as, struct elf_file *elf)
{
	int error = 0;

	if (elf->low + elf->bias < USER_MIN || elf->high + elf->bias > USER_MAX ||
	    elf->header.entry + elf->bias >= USER_MAX)
		return -ENOEXEC;
	for (u32 i = 0; i < elf->header.program_header_count && !error; i++)
		if (elf->headers[i].type == PT_LOAD && elf->headers[i].memory_size)
			error = map_segment(as, elf, &elf->headers[i]);
	return error;
}

/* --- Program and interpreter ------------------------------------------------------------------ */

/* Choose a free place for a relocatable interpreter: map as many pages, note the address, unmap. */
static int place_interpreter(struct address_space *as, struct elf_file *elf)
{
	struct map_request request = {.length = elf->high - elf->low + elf->align - PAGE_SIZE,
				      .prot = PROT_NONE,
				      .flags = MAP_PRIVATE | MAP_ANONYMOUS};
	long address;

	if (elf->header.type == ET_EXEC)
		return 0;
	address = address_space_map(as, &request);
	if (address < 0)
		return (int)address;
	elf->bias = ALIGN_UP((u64)address, elf->align) - elf->low;
	return address_space_unmap(as, (u64)address, request.length);
}

static int load_interpreter(struct address_space *as, const char *path, struct elf_image *image)
{
	struct file *file = vfs_open(NULL, path, O_RDONLY | O_EXEC, 0);
	struct elf_file elf;
	int error;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	error = open_elf(&elf, file);
	if (!error)
		error = place_interpreter(as, &elf);
	if (!error)
		error = map_segments(as, &elf);
	image->entry = elf.header.entry + elf.bias;
	image->base = elf.bias;
	kfree(elf.headers);
	file_put(file);
	return error;
}

/* The interpreter's path from PT_INTERP, which the caller frees.  NULL if there is none; ERR_PTR on
 * an error. */
static char *interpreter_name(const struct elf_file *elf)
{
	for (u32 i = 0; i < elf->header.program_header_count; i++) {
		const struct program_header *h = &elf->headers[i];
		char *name;
		int error;

		if (h->type != PT_INTERP)
			continue;
		if (h->file_size < 2 || h->file_size > PATH_MAX)
			return ERR_PTR(-ENOEXEC);
		name = kmalloc(h->file_size);
		if (!name)
			return ERR_PTR(-ENOMEM);
		error = read_exactly(elf->file, name, h->file_size, h->offset);
		if (!error && name[h->file_size - 1])
			error = -ENOEXEC;
		if (!error)
			return name;
		kfree(name);
		return ERR_PTR(error);
	}
	return NULL;
}

/* Record the bounds of code and data, for /proc and brk(), and the address of the program headers,
 * for AT_PHDR. */
static void note_places(struct address_space *as, const struct elf_file *elf,
			struct elf_image *image)
{
	u64 at = elf->header.program_headers;

	as->layout.code_start = as->layout.data_start = UINT64_MAX;
	for (u32 i = 0; i < elf->header.program_header_count; i++) {
		const struct program_header *h = &elf->headers[i];
		u64 start = h->address + elf->bias, end = start + h->file_size;

		if (h->type == PT_GNU_STACK)
			image->executable_stack = h->flags & PF_X;
		if (h->type != PT_LOAD || !h->memory_size) /* the latter is neither checked nor mapped */
			continue;
		if (at >= h->offset && at - h->offset < h->file_size)
			image->headers = start + (at - h->offset);
		if (h->flags & PF_X) {
			as->layout.code_start = MIN(as->layout.code_start, start);
			as->layout.code_end = MAX(as->layout.code_end, end);
		} else if (h->flags & PF_W) {
			as->layout.data_start = MIN(as->layout.data_start, start);
			as->layout.data_end = MAX(as->layout.data_end, end);
		}
	}
	if (as->layout.data_start == UINT64_MAX)
		as->layout.data_start = as->layout.data_end = as->layout.code_end;
	if (as->layout.code_start == UINT64_MAX)
		as->layout.code_start = as->layout.code_end = 0;
	as->layout.brk_start = as->layout.brk = elf->high + elf->bias;
	image->header_count = elf->header.program_header_count;
	image->program_entry = image->entry = elf->header.entry + elf->bias;
}

int elf_load(struct address_space *as, struct file *file, struct elf_image *image)
{
	struct elf_file elf;
	char *interpreter = NULL;
	int error = open_elf(&elf, file);

	*image = (struct elf_image){0};
	if (!error && elf.header.type == ET_DYN)
		elf.bias = ALIGN_DOWN(PIE_BASE, elf.align) - elf.low;
	if (!error)
		error = map_segments(as, &elf);
	if (!error) {
		note_places(as, &elf, image);
		interpreter = interpreter_name(&elf);
		if (IS_ERR(interpreter))
			error = (int)PTR_ERR(interpreter);
		else if (interpreter)
			error = load_interpreter(as, interpreter, image);
	}
	if (interpreter && !IS_ERR(interpreter))
		kfree(interpreter);
	kfree(elf.headers);
	return error;
}
