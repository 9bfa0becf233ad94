/* SPDX-License-Identifier: MIT
 *
 * A TLB shootdown against switches of address spaces: no CPU uses a frame after it was freed, and no
 * CPU has a root loaded whose tables are freed.
 *
 * Models:
 *   arch/x86_64/mmu/paging.c pmap_switch()
 *   arch/x86_64/pc/tlb.c flush_here() flush_on() root_drop() pmap_destroy()
 *   arch/x86_64/pc/smp_call.c smp_call() smp_call_answer()
 *
 * One CPU removes a page of a space, flushes, and frees the frame.  When no thread of the space is left,
 * it destroys the tables.  The others load the space's root
 * and the kernel's in any order, run kernel threads on the space's root (lazy), and fill their TLBs
 * at any moment while the root is loaded, as a processor that speculates may (SDM 3A 4.10.2.3).
 *
 * Actors: -DCPUS=1, -DCPUS=2
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  flush_on() has no full barrier: `active` is read before the change of the entry is visible
 *   2  pmap_switch() loads the root before it sets its bit in `active`
 *   3  pmap_switch() clears the bit of the old root before it has loaded the new one
 *   4  flush_here() does nothing on a lazy CPU, which keeps the root
 *   5  flush_on() does not wait until the other CPUs have answered
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef CPUS
#define CPUS 2
#endif

bool mapped = true, freed = false;
byte busy = 0;		/* CPUs in the middle of loading the root, for a thread of the space */
bool gone = false;	/* no thread of the space is left: nothing loads its root any more */
bool in_use[CPUS];	/* pmap.active: the CPUs that have the root */
bool loaded[CPUS];	/* CR3 holds the root of the space */
bool lazy[CPUS];	/* a kernel thread runs on this root */
bool cached[CPUS];	/* the TLB has the page */
bool asked[CPUS];	/* an IPI is on its way, or the request is not answered yet */

/* Interrupts are off in pmap_switch(), so no IPI is answered inside. */
inline load_space()
{
#if MUTANT == 2
	loaded[me] = true;
	in_use[me] = true
#else
	in_use[me] = true;
	loaded[me] = true
#endif
}

inline load_kernel()
{
#if MUTANT == 3
	in_use[me] = false;
	d_step { loaded[me] = false; lazy[me] = false; cached[me] = false }
#else
	d_step { loaded[me] = false; lazy[me] = false; cached[me] = false };
	in_use[me] = false
#endif
}

inline flush_here()
{
	if
	:: !loaded[me]	/* it has loaded another root since, which flushed */
	:: loaded[me] && lazy[me] ->
#if MUTANT != 4
		load_kernel()
#else
		skip
#endif
	:: loaded[me] && !lazy[me] -> cached[me] = false
	fi
}

proctype cpu(byte me)
{
end:	do
	:: atomic { !loaded[me] && !gone -> busy++ }; load_space(); busy--
	:: loaded[me] -> load_kernel()
	:: atomic { loaded[me] && (!gone || !lazy[me]) -> lazy[me] = !lazy[me] }
	:: atomic { loaded[me] && !lazy[me] && cached[me] -> assert(!freed) } /* an access */
	:: asked[me] -> flush_here(); asked[me] = false
	od
}

/* The processor walks the tables by itself, also in the middle of pmap_switch(). */
proctype walker(byte me)
{
end:	do
	:: atomic { loaded[me] && mapped && !cached[me] -> cached[me] = true }
	od
}

proctype unmapper()
{
	bool others[CPUS];
	byte i;

#if MUTANT != 1
	mapped = false;
#endif
	for (i : 0 .. CPUS - 1) { others[i] = in_use[i] }
#if MUTANT == 1
	mapped = false;
#endif
	for (i : 0 .. CPUS - 1) {
		if
		:: others[i] -> asked[i] = true
		:: else
		fi
	}
#if MUTANT != 5
	for (i : 0 .. CPUS - 1) { !asked[i] }
#endif
	freed = true;

	/* pmap_destroy(): the last thread has left; CPUs may still have the root, lazily. */
	atomic {
#if CPUS == 1
		busy == 0 && (!loaded[0] || lazy[0]) -> gone = true
#else
		busy == 0 && (!loaded[0] || lazy[0]) && (!loaded[1] || lazy[1]) -> gone = true
#endif
	}
	for (i : 0 .. CPUS - 1) {
		if
		:: in_use[i] -> asked[i] = true
		:: else
		fi
	}
	for (i : 0 .. CPUS - 1) { !asked[i] }
	for (i : 0 .. CPUS - 1) { assert(!loaded[i]) }	/* the tables are freed */
}

init
{
	byte i;

	atomic {
		for (i : 0 .. CPUS - 1) { run cpu(i); run walker(i) }
		run unmapper()
	}
}
