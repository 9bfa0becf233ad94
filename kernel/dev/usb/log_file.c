/* SPDX-License-Identifier: MIT
 *
 * The kernel's log in a file on the stick.
 *
 * Only the thread of the stick's controller talks to it; other threads ask that thread and sleep.
 * Before a block is written it is read, at the same place, and must begin with the line that only
 * blocks of this file have.
 */
#include "kernel/dev/usb/log_file.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/dev/usb/log_volume.h"
#include "kernel/fs/device.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"
#include "kernel/vm/usercopy.h"

#define FILE_SIZE    (LOG_BLOCKS * LOG_BLOCK)
#define LOG_MAX	     (192 * 1024) /* of this run: the rest stays for those before it */
#define SAVE_NS	     (10 * NSEC_PER_SEC)
#define ASK_NS	     (20 * NSEC_PER_SEC)
#define SECTION_MARK "===="

static struct lock_class file_class = {"log file", 0};
static struct spinlock file_lock = SPINLOCK_INIT(&file_class); /* irq; the tickets */
static struct wait_queue file_queue = WAIT_QUEUE_INIT(file_queue, "log file");

static struct {
	/* Of the thread of the controller. */
	struct usb_device *device; /* NULL: none has the file */
	u32 first;		   /* block of the disk */
	char *text, *before;	   /* FILE_SIZE each: of this run, and of those before it */
	size_t before_length;
	u8 *block; /* a page: what is to be written */
	bool busy;

	struct xhci *controller; /* of the device; NULL: none */

	u32 wanted, served; /* tickets */
	const char *reason;
	int result;	/* of the last save: bytes of the log, or an error */
	bool was_saved; /* or tried */
} file;

/* --- Text into blocks ----------------------------------------------------------------------------
 */

struct part {
	const char *text;
	size_t length;
};

/* Fill a block with whole lines of the parts, and take these off.  A longer line is cut. */
static void fill_block(u32 number, struct part *parts, u32 count)
{
	char *block = (char *)file.block;
	size_t at = LOG_HEAD;

	memset(block, ' ', LOG_BLOCK);
	log_volume_head(block, number);
	block[LOG_HEAD] = ' ';
	block[LOG_BLOCK - 1] = '\n';
	for (u32 i = 0; i < count; i++)
		while (parts[i].length) {
			const char *end = memchr(parts[i].text, '\n', parts[i].length);
			size_t n = end ? (size_t)(end - parts[i].text) + 1 : parts[i].length;

			n = MIN(n, (size_t)LOG_ROOM);
			if (n > LOG_BLOCK - 1 - at)
				return;
			memcpy(block + at, parts[i].text, n);
			at += n;
			parts[i].text += n;
			parts[i].length -= n;
		}
}

/* The text of a block that was read, without the spaces at its end. */
static size_t take_text(const u8 *block, char *to)
{
	size_t n = LOG_ROOM;

	while (n && block[LOG_HEAD + n - 1] == ' ')
		n--;
	memcpy(to, block + LOG_HEAD, n);
	return n;
}

/* Year, month and day of a number of days since 1970-01-01.  Years are counted from March. */
static void date_of(u64 days, u32 *year, u32 *month, u32 *day)
{
	u64 n = days + 719468, era = n / 146097, in_era = n % 146097;
	u64 y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	u64 in_year = in_era - (365 * y + y / 4 - y / 100);
	u64 from_march = (5 * in_year + 2) / 153;

	*day = (u32)(in_year - (153 * from_march + 2) / 5 + 1);
	*month = (u32)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (u32)(y + era * 400 + (*month <= 2));
}

static size_t section_line(char *text, size_t size, const char *reason)
{
	u64 seconds = clock_realtime_ns() / NSEC_PER_SEC, day = seconds % 86400;
	u32 y, m, d;

	date_of(seconds / 86400, &y, &m, &d);
	return (size_t)scnprintf(text, size,
				 SECTION_MARK " Heddle's log, saved %s, %u s after the start; the "
					      "clock said %u-%02u-%02u %02u:%02u " SECTION_MARK
					      "\n",
				 reason, (u32)(clock_now_ns() / NSEC_PER_SEC), y, m, d,
				 (u32)(day / 3600), (u32)(day / 60 % 60));
}

/* --- The file on the disk ------------------------------------------------------------------------
 */

/* Read block `number`, which must be one of ours. */
static int read_block(struct usb_device *d, u32 first, u32 number)
{
	char head[LOG_HEAD + 1];
	int error = usb_storage_read(d, first + number * STORAGE_PER_BLOCK, STORAGE_PER_BLOCK);

	if (error)
		return error;
	log_volume_head(head, number);
	return memcmp(d->block, head, LOG_HEAD) || d->block[LOG_BLOCK - 1] != '\n' ? -EACCES : 0;
}

