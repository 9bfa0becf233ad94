/* SPDX-License-Identifier: MIT
 *
 * forktree [PROCESSES [ROUNDS]]: a tree of processes that all live at once; each adds itself and
 * the sums of its children by pipes.  1,000 of them unless told.
 */
#include "check.h"

static int total = 1000;

/* Makes `count` processes below and including the caller; the sum of their ranks is written up. */
static long grow(long rank, long count)
{
	long sum = rank, below = count - 1, part, from = rank + 1, value;
	int pipes[4][2];
	pid_t children[4];
	int n = 0;

	for (int i = 0; i < 4 && below > 0; i++, n++) {
		part = (below + 3 - i) / (4 - i);
		if (pipe(pipes[i]) < 0)
			return -1;
		children[i] = fork();
		if (children[i] < 0)
			return -1;
		if (children[i] == 0) {
			for (int k = 0; k <= i; k++)
				close(pipes[k][0]);
			value = grow(from, part);
			_exit(write(pipes[i][1], &value, sizeof(value)) != sizeof(value));
		}
		close(pipes[i][1]);
		from += part;
		below -= part;
	}
	for (int i = 0; i < n; i++) {
		if (read(pipes[i][0], &value, sizeof(value)) != sizeof(value) || value < 0)
			sum = -1;
		else if (sum >= 0)
			sum += value;
		close(pipes[i][0]);
		if (wait_status(children[i]) != 0)
			sum = -1;
	}
	return sum;
}

static void tree(void)
{
	CHECK_EQ(grow(0, total), (long)total * (total - 1) / 2);
	CHECK_ERR(wait(NULL), ECHILD);
}

/* All at once: none ends before the last has begun. */
static void side_by_side(void)
{
	int gate[2], ready[2], n = 0, status;
	char c;

	MUST(pipe(gate));
	MUST(pipe(ready));
	while (n < total && SPAWN(close(gate[1]); close(ready[0]); MUST(write(ready[1], "r", 1));
				  close(ready[1]); CHECK_EQ(read(gate[0], &c, 1), 0)) > 0)
		n++;
	CHECK_EQ(n, total);
	close(ready[1]);
	for (int i = 0; i < n; i++)
		if (!CHECK_EQ(read(ready[0], &c, 1), 1))
			break;
	close(gate[1]);
	while (wait(&status) > 0) {
		CHECK_EQ(status, 0);
		n--;
	}
	CHECK_EQ(n, 0);
	close(gate[0]);
	close(ready[0]);
}

int main(int argc, char *argv[])
{
	int rounds = argc > 2 ? atoi(argv[2]) : 1;

	check_start();
	if (argc > 1)
		total = atoi(argv[1]);
	for (int i = 0; i < rounds - 1; i++)
		tree();
	RUN(tree);
	RUN(side_by_side);
	return check_end();
}
