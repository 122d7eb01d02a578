// A whole change in a simulated world: the DNS of simdns.h, a definition written for it, a journal
// in a real file, and the engine, which a test can kill at any instant.
//
//     struct scene *s = scene_new(&(struct scene_options){.seed = 1});
//     scene_run(s, 60 * DAY_MS);
//     assert_int_equal(s->end, CHANGE_FINISHED);
//     scene_judge(s);                // the journal is good, and no resolver could have failed
//     scene_free(s);
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "change/engine.h"
#include "change/rejudge.h"
#include "journal/verify.h"
#include "simdns.h"

enum scene_way { SCENE_AUTOMATIC, SCENE_PERSON };

struct scene_options {
	uint64_t seed;
	const char *procedure; // default operator-change
	const struct simdns_ttls *ttls;
	const char *poll, *data_ttl, *lag; // texts of durations; defaults 6h, 2d, 6h
	int64_t ghost_ms;                  // delay of the addresses that nobody sees; default 5h
	bool no_past;                      // nothing is declared about the past
	bool approvals;                    // approvals have to be given
	bool persons;                      // relays and the like are said to be done by people
	bool insecure;                     // may-be-insecure: true
	enum scene_way losing, gaining, registrar, stop;
	bool stop_once; // the command that stops the losing servers must not be repeated
	bool no_confirmation;
};

struct scene;
typedef void scene_said(
        struct scene *scene, enum change_said what, const char *step, const char *text);

struct scene {
	struct scene_options options;
	struct sim *sim;
	struct loop *loop;
	struct simdns *dns;
	struct arena *arena;
	char folder[64], *definition_path, *journal_path;
	const struct change_definition *definition;
	struct journal *journal;
	struct change_engine *engine;
	enum change_end end;
	struct error err;
	struct buffer log;    // one line for each thing said
	struct buffer screen; // what it waited for at the last turn
	unsigned said[CHANGE_SAID_END + 1];
	unsigned commands;        // how often the command that stops the losing servers was started
	struct sim_outcome stops; // how it ends
	bool stops_nothing;       // it says that it did, and did not
	bool stops_dark;          // it does, and the servers do not even refuse
	scene_said *on_said;      // may be NULL
	void *ctx;                // the test's own

	// Killing the engine: at the n-th point that is reached, counted from 1; 0: never.
	unsigned reached, kill_at;
	enum change_point killed_at;
	char killed_step[PROCEDURE_MAX_ID + 1];
	bool killed, kill_on_change; // or when a server has changed something
	jmp_buf out;
	bool running;
	struct loop_timer timers[16];
	size_t timer_count;
};

struct scene *scene_new(const struct scene_options *options);
void scene_free(struct scene *scene);
// Starts the engine where it does not run, and runs it for so long, or until the change ends or the
// engine is killed.
void scene_run(struct scene *scene, int64_t for_ms);
// The engine cannot be started: this code, and this in its sentence.
void scene_start_fails(struct scene *scene, enum result code, const char *text);
// Replaces a piece of the definition.
void scene_define(struct scene *scene, const char *piece, const char *other);
// What a stop signal does: the engine is freed, the journal closed.
void scene_stop(struct scene *scene);
// Once, in so long; not more than 16 of them.
void scene_at(struct scene *scene, int64_t in_ms, void (*what)(void *ctx), void *ctx);

// What a person says, in the journal.
void scene_guest(struct scene *scene, enum journal_kind kind, const char *step, const char *party);
int64_t scene_wall_ms(const struct scene *scene);

// The number of records of a kind in the journal; of a step, where step is not NULL.
unsigned scene_records(struct scene *scene, enum journal_kind kind, const char *step);
// When the step was seen everywhere; TIME_NEVER_MS where it was not.
int64_t scene_seen_ms(struct scene *scene, const char *step);

// Fails where the journal is not good, or where an engine started from it would know something else
// than the one that runs; the other one, too, where it holds no verdict.
void scene_verify_chain(struct scene *scene);
void scene_verify(struct scene *scene);
// The worst that any resolver could have met, by what was really served.
enum safety_word scene_truth(struct scene *scene);
// Both; and the truth has to be no worse than this.
void scene_judge(struct scene *scene, enum safety_word worst);
// Fails unless the text was said.
void scene_said_text(const struct scene *scene, const char *text);

// The sample to be drawn: BATON_TEST_SEED, or another one each time; printed once.
uint64_t scene_seed(void);
bool scene_full(void); // BATON_TEST_FULL