/* Write file.block, if the file has another text there. */
static int write_block(u32 number)
{
	struct usb_device *d = file.device;
	int error = read_block(d, file.first, number);

	if (error || !memcmp(d->block, file.block, LOG_BLOCK))
		return error;
	memcpy(d->block, file.block, LOG_BLOCK);
	return usb_storage_write(d, file.first + number * STORAGE_PER_BLOCK, STORAGE_PER_BLOCK);
}

/* Copy the records at the end of the log, LOG_MAX bytes at most.  Returns how many bytes. */
static size_t copy_log(char *to)
{
	size_t left = 0, done = 0;
	struct log_record r;
	u64 n = 0;

	while (left < LOG_SIZE && log_next(&n, &r))
		left += r.length;
	for (n = 0; done + LOG_RECORD_TEXT <= LOG_MAX && log_next(&n, &r); left -= r.length)
		if (left <= LOG_MAX) {
			memcpy(to + done, r.text, r.length);
			done += r.length;
		}
	return done;
}

/* Save the log.  Returns its length, or an error.  The controller's thread, or a panic. */
static int save(const char *reason)
{
	u64 deadline = clock_now_ns() + SAVE_NS;
	size_t length = section_line(file.text, FILE_SIZE, reason);
	struct part parts[2] = {{file.text, 0}, {file.before, file.before_length}};
	int error = 0;

	file.busy = true;
	length += copy_log(file.text + length);
	parts[0].length = length;
	for (u32 i = 0; i < LOG_BLOCKS && !error; i++) {
		fill_block(i, parts, 2);
		error = write_block(i);
		if (error == -EIO) /* a device may say no once, after it was reset */
			error = write_block(i);
		if (!error && clock_now_ns() > deadline)
			error = -ETIMEDOUT;
	}
	if (!error)
		error = usb_storage_flush(file.device);
	file.busy = false;
	return error ? error : (int)length;
}

/* Read the whole file; its text is that of the runs before. */
static int read_file(struct usb_device *d)
{
	size_t length = 0;

	for (u32 i = 0; i < LOG_BLOCKS; i++) {
		int error = read_block(d, file.first, i);

		if (error)
			return error;
		length += take_text(d->block, file.before + length);
	}
	/* Drop the text that the image came with. */
	file.before_length =
	    memcmp(file.before, SECTION_MARK, sizeof(SECTION_MARK) - 1) ? 0 : length;
	return 0;
}

static int allocate(void)
{
	if (!file.text)
		file.text = kmalloc(FILE_SIZE);
	if (!file.before)
		file.before = kmalloc(FILE_SIZE);
	if (!file.block)
		file.block = usb_page_alloc();
	return file.text && file.before && file.block ? 0 : -ENOMEM;
}

