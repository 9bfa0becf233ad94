/* SPDX-License-Identifier: MIT
 *
 * Reading cpio archives.
 */
#include "kernel/fs/cpio.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

#define MAGIC_SIZE  6
#define FIELDS	    13
#define TYPE_MASK   0170000
#define TYPE_FILE   0100000
#define HEADER_SIZE (MAGIC_SIZE + FIELDS * 8)

/* In the order of the header. */
enum field {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	FILE_SIZE,
	DEVICE_MAJOR,
	DEVICE_MINOR,
	RDEV_MAJOR,
	RDEV_MINOR,
	NAME_SIZE,
	CHECK
};

/* Eight hexadecimal digits. */
static bool parse_field(const char *text, u32 *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		char c = text[i];
		u32 digit;

		if (c >= '0' && c <= '9')
			digit = (u32)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (u32)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (u32)(c - 'A') + 10;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static bool sum_matches(const char *data, size_t size, u32 wanted)
{
	u32 sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (u8)data[i];
	return sum == wanted;
}

/* The entry at the beginning of `at`, of which `left` bytes remain.  Its whole length, padding
 * counted as far as it is there, or an error. */
static ssize_t parse_entry(const char *at, size_t left, struct cpio_entry *e)
{
	u32 field[FIELDS];
	size_t name_end, data_end;
	bool sum; /* of files alone: writers leave it out for links */

	if (memcmp(at, "070701", MIN(left, (size_t)MAGIC_SIZE)) &&
	    memcmp(at, "070702", MIN(left, (size_t)MAGIC_SIZE)))
		return -EINVAL;
	if (left < HEADER_SIZE)
		return -E2BIG;
	sum = at[MAGIC_SIZE - 1] == '2';
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
	e->data = field[FILE_SIZE] ? at + name_end : "";
	e->size = field[FILE_SIZE];
	if (sum && (field[MODE] & TYPE_MASK) == TYPE_FILE &&
	    !sum_matches(e->data, e->size, field[CHECK]))
		return -EINVAL;
	e->ino = field[INO];
	e->mode = field[MODE];
	e->uid = field[UID];
	e->gid = field[GID];
	e->nlink = field[NLINK];
	e->mtime = field[MTIME];
	e->device_major = field[DEVICE_MAJOR];
	e->device_minor = field[DEVICE_MINOR];
	e->rdev_major = field[RDEV_MAJOR];
	e->rdev_minor = field[RDEV_MINOR];
	data_end = ALIGN_UP(name_end + e->size, 4UL);
	return (ssize_t)MIN(data_end, left);
}

ssize_t cpio_walk(const void *archive, size_t size,
		  int (*fn)(void *context, const struct cpio_entry *entry), void *context,
		  size_t *offset)
{
	const char *bytes = archive;
	struct cpio_entry e = {0};
	bool inside = false; /* an archive that has not ended yet */
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
			e.archive++;
			continue;
		}
		error = fn(context, &e);
		if (error)
			return error;
		count++;
	}
	if (inside)
		return -E2BIG;
	return e.archive ? count : -EINVAL;
}

const char *cpio_compression(const void *archive, size_t size)
{
	static const struct {
		const char *name, *magic;
		size_t length;
	} known[] = {{"gzip", "\x1f\x8b", 2},
		     {"xz",
		      "\xfd"
		      "7zXZ",
		      5},
		     {"zstd", "\x28\xb5\x2f\xfd", 4},
		     {"bzip2", "BZh", 3},
		     {"lz4", "\x02\x21\x4c\x18", 4},
		     {"lzma", "\x5d\x00\x00", 3}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (size >= known[i].length && !memcmp(archive, known[i].magic, known[i].length))
			return known[i].name;
	return NULL;
}
