/* SPDX-License-Identifier: MIT
 *
 * Tables and bars as text.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2

static const char *cell_of(const struct evidence *e, int row, int column)
{
	return row < 0 ? e->heads.cells[column] : e->rows[row].cells[column];
}

static int longest_word(const char *text)
{
	int longest = 1, width = 0;

	for (; *text; text++) {
		width = *text == ' ' ? 0 : width + ((*text & 0xc0) != 0x80);
		if (width > longest)
			longest = width;
	}
	return longest;
}

/* Each column is as wide as its widest cell.  If the table is too wide, the widest column shrinks,
 * down to its longest word; if that is not enough, words are cut. */
static void widths_of(const struct evidence *e, int room, int *widths)
{
	int least[LAB_COLUMNS], sum = 0;

	for (int c = 0; c < e->columns; c++) {
		widths[c] = least[c] = 1;
		for (int r = -1; r < e->count; r++) {
			int width = text_width(cell_of(e, r, c));
			int word = longest_word(cell_of(e, r, c));

			if (width > widths[c])
				widths[c] = width;
			if (word > least[c])
				least[c] = word;
		}
		sum += widths[c] + (c ? GAP : 0);
	}
	while (sum > room) {
		int widest = -1;

		for (int c = 0; c < e->columns; c++)
			if (widths[c] > least[c] && (widest < 0 || widths[c] > widths[widest]))
				widest = c;
		if (widest >= 0) {
			widths[widest]--;
			sum--;
			continue;
		}
		/* Words must be cut. */
		for (int c = 0; c < e->columns; c++)
			if (least[c] > 1)
				least[c] = widest = 1;
		if (widest < 0)
			return;
	}
}

static void show_row(const struct evidence *e, int row, const int *widths)
{
	const char *rest[LAB_COLUMNS];
	bool more = true;

	for (int c = 0; c < e->columns; c++)
		rest[c] = cell_of(e, row, c);
	while (more) {
		int spaces = 0; /* not printed yet, so that no line ends in spaces */

		more = false;
		put("  ");
		for (int c = 0; c < e->columns; c++) {
			const char *at = rest[c];
			size_t bytes = text_fit(at, widths[c], &rest[c]);
			char *line = must(strndup(at, bytes));
			int room = widths[c] - text_width(line);

			if (*line) {
				put_repeated(" ", spaces + (e->right[c] ? room : 0));
				put(line);
				spaces = e->right[c] ? 0 : room;
			} else {
				spaces += room;
			}
			spaces += GAP;
			more |= *rest[c] != 0;
			free(line);
		}
		put("\n");
	}
}

void show_table(const struct evidence *e)
{
	int widths[LAB_COLUMNS], sum = 0;

	widths_of(e, screen.width - 4, widths);
	put_colour(BOLD);
	show_row(e, -1, widths);
	put_colour(PLAIN);
	for (int c = 0; c < e->columns; c++)
		sum += widths[c] + (c ? GAP : 0);
	put("  ");
	put_repeated("─", sum);
	put("\n");
	for (int r = 0; r < e->count; r++)
		show_row(e, r, widths);
}

void show_bars(const struct evidence *e)
{
	int label = 1, number = 1, room;
	double most = 0;
	char text[32];

	for (int i = 0; i < e->count; i++) {
		int width = text_width(e->bars[i].label);
		int digits = strlen(number_text(e->bars[i].value, text));

		label = width > label ? width : label;
		number = digits > number ? digits : number;
		most = e->bars[i].value > most ? e->bars[i].value : most;
	}
	if (label > 30)
		label = 30;
	room = screen.width - 2 - label - 2 - number - 1 -
	       text_width(e->unit) - 3;
	for (int i = 0; i < e->count; i++) {
		const char *rest = e->bars[i].label;
		double part = most > 0 ? e->bars[i].value / most : 0;
		int length = room > 0 && part > 0 ? (int)(part * room + 0.5) : 0;

		/* A long label takes several lines; the bar follows the last one. */
		for (const char *at = rest; *at; at = rest) {
			char *line = must(strndup(at, text_fit(at, label, &rest)));

			put("  ");
			put_padded(line, *rest ? 0 : label, false);
			put(*rest ? "\n" : "");
			free(line);
		}
		put("  ");
		put_padded(number_text(e->bars[i].value, text), number, true);
		put_format(" %s", e->unit);
		if (length || part > 0) {
			put("  ");
			put(length ? "" : "▌");
			put_repeated("█", length);
		}
		put("\n");
	}
}
