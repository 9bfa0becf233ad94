/* SPDX-License-Identifier: MIT
 *
 * Storage on the USB: commands, their data and their status.
 *
 * Each command is a wrapper of 31 bytes, data in one direction, and a status of 13 bytes
 * (Bulk-Only Transport 1.0, chapter 5).  SCSI's numbers are big-endian, those of the wrapper
 * little-endian.
 */
#include "kernel/dev/usb/usb_storage.h"

#include "kernel/dev/usb/usb_bulk.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

#define TRANSFER_MS	  3000
#define READY_MS	  3000 /* a disk starts to turn, or a card is looked for */

#define REQUEST_RESET	  0xff /* of the class (3.1) */
#define TO_STORAGE	  (CLASS_REQUEST | TO_INTERFACE)

#define SCSI_READY	  0x00 /* TEST UNIT READY and the others: SPC-4, SBC-3 */
#define SCSI_SENSE	  0x03
#define SCSI_INQUIRY	  0x12
#define SCSI_CAPACITY	  0x25
#define SCSI_READ	  0x28
#define SCSI_WRITE	  0x2a
#define SCSI_FLUSH	  0x35

#define SENSE_KEY_PROTECT 7

struct command_wrapper {
	u32 signature, tag, length;
	u8 flags, unit, command_length, command[16];
} __packed;

struct status_wrapper {
	u32 signature, tag, residue;
	u8 status;
} __packed;

#define COMMAND_SIGNATURE 0x43425355
#define COMMAND_LENGTH	  31
#define STATUS_SIGNATURE  0x53425355
#define STATUS_LENGTH	  13
#define STATUS_GOOD	  0
#define STATUS_FAILED	  1

struct command {
	u8 code;
	u32 block, count; /* of those that have them */
	u32 length;	  /* bytes of data, in d->block */
	bool in;
};

static void put32(u8 *to, u32 value)
{
	for (u32 i = 0; i < 4; i++)
		to[i] = (u8)(value >> (24 - 8 * i));
}

static u32 get32(const u8 *from)
{
	return (u32)from[0] << 24 | (u32)from[1] << 16 | (u32)from[2] << 8 | from[3];
}

/* Wrappers lie in the page of reports, which storage does not use. */
static void *wrapper(struct usb_device *d)
{
	return d->buffer + REPORT_OFFSET;
}

/* Reset recovery (5.3.4). */
static int reset(struct usb_device *d)
{
	int error = usb_request(d, TO_STORAGE, REQUEST_RESET, 0, (u16)d->interface, 0);

	return usb_bulk_restart(d) || error < 0 ? -EIO : 0;
}

static int send_command(struct usb_device *d, const struct command *c)
{
	struct command_wrapper *w = wrapper(d);
	int n;

	*w = (struct command_wrapper){.signature = COMMAND_SIGNATURE,
				      .tag = ++d->tag,
				      .length = c->length,
				      .flags = c->in ? 0x80 : 0,
				      .command_length = c->code < 0x20 ? 6 : 10};
	w->command[0] = c->code;
	if (c->code < 0x20) {
		w->command[4] = (u8)c->length;
	} else {
		put32(w->command + 2, c->block);
		w->command[7] = (u8)(c->count >> 8);
		w->command[8] = (u8)c->count;
	}
	n = usb_bulk(d, false, w, COMMAND_LENGTH, TRANSFER_MS);
	return n == COMMAND_LENGTH ? 0 : n < 0 ? n : -EIO;
}

/* A stall ends the data early; the status follows (6.7). */
static int move_data(struct usb_device *d, const struct command *c)
{
	int n = c->length ? usb_bulk(d, c->in, d->block, c->length, TRANSFER_MS) : 0;

	if (n == -EPIPE)
		return usb_bulk_clear(d, c->in);
	return n;
}

/* Returns the status (0: good, 1: failed), or an error if it makes no sense (6.3, 6.6). */
static int read_status(struct usb_device *d)
{
	struct status_wrapper *w = wrapper(d);
	int n;

	memset(w, 0, sizeof(*w));
	n = usb_bulk(d, true, w, STATUS_LENGTH, TRANSFER_MS);
	if (n == -EPIPE) {
		if (usb_bulk_clear(d, true))
			return -EIO;
		n = usb_bulk(d, true, w, STATUS_LENGTH, TRANSFER_MS);
	}
	if (n < 0)
		return n;
	return n == STATUS_LENGTH && w->signature == STATUS_SIGNATURE && w->tag == d->tag &&
		       w->status <= STATUS_FAILED
		   ? w->status
		   : -EIO;
}

