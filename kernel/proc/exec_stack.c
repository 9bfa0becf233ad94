/* SPDX-License-Identifier: MIT
 *
 * The arguments of exec(): they are copied from the old image into the kernel, and then onto the
 * stack of the new image (System V ABI, x86-64 supplement, 3.4.1).
 */
#include "kernel/lib/abi.h"
#include "kernel/proc/exec.h"

#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/pc/random.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define STRING_MAX    (128UL << 10) /* one argument, NUL included (Linux: MAX_ARG_STRLEN) */
#define ARGUMENTS_MIN (128UL << 10)
#define ARGUMENTS_MAX (6UL << 20)
#define STACK_TOP     ((u64)VVAR_BASE)
#define STACK_SLACK   (128UL << 10) /* bytes of stack mapped below the arguments from the start */
#define MMAP_GAP_MIN  (128UL << 20)
#define MMAP_GAP_MAX  (STACK_TOP / 6 * 5)

/* clang-format off */
enum {
	AT_NULL = 0, AT_IGNORE = 1, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7,
	AT_FLAGS = 8, AT_ENTRY = 9, AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14,
	AT_PLATFORM = 15, AT_HWCAP = 16, AT_CLKTCK = 17, AT_SECURE = 23, AT_RANDOM = 25,
	AT_HWCAP2 = 26, AT_EXECFN = 31, AT_SYSINFO_EHDR = 33, AT_MINSIGSTKSZ = 51,
};
/* clang-format on */

/* --- Arguments -------------------------------------------------------------------------------- */

/* Double the buffer for strings.  -ENOMEM. */
static int strings_grow(struct exec *e)
{
	size_t capacity = e->capacity ? e->capacity * 2 : PAGE_SIZE;
	char *strings = kmalloc(capacity);

	if (!strings)
		return -ENOMEM;
	memcpy(strings, e->strings, e->used);
	kfree(e->strings);
	e->strings = strings;
	e->capacity = capacity;
	return 0;
}

/* Copy one string; returns its length without NUL, -ENAMETOOLONG if `size` is too small, or
 * -EFAULT. */
static ssize_t string_fetch(char *dst, u64 from, size_t size, bool from_kernel)
{
	ssize_t n;

	if (!from_kernel)
		return copy_string_from_user(dst, (const char *)from, size);
	n = strscpy(dst, (const char *)from, size);
	return n < 0 ? -ENAMETOOLONG : n;
}

/* Append one string to e->strings.  -E2BIG above the limits. */
static int string_add(struct exec *e, u64 from, bool from_kernel, u32 *count)
{
	for (;;) {
		size_t room = e->capacity - e->used;
		ssize_t n = -ENAMETOOLONG;

		if (room)
			n = string_fetch(e->strings + e->used, from, room, from_kernel);
		if (n >= (ssize_t)STRING_MAX || (n == -ENAMETOOLONG && room >= STRING_MAX))
			return -E2BIG;
		if (n >= 0) {
			e->used += (size_t)n + 1;
			++*count;
			break;
		}
		if (n == -ENAMETOOLONG)
			n = strings_grow(e);
		if (n < 0)
			return (int)n;
	}
	return e->used + sizeof(u64) * (e->argc + e->envc) > e->limit ? -E2BIG : 0;
}

/* Append all strings of a vector except the first `skip`. */
static int strings_add(struct exec *e, u64 vector, bool from_kernel, u32 skip, u32 *count)
{
	u64 pointer;
	int error = 0;

	for (; vector && !error; vector += sizeof(u64)) {
		if (from_kernel)
			pointer = *(const u64 *)vector;
		else if (get_user_u64(&pointer, (const u64 *)vector) < 0)
			return -EFAULT;
		if (!pointer)
			break;
		if (skip)
			skip--;
		else
			error = string_add(e, pointer, from_kernel, count);
	}
	return error;
}

int exec_arguments_copy(struct exec *e, u64 argv, u64 envp, bool from_kernel)
{
	u32 names = 0;
	int error = 0;

	e->limit = process_limit(current_process(), RLIMIT_STACK) / 4;
	e->limit = MIN(MAX(e->limit, ARGUMENTS_MIN), ARGUMENTS_MAX);
	/* For a script, the words of its `#!` line and its path replace argv[0]. */
	for (u32 i = 0; i < e->prefix_count && !error; i++)
		error = string_add(e, (u64)e->prefix[i], true, &e->argc);
	if (!error)
		error = strings_add(e, argv, from_kernel, e->prefix_count > 0, &e->argc);
	/* Programs rely on argv[0].  Linux adds an empty one, too. */
	if (!error && !e->argc)
		error = string_add(e, (u64) "", true, &e->argc);
	if (!error)
		error = strings_add(e, envp, from_kernel, 0, &e->envc);
	return error ? error : string_add(e, (u64)e->name, true, &names); /* for AT_EXECFN */
}

