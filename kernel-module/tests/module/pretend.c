// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the machine look, for as long as this is loaded, like one that the module
 * refuses (S2). The kernel's own code was patched at boot for what the machine is, and
 * hardly looks again.
 */
#include <asm/cpufeature.h>
#include <asm/paravirt.h>
#include <asm/processor.h>
#include <linux/module.h>

static char *as = "";
module_param(as, charp, 0);
MODULE_PARM_DESC(as, "xen-pv, pcid or shootdown");

static typeof(boot_cpu_data.x86_capability) before;

static void set_feature(unsigned int feature, bool there)
{
	unsigned long *features = (unsigned long *)boot_cpu_data.x86_capability;

	if (there)
		set_bit(feature, features);
	else
		clear_bit(feature, features);
}

#ifdef CONFIG_PARAVIRT
static typeof(pv_ops.mmu.flush_tlb_multi) flush;

static void flush_otherwise(const struct cpumask *cpus, const struct flush_tlb_info *info)
{
	flush(cpus, info);
}

static void replace_shootdown(void)
{
	flush = pv_ops.mmu.flush_tlb_multi;
	pv_ops.mmu.flush_tlb_multi = flush_otherwise;
}

static void restore_shootdown(void)
{
	if (flush)
		pv_ops.mmu.flush_tlb_multi = flush;
}
#else
static void replace_shootdown(void)
{
}

static void restore_shootdown(void)
{
}
#endif

static int __init pretend_init(void)
{
	memcpy(before, boot_cpu_data.x86_capability, sizeof(before));
	if (!strcmp(as, "xen-pv"))
		set_feature(X86_FEATURE_XENPV, true);
	if (!strcmp(as, "pcid")) {
		set_feature(X86_FEATURE_PCID, true);
		set_feature(X86_FEATURE_INVPCID, false);
	}
	if (!strcmp(as, "shootdown"))
		replace_shootdown();
	return 0;
}

static void __exit pretend_exit(void)
{
	memcpy(boot_cpu_data.x86_capability, before, sizeof(before));
	restore_shootdown();
}

module_init(pretend_init);
module_exit(pretend_exit);
MODULE_DESCRIPTION("Pretends that the machine is one that atlas refuses");
MODULE_LICENSE("GPL");
