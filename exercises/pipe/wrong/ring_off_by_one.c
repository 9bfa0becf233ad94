/* SPDX-License-Identifier: MIT
 *
 * The ring is taken for one page shorter than it is: with the last page in use, two parts of the
 * stream lie in one page.
 */

ssize_t pipe_move(struct pipe *p, struct io_buffer *io, u64 position, size_t n, bool write)
{
	size_t done = 0;
	ssize_t got = 0;

	while (done < n) {
		u64 offset = (position + done) & ~PAGE_MASK;
		size_t piece = MIN(n - done, PAGE_SIZE - offset);
		struct page **page = &p->pages[(position + done) / PAGE_SIZE % (p->count - 1)];
		char *at;

		if (!*page)
			*page = page_alloc(0, PAGE_PIPE);
		if (!*page) {
			got = -ENOMEM;
			break;
		}
		at = (char *)page_to_virt(*page) + offset;
		got = write ? io_get(io, at, piece) : io_put(io, at, piece);
		if (got > 0)
			done += (size_t)got;
		if (got < (ssize_t)piece)
			break;
	}
	return done ? (ssize_t)done : got;
}
