// SPDX-License-Identifier: GPL-2.0-only
/* Programs: made from nothing or from a kept one, by name; and those kept. */
#include "fuzz.h"

static void change(struct program *program, struct random *random)
{
	unsigned int at = below(random, program->length), other = below(random, program->length);

	switch (below(random, 5)) {
	case 0:
		program->operations[at] = next_random(random);
		break;
	case 1:
		if (program->length == PROGRAM_LENGTH)
			break;
		memmove(&program->operations[at + 1], &program->operations[at],
			(program->length - at) * sizeof(uint64_t));
		program->operations[at] = next_random(random);
		program->length++;
		break;
	case 2:
		if (program->length == 1)
			break;
		program->length--;
		memmove(&program->operations[at], &program->operations[at + 1],
			(program->length - at) * sizeof(uint64_t));
		break;
	case 3:
		program->operations[at] = program->operations[other];
		break;
	default:
		while (program->length < PROGRAM_LENGTH)
			program->operations[program->length++] = next_random(random);
	}
}

/**
 * program_make() - the program of that name
 * @name: its name; the base is in the corpus, or -1
 * @program: out
 */
void program_make(const struct program_name *name, struct program *program)
{
	struct random random = { world->seed ^ (name->number * 64 + name->actor) << 1 };
	unsigned int changes = 1 + below(&random, 4);

	if (world->replayed.length) {
		*program = world->replayed;
		return;
	}
	if (name->base >= 0) {
		*program = world->corpus[name->base];
		while (changes--)
			change(program, &random);
		return;
	}
	program->length = 1 + below(&random, PROGRAM_LENGTH);
	for (unsigned int i = 0; i < program->length; i++)
		program->operations[i] = next_random(&random);
}

/**
 * program_base() - a kept program to start from
 * @random: numbers
 * Return: its index or -1: a new one is to be made from nothing.
 */
int program_base(struct random *random)
{
	unsigned int count = atomic_load(&world->reserved);
	unsigned int index;

	if (count > CORPUS)
		count = CORPUS;
	if (!count || one_in(random, 4))
		return -1;
	index = below(random, count);
	return world->corpus[index].ready ? (int)index : -1;
}

/**
 * program_keep() - put a program into the corpus
 * @program: the program
 * Return: its index, or -1 when the corpus is full.
 */
int program_keep(const struct program *program)
{
	unsigned int index = atomic_fetch_add(&world->reserved, 1);

	if (index >= CORPUS)
		return -1;
	world->corpus[index].length = program->length;
	memcpy(world->corpus[index].operations, program->operations, sizeof(program->operations));
	world->corpus[index].ready = true;
	return index;
}
