// A timeline that the lab plays: the same file is judged by the safety model, and done to the lab's
// zone, so that what the validators see can be compared with what was foretold.
//
//     struct play *play;
//     if (play_load(arena, "predicted/hard-switch.yaml", &play, &err) != RESULT_OK) ...
//     play->forecast[SAFETY_DIRECT].bogus_ms      // 0: at the instant of the first event
//     play_run(play, lab, zero_ms, &err);         // every event at its instant after zero_ms
//
// Such a timeline uses the lab's own words: group A is the losing operator with the keys Ka (KSK)
// and Za (ZSK), B is the gaining one with Kb and Zb, and `start` is how the lab starts. Its events
// change DS and NS records at the parent and DNSKEY and NS records at the operators, each by a
// dynamic update; Kn, the losing operator's new KSK, is published by its signer, which signs the
// DNSKEY set with it; and the losing operator may serve no longer. Its TTLs are those of the lab.
// What it expects must be what the model says.
//
// A timeline with the group `root` is of the root's keys, in a lab whose validators follow them by
// RFC 5011 (lab.h: follow_anchors). Its keys are Kold and Knew, the KSKs, Krevoked, which is Kold
// with the REVOKE bit, and Z; `parent` stands for the validators, and its `ds` for what they trust:
// nobody acts there, but the timeline cannot go on unless each has written that down within the
// lag, which the lab's script `anchors` finds out. Which keys the root has, and which sign, is the
// script root-keys' work.
//
// Memory: everything lives in the arena. Errors: RESULT_INPUT with the file for a timeline that the
// lab cannot play, or whose `expect` is not the model's verdict; RESULT_TIMEOUT where an event was
// not served everywhere within the timeline's lag, so that the forecast does not hold.
#pragma once

#include "lab.h"

#include "safety/safety.h"

#define PLAY_MAX_ACTS  64
#define PLAY_MAX_LINES 16

// A record that an act adds or takes away.
struct play_line {
	bool add;
	const char *type;
	const char *rdata; // with ${...} of the lab in it
	bool by_signer;    // a key of the signer's own: it publishes it, and signs with it
	uint32_t ttl_s;
};

// What one party publishes anew at one instant, in one update.
struct play_act {
	int64_t at_ms, lag_ms;
	int party;                       // LAB_PARTIES: the root
	const char *root_old, *root_new; // what the root's keys are to be, or to be taken for
	bool stops;                      // the party's servers end
	size_t count;
	struct play_line line[PLAY_MAX_LINES];
};

// What the model says about one kind of reader; instants in ms after the timeline's 0s.
struct play_forecast {
	enum safety_word word;
	int64_t insecure_ms; // the first instant of insecure answers; TIME_NEVER_MS: never
	int64_t bogus_ms;    // the first instant of bogus or unreachable; TIME_NEVER_MS: never
	int64_t ttl_ms;      // of the cached record to blame
	const char *witness;
};

struct play {
	const char *file, *name;
	uint32_t ttl_s[LAB_TTL_COUNT]; // 0: the timeline does not say
	int64_t lag_ms;                // the largest
	bool of_root;
	size_t acts;
	struct play_act act[PLAY_MAX_ACTS]; // in order of time
	struct play_forecast forecast[SAFETY_PATHS];
};

enum result play_parse(struct arena *arena, const char *file, const char *data, size_t length,
        struct play **play, struct error *err);
enum result play_load(struct arena *arena, const char *path, struct play **play, struct error *err);

// Does all acts, at zero_ms (ms since the Unix epoch) plus their instants, and waits after each one
// until both servers of the party show it.
enum result play_run(
        const struct play *play, const struct lab *lab, int64_t zero_ms, struct error *err);
