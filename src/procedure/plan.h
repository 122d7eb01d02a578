// Plans: a procedure, a zone's TTLs and lags, and an instant to begin, turned into a calendar.
// PURE.
//
// The planner runs the procedure on paper. Each step happens at the earliest instant that the
// safety model allows, given everything that was published before it (at its slowest: every change
// takes the whole declared lag), that the steps before it allow (observed on every address), that
// explicit waits allow, and after the delay that the party needs. For each wait it keeps the cached
// record that causes it. Where no instant is safe the plan ends there and says why.
//
//     struct scenario s;
//     scenario_init(&s, procedure);
//     scenario_parse_ttls(&s, "ds=1d,parent-ns=2d,child-ns=1h,dnskey=1h,data=1d", &err);
//     scenario_parse_lags(&s, procedure, "parent=1h,child=10m", &err);
//     s.start_ms = now_ms;
//     struct plan *plan;
//     if (plan_make(arena, procedure, &s, NULL, &plan, &err) == RESULT_OK)
//             plan_write_text(plan, &context, &out);     // procedure/render.h
//
// A plan lives in the arena, but for its history: plan_free(). RESULT_INPUT where procedure and
// scenario do not fit, or the plan goes beyond the year 9999; RESULT_LIMIT, RESULT_MEMORY; "never
// safe" is no error but a plan that says so.
#pragma once

#include "procedure/procedure.h"

struct scenario_keys {
	uint8_t algorithm, digest;
	uint16_t rsa_bits; // of the modulus, where the algorithm is RSA
};

enum {
	PLAN_NAME_OCTETS = 24,     // of the zone's name, where nobody says for which zone it is
	PLAN_DNSKEY_OCTETS = 1232, // larger answers do not fit in one datagram everywhere
};

// The octets of the answer with this DNSKEY set and the signatures of these keys, both bits over
// the history's keys; rsa_bits by key; name_octets is the zone's name on the wire. -1 where a key's
// algorithm is not known.
int procedure_dnskey_octets(const struct safety_history *history, uint64_t keys, uint64_t signers,
        const uint16_t rsa_bits[SAFETY_MAX_KEYS], int name_octets);

// What a procedure is planned for. Filled by scenario_init(), then changed by the caller.
struct scenario {
	// TTLs of the zone today; [party + 1][kind], [0] is the parent (DS, DS_NONE, PARENT_NS).
	// Use scenario_set_ttl() to set one kind for everybody.
	int64_t ttl_ms[PROCEDURE_MAX_PARTIES + 1][PROCEDURE_TTLS];
	int64_t lag_ms[PROCEDURE_MAX_PARTIES +
	               1]; // worst propagation to all addresses; [0] is the parent
	struct scenario_keys keys[PROCEDURE_MAX_KEYS]; // defaults: algorithm 13, digest type 2,
	                                               // 2048 bits
	int name_octets;     // of the zone's name on the wire; default PLAN_NAME_OCTETS
	uint32_t single_key; // bits over parties whose KSK and ZSK are one key
	int64_t start_ms;
	bool relative;                         // start_ms is 0 and instants are written as 12h30m
	int64_t delay_ms[PROCEDURE_MAX_STEPS]; // what each step's party needs once it may act
	int64_t signed_until_ms;               // of the signatures that are served at the start
	struct safety_readers readers;
};

// Defaults: the procedure's own `assume`, else ds 1d, parent-ns 2d, child-ns 1d, dnskey 2d, data
// 3d, ds-none as ds, lags 6h; start 0, relative; all readers.
void scenario_init(struct scenario *scenario, const struct procedure *procedure);
void scenario_set_ttl(struct scenario *scenario, enum procedure_ttl kind, int64_t ttl_ms);
// "ds=1d,parent-ns=2d": known kinds are ds, ds-none, parent-ns, child-ns, dnskey, data. ds-none
// follows ds unless it is named. RESULT_INPUT; the scenario is then as before.
enum result scenario_parse_ttls(struct scenario *scenario, const char *text, struct error *err);
// "parent=6h,child=10m", or a party's own name instead of child.
enum result scenario_parse_lags(struct scenario *scenario, const struct procedure *procedure,
        const char *text, struct error *err);

// Sets of TTLs that a procedure is proven with where nobody names any: the defaults, and each kind
// in turn far larger than the others, slow and without propagation. A file that assumes TTLs is
// proven with those only. false past the last.
bool scenario_profile(struct scenario *scenario, const struct procedure *procedure, size_t number,
        const char **name);

