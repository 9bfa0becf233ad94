/* SPDX-License-Identifier: MIT
 *
 * The root is written at each switch, also if it is loaded already: each switch flushes the TLB.
 */

bool pmap_switch(struct pmap *next)
{
	struct cpu *cpu = this_cpu();
	struct pmap *old = cpu->pmap;

	assert(!irqs_enabled());
	cpu->pmap_lazy = !next;
	if (!next)
		next = old;
	cpumask_set(&next->active, cpu->id);
	write_cr3(next->root);
	cpu->pmap = next;
	if (old != next)
		cpumask_clear(&old->active, cpu->id);
	return true;
}
