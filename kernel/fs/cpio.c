/* SPDX-License-Identifier: MIT
 *
 * Read cpio archives.
 */
#include "kernel/fs/cpio.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

#define MAGIC_SIZE  6
#define FIELDS	    13
#define HEADER_SIZE (MAGIC_SIZE + FIELDS * 8)

/* The fields in the order of the header.  The last one is a checksum that this format does not use.
 */
enum field {
	/* clang-format off */
	INO, MODE, UID, GID, NLINK, MTIME, FILE_SIZE, DEVICE_MAJOR, DEVICE_MINOR, RDEV_MAJOR,
	RDEV_MINOR, NAME_SIZE
	/* clang-format on */
};

/* Parse eight hexadecimal digits.  False: one of them is no digit. */
static bool parse_field(const char *text, u32 *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return false;
		*value = *value << 4 | (u32)((digit - digits) % 16);
	}
	return true;
}

/* Parse the entry at `at`, which has `left` bytes of archive.  Returns the length of the entry with
 * its padding, at most `left`, or an error. */
static ssize_t parse_entry(const char *at, size_t left, struct cpio_entry *e)
{
	u32 field[FIELDS];
	size_t name_end, data_end;

	if (memcmp(at, "070701", MIN(left, (size_t)MAGIC_SIZE)))
		return -EINVAL;
	if (left < HEADER_SIZE)
		return -E2BIG;
	for (int i = 0; i < FIELDS; i++)
		if (!parse_field(at + MAGIC_SIZE + 8 * i, &field[i]))
			return -EINVAL;
	if (field[NAME_SIZE] < 2 || field[NAME_SIZE] > CPIO_NAME_MAX)
		return -EINVAL;
	if (field[NAME_SIZE] > left - HEADER_SIZE)
		return -E2BIG;
	e->name = at + HEADER_SIZE;
	if (memchr(e->name, '\0', field[NAME_SIZE]) != e->name + field[NAME_SIZE] - 1)
		return -EINVAL;
	name_end = ALIGN_UP((size_t)HEADER_SIZE + field[NAME_SIZE], 4UL);
	if (field[FILE_SIZE] && (name_end > left || field[FILE_SIZE] > left - name_end))
		return -E2BIG;
	*e = (struct cpio_entry){
	    .name = e->name,
	    .data = field[FILE_SIZE] ? at + name_end : "",
	    .size = field[FILE_SIZE],
	    .mode = field[MODE],
	    .uid = field[UID],
	    .gid = field[GID],
	    .nlink = field[NLINK],
	    .mtime = field[MTIME],
	    .rdev_major = field[RDEV_MAJOR],
	    .rdev_minor = field[RDEV_MINOR],
	};
	data_end = ALIGN_UP(name_end + e->size, 4UL);
	return (ssize_t)MIN(data_end, left);
}

ssize_t cpio_walk(const void *archive, size_t size,
		  int (*fn)(void *context, const struct cpio_entry *entry), void *context,
		  size_t *offset)
{
	const char *bytes = archive;
	struct cpio_entry e;
	bool inside = false; /* the end of the current archive has not been found yet */
	bool ended = false;
	ssize_t count = 0, n;
	int error;

	for (*offset = 0; *offset < size; *offset += (size_t)n) {
		n = 1;
		if (!inside && !bytes[*offset])
			continue;
		n = parse_entry(bytes + *offset, size - *offset, &e);
		if (n < 0)
			return n;
		inside = strcmp(e.name, "TRAILER!!!") != 0;
		if (!inside) {
			ended = true;
			continue;
		}
		error = fn(context, &e);
		if (error)
			return error;
		count++;
	}
	if (inside)
		return -E2BIG;
	return ended ? count : -EINVAL;
}
