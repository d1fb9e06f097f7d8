// SPDX-License-Identifier: Apache-2.0
/*
 * snapshot PID TID: stops a thread with ptrace, prints its registers 0 … 16 by DWARF number, its thread pointer and the
 * end of the mapping that holds its stack (hexadecimal, one line), then the bytes of its stack (another line).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	struct user_regs_struct r;
	unsigned long start, end;
	char path[64], line[512];
	int tid = atoi(argv[2]), status;
	FILE *file;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) ||
	    waitpid(tid, &status, __WALL) != tid || ptrace(PTRACE_GETREGS, tid, 0, &r))
		return 1;
	snprintf(path, sizeof(path), "/proc/%s/maps", argv[1]);
	file = fopen(path, "r");
	do {
		if (!fgets(line, sizeof(line), file) || sscanf(line, "%lx-%lx", &start, &end) != 2)
			return 2;
	} while (r.rsp < start || r.rsp >= end);
	fclose(file);
	printf("%llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %lx\n",
	       r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11,
	       r.r12, r.r13, r.r14, r.r15, r.rip, r.fs_base, end);
	snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
	file = fopen(path, "r");
	fseek(file, r.rsp, SEEK_SET);
	for (unsigned long address = r.rsp; address < end; address++)
		printf("%02x", fgetc(file));
	printf("\n");
	return ptrace(PTRACE_DETACH, tid, 0, 0) != 0;
}
