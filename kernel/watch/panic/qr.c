/* SPDX-License-Identifier: MIT
 *
 * QR codes.  The numbers in parentheses are the clauses of ISO/IEC 18004:2015.
 */
#include "kernel/watch/panic/qr.h"

#include "kernel/lib/string.h"

#define CODEWORDS_MAX 1085 /* of version 20 (table 1) */
#define PARITY_MAX    30
#define BLOCKS_MAX    16

/* Bits of a square while the code is made. */
#define DARK  1
#define FIXED 2 /* belongs to a pattern, not to the data */

enum qr_level { LEVEL_L, LEVEL_M, LEVELS }; /* 7 % and 15 % of the codewords can be restored */

/* Codewords for error correction in a block, and blocks, by version from 1 on (table 9). */
static const struct {
	u8 parity, blocks;
} levels[LEVELS][QR_VERSION_MAX] = {
    [LEVEL_L] = {{7, 1},  {10, 1}, {15, 1}, {20, 1}, {26, 1}, {18, 2}, {20, 2},
		 {24, 2}, {30, 2}, {18, 4}, {20, 4}, {24, 4}, {26, 4}, {30, 4},
		 {22, 6}, {24, 6}, {28, 6}, {30, 6}, {28, 7}, {28, 8}},
    [LEVEL_M] = {{10, 1},  {16, 1},  {26, 1},  {18, 2},	 {24, 2},  {16, 4}, {18, 4},
		 {22, 4},  {22, 5},  {26, 5},  {30, 5},	 {22, 8},  {22, 9}, {24, 9},
		 {24, 10}, {28, 10}, {28, 11}, {26, 13}, {26, 14}, {26, 16}},
};

/* The code that is being made. */
static u8 *squares;
static u32 side, version;
static u8 codewords[CODEWORDS_MAX], stream[CODEWORDS_MAX];

