/* SPDX-License-Identifier: MIT
 *
 * The end of the log as one text.
 */
#include "kernel/watch/panic/log_tail.h"

#include "kernel/lib/string.h"
#include "kernel/log/log.h"

size_t log_length(void)
{
	size_t length = 0;
	struct log_record r;
	u64 n = 0;

	while (length < LOG_SIZE && log_next(&n, &r))
		length += r.length;
	return length;
}

size_t log_read(char *buf, size_t size)
{
	size_t length = log_length(), skip = length > size ? length - size : 0, done = 0;
	struct log_record r;
	u64 n = 0;

	while (done < size && log_next(&n, &r)) {
		size_t from = MIN(skip, (size_t)r.length);
		size_t part = MIN(r.length - from, size - done);

		memcpy(buf + done, r.text + from, part);
		skip -= from;
		done += part;
	}
	return done;
}
