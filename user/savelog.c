/* SPDX-License-Identifier: MIT
 *
 * savelog: have the kernel save its log in the file HEDDLE.LOG on the stick, and say what came of
 * it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "/dev/savelog"

int main(int argc, char *argv[] __attribute__((unused)))
{
	int file = open(FILE_NAME, O_WRONLY), failed;
	char text[200];
	ssize_t n;

	if (argc > 1) {
		fprintf(stderr, "usage: savelog\n"
				"It saves the kernel's log (dmesg) in HEDDLE.LOG on the stick.\n");
		return 2;
	}
	failed = file < 0 || write(file, "1\n", 2) < 0;
	close(file);
	file = open(FILE_NAME, O_RDONLY);
	n = file < 0 ? -1 : read(file, text, sizeof(text));
	if (n > 0)
		fwrite(text, 1, (size_t)n, stdout);
	else
		perror("savelog: " FILE_NAME);
	return failed || n <= 0;
}
