/* SPDX-License-Identifier: MIT
 *
 * The key is always the address in this process: two processes that share a word never meet.
 */

static int key_get(u64 address, bool shared, struct futex_key *key)
{
	return address_space_futex_key(current_space(), address, false, key);
}
