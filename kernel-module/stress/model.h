/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the stress program share.
 *
 * A *slot* is a place for a view; slot 0 is the base. A *region* is a few pages
 * of memory; the model says of each page what a thread in each slot must see.
 *
 * The program runs in rounds. In a round a region belongs to one worker, which
 * alone changes it and its model, or to nobody: then it is stable, and everybody
 * may look at it. Between the rounds nobody changes anything, and all of it is
 * looked at from each view. So the model needs no lock, and each race has an
 * outcome that can be judged.
 */
#ifndef MODEL_H
#define MODEL_H

#include "../tests/views.h"

#define WORKERS		8
#define SLOTS		8
#define REGIONS		34
#define PAGES		12
#define WORDS		(PAGE / sizeof(uint64_t))
#define PAST		8
#define BIT(number)	(1u << (number))

#define PROT_RW		(PROT_READ | PROT_WRITE)
#define PROT_RX		(PROT_READ | PROT_EXEC)

/* --- counting ------------------------------------------------------------- */

enum operation {
	CREATE, DELETE, ENTER, CHECKED, MOVE, REST, STORE, WRITE, UNSHARE,
	SHARE, PROTECT, UNMAP, MAP, AREA, REMAP, DROP, ADVISE, FORK, VFORK, EXEC,
	BORN, OFFICE, FREEZE, SNAPSHOT, DUEL, LAND, CHECK, FAULT, OPERATION_COUNT
};

void count(enum operation operation);
void counts_print(void);

/* --- chance --------------------------------------------------------------- */

struct random {
	uint64_t state;
};

extern uint64_t seed;
extern unsigned int round_number;

void random_begin(struct random *random, unsigned int stream);
unsigned int below(struct random *random, unsigned int limit);

/* --- slots ---------------------------------------------------------------- */

enum slot_state {
	FREE,
	ALIVE,
	RAW,		/* made in this round, while its origin changed: not entered yet */
	DELETED,	/* who is in it may stay until the round ends */
};

struct slot {
	int id;				/* of the view */
	_Atomic enum slot_state state;
	int from;			/* RAW: the slot it was made from */
};

extern struct slot slots[SLOTS];
extern int handle, own_handle;

int slot_choose(struct random *random);
int slot_create(int from, enum slot_state state);
void slot_delete(int slot);
void slots_adopt(void);
void slots_reap(void);

/* --- regions --------------------------------------------------------------- */

enum kind { ANONYMOUS, FILE_DATA, FILE_TEXT, HUGE };

struct page {
	bool mapped;
	bool unshared;
	int protection;
	/*
	 * Slots with a content of their own; not the base. The others follow the base,
	 * also where it is unshared, as long as nobody can store.
	 */
	unsigned int own;
	uint64_t stamp[SLOTS];		/* that content; the base's is at 0 */
	uint64_t past[SLOTS][PAST];	/* contents that a slot had before, in this round */
	unsigned int past_count[SLOTS];
};

struct region {
	int index;
	enum kind kind;
	char *places[2];		/* where it is, and where it can be moved to */
	int place;
	unsigned int stride;		/* pages from one page of the model to the next */
	int file;
	int owner;			/* a worker, or -1: stable */
	unsigned int generation;
	struct page pages[PAGES];
};

extern struct region regions[REGIONS];

void regions_begin(void);
void regions_map(void);
char *page_address(const struct region *region, unsigned int page);
uint64_t page_stamp(const struct page *page, int slot);
void page_diverge(struct page *page);
uint64_t fresh_stamp(struct region *region, unsigned int page, int slot);
uint64_t file_stamp(const struct region *region, unsigned int page);
void page_fill(uint64_t *words, uint64_t stamp);
uint64_t stamp_word(uint64_t stamp, unsigned int word);
void page_changed(struct page *page, int slot, uint64_t stamp);

/* --- looking ---------------------------------------------------------------- */

extern atomic_bool *wrong;		/* shared with children */

__attribute__((format(printf, 1, 2)))
void complain(const char *format, ...);
void faults_begin(void);
bool access_faults(volatile char *address, bool store);
void page_check(const struct region *region, unsigned int page, unsigned int slot_mask,
		struct random *random);
bool words_among(const struct region *region, unsigned int page, const uint64_t *stamps,
		 unsigned int stamp_count);
void region_check(const struct region *region, unsigned int slot_mask, struct random *random);
void stable_check(unsigned int slot_mask, struct random *random);

/* --- workers ---------------------------------------------------------------- */

enum role { OWNER, WANDERER, STORER, DIVIDER };

struct worker {
	int index;
	pthread_t thread;
	_Atomic pid_t tid;
	enum role role;
	int slot;			/* where it is, when it moves itself */
	/* A wanderer: bits 0…31 where it may be, 32…63 where it may have been. */
	_Atomic uint64_t whereabouts;
	struct random random;
};

extern struct worker workers[WORKERS], conductor;
extern atomic_int owners_left;
extern atomic_bool round_over;
extern bool creating;			/* views are made in this round */

bool go(struct worker *worker, int slot);
void check_place(const struct worker *worker);
void wander_begin(struct worker *worker);
void wander_end(struct worker *worker);
void own_round(struct worker *worker);
void wander_round(struct worker *worker);
void move_somebody(struct random *random);

/* --- stores of threads that are moved --------------------------------------- */

void landing_begin(void);
void landing_clear(void);
void landing_store(struct worker *worker);
void landing_tour(int slot);
void landing_judge(void);

/* --- duels: stores against unshare or share ---------------------------------- */

void duel_begin(void);
void duel_plan(struct random *random, int slot);
void duel_store(struct random *random);
void duel_divide(void);
void duel_tour(int slot);
void duel_judge(void);

/* --- noise ------------------------------------------------------------------- */

void noise_begin(void);
void noise_end(void);
void machine_begin(void);
void machine_end(void);

/* --- planted mistakes --------------------------------------------------------- */

enum plant { NO_PLANT, PLANT_STORE, PLANT_WRITE, PLANT_ENTER, PLANT_UNSHARE };

extern enum plant plant;

bool planted(enum plant here);

#endif
