/* SPDX-License-Identifier: MIT
 *
 * In place of libFuzzer, with any compiler: give the target each file that is named.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *bytes = malloc(1 << 20);
		size_t n;

		if (!f || !bytes) {
			perror(argv[i]);
			return 1;
		}
		n = fread(bytes, 1, 1 << 20, f);
		fclose(f);
		bytes = realloc(bytes, n ? n : 1); /* the sanitizer sees the end */
		LLVMFuzzerTestOneInput(bytes, n);
		free(bytes);
		printf("%s\n", argv[i]);
	}
	return 0;
}
