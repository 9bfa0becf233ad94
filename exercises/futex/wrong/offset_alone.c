/* SPDX-License-Identifier: MIT
 *
 * Two keys with the same offset count as one: a process wakes the threads of another, which use
 * the same address for their own word.
 */

bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->offset == b->offset;
}
