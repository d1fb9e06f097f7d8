// SPDX-License-Identifier: Apache-2.0
//
// throw THREADS: a program whose threads do nothing but throw, through a function that a patch replaces. For each line
// that it reads it prints how many calls met the function of before the change, how many that of after it, and how many
// did not end as either would have. With CHANGED it is the program after the change.
#include <atomic>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#ifdef CHANGED
#define VERSION 1
#else
#define VERSION 0
#endif
#define NOINLINE __attribute__((noinline))

struct thread_counts {
	std::atomic<long> calls[2], wrong;
	int cleaned[2]; // since the call began, by version
};

// Is destroyed once on each way out of the function.
struct guard {
	thread_counts *own;
	int version;
	~guard() { own->cleaned[version]++; }
};

struct refusal : std::runtime_error {
	int version;
	explicit refusal(int version) : std::runtime_error("refused"), version(version) {}
};

NOINLINE static long below(int kind, int depth)
{
	if (depth > 0)
		return below(kind, depth - 1) + 1;
	if (kind != 1)
		throw std::out_of_range(std::to_string(kind));
	return kind;
}

// What the patch replaces: exceptions pass through it (0), are thrown in it (1), or caught and another one thrown (2).
NOINLINE static long changed(int kind, thread_counts *own)
{
	guard cleaned{own, VERSION};
	if (kind == 2) {
		try {
			return below(kind, 3);
		} catch (const std::out_of_range &) {
			throw refusal(VERSION);
		}
	}
	if (below(kind, 3) > 0)
		throw refusal(VERSION);
	return 0;
}

NOINLINE static void call(int kind, thread_counts *own)
{
	int thrown = -1;

	own->cleaned[0] = own->cleaned[1] = 0;
	try {
		changed(kind, own);
	} catch (const refusal &e) {
		thrown = e.version;
	} catch (const std::out_of_range &e) {
		// Only the destructor tells which function it came through.
		thrown = kind == 0 && e.what() == std::string("0") ? own->cleaned[1] : -1;
	}
	if (thrown >= 0 && own->cleaned[thrown] == 1 && own->cleaned[1 - thrown] == 0)
		own->calls[thrown]++;
	else
		own->wrong++;
}

static void throw_always(thread_counts *own)
{
	for (;;)
		for (int kind = 0; kind < 3; kind++)
			call(kind, own);
}

int main(int, char **arguments)
{
	std::vector<thread_counts> counts(std::stoul(arguments[1]));
	for (thread_counts &own : counts)
		std::thread(throw_always, &own).detach();
	for (std::string line; std::getline(std::cin, line);) {
		long sums[3] = {};
		for (const thread_counts &own : counts) {
			sums[0] += own.calls[0];
			sums[1] += own.calls[1];
			sums[2] += own.wrong;
		}
		std::cout << sums[0] << ' ' << sums[1] << ' ' << sums[2] << std::endl;
	}
	_Exit(0);
}
