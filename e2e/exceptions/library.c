// SPDX-License-Identifier: Apache-2.0
//
// A library for `loads.c`, before a change (VERSION 0) and after it: then it counts its calls, and so does the version after
// that, which has another variable before the counter.
#if VERSION == 2
static long spare[4];
#endif
#if VERSION > 0
static long calls;
#endif

long answer(long x)
{
#if VERSION == 2
	return ++spare[x & 3] > 0 ? 2000 + ++calls : 0;
#elif VERSION == 1
	return 1000 + ++calls;
#else
	return x * 7 % 1000;
#endif
}