enum { PROCEDURE_MAX_ROUTES = 24, PROCEDURE_MAX_TURNS = 4 };

// One way through a procedure: which steps happen, in which order listed.
struct procedure_route {
	const char
	        *label; // "" for the main line, "publish-new-keys passes its deadline: go-insecure"
	size_t count;
	int steps[PROCEDURE_MAX_STEPS]; // indexes into procedure->steps
	// Where branches begin: the steps from position turn[i] on replace what is left of the
	// line, once the deadline of step late[i] has passed.
	size_t turns;
	size_t turn[PROCEDURE_MAX_TURNS];
	int late[PROCEDURE_MAX_TURNS];
	size_t skipped; // how many steps are left out
	bool has_expect;
	enum safety_word expect[SAFETY_PATHS];
};

// The main line first; then one for each branch that a deadline can lead into, and for each step
// that can be skipped. Lives in the arena.
enum result procedure_routes(struct arena *arena, const struct procedure *procedure,
        const struct procedure_route **routes, size_t *count, struct error *err);

// The cached record that makes a step wait, taken out of a struct safety_fault.
struct plan_record {
	bool is_set;
	int publisher; // number in the plan's history; 0 the parent
	enum safety_kind kind;
	int64_t fetch_ms, until_ms; // last fetched before, last used before
	enum safety_rule rule;
	const char *text; // the sentence
};

struct plan_undo {
	bool possible;    // back to where the procedure began, or to the last step without way back
	int64_t takes_ms; // from when the step is everywhere until the last undo is
	int stops_at;     // step index at which it stops: the no-return step, or the one the model
	                  // refuses
	const char *text; // why not; "" where possible
};

enum plan_state {
	PLAN_STEP_PLANNED,
	PLAN_STEP_NEVER,    // no safe instant; record says why
	PLAN_STEP_TOO_LATE, // safe only until until_ms, and the party needs longer
	PLAN_STEP_NOT_REACHED,
};

struct plan_step {
	const struct procedure_step *step;
	enum plan_state state;
	int64_t ready_ms;          // all steps before it are done and seen on every address
	int64_t wait_ms;           // explicit waits are over; TIME_EVER_MS without one
	int64_t safe_ms;           // safe from here on
	int64_t start_ms;          // happens, after the party's delay
	int64_t everywhere_ms;     // seen on every address
	int64_t until_ms;          // safe until here; TIME_NEVER_MS without end
	int64_t deadline_ms;       // the party's deadline; TIME_NEVER_MS without one
	bool makes_insecure;       // resolvers see the zone as insecure because of it
	bool no_way_back;          // after it, no undo leads to a state before it
	bool short_wait;           // the explicit wait alone would end before it is safe
	struct plan_record record; // what it waits for, where safe_ms > ready_ms
	struct plan_record end;    // what ends its window, where until_ms is not never
	struct plan_undo undo;
	struct safety_effect effect;
	int dnskey_octets;   // of the largest DNSKEY answer after it; -1 where not known
	bool changes_dnskey; // some DNSKEY set is another one after it
};

struct plan {
	const struct procedure *procedure;
	struct scenario scenario;
	struct procedure_route route;
	bool possible; // every step was planned
	// What speaks against carrying it out, a sentence; NULL where nothing does: a step that is
	// never safe or comes too early, or a verdict worse than safe (than insecure, where the
	// procedure expects that). A published text that expects to fail is not for carrying out.
	const char *objection;
	size_t count;
	struct plan_step *steps;           // in order of time
	int64_t end_ms;                    // the last step is seen everywhere
	int64_t insecure_ms;               // how long resolvers may see it as insecure
	struct safety_verdict verdict;     // of the whole timeline, as planned
	const char *witness[SAFETY_PATHS]; // "" where safe
	int dnskey_octets_before, dnskey_octets_largest; // DNSKEY answers; -1 where not known
	bool broken;                                     // something is wrong before the first step
	const char *broken_text;
	struct safety_history history; // everything that was published, on paper
	struct procedure_binding binding;
};

// The main line where route is NULL. A procedure with `waits: as-written` is planned literally: its
// steps happen when it says, safe or not, and `short_wait` marks those that come too early.
enum result plan_make(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route, struct plan **out,
        struct error *err);
// plan_make() judges the way back from each step with every change as slow as may be. This judges
// it with every other propagation, too, of the way there and of the way back, and notes in the plan
// where it is refused, and how long it takes at worst. Costs as much as check_procedure().
enum result plan_judge_undo(struct arena *arena, struct plan *plan, struct error *err);
void plan_free(struct plan *plan);
