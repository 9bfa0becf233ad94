/* host-sources: kernel/dev/usb/log_volume.c kernel/lib/format.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h -iquote tests/unit/locks */
/* fuzz-flags: -max_len=6000 */
/* mutant: kernel/dev/usb/log_volume.c: == VOLUME_BLOCKS - 1 => >= VOLUME_BLOCKS - 1 */
/* SPDX-License-Identifier: MIT
 *
 * The search for the log's file on a stick: a partition table, a FAT12 volume, its root directory.
 * Nothing outside of the disk is asked for; the blocks that are found, and which the kernel will
 * write, lie in a partition of the volume's size.
 *
 * The input is the number of blocks of the disk, and blocks with their numbers; others are zeros.
 */
#include "kernel/dev/usb/log_volume.h"
#include "kernel/lib/errno.h"
#include "tests/fuzz/fuzz.h"

#define VOLUME_BLOCKS 2048
#define RECORD	      (4 + STORAGE_BLOCK)

static const u8 *records;
static u32 record_count, fails_at;

static void read_one(u32 number, u8 *to)
{
	memset(to, 0, STORAGE_BLOCK);
	for (u32 i = 0; i < record_count; i++) {
		u32 at;

		memcpy(&at, records + i * RECORD, sizeof(at));
		if (at == number)
			memcpy(to, records + i * RECORD + 4, STORAGE_BLOCK);
	}
}

int usb_storage_read(struct usb_device *d, u32 first, u32 count)
{
	HOLDS(count && count <= PAGE_SIZE / STORAGE_BLOCK);
	if (first >= d->blocks || count > d->blocks - first)
		return -EINVAL;
	if (fails_at && !--fails_at)
		return -EIO;
	for (u32 i = 0; i < count; i++)
		read_one(first + i, d->block + i * STORAGE_BLOCK);
	return 0;
}

/* Is there a partition of this size that has the blocks of the file? */
static void check_found(struct usb_device *d, u32 first)
{
	u64 table, start, end;
	u8 block[STORAGE_BLOCK];
	bool found = false;

	read_one(1, block);
	memcpy(&table, block + 72, sizeof(table));
	for (u32 i = 0; i < 128 && !found; i++) {
		read_one((u32)table + i / 4, block);
		memcpy(&start, block + i % 4 * 128 + 32, sizeof(start));
		memcpy(&end, block + i % 4 * 128 + 40, sizeof(end));
		found = end - start == VOLUME_BLOCKS - 1 && first > start &&
			first + LOG_BLOCKS * STORAGE_PER_BLOCK <= end + 1;
	}
	HOLDS(found && first + LOG_BLOCKS * STORAGE_PER_BLOCK <= d->blocks);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct usb_device d = {.block = malloc(PAGE_SIZE)};
	struct input in = {data, data + size};
	u32 first = 0;
	int error;

	d.blocks = (u32)input_number(&in, 4);
	fails_at = input_byte(&in) & 15;
	records = in.at;
	record_count = (u32)(input_left(&in) / RECORD);
	error = log_volume_find(&d, &first);
	HOLDS(error <= 0);
	if (!error)
		check_found(&d, first);
	free(d.block);
	return 0;
}
