// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which root is in CR3.
 *
 * Base and views of an mm share the kernel's ASID (PCID). This makes the
 * kernel's own shootdowns cover the views, and it means that translations of
 * one root must never be used under another: every write of CR3 here changes
 * the root and has the NOFLUSH bit clear, which drops all translations of the
 * current PCID, global ones excepted (SDM vol. 3A, 4.10.4.1); user pages are
 * never global.
 *
 * The kernel reloads the base root with NOFLUSH when it comes back to an mm
 * whose ASID slot is still current (S1). So a CPU never leaves an mm with the
 * translations of a view in its PCID: atlas_root_leave() goes back to the base
 * root, flushing, before the kernel picks another mm. What the slot holds
 * while the mm is not loaded are then translations of the base root only.
 * 7.x's global ASIDs change nothing in this: they too keep one ASID per mm,
 * and the flush is by the PCID that is in CR3, whichever kind it is.
 *
 * Under page-table isolation user mode runs under a second PCID (bit 11). It
 * is flushed by INVPCID at the same places; a processor that has PCID but not
 * INVPCID is refused under PTI. The user root is the second page of the pair,
 * found by the entry code through bit 12 of CR3, which is clear in kernel
 * mode: comparisons here need no mask.
 *
 * LAM bits (61, 62) and the encryption bit stay as the kernel set them.
 */
#include <asm/cpufeature.h>
#include <asm/invpcid.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <linux/kallsyms.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "atlas.h"

#define USER_PCID_BIT	11	/* X86_CR3_PTI_PCID_USER_BIT */

/*
 * What this CPU has in CR3; written with interrupts off by the CPU itself.
 * @view_root is 0 while the base root of whatever mm is loaded.
 */
struct atlas_cpu {
	phys_addr_t view_root;
	phys_addr_t base_root;
	struct mm_struct *mm;
};

static DEFINE_PER_CPU(struct atlas_cpu, atlas_cpu);
static DEFINE_PER_CPU(u64, root_flushes);

static void load_root(phys_addr_t root)
{
	unsigned long cr3 = __read_cr3();

	cr3 = (cr3 & ~(CR3_ADDR_MASK | X86_CR3_PCID_NOFLUSH)) | root;
	write_cr3(cr3);
	if (boot_cpu_has(X86_FEATURE_PTI) && boot_cpu_has(X86_FEATURE_PCID))
		invpcid_flush_single_context((cr3 & CR3_PCID_MASK) | BIT(USER_PCID_BIT));
}

static void load_base(struct atlas_cpu *cpu)
{
	load_root(cpu->base_root);
	cpu->view_root = 0;
}

static void load_view(struct atlas_cpu *cpu, struct mm_struct *mm, struct atlas_view *view)
{
	if ((__read_cr3() & CR3_ADDR_MASK) != view->root_pa) {
		load_root(view->root_pa);
		atomic64_inc(&view->space->counters.root_loads);
	}
	cpu->view_root = view->root_pa;
	cpu->base_root = __pa(mm->pgd);
	cpu->mm = mm;
}

/**
 * atlas_root_leave() - before the kernel switches to an mm
 * @next: the mm it will load
 *
 * Context: interrupts off.
 */
void notrace atlas_root_leave(struct mm_struct *next)
{
	struct atlas_cpu *cpu = this_cpu_ptr(&atlas_cpu);

	/* CONFIG_DEBUG_VM wants to find the base root in any case. */
	if (cpu->view_root && (cpu->mm != next || IS_ENABLED(CONFIG_DEBUG_VM))) {
		load_base(cpu);
		this_cpu_inc(root_flushes);
	}
}

/**
 * atlas_root_flushes() - how often this node left a view's root for another mm
 */
u64 atlas_root_flushes(void)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(root_flushes, cpu);
	return sum;
}

/**
 * atlas_root_enter() - after the kernel switched to an mm
 * @next: the mm that is loaded now
 * @task: the task that will run, or NULL for the current one
 *
 * Loads the root of the task's view, and counts the task's switch-in.
 *
 * Context: interrupts off, under the runqueue lock.
 */