/* One command.  Returns the bytes that moved, -EAGAIN (it was refused: ask for the sense),
 * -ENODEV (it was pulled out), -EIO or -ETIMEDOUT; after these two the device has been reset. */
static int command(struct usb_device *d, const struct command *c)
{
	int error = send_command(d, c), moved = 0, status;

	if (!error) {
		moved = move_data(d, c);
		error = moved < 0 ? moved : 0;
	}
	if (!error) {
		status = read_status(d);
		if (status == STATUS_GOOD)
			return moved;
		if (status == STATUS_FAILED)
			return -EAGAIN;
		error = status;
	}
	if (error == -ENODEV)
		return error;
	reset(d);
	return error == -ETIMEDOUT ? error : -EIO;
}

/* Why the last command was refused: the sense key (SPC-4, 4.5), or -EIO. */
static int sense_key(struct usb_device *d)
{
	struct command sense = {.code = SCSI_SENSE, .length = 18, .in = true};
	int n = command(d, &sense);

	return n < 3 ? -EIO : d->block[2] & 15;
}

/* A refused command is issued once more: the first after a reset or a change of the medium only
 * tells of it (SAM-5, 5.14).  What it was to write is not in d->block any more. */
static int command_twice(struct usb_device *d, const struct command *c)
{
	int n = command(d, c), key;

	if (n != -EAGAIN)
		return n;
	key = sense_key(d);
	if (key == SENSE_KEY_PROTECT)
		return -EPERM;
	return c->in ? command(d, c) : -EAGAIN;
}

static int wait_ready(struct usb_device *d)
{
	struct command ready = {.code = SCSI_READY};
	u64 deadline = clock_now_ns() + READY_MS * NSEC_PER_MSEC;
	int n;

	while ((n = command(d, &ready)) == -EAGAIN && clock_now_ns() < deadline) {
		if (sense_key(d) < 0)
			return -EIO;
		usb_pause_ms(50);
	}
	return n == -EAGAIN ? -ENODEV : n;
}

int usb_storage_start(struct usb_device *d)
{
	struct command inquiry = {.code = SCSI_INQUIRY, .length = 36, .in = true};
	struct command capacity = {.code = SCSI_CAPACITY, .length = 8, .in = true};
	int n = command_twice(d, &inquiry);

	if (n < 36)
		return n < 0 ? n : -EIO;
	if (d->block[0] != 0) /* a disk that is there (SPC-4, 6.4.2) */
		return -ENODEV;
	n = wait_ready(d);
	if (n < 0)
		return n;
	n = command_twice(d, &capacity);
	if (n < 8)
		return n < 0 ? n : -EIO;
	/* A disk of more than 2 TiB says so by the largest number: the first 2 TiB are enough. */
	d->blocks = get32(d->block) == UINT32_MAX ? UINT32_MAX : get32(d->block) + 1;
	return get32(d->block + 4) == STORAGE_BLOCK ? 0 : -ENODEV;
}

static int move_blocks(struct usb_device *d, u8 code, u32 first, u32 count)
{
	struct command c = {code, first, count, count * STORAGE_BLOCK, code == SCSI_READ};
	int n;

	if (!count || count > PAGE_SIZE / STORAGE_BLOCK || first >= d->blocks ||
	    count > d->blocks - first)
		return -EINVAL;
	n = command_twice(d, &c);
	if (n < 0)
		return n == -EAGAIN ? -EIO : n;
	return (u32)n == c.length ? 0 : -EIO;
}

int usb_storage_read(struct usb_device *d, u32 first, u32 count)
{
	return move_blocks(d, SCSI_READ, first, count);
}

int usb_storage_write(struct usb_device *d, u32 first, u32 count)
{
	return move_blocks(d, SCSI_WRITE, first, count);
}

int usb_storage_flush(struct usb_device *d)
{
	struct command flush = {.code = SCSI_FLUSH};
	int n = command(d, &flush);

	/* Many sticks do not know the command: they have no cache. */
	if (n == -EAGAIN)
		return sense_key(d) < 0 ? -EIO : 0;
	return n;
}
