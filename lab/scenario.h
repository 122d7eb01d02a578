// A scenario: a lab, the prober, a list of timed actions, and what the validators must have seen.
//
//     scenario: hard-switch
//     about: The NS and DS records are swapped at once at the parent.
//     shape: domain                              # optional: of the lab (shape.h)
//     ttl: {ds: 6s, dnskey: 10s}                 # optional, as for `baton lab up --ttl`
//     names: 3000                                # optional: how many n000001... are in the zone
//     answers: minimal                           # optional: without the zone's NS set, else full
//     anchors: followed                          # optional: by RFC 5011 (lab.h), else fixed
//     signers: {losing: bind, gaining: {software: knot, keys: single, new-algorithm: ed25519}}
//                                                # optional: what signs, if not Knot and BIND
//     probe: {rate: 80, timeout: 4s}             # optional
//     steps:
//       - sleep: 5s
//       - mark: switch                           # a name for this instant
//       - update: registry                       # to whom; signed with the party's key
//         script: |                              # words of knsupdate(1)
//           del ${ZONE} DS
//           add ${ZONE} ${TTL_DS} DS ${GAINING_DS}
//       - wait: {at: "${REGISTRY_SECONDARY_V4}", name: "${ZONE}", type: DS, is: "${GAINING_DS}",
//                within: 10s}                    # or: `gone: true`; without `is`, any record
//       - run: [rndc, -c, "${DIR}/keys/rndc-b1.conf", sign, example.test]
//         within: 30s                            # must end with status 0, inside the lab
//       - mark: killed
//       - restart: a1                            # kill a server (SIGKILL) and start it again
//       - mark: back
//       - register: 25                           # delegations a second from here on (registrar.h)
//       - register: end
//       - play: predicted/hard-switch.yaml       # every event of a timeline at its instant
//       - change: ksk-rollover                   # lab/changes/…, by `baton run` (rehearse.h)
//         undo-after: exchange-ds                # optional; or `refused:`, a step never safe,
//                                                # or `missing:`, what it must not begin for, or
//                                                # `stops-at:`, a step whose command finds fault
//     expect:
//       every: secure                            # no answer that is not authenticated
//       registered: 20                           # registrations a second, at least
//       fresh: 100                               # fresh names answered by each validator, at least
//       tolerate: {failures: 2, from: killed, until: back}    # between these marks
//
// What is tolerated are answers that did not come or were SERVFAIL, so many of each validator, from
// the first mark on until all that was asked before the second one has ended; insecure answers and
// wrong ones never are.
//
// or, where failures are to be seen:
//
//     expect:
//       failing: [unbound, bind, forwarded]      # each has failures; others may have some
//       after: switch                            # none before this mark,
//       within: 20s                              # and the first one of each no later than this
//
// or, where a change takes the zone through insecure:
//
//     expect:
//       insecure: as-planned                     # no failures; each validator has insecure answers,
//                                                # for no longer than the plan of the change says,
//       fresh: 100                               # and none at the end
//
// or, with a step `play`, what the safety model says about that timeline (play.h):
//
//     expect:
//       predicted:
//         failing: [unbound, bind, forwarded]    # each fails, not before the instant foretold
//                                                # and within one TTL of the record to blame
//         may-recover: {kresd: "asks again"}     # of that kind, too; why it may escape
//
// Whoever fails must not fail before the predicted instant, nor give insecure answers before the
// model has some. Behind the forwarder the verdict for `forwarder` counts, else the one for
// `direct`; every validator for which the model foretells failures must be in one of the two lists.
// A timeline's TTLs are those of the lab; `ttl` may add others.
//
// Variables: DIR, ZONE, TTL_<KIND>, and for each of REGISTRY, LOSING and GAINING _NS1, _NS2
// (names), _PRIMARY_V4, _PRIMARY_V6, _SECONDARY_V4, _SECONDARY_V6, _TSIG (key file), and for the
// operators _SIGNER, _KSK, _ZSK, _DS (RDATA at the start), _KSK_NEW, _ZSK_NEW, _DS_NEW of keys that
// are not published yet; SINCE, TTL_LARGEST_DATA and LAST_NAME (n024000), for a change. _ZSK is not
// there where a single key signs.
//
//     struct scenario *s;
//     if (scenario_load(arena, "hard-switch.yaml", &s, &err) != RESULT_OK) ...
//     scenario_run(s, &options, NULL, &outcome, &err);        // NULL: no log
//
// Everything of a scenario lives in the arena. Errors: RESULT_INPUT with file:line:column for the
// file; the errors of the lab and of the step that failed. A scenario whose expectation is not met
// is no error: outcome.met is false, outcome.why says why.
#pragma once

