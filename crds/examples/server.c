// SPDX-License-Identifier: Apache-2.0
// What viewpatch.yaml fixes: the limit is one too high.
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int checked(int length, int limit) { puts("checking"); return length <= limit + 1; }
int main(void) { for (int i = 0;; i++) { printf("%d: %s\n", i, checked(i % 12, 10) ? "taken" : "refused"); fflush(stdout); sleep(1); } }
