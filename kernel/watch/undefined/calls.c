/* SPDX-License-Identifier: MIT
 *
 * What the compiler calls with -fsanitize=undefined and -fno-sanitize-recover, each with a constant
 * structure that describes the operation: the names and structures are those of its run-time
 * library (gcc: libsanitizer/ubsan; LLVM: compiler-rt/lib/ubsan).  Each call of gcc 12 and clang 14
 * is here, except of C++ and of floating-point numbers, which the kernel does not have.
 */
#include "kernel/lib/format.h"
#include "kernel/watch/undefined/undefined.h"

#define CALLER ((u64)__builtin_return_address(0))

/* The compiler knows these names, no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

struct type {
	u16 kind;    /* TYPE_INTEGER, or of a type that has no operands here */
	u16 info;    /* of an integer: bit 0: it is signed; above: the logarithm of its bits */
	char name[]; /* as in the source, in quotes */
};
#define TYPE_INTEGER 0

/* An operand is a word, or of a type with more bits its address. */
#define OPERAND_TEXT 40

static u32 bits_of(const struct type *t)
{
	return 1U << (t->info >> 1);
}

/* Extend an operand of up to 64 bits to all bits of the result. */
static u64 operand_extend(const struct type *t, u64 operand)
{
	u32 above = 64 - MIN(bits_of(t), 64U);

	return t->info & 1 ? (u64)((s64)(operand << above) >> above) : operand << above >> above;
}

static bool operand_is_negative(const struct type *t, u64 operand)
{
	if (!(t->info & 1))
		return false;
	if (bits_of(t) > 64)
		operand = ((const u64 *)operand)[1];
	else
		operand = operand_extend(t, operand);
	return (s64)operand < 0;
}