#include "lab.h"
#include "play.h"
#include "prober.h"
#include "registrar.h"

#include "base/yaml.h"

#define SCENARIO_MAX_STEPS 200
#define SCENARIO_MAX_WORDS 64
#define SCENARIO_MAX_MARKS 32

enum scenario_action {
	SCENARIO_SLEEP,
	SCENARIO_MARK,
	SCENARIO_UPDATE,
	SCENARIO_WAIT,
	SCENARIO_RUN,
	SCENARIO_RESTART,
	SCENARIO_PLAY,
	SCENARIO_CHANGE,
	SCENARIO_REGISTER,
};

struct scenario_step {
	enum scenario_action action;
	const struct yaml_node *node; // for messages
	int64_t time_ms;              // sleep; within
	const char *mark;
	const char *server; // to restart
	int party;
	const char *script;
	struct lab_condition condition;
	const char **words; // NULL-terminated
	const struct play *play;
	unsigned rate; // of registrations, a second; 0: they end
	// Of the rehearsal; all but the first may be NULL.
	const char *change, *undo_after, *refused, *missing, *stops_at, *saying;
};

struct scenario_expect {
	bool every_secure;
	bool insecure_as_planned;    // secure or insecure, the latter as the plan has it
	int64_t tolerate;            // so many of each validator do not count,
	const char *from, *until;    // between these marks; NULL where none is tolerated
	int64_t fresh;               // least number of fresh answers of each validator
	int64_t registered;          // least number of acknowledged registrations a second
	bool failing[LAB_RESOLVERS]; // these must fail
	bool any_failing;
	const char *after;                     // mark, or NULL
	int64_t within_ms;                     // 0: no limit
	bool predicted;                        // as the model says about `play`
	const char *recovering[LAB_RESOLVERS]; // why it may escape; NULL: it must fail
};

struct scenario {
	const char *file, *name, *about;
	const struct shape *shape; // of the lab
	uint32_t ttl_s[LAB_TTL_COUNT];
	int64_t names; // 0: as the shape has it
	bool minimal_answers, follow_anchors;
	struct lab_signer signer[LAB_PARTIES];
	struct prober_options prober;
	struct scenario_step step[SCENARIO_MAX_STEPS];
	size_t steps;
	const struct play *play; // NULL: none
	struct scenario_expect expect;
};

// The mark that a step `play` sets: its timeline's 0s.
#define SCENARIO_PLAY_MARK "0s"

struct scenario_outcome {
	bool met;
	char why[500]; // empty where met
	struct prober_counts counts;
	struct registrar_counts registered; // all 0 where nothing was registered
	size_t marks;
	struct {
		const char *name;
		int64_t at_ms;
	} mark[SCENARIO_MAX_MARKS];
	int64_t change_ms;           // how long the changes took; 0 where there is none
	char waits[32768];           // what they waited for, a line each
	int64_t planned_insecure_ms; // how long resolvers may see the zone as insecure, by the
	                             // plans
};

enum result scenario_parse(struct arena *arena, const char *file, const char *data, size_t length,
        struct scenario **scenario, struct error *err);
enum result scenario_load(
        struct arena *arena, const char *path, struct scenario **scenario, struct error *err);

// The lab that a scenario wants: TTLs and kind of answers go into options.
void scenario_lab_options(const struct scenario *scenario, struct lab_options *options);

// Starts a lab with lab_options (in which the scenario's own come first), runs the steps under the
// prober, ends the lab, judges. log_path, for the prober's log, may be NULL.
enum result scenario_run(const struct scenario *scenario, const struct lab_options *lab_options,
        const char *log_path, struct scenario_outcome *outcome, struct error *err);

// The same in a lab that runs already, whose TTLs stay as they are.
enum result scenario_run_in(const struct scenario *scenario, const struct lab *lab,
        const char *log_path, struct scenario_outcome *outcome, struct error *err);

// The model's forecast for a validator, by its index.
const struct play_forecast *scenario_forecast(const struct scenario *scenario, int resolver);

// What was seen, what was foretold, and the judgement, for people.
void scenario_report(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome, struct buffer *out);

// The same for programs: one JSON object, in one line.
void scenario_json(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome, struct buffer *out);

// From the first insecure answer of a validator to its last; 0 where it had none.
int64_t scenario_insecure_ms(const struct prober_tally *tally);

// Judges counts against the expectation; fills outcome->met and why.
void scenario_judge(const struct scenario *scenario, const struct lab_info *info,
        struct scenario_outcome *outcome);
