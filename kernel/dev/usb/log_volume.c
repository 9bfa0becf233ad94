/* SPDX-License-Identifier: MIT
 *
 * Finding the file on a stick that takes the log: a GUID partition table (UEFI 2.10, 5.3), in it a
 * FAT12 volume with the serial number of ours (Microsoft's FAT specification 1.03), in its root
 * directory the file, whose clusters must lie one behind the other.  Every number comes from the
 * disk and is checked.
 */
#include "kernel/dev/usb/log_volume.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

#define TABLE_BLOCK	1
#define TABLE_SIGNATURE "EFI PART"
#define ENTRIES_MAX	128
#define ENTRY_SIZE	128
#define ENTRIES_READ	(LOG_BLOCK / ENTRY_SIZE)
#define CANDIDATES_MAX	8

#define VOLUME_BLOCKS	2048
#define VOLUME_SERIAL	0x4c444548
#define DIRECTORY_ENTRY 32
#define FIRST_CLUSTER	2
#define CHAIN_END	0xff8

static u32 get16(const u8 *at)
{
	return at[0] | (u32)at[1] << 8;
}

static u32 get32(const u8 *at)
{
	return get16(at) | get16(at + 2) << 16;
}

static u64 get64(const u8 *at)
{
	return get32(at) | (u64)get32(at + 4) << 32;
}

void log_volume_head(char head[LOG_HEAD + 1], u32 number)
{
	scnprintf(head, LOG_HEAD + 1, "-- HEDDLE.LOG, block %02u of %u --\n", number + 1,
		  LOG_BLOCKS);
}

/* The first blocks of partitions that have the volume's size.  Returns how many, or an error. */
static int find_partitions(struct usb_device *d, u32 found[CANDIDATES_MAX])
{
	int error = usb_storage_read(d, TABLE_BLOCK, 1), n = 0;
	u64 table;
	u32 entries;

	if (error)
		return error;
	table = get64(d->block + 72);
	entries = MIN(get32(d->block + 80), (u32)ENTRIES_MAX);
	if (memcmp(d->block, TABLE_SIGNATURE, 8) || get32(d->block + 84) != ENTRY_SIZE ||
	    table >= d->blocks)
		return -ENOENT;
	for (u32 i = 0; i < entries; i++) {
		const u8 *e = d->block + i % ENTRIES_READ * ENTRY_SIZE;

		if (i % ENTRIES_READ == 0)
			error = usb_storage_read(d, (u32)table + i / ENTRIES_READ * 8,
						 STORAGE_PER_BLOCK);
		if (error)
			return error;
		if (get64(e) && get64(e + 40) - get64(e + 32) == VOLUME_BLOCKS - 1 &&
		    get64(e + 40) < d->blocks && n < CANDIDATES_MAX)
			found[n++] = get32(e + 32);
	}
	return n;
}

/* Where the parts of a volume begin, in blocks of the disk. */
struct volume {
	u32 table, table_blocks, directory, directory_blocks, data, end;
};

/* Is this the volume?  Its serial number says so, which stays when the volume gets another name. */
static int read_volume(struct usb_device *d, u32 start, struct volume *v)
{
	int error = usb_storage_read(d, start, 1);
	const u8 *b = d->block;

	if (error)
		return error;
	if (get16(b + 510) != 0xaa55 || b[38] != 0x29 || get32(b + 39) != VOLUME_SERIAL)
		return -ENOENT;
	v->table = start + get16(b + 14);
	v->table_blocks = get16(b + 22);
	v->directory = v->table + b[16] * v->table_blocks;
	v->directory_blocks = get16(b + 17) * DIRECTORY_ENTRY / STORAGE_BLOCK;
	v->data = v->directory + v->directory_blocks;
	v->end = start + VOLUME_BLOCKS;
	if (get16(b + 11) != STORAGE_BLOCK || b[13] != STORAGE_PER_BLOCK || !v->table_blocks ||
	    v->table_blocks > STORAGE_PER_BLOCK || !v->directory_blocks ||
	    v->directory_blocks > STORAGE_PER_BLOCK || v->data <= start || v->data >= v->end)
		return -EACCES;
	return 0;
}

/* The first cluster of the file. */
static int find_file(struct usb_device *d, const struct volume *v)
{
	int error = usb_storage_read(d, v->directory, v->directory_blocks);

	for (u32 at = 0; !error && at < v->directory_blocks * STORAGE_BLOCK; at += 32) {
		const u8 *e = d->block + at;

		if (memcmp(e, "HEDDLE  LOG", 11) || e[11] & 0x18) /* a label, a directory */
			continue;
		return get32(e + 28) == LOG_BLOCKS * LOG_BLOCK ? (int)get16(e + 26) : -EACCES;
	}
	return error ? error : -EACCES;
}

static bool is_contiguous(const u8 *table, u32 size, u32 cluster)
{
	for (u32 i = 0; i < LOG_BLOCKS; i++, cluster++) {
		u32 at = cluster + cluster / 2, next;

		if (at + 2 > size)
			return false;
		next = cluster % 2 ? get16(table + at) >> 4 : get16(table + at) & 0xfff;
		if (i < LOG_BLOCKS - 1 ? next != cluster + 1 : next < CHAIN_END)
			return false;
	}
	return true;
}

static int find_in_volume(struct usb_device *d, u32 start, u32 *first)
{
	struct volume v;
	int error = read_volume(d, start, &v), cluster;

	if (error)
		return error;
	cluster = find_file(d, &v);
	if (cluster < FIRST_CLUSTER)
		return cluster < 0 ? cluster : -EACCES;
	error = usb_storage_read(d, v.table, v.table_blocks);
	if (error)
		return error;
	*first = v.data + ((u32)cluster - FIRST_CLUSTER) * STORAGE_PER_BLOCK;
	return is_contiguous(d->block, v.table_blocks * STORAGE_BLOCK, (u32)cluster) &&
		       *first + LOG_BLOCKS * STORAGE_PER_BLOCK <= v.end
		   ? 0
		   : -EACCES;
}

int log_volume_find(struct usb_device *d, u32 *first)
{
	u32 partitions[CANDIDATES_MAX];
	int n = find_partitions(d, partitions), error = n < 0 ? n : -ENOENT;

	for (int i = 0; i < n && error == -ENOENT; i++)
		error = find_in_volume(d, partitions[i], first);
	return error;
}