/* Write an operand in digits.  Returns `buf`. */
static const char *operand_format(char *buf, const struct type *t, u64 operand)
{
	unsigned long value;

	if (t->kind != TYPE_INTEGER) {
		scnprintf(buf, OPERAND_TEXT, "0x%lx", (unsigned long)operand);
	} else if (bits_of(t) > 64) {
		const u64 *words = (const u64 *)operand;

		scnprintf(buf, OPERAND_TEXT, "0x%lx%016lx", (unsigned long)words[1],
			  (unsigned long)words[0]);
	} else {
		value = operand_extend(t, operand);
		scnprintf(buf, OPERAND_TEXT, t->info & 1 ? "%ld" : "%lu", value);
	}
	return buf;
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

struct operation {
	struct source_place at;
	const struct type *type;
};

static void noreturn overflow(const struct operation *o, u64 left, const char *sign, u64 right,
			      u64 caller)
{
	char l[OPERAND_TEXT], r[OPERAND_TEXT];

	undefined_found(&o->at, caller, "overflow: %s %s %s does not fit %s",
			operand_format(l, o->type, left), sign, operand_format(r, o->type, right),
			o->type->name);
}

void noreturn __ubsan_handle_add_overflow_abort(const struct operation *o, u64 left, u64 right)
{
	overflow(o, left, "+", right, CALLER);
}

void noreturn __ubsan_handle_sub_overflow_abort(const struct operation *o, u64 left, u64 right)
{
	overflow(o, left, "-", right, CALLER);
}

void noreturn __ubsan_handle_mul_overflow_abort(const struct operation *o, u64 left, u64 right)
{
	overflow(o, left, "*", right, CALLER);
}

void noreturn __ubsan_handle_negate_overflow_abort(const struct operation *o, u64 operand)
{
	char text[OPERAND_TEXT];

	undefined_found(&o->at, CALLER, "overflow: -(%s) does not fit %s",
			operand_format(text, o->type, operand), o->type->name);
}

void noreturn __ubsan_handle_divrem_overflow_abort(const struct operation *o, u64 left, u64 right)
{
	char l[OPERAND_TEXT];

	if (operand_is_negative(o->type, right)) /* it is -1 */
		overflow(o, left, "/", right, CALLER);
	undefined_found(&o->at, CALLER, "division of %s by zero", operand_format(l, o->type, left));
}

struct shift {
	struct source_place at;
	const struct type *left, *right;
};

void noreturn __ubsan_handle_shift_out_of_bounds_abort(const struct shift *s, u64 left, u64 right)
{
	char l[OPERAND_TEXT], r[OPERAND_TEXT];

	operand_format(l, s->left, left);
	operand_format(r, s->right, right);
	if (operand_is_negative(s->right, right) || bits_of(s->right) > 64 ||
	    operand_extend(s->right, right) >= bits_of(s->left))
		undefined_found(&s->at, CALLER, "shift by %s of a %u-bit value", r,
				bits_of(s->left));
	if (operand_is_negative(s->left, left))
		undefined_found(&s->at, CALLER, "shift to the left of a negative value: %s << %s",
				l, r);
	undefined_found(&s->at, CALLER, "overflow: %s << %s does not fit %s", l, r, s->left->name);
}

struct builtin {
	struct source_place at;
	u8 kind; /* 0: ctz, 1: clz */
};

void noreturn __ubsan_handle_invalid_builtin_abort(const struct builtin *b)
{
	undefined_found(&b->at, CALLER, "search for a bit in zero (__builtin_%s)",
			b->kind ? "clz" : "ctz");
}

void noreturn __ubsan_handle_load_invalid_value_abort(const struct operation *o, u64 value)
{
	char text[OPERAND_TEXT];

	undefined_found(&o->at, CALLER, "invalid value: %s read as %s",
			operand_format(text, o->type, value), o->type->name);
}

/* ---- Arrays and pointers --------------------------------------------------------------------- */

struct index {
	struct source_place at;
	const struct type *array, *index;
};

void noreturn __ubsan_handle_out_of_bounds_abort(const struct index *i, u64 index)
{
	char text[OPERAND_TEXT];

	undefined_found(&i->at, CALLER, "index %s is outside of %s",
			operand_format(text, i->index, index), i->array->name);
}

void noreturn __ubsan_handle_vla_bound_not_positive_abort(const struct operation *o, u64 length)
{
	char text[OPERAND_TEXT];

	undefined_found(&o->at, CALLER, "array of %s elements",
			operand_format(text, o->type, length));
}

struct access {
	struct source_place at;
	const struct type *type;
	u8 alignment; /* the logarithm; 0 if it is not checked */
	u8 kind;
};

/* By `kind`; more are C++'s. */
static const char *const accesses[] = {"load of", "store to", "reference to",
				       "access to a member of"};

void noreturn __ubsan_handle_type_mismatch_v1_abort(const struct access *a, u64 address)
{
	const char *how = a->kind < ARRAY_SIZE(accesses) ? accesses[a->kind] : "use of";

	if (!address)
		undefined_found(&a->at, CALLER, "%s %s by a null pointer", how, a->type->name);
	undefined_found(&a->at, CALLER, "%s %s at 0x%lx, %s", how, a->type->name,
			(unsigned long)address,
			address & ((1UL << a->alignment) - 1) ? "which is misaligned"
							      : "where the object is too small");
}

struct pointer {
	struct source_place at;
};

void noreturn __ubsan_handle_pointer_overflow_abort(const struct pointer *p, u64 base, u64 result)
{
	undefined_found(&p->at, CALLER, "pointer overflow: from 0x%lx to 0x%lx",
			(unsigned long)base, (unsigned long)result);
}

struct argument {
	struct source_place at, declared;
	int number; /* the first is 1 */
};

void noreturn __ubsan_handle_nonnull_arg_abort(const struct argument *a)
{
	undefined_found(&a->at, CALLER, "a null pointer as argument %d, which is declared nonnull",
			a->number);
}

void noreturn __ubsan_handle_nonnull_return_v1_abort(const void *unused,
						     const struct source_place *at)
{
	undefined_found(at, CALLER, "a null pointer returned, which is declared nonnull");
}

/* ---- Control --------------------------------------------------------------------------------- */

void noreturn __ubsan_handle_builtin_unreachable(const struct pointer *p)
{
	undefined_found(&p->at, CALLER, "code was reached that is declared unreachable");
}
