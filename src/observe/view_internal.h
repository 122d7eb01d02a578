// Private to src/observe: the insides of a view.
//
// An *episode* is one content of one publisher and kind, from the first address that may have shown
// it to the last; a *place* is one address, with what it shows of each kind. Episodes are referred
// to by serial number, which is also the order in which they were first seen.
#pragma once

#include "observe/view.h"

enum { SHOWN_MAX = OBSERVE_MAX_CONTENTS, DS_MAX = SAFETY_MAX_DS };

struct episode {
	uint32_t serial;
	uint8_t publisher, kind;
	bool lingering;    // data that was not sampled may still be signed like this, until gone_ms
	uint16_t shown_by; // places
	uint32_t ttl_s;
	uint64_t content, signers; // content of DS: bits over the view's own table
	int64_t signed_from_ms, signed_until_ms;
	int64_t from_ms;
	int64_t gone_ms; // the latest instant at which a place was seen to have dropped it;
	                 // TIME_EVER_MS before the first
	int64_t last_signature_ms;
};

// One content that a place shows, with the signatures that it has there; the episode may be one
// that stands for it (view.c).
struct shown {
	uint32_t serial;
	int64_t signed_from_ms, signed_until_ms;
	int64_t begin_ms; // the earliest instant at which the place can have begun to show this
	int64_t seen_ms;  // when it was first seen
};

struct place_kind {
	bool used;     // this kind is asked for here
	bool answered; // completely, at least once
	bool gone;     // declared so
	uint8_t count;
	struct shown shown[SHOWN_MAX];
	int64_t asked_ms, answered_ms; // last complete answer
	int64_t since_ms;              // shows what it shows since
	int64_t first_ms;  // first answer since observation began (again); TIME_NEVER_MS before it
	int64_t silent_ms; // when it first failed after the last answer; TIME_NEVER_MS
};

struct place {
	uint8_t publisher;
	struct address server;
	struct place_kind kind[SAFETY_KINDS];
};

struct observe_view {
	const struct observe_subject *subject;
	uint8_t subject_hash[32];
	size_t place_count;
	struct place *places;
	size_t episode_count, episode_room;
	struct episode *episodes; // in order of serial
	uint32_t serial;

	struct dns_keys keys; // room for SAFETY_MAX_KEYS
	char key_name[SAFETY_MAX_KEYS][SAFETY_NAME];
	bool key_named[SAFETY_MAX_KEYS]; // by a person, not by us
	size_t ds_count;
	struct dns_ds ds[DS_MAX];
	// How a history numbers them: the key of each (numbers from key_count on are stand-ins),
	// and its bit.
	uint8_t ds_key[DS_MAX], ds_bit[DS_MAX];
	uint8_t stand_ins;
	bool limited; // something did not fit

	bool fed;
	int64_t last_ms, high_ms; // end of the last round; the largest one so far
	int64_t offset_ms;        // of the wall clock from the monotonic one of this session
	uint64_t session;
	int64_t past_since_ms;
	int64_t set_forward_ms; // by how much the clock was set in the last round; 0
	size_t problem_count;
	struct observe_gap *problems; // of the last round
};

struct episode *episode_find(const struct observe_view *view, uint32_t serial);
// The instant from which nobody shows it any more, TIME_NEVER_MS while somebody does.
int64_t episode_until_ms(const struct observe_view *view, const struct episode *episode);
// The content in the numbers of a history.
uint64_t episode_content(const struct observe_view *view, const struct episode *episode);
struct safety_readers view_readers(const struct observe_view *view);
struct place *view_place_find(
        const struct observe_view *view, int publisher, const struct address *server);

// How many more keys a history has numbers for, beside those of the table and the stand-ins for the
// keys of DS records that lead to none of them.
size_t view_keys_room(const struct observe_view *view);
// Puts a key into the table, which has room. name NULL: one is made up.
void view_key_take(struct observe_view *view, struct dns_key *key, const char *name);
// Forget what nothing refers to and nobody named; the numbers change.
void view_keys_compact(struct observe_view *view);
void view_ds_compact(struct observe_view *view);
// The number of a DS record, which is put into the table if there is room; -1 otherwise.
int view_ds_number(struct observe_view *view, const struct dns_ds *ds);
// Fits DS records to keys again after either table changed.
void view_number_ds(struct observe_view *view);

// One fact of a round. There is room for one more episode for each content, and SHOWN_MAX beside.
void view_fact_feed(struct observe_view *view, const struct observe_round *round,
        const struct observe_fact *fact);
// The place, which shows what pk says from now on, has dropped an episode at this instant.
void view_leave(
        struct observe_view *view, const struct place_kind *pk, uint32_t serial, int64_t gone_ms);
// Everything, not pruned.
enum result view_history_make(const struct observe_view *view, int64_t now_ms, bool with_names,
        struct safety_history *history, struct error *err);
// Gaps of a view whose history, not pruned, is this one.
void view_gaps_find(const struct observe_view *view, const struct safety_history *history,
        int64_t now_ms, struct observe_gaps *gaps);
// Whether all addresses of a publisher, at least one, fail at present while the parent answers.
bool view_is_silent(const struct observe_view *view, int publisher, int64_t *since_ms);