/* Of several controllers only one thread may come so far. */
static bool claim(struct usb_device *d)
{
	struct xhci *none = NULL;

	return __atomic_compare_exchange_n(&file.controller, &none, d->xhci, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool log_file_found(struct usb_device *d)
{
	u32 first;
	int error = log_volume_find(d, &first);

	if (error == -ENOENT)
		return false;
	if (!error && !claim(d)) {
		log_info("usb: this stick has a HEDDLE.LOG, too; the other stick's is used");
		return false;
	}
	if (!error) {
		file.first = first;
		error = allocate() ?: read_file(d);
		if (error)
			file.controller = NULL;
		else
			file.device = d;
	}
	if (error == -EACCES)
		log_warn(
		    "usb: HEDDLE.LOG on this stick is not as Heddle made it: it is not written. "
		    "Write the image to the stick again.");
	else if (error)
		log_warn("usb: HEDDLE.LOG on this stick cannot be read (error %d)", -error);
	return !error;
}

/* --- When it is saved ----------------------------------------------------------------------------
 */

static void answer(u32 ticket, int result)
{
	u64 flags = spin_lock_irq(&file_lock);

	file.served = ticket;
	file.result = result;
	file.was_saved = true;
	spin_unlock_irq(&file_lock, flags);
	wait_wake_all(&file_queue);
}

void log_file_gone(struct usb_device *d)
{
	if (file.device != d)
		return;
	file.device = NULL;
	__atomic_store_n(&file.controller, NULL, __ATOMIC_SEQ_CST);
	answer(READ_ONCE(file.wanted), -ENODEV);
}

void log_file_serve(struct xhci *x)
{
	u64 flags;
	u32 ticket;
	const char *reason;

	if (!READ_ONCE(x->asked))
		return;
	WRITE_ONCE(x->asked, false);
	flags = spin_lock_irq(&file_lock);
	ticket = file.wanted;
	reason = file.reason;
	spin_unlock_irq(&file_lock, flags);
	if (ticket == file.served)
		return;
	if (!file.device) /* it was pulled out after the other thread looked for it */
		answer(ticket, -ENODEV);
	else if (file.device->xhci == x)
		answer(ticket, save(reason));
}

/* In a panic nothing else runs.  If the controller's thread was at work, its rings may be halfway
 * between two states, and are left alone. */
static int save_in_panic(void)
{
	static bool tried;

	if (tried || !file.device)
		return -ENODEV;
	tried = true;
	if (file.busy || !READ_ONCE(file.controller->resting))
		return -EBUSY;
	return save("in a panic");
}

/* Ask the controller's thread, and wait. */
static int ask(struct xhci *x, const char *reason)
{
	u64 deadline = clock_now_ns() + ASK_NS, flags = spin_lock_irq(&file_lock);
	u32 ticket = ++file.wanted;
	int result = -ETIMEDOUT;

	file.reason = reason;
	spin_unlock_irq(&file_lock, flags);
	xhci_ask(x);
	flags = spin_lock_irq(&file_lock);
	while ((s32)(file.served - ticket) < 0 && clock_now_ns() < deadline)
		wait_sleep_irq(&file_queue, &file_lock, deadline, 0);
	if ((s32)(file.served - ticket) >= 0)
		result = file.result;
	spin_unlock_irq(&file_lock, flags);
	return result;
}

static int log_file_save(const char *reason)
{
	struct xhci *x = __atomic_load_n(&file.controller, __ATOMIC_SEQ_CST);

	if (panic_in_progress)
		return save_in_panic();
	if (!x || !READ_ONCE(file.device))
		return -ENODEV;
	if (current_thread() == x->thread)
		return file.busy ? -EBUSY : save(reason);
	return preemptible() ? ask(x, reason) : -EBUSY;
}

static const char *explain(int result)
{
	switch (result) {
	case -ENODEV:
		return "no USB stick with a HEDDLE.LOG is plugged in";
	case -EPERM:
		return "the stick is write-protected";
	case -EACCES:
		return "HEDDLE.LOG on the stick is not as Heddle made it";
	case -EBUSY:
		return "the stick's driver was at work, or the machine ended in an interrupt, "
		       "which cannot wait for it";
	case -ETIMEDOUT:
		return "the stick does not answer";
	}
	return "the stick reports an error";
}

/* --- The end of the machine ----------------------------------------------------------------------
 */

static void ignore(struct log_sink *sink, const char *text, size_t length)
{
}

static bool save_at_the_end(struct log_sink *sink)
{
	static bool ended;
	int result;

	if (ended && !panic_in_progress)
		return false;
	ended = true;
	result = log_file_save("at the end");
	if (result < 0)
		log_warn("log: not saved: %s", explain(result));
	else
		log_info("log: saved in HEDDLE.LOG on the stick");
	return false; /* once is enough */
}

/* It takes no lines, but it is asked when the machine ends. */
static const struct log_sink_ops at_the_end_ops = {.write = ignore, .drain = save_at_the_end};
static struct log_sink at_the_end = {.ops = &at_the_end_ops};

void log_file_possible(void)
{
	static bool added;

	if (!added)
		log_sink_add(&at_the_end);
	added = true;
}

/* --- /dev/savelog --------------------------------------------------------------------------------
 */

/* Whatever is written, the log is saved. */
static ssize_t savelog_write(struct file *f, struct io_buffer *io, u64 *position)
{
	int result = log_file_save("by savelog");

	return result < 0 ? result : (ssize_t)io->remaining;
}

/* One line that says what came of the last time. */
static ssize_t savelog_read(struct file *f, struct io_buffer *io, u64 *position)
{
	u64 flags = spin_lock_irq(&file_lock);
	int result = READ_ONCE(file.device) ? file.result : -ENODEV;
	bool was_saved = file.was_saved;
	char line[160];
	ssize_t done;
	size_t n;

	spin_unlock_irq(&file_lock, flags);
	if (result < 0)
		n = (size_t)scnprintf(line, sizeof(line), "The log is not saved: %s.\n",
				      explain(result));
	else if (was_saved)
		n = (size_t)scnprintf(line, sizeof(line),
				      "The log is saved: %d bytes in HEDDLE.LOG on the stick.\n",
				      result);
	else
		n = (size_t)scnprintf(line, sizeof(line),
				      "The log can be saved in HEDDLE.LOG on the stick.\n");
	if (*position >= n)
		return 0;
	done = io_put(io, line + *position, n - *position);
	*position += (u64)MAX(done, 0);
	return done;
}

static const struct file_ops savelog_ops = {.read = savelog_read, .write = savelog_write};

/* 10: of several kinds; its numbers from 240 on are for local use (Linux, devices.txt). */
DEVICES(50, log_file_devices) = {{MAKEDEV(10, 240), "/dev/savelog", 0644, &savelog_ops}};