/* --- The new stack ---------------------------------------------------------------------------- */

/* User addresses of the strings, which lie above the vectors that point to them. */
struct stack_strings {
	u64 arguments, name, platform, random;
};

#define AUX_PAIRS 21

/* The auxiliary vector (ABI 3.4.1). */
static void aux_fill(u64 *words, const struct exec *e, const struct stack_strings *at)
{
	const struct credentials *c = &e->credentials;
	const u64 aux[AUX_PAIRS][2] = {
	    {AT_PHDR, e->image.headers},
	    {AT_PHENT, 56},
	    {AT_PHNUM, e->image.header_count},
	    {AT_PAGESZ, PAGE_SIZE},
	    {AT_BASE, e->image.base},
	    {AT_FLAGS, 0},
	    {AT_ENTRY, e->image.program_entry},
	    {AT_UID, c->uid},
	    {AT_EUID, c->euid},
	    {AT_GID, c->gid},
	    {AT_EGID, c->egid},
	    {AT_SECURE, e->secure},
	    {AT_HWCAP, cpu_features.cpuid1_edx},
	    {AT_HWCAP2, 0}, /* bit 1 would promise FSGSBASE */
	    {AT_CLKTCK, 100},
	    {AT_RANDOM, at->random},
	    {AT_EXECFN, at->name},
	    {WITH_VDSO ? AT_SYSINFO_EHDR : AT_IGNORE, VVAR_BASE + PAGE_SIZE},
	    {AT_PLATFORM, at->platform},
	    {AT_MINSIGSTKSZ, signal_frame_size()},
	    {AT_NULL, 0},
	};

	memcpy(words, aux, sizeof(aux));
}

/* Copy to the new stack; false if there is no memory. */
static bool bytes_put(const struct exec *e, u64 address, const void *data, size_t n)
{
	return address_space_write(e->space, address, data, n, false) == (ssize_t)n;
}

/* Write the addresses of `count` consecutive strings and a NULL to `words`; *string and *address
 * advance behind them.  Returns the address of the next word. */
static u64 *pointers_fill(u64 *words, const char **string, u64 *address, u32 count)
{
	for (; count; count--) {
		size_t n = strlen(*string) + 1;

		*words++ = *address;
		*string += n;
		*address += n;
	}
	*words++ = 0;
	return words;
}

/* Write argc, argv, envp and the auxiliary vector to the new stack at `sp`.  -ENOMEM. */
static int vectors_put(struct exec *e, u64 sp, u64 bytes, const struct stack_strings *at)
{
	u64 *words = kmalloc(bytes), *next = words, address = at->arguments;
	const char *string = e->strings;
	bool done;

	if (!words)
		return -ENOMEM;
	*next++ = e->argc;
	e->space->layout.arg_start = address;
	next = pointers_fill(next, &string, &address, e->argc);
	e->space->layout.arg_end = e->space->layout.env_start = address;
	next = pointers_fill(next, &string, &address, e->envc);
	e->space->layout.env_end = address;
	aux_fill(next, e, at);
	done = bytes_put(e, sp, words, bytes);
	kfree(words);
	return done ? 0 : -ENOMEM;
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

int exec_stack_build(struct exec *e)
{
	struct {
		u8 random[16];
		char platform[8];
	} constants = {.platform = "x86_64"};
	u64 bytes = (1 + e->argc + 1 + e->envc + 1 + 2 * AUX_PAIRS) * sizeof(u64), sp;
	size_t name_bytes = strlen(e->name) + 1;
	struct stack_strings at;
	int error;

	at.name = STACK_TOP - 8 - name_bytes;
	at.arguments = STACK_TOP - 8 - e->used;
	at.platform = ALIGN_DOWN(at.arguments - sizeof(constants.platform), 16);
	at.random = at.platform - sizeof(constants.random);
	sp = ALIGN_DOWN(at.random - bytes, 16);
	error = stack_map(e, STACK_TOP - sp);
	if (error)
		return error;
	random_bytes(constants.random, sizeof(constants.random));
	e->space->layout.stack_start = e->stack_pointer = sp;
	if (!bytes_put(e, at.random, &constants, sizeof(constants)) ||
	    !bytes_put(e, at.arguments, e->strings, e->used))
		return -ENOMEM;
	return vectors_put(e, sp, bytes, &at);
}

struct address_space *exec_space_create(struct process *p)
{
	struct address_space *as = address_space_create();
	u64 gap = process_limit(p, RLIMIT_STACK);

	if (IS_ERR(as))
		return as;
	gap = MIN(MAX(gap, MMAP_GAP_MIN), MMAP_GAP_MAX);
	as->layout.mmap_top = ALIGN_DOWN(STACK_TOP - gap, PAGE_SIZE) - STACK_SLACK;
	return as;
}
