/* host-sources: kernel/fs/cpio.c */
/* fuzz-flags: -max_len=4096 */
/* mutant: kernel/fs/cpio.c: field[FILE_SIZE] > left - name_end => field[FILE_SIZE] > left */
/* SPDX-License-Identifier: MIT
 *
 * cpio archives.  Every name and every content lies inside of the archive, the entries follow each
 * other without an overlap, and what is before an error is the same without what follows it.
 */
#include "kernel/fs/cpio.h"
#include "kernel/lib/errno.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	const char *start, *end; /* of the archive */
	const char *last;	 /* the end of the entry before */
	s64 count;
	u64 sum; /* of all that was found */
	s64 stop_at;
};

static int visit(void *context, const struct cpio_entry *e)
{
	struct seen *s = context;
	size_t length = strlen(e->name);

	HOLDS(length && length < CPIO_NAME_MAX);
	HOLDS(e->name >= s->last + 110 && e->name + length < s->end);
	s->last = e->name + length + 1;
	HOLDS(!e->size || (e->data >= s->last && e->size <= (size_t)(s->end - e->data)));
	if (e->size)
		s->last = e->data + e->size;
	for (size_t i = 0; i < e->size; i++)
		s->sum = s->sum * 31 + (u8)e->data[i];
	s->sum = s->sum * 31 + length + e->mode + e->mtime;
	return ++s->count == s->stop_at ? -ENOSPC : 0;
}

static struct seen walk(const char *archive, size_t size, s64 stop_at, s64 *result, size_t *offset)
{
	char *copy = exact_copy(archive, size);
	struct seen s = {copy, copy + size, copy, 0, 0, stop_at};

	*result = cpio_walk(copy, size, visit, &s, offset);
	HOLDS(*offset <= size);
	free(copy);
	return s;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	s64 result, again;
	size_t offset, same;
	struct seen s = walk((const char *)data, size, -1, &result, &offset), t;

	HOLDS(result == -EINVAL || result == -E2BIG || (result == s.count && offset == size));
	if (result < 0) {
		t = walk((const char *)data, offset, -1, &again, &same);
		HOLDS(t.count == s.count && t.sum == s.sum);
	}
	if (s.count) {
		t = walk((const char *)data, size, s.count, &again, &same);
		HOLDS(again == -ENOSPC && t.count == s.count && t.sum == s.sum);
	}
	return 0;
}
