/* SPDX-License-Identifier: MIT
 *
 * qr_image VERSION_MAX < TEXT > PICTURE: the kernel's QR code of a text, as a PGM with squares of
 * three pixels (tests/unit/test_qr.py).  Status 1: the text is too long.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/watch/panic/qr.h"

enum { SCALE = 3, MARGIN = 4 };

int main(int argc, char **argv)
{
	static u8 dark[QR_SIDE_MAX * QR_SIDE_MAX];
	char text[2 * QR_BYTES_MAX];
	size_t length = fread(text, 1, sizeof(text), stdin);
	u32 side = qr_encode(dark, text, length, argc > 1 ? (u32)atoi(argv[1]) : QR_VERSION_MAX);
	u32 pixels = (side + 2 * MARGIN) * SCALE;

	if (!side)
		return 1;
	printf("P5\n%u %u\n255\n", pixels, pixels);
	for (u32 y = 0; y < pixels; y++)
		for (u32 x = 0; x < pixels; x++) {
			u32 column = x / SCALE - MARGIN, row = y / SCALE - MARGIN;

			putchar(column < side && row < side && dark[row * side + column] ? 0 : 255);
		}
	return 0;
}
