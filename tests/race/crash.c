/* SPDX-License-Identifier: MIT
 *
 * A crash: one thread looks at a pointer, another one clears it before the first uses it.
 */
#include <pthread.h>
#include <stdio.h>

struct account {
	int id, balance;
};

static struct account savings = {1, 100};
static struct account *account = &savings;

static void *close_account(void *unused)
{
	(void)unused;
	account = NULL;
	return NULL;
}

int main(void)
{
	pthread_t closer;

	pthread_create(&closer, NULL, close_account, NULL);
	if (account)
		account->balance += 10;
	pthread_join(closer, NULL);
	return 0;
}
