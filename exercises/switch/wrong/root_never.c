/* SPDX-License-Identifier: MIT
 *
 * The root is never written: a process runs in the memory of the one before it.
 */

bool pmap_switch(struct pmap *next)
{
	struct cpu *cpu = this_cpu();
	struct pmap *old = cpu->pmap;

	assert(!irqs_enabled());
	cpu->pmap_lazy = !next;
	if (!next || next == old)
		return false;
	cpumask_set(&next->active, cpu->id);
	cpu->pmap = next;
	cpumask_clear(&old->active, cpu->id);
	return true;
}
