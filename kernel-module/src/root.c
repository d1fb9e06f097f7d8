// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which root is in CR3.
 *
 * Emulated machines, where the tests run, have none of what caches translations
 * by address space. What follows is therefore argued, from the kernel's
 * arch/x86/mm/tlb.c of 6.1, 6.12 and 7.2.
 *
 * The rule. Base and views of an mm share the kernel's ASID (PCID). This makes
 * the kernel's own shootdowns, which name an mm by its ASID and flush whatever
 * the ASID has, cover the views; and it means that translations of one root must
 * never be used under another. So: every write of CR3 here that changes the root
 * has the NOFLUSH bit clear, which drops all translations of the current PCID,
 * those of upper tables too, global ones excepted (SDM vol. 3A, 4.10.4.1). User
 * pages are never global.
 *
 * Coming back (S1). The kernel reloads the base root with NOFLUSH when it comes
 * back to an mm whose ASID slot on this CPU is still current. So a CPU never
 * leaves an mm with the translations of a view in its PCID: atlas_root_leave()
 * goes back to the base root, flushing, before the kernel picks another mm. What
 * the slot holds while the mm is not loaded are translations of the base only.
 * All of the kernel's switches come by there: those to init_mm, by which lazy
 * CPUs evade shootdowns, those to the mm of EFI and of text poking, and that of a
 * CPU that goes offline.
 *
 * Shootdowns between the kernel's write of CR3 and ours change nothing: interrupts
 * are off, and the ASID is the same. A lazy CPU (a kernel thread runs on top of a
 * view's root) either gets the shootdown, which makes it go to init_mm, or has
 * missed it, and is flushed by the kernel when a thread of the mm runs there
 * again: the kernel compares generations, not roots. When page tables were freed
 * it gets it for sure: atlas_flush_tlb() always says so.
 *
 * PCID with page-table isolation. User mode runs under a second PCID (bit 11),
 * which the kernel flushes late, when it is loaded. Here it is flushed by INVPCID
 * at the same places; a processor that has PCID but not INVPCID is refused under
 * isolation. Whatever the kernel still owes to the user PCID it does besides.
 * The user root is the second page of the pair, found by the entry code through
 * bit 12 of CR3, which is clear in kernel mode: comparisons here need no mask.
 * NMIs and the like, which can come with the user's CR3, flip the same two bits
 * of what they find and put them back.
 *
 * INVLPGB (AMD, 7.x). A busy mm is given a global ASID, the same on all CPUs, and
 * the processor flushes it everywhere by that number, upper tables included (the
 * kernel does not ask for leaves only), whichever root is in use with it. A CPU
 * moves to it in switch_mm_irqs_off(), to the same mm: the kernel loads the base
 * root under the new PCID, and the view's is loaded after that, flushing that
 * PCID on this CPU, as it must. The view's translations stay behind under the
 * old one; but an mm keeps its global ASID until it is gone, so it never uses the
 * old slot again, and another mm flushes the slot when it takes it. The kernel
 * tells CPUs that have not moved by the ASID they have, not by CR3.
 *
 * LAM (bits 61 and 62, from 6.4 on) and the encryption bit of CR3 (SME, SEV) are
 * not part of CR3_ADDR_MASK and stay as the kernel set them; it sets LAM on other
 * CPUs by or-ing it into what is there. Entries get the encryption bit from
 * _PAGE_TABLE and from the base's entries.
 *
 * Hypervisors. KVM's shootdown for guests leaves virtual processors that do not
 * run to the host, which flushes everything of theirs before they run again, and
 * interrupts the others: roots play no part. Hyper-V's and Xen's name the address
 * space by its base root and are refused. A guest's PCIDs under nested paging or
 * shadow paging behave as the processor's.
 *
 * Virtual processors of the process itself: Intel's load CR3 on a VM exit with
 * what the kernel computes from the base root; so such processes have no views
 * (see main.c and hooks.c).
 *
 * IBT. Nothing here calls through a pointer what is not an entry: originals of
 * wrapped functions and unexported functions are called by static calls, which
 * are direct (see wrap.c, symbols.c).
 *
 * NMIs that read user memory (perf, BPF) ask whether the current mm is the loaded
 * one, which views do not change; only debug kernels look at CR3 there, and at
 * every switch: atlas_root_holds(), atlas_root_leave().
 *
 * Devices that translate by the process's own tables (SVA) got the base root.
 */
#include <asm/cpufeature.h>
#include <asm/invpcid.h>
#include <asm/mmu.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <linux/kallsyms.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "../compat/compat.h"
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

/*
 * An NMI may look between any two steps (atlas_root_holds()): so the state says
 * "view" from before a view's root is loaded until after the base's is.
 */
static void load_base(struct atlas_cpu *cpu)
{
	load_root(cpu->base_root);
	barrier();
	WRITE_ONCE(cpu->view_root, 0);
}

/*
 * Under page-table isolation the kernel maps a process's LDT, in its own half of
 * the base's top level, at the first modify_ldt(), and there it stays until the
 * mm is torn down, later than our roots. The slot is taken over from then on; the
 * kernel publishes context.ldt only when it is mapped.
 */
static void carry_ldt(struct mm_struct *mm, struct atlas_view *view)
{
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	unsigned int index = pgd_index(LDT_BASE_ADDR);
	u64 entry;

	/* Pairs with the release in the kernel's install_ldt(). */
	if (!boot_cpu_has(X86_FEATURE_PTI) || !smp_load_acquire(&mm->context.ldt))
		return;
	entry = pgd_val(READ_ONCE(mm->pgd[index]));
	if (READ_ONCE(view->root[index]) == entry)
		return;
	WRITE_ONCE(view->root[index], entry);
	WRITE_ONCE(view->root[PTRS_PER_PGD + index], entry);
#endif
}

static void load_view(struct atlas_cpu *cpu, struct mm_struct *mm, struct atlas_view *view)
{
	carry_ldt(mm, view);
	cpu->mm = mm;
	cpu->base_root = __pa(mm->pgd);
	WRITE_ONCE(cpu->view_root, view->root_pa);
	barrier();
	if ((__read_cr3() & CR3_ADDR_MASK) != view->root_pa) {
		load_root(view->root_pa);
		atomic64_inc(&view->space->counters.root_loads);
	}
}

/**
 * atlas_root_carry_ldt() - the current process may have got an LDT
 */
void atlas_root_carry_ldt(void)
{
	struct atlas_space *space;
	struct atlas_view *view;
	unsigned long flags;

	rcu_read_lock();
	space = atlas_space_find(current->mm);
	if (space) {
		raw_spin_lock_irqsave(&space->lock, flags);
		list_for_each_entry(view, &space->views, node)
			carry_ldt(space->mm, view);
		raw_spin_unlock_irqrestore(&space->lock, flags);
	}
	rcu_read_unlock();
}

/**
 * atlas_root_holds() - whether a view's root of an mm is loaded, or is about to be
 * @mm: the mm
 *
 * Context: any, NMIs too.
 */
notrace bool atlas_root_holds(const struct mm_struct *mm)
{
	const struct atlas_cpu *cpu;
	bool holds;

	preempt_disable_notrace();
	cpu = this_cpu_ptr(&atlas_cpu);
	holds = READ_ONCE(cpu->view_root) && cpu->mm == mm;
	preempt_enable_notrace();
	return holds;
}

/*
 * Suspend and hibernation save CR3 and, when they resume, want to find the base
 * root there, whose ASID they start anew. By then the other CPUs are off, gone
 * through init_mm; what is left is the task that suspends, or a kernel thread on
 * top of the mm that ran before it. Interrupts are off.
 */
static int suspend(void)
{
	struct atlas_cpu *cpu = this_cpu_ptr(&atlas_cpu);

	if (cpu->view_root)
		load_base(cpu);
	return 0;
}

static void resume(void)
{
	if (current->mm)
		atlas_root_enter(current->mm, NULL);
}

ATLAS_SYSCORE(on_suspend, suspend, resume);

/** atlas_root_begin() - roots of views may be loaded from now on */
void atlas_root_begin(void)
{
	atlas_compat_syscore_register(&on_suspend);
}

/** atlas_root_end() - no view is left */
void atlas_root_end(void)
{
	atlas_compat_syscore_unregister(&on_suspend);
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

#ifdef ATLAS_AUDIT
static void audit_this(void *data)
{
	phys_addr_t root = *(const phys_addr_t *)data;

	WARN_ONCE((__read_cr3() & CR3_ADDR_MASK) == root, "atlas: %s (%d) has the root of a view that is to be freed\n",
		  current->comm, task_pid_nr(current));
}
#endif

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
	/* A CPU that says it has another root of the space loads that before it gives this up. */
	raw_spin_lock_irq(&space->lock);
	raw_spin_unlock_irq(&space->lock);
#ifdef ATLAS_AUDIT
	if (view)
		on_each_cpu(audit_this, &view->root_pa, true);
#endif
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