void notrace atlas_root_enter(struct mm_struct *next, struct task_struct *task)
{
	struct atlas_cpu *cpu = this_cpu_ptr(&atlas_cpu);
	struct atlas_thread *thread;
	bool viewed = false;

	rcu_read_lock();
	thread = atlas_thread_find(task ?: current);
	if (thread && thread->space->mm == next) {
		struct atlas_space *space = thread->space;

		raw_spin_lock(&space->lock);
		thread->sequence++;
		if (thread->view) {
			load_view(cpu, next, thread->view);
			viewed = true;
		}
		raw_spin_unlock(&space->lock);
	}
	rcu_read_unlock();
	if (!viewed && cpu->view_root)
		load_base(cpu);
}

/**
 * atlas_root_load() - put the current task's new view into effect at once
 * @space: its space, whose lock the caller holds
 * @view: the view, or NULL for the base
 *
 * Context: interrupts off; current->mm is the space's mm and is loaded.
 */
void atlas_root_load(struct atlas_space *space, struct atlas_view *view)
{
	struct atlas_cpu *cpu = this_cpu_ptr(&atlas_cpu);

	lockdep_assert_held(&space->lock);
	if (view)
		load_view(cpu, space->mm, view);
	else if (cpu->view_root)
		load_base(cpu);
}

struct park {
	struct mm_struct *mm;
	phys_addr_t root;	/* 0: any view of mm */
};

static bool parks_here(const struct park *park, const struct atlas_cpu *cpu)
{
	return cpu->view_root && cpu->mm == park->mm &&
	       (!park->root || park->root == cpu->view_root);
}

static bool park_wanted(int cpu, void *data)
{
	return parks_here(data, per_cpu_ptr(&atlas_cpu, cpu));
}

static void park_this(void *data)
{
	struct atlas_cpu *cpu = this_cpu_ptr(&atlas_cpu);

	if (parks_here(data, cpu))
		load_base(cpu);
}

/**
 * atlas_root_park() - send every CPU away from a root that is to be freed
 * @space: the space
 * @view: the view, or NULL for all of the space's
 *
 * An idle CPU, or one that runs a kernel thread, may have a root loaded whose
 * last thread is long gone. The caller has made sure that no thread is in the
 * view and none can enter it.
 */
void atlas_root_park(struct atlas_space *space, struct atlas_view *view)
{
	struct park park = { .mm = space->mm, .root = view ? view->root_pa : 0 };

	/* Pairs with the lock under which a switch-in read the thread's view. */
	smp_mb();
	on_each_cpu_cond_mask(park_wanted, park_this, &park, true, cpu_online_mask);
}

/**
 * atlas_root_supported() - whether roots can be switched on this machine
 * Return: 0 or an errno, after the reason was written to the log.
 */
int atlas_root_supported(void)
{
	char name[KSYM_SYMBOL_LEN];

	if (boot_cpu_has(X86_FEATURE_XENPV)) {
		pr_err("atlas: Xen PV guests are not supported: their CR3 belongs to the hypervisor\n");
		return -EOPNOTSUPP;
	}
	if (boot_cpu_has(X86_FEATURE_PTI) && boot_cpu_has(X86_FEATURE_PCID) &&
	    !boot_cpu_has(X86_FEATURE_INVPCID)) {
		pr_err("atlas: page-table isolation with PCID needs a processor with INVPCID\n");
		return -EOPNOTSUPP;
	}
#ifdef CONFIG_PARAVIRT
	/* Hyper-V names an address space by its base root: it would miss views (S2). */
	sprint_symbol_no_offset(name, (unsigned long)pv_ops.mmu.flush_tlb_multi);
	if (strcmp(name, "native_flush_tlb_multi") && strcmp(name, "kvm_flush_tlb_multi")) {
		pr_err("atlas: TLB shootdown by %s is not supported\n", name);
		return -EOPNOTSUPP;
	}
#endif
	return 0;
}