static u8 *square(u32 x, u32 y)
{
	return &squares[y * side + x];
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/* The number of alignment patterns in a row (annex E). */
static u32 alignments(u32 v)
{
	return v == 1 ? 0 : v / 7 + 2;
}

/* Codewords of data and of error correction (table 1): the squares that no pattern takes. */
static u32 all_codewords(u32 v)
{
	u32 n = alignments(v), bits = (16 * v + 128) * v + 64;

	if (n)
		bits -= (25 * n - 10) * n - 55;
	if (v >= 7)
		bits -= 36;
	return bits / 8;
}

static u32 data_codewords(u32 v, enum qr_level level)
{
	return all_codewords(v) - (u32)levels[level][v - 1].parity * levels[level][v - 1].blocks;
}

/* The bits before the text: the mode and the length (7.4.1, table 3). */
static u32 length_bits(u32 v)
{
	return v < 10 ? 8 : 16;
}

static u32 capacity(u32 v, enum qr_level level)
{
	return (data_codewords(v, level) * 8 - 4 - length_bits(v)) / 8;
}

u32 qr_capacity(u32 v)
{
	return capacity(v, LEVEL_L);
}

/* --- Codewords -------------------------------------------------------------------------------- */

static u32 bits_put;

static void put_bits(u32 value, u32 count)
{
	while (count--) {
		if (value >> count & 1)
			codewords[bits_put / 8] |= (u8)(0x80 >> bits_put % 8);
		bits_put++;
	}
}

/* Mode, length, bytes, four zeros as a terminator, and codewords in turn to fill up (7.4). */
static void put_data(const char *text, size_t length, enum qr_level level)
{
	u32 size = data_codewords(version, level);

	memset(codewords, 0, sizeof(codewords));
	bits_put = 0;
	put_bits(4, 4);
	put_bits((u32)length, length_bits(version));
	for (size_t i = 0; i < length; i++)
		put_bits((u8)text[i], 8);
	put_bits(0, MIN(4u, size * 8 - bits_put));
	bits_put = ALIGN_UP(bits_put, 8u);
	for (u32 filler = 0xec; bits_put < size * 8; filler ^= 0xec ^ 0x11)
		put_bits(filler, 8);
}

/* A product in the field of 256 elements, modulo x^8 + x^4 + x^3 + x^2 + 1 (7.5.2). */
static u8 multiply(u8 a, u8 b)
{
	u32 product = 0;

	for (u32 i = 8; i--;) {
		product = product << 1 ^ (product >> 7) * 0x11d;
		product ^= (b >> i & 1u) * a;
	}
	return (u8)product;
}

/* The product of (x - 2^i) for i below `degree`: its coefficients after the highest, which is 1. */
static void make_divisor(u8 *divisor, u32 degree)
{
	u8 root = 1;

	memset(divisor, 0, degree);
	divisor[degree - 1] = 1;
	for (u32 i = 0; i < degree; i++, root = multiply(root, 2))
		for (u32 j = 0; j < degree; j++)
			divisor[j] =
			    multiply(divisor[j], root) ^ (j + 1 < degree ? divisor[j + 1] : 0);
}

/* The remainder of a block's polynomial: its codewords for error correction. */
static void divide(const u8 *data, u32 length, const u8 *divisor, u8 *rest, u32 degree)
{
	memset(rest, 0, degree);
	for (u32 i = 0; i < length; i++) {
		u8 factor = data[i] ^ rest[0];

		memmove(rest, rest + 1, degree - 1);
		rest[degree - 1] = 0;
		for (u32 j = 0; j < degree; j++)
			rest[j] ^= multiply(divisor[j], factor);
	}
}

/* Divide the data into blocks, of which the last ones are longer by one, and write the first
 * codewords of all blocks, then the second ones, and so on (7.6). */
static void interleave(enum qr_level level)
{
	static u8 parity[BLOCKS_MAX][PARITY_MAX];
	u8 divisor[PARITY_MAX];
	u32 blocks = levels[level][version - 1].blocks, degree = levels[level][version - 1].parity;
	u32 size = data_codewords(version, level), shorter = size / blocks;
	u32 longer = blocks - size % blocks, at = 0; /* the first block that is longer */

	make_divisor(divisor, degree);
	for (u32 b = 0, start = 0; b < blocks; b++) {
		u32 length = shorter + (b >= longer);

		divide(codewords + start, length, divisor, parity[b], degree);
		start += length;
	}
	for (u32 i = 0; i <= shorter; i++)
		for (u32 b = i < shorter ? 0 : longer; b < blocks; b++)
			stream[at++] = codewords[b * shorter + (b > longer ? b - longer : 0) + i];
	for (u32 i = 0; i < degree; i++)
		for (u32 b = 0; b < blocks; b++)
			stream[at++] = parity[b][i];
}

/* --- Patterns --------------------------------------------------------------------------------- */

static void fix(u32 x, u32 y, bool dark)
{
	*square(x, y) = FIXED | (dark ? DARK : 0);
}

static u32 distance(u32 a, u32 b)
{
	return a > b ? a - b : b - a;
}

/* Rings around (x, y), of which those at the distances in `light` are light; cut at the border. */
static void draw_rings(u32 x, u32 y, u32 radius, u32 light)
{
	for (u32 v = y < radius ? 0 : y - radius; v <= y + radius && v < side; v++)
		for (u32 u = x < radius ? 0 : x - radius; u <= x + radius && u < side; u++)
			fix(u, v, !(light >> MAX(distance(u, x), distance(v, y)) & 1));
}

/* The place of alignment pattern `i` of `n` in a row: evenly from the right, the first at 6. */
static u32 alignment_place(u32 i, u32 n)
{
	u32 step = n < 2 ? 0 : (version * 4 + n * 2 + 1) / (n * 2 - 2) * 2;

	return i ? side - 7 - (n - 1 - i) * step : 6;
}

static void draw_alignments(void)
{
	u32 n = alignments(version);

	for (u32 i = 0; i < n; i++)
		for (u32 j = 0; j < n; j++)
			/* Three corners have finder patterns. */
			if (!((i == 0 && (j == 0 || j == n - 1)) || (i == n - 1 && j == 0)))
				draw_rings(alignment_place(i, n), alignment_place(j, n), 2, 1 << 1);
}

/* `value` and the remainder of its division, of `bits` bits, by a polynomial (annexes C and D). */
static u32 with_remainder(u32 value, u32 polynomial, u32 bits)
{
	u32 rest = value;

	for (u32 i = 0; i < bits; i++)
		rest = rest << 1 ^ (rest >> (bits - 1) & 1) * polynomial;
	return value << bits | (rest & ((1u << bits) - 1));
}

/* Level and mask, twice, and the square that is always dark (7.9). */
static void draw_format(enum qr_level level, u32 mask)
{
	u32 bits = with_remainder((level == LEVEL_L ? 1u : 0u) << 3 | mask, 0x537, 10) ^ 0x5412;

	for (u32 i = 0; i < 15; i++) {
		bool dark = bits >> i & 1;

		if (i < 8)
			fix(8, i < 6 ? i : i + 1, dark);
		else
			fix(i == 8 ? 7 : 14 - i, 8, dark);
		if (i < 8)
			fix(side - 1 - i, 8, dark);
		else
			fix(8, side - 15 + i, dark);
	}
	fix(8, side - 8, true);
}

/* The version, twice, from version 7 on (7.10). */
static void draw_version(void)
{
	u32 bits = with_remainder(version, 0x1f25, 12);

	for (u32 i = 0; version >= 7 && i < 18; i++) {
		fix(side - 11 + i % 3, i / 3, bits >> i & 1);
		fix(i / 3, side - 11 + i % 3, bits >> i & 1);
	}
}

static void draw_patterns(void)
{
	memset(squares, 0, side * side);
	for (u32 i = 0; i < side; i++) {
		fix(6, i, i % 2 == 0);
		fix(i, 6, i % 2 == 0);
	}
	draw_rings(3, 3, 4, 1 << 2 | 1 << 4);
	draw_rings(side - 4, 3, 4, 1 << 2 | 1 << 4);
	draw_rings(3, side - 4, 4, 1 << 2 | 1 << 4);
	draw_alignments();
	draw_format(LEVEL_L, 0); /* reserves the squares */
	draw_version();
}

/* The bits go in columns of two squares from the right to the left, up and down in turn, past the
 * column of the timing pattern (7.7.3). */
static void draw_data(void)
{
	u32 bit = 0, bits = all_codewords(version) * 8;

	for (u32 right = side - 1; right >= 1 && right < side; right -= 2) {
		bool up;

		if (right == 6)
			right = 5;
		up = !((right + 1) & 2);
		for (u32 i = 0; i < side * 2; i++) {
			u8 *s = square(right - i % 2, up ? side - 1 - i / 2 : i / 2);

			if (*s & FIXED || bit == bits)
				continue;
			*s = stream[bit / 8] >> (7 - bit % 8) & 1;
			bit++;
		}
	}
}

/* --- The mask --------------------------------------------------------------------------------- */

/* Table 10. */
static bool is_masked(u32 mask, u32 x, u32 y)
{
	switch (mask) {
	case 0:
		return (x + y) % 2 == 0;
	case 1:
		return y % 2 == 0;
	case 2:
		return x % 3 == 0;
	case 3:
		return (x + y) % 3 == 0;
	case 4:
		return (x / 3 + y / 2) % 2 == 0;
	case 5:
		return x * y % 2 + x * y % 3 == 0;
	case 6:
		return (x * y % 2 + x * y % 3) % 2 == 0;
	default:
		return ((x + y) % 2 + x * y % 3) % 2 == 0;
	}
}

/* Apply a mask, or remove it again. */
static void apply_mask(u32 mask)
{
	for (u32 y = 0; y < side; y++)
		for (u32 x = 0; x < side; x++)
			if (!(*square(x, y) & FIXED) && is_masked(mask, x, y))
				*square(x, y) ^= DARK;
}

/* What in one line of squares makes a code hard to read: five and more of one kind in a row, and
 * what looks like a finder pattern (7.8.3.1).  `step` is the distance of two squares of the line.
 */
static u32 line_penalty(const u8 *line, u32 step)
{
	u32 penalty = 0, run = 0, last = 2, window = 0;

	for (u32 i = 0; i < side; i++) {
		u32 dark = line[i * step] & DARK;

		run = dark == last ? run + 1 : 1;
		last = dark;
		penalty += run == 5 ? 3 : run > 5;
		window = (window << 1 | dark) & 0x7ff;
		if (i >= 10 && (window == 0x5d0 || window == 0x05d))
			penalty += 40;
	}
	return penalty;
}

static u32 mask_penalty(void)
{
	u32 penalty = 0, dark = 0;

	for (u32 i = 0; i < side; i++)
		penalty += line_penalty(square(0, i), 1) + line_penalty(square(i, 0), side);
	for (u32 y = 0; y < side; y++)
		for (u32 x = 0; x < side; x++) {
			u32 d = *square(x, y) & DARK;

			dark += d;
			if (x && y && d == (*square(x - 1, y) & DARK) &&
			    d == (*square(x, y - 1) & DARK) && d == (*square(x - 1, y - 1) & DARK))
				penalty += 3;
		}
	/* Ten for each 5 % by which the dark squares differ from a half. */
	return penalty + distance(dark * 20, side * side * 10) / (side * side) * 10;
}

static void choose_mask(enum qr_level level)
{
	u32 best = 0, least = UINT32_MAX;

	for (u32 mask = 0; mask < 8; mask++) {
		u32 penalty;

		apply_mask(mask);
		draw_format(level, mask);
		penalty = mask_penalty();
		if (penalty < least) {
			least = penalty;
			best = mask;
		}
		apply_mask(mask);
	}
	apply_mask(best);
	draw_format(level, best);
}

u32 qr_encode(u8 *dark, const char *text, size_t length, u32 version_max)
{
	enum qr_level level = LEVEL_L;

	for (version = 1; version <= version_max; version++)
		if (length <= capacity(version, LEVEL_L))
			break;
	if (version > MIN(version_max, (u32)QR_VERSION_MAX))
		return 0;
	if (length <= capacity(version, LEVEL_M))
		level = LEVEL_M;
	squares = dark;
	side = QR_SIDE(version);
	put_data(text, length, level);
	interleave(level);
	draw_patterns();
	draw_data();
	choose_mask(level);
	for (u32 i = 0; i < side * side; i++)
		squares[i] &= DARK;
	return side;
}
