// Acting: handing an intended change to whoever can make it, one file for each way.
//
//     struct act *act;
//     act_ddns_new(&(struct act_ddns){.loop = loop, .engine = engine, .random = random_system(),
//             .server = tld, .zone = "test", .key = "hmac-sha256:registrar:c2Vj…"}, &act, err);
//     const char *ds[] = {"12345 13 2 49FD…", "54321 13 2 A1B2…"};
//     struct act_operation operation = {.kind = ACT_REPLACE, .name = "example.test",
//             .type = DNS_TYPE_DS, .ttl_s = 3600, .count = 2, .records = ds};
//     struct act_request request = {.change = "move-example", .step = "add-new-ds",
//             .zone = "example.test", .count = 1, .operations = &operation};
//     act_describe(act, &request, &json, err);            // for the journal, before anything is sent
//     act_submit(act, &request, ended, ctx, err);
//     …
//     static void ended(void *ctx, const struct act_outcome *outcome)
//     {
//             switch (outcome->word) …                    // "REFUSED: the server says NOTAUTH"
//     }
//
// An outcome is what the other side *says*; it is never evidence that the DNS has changed. Only
// observation is. Four words:
//
//   done       the other side says that it did it
//   refused    the other side says that it did not, and why
//   unknown    nobody knows: no answer in time, a lost connection, an answer that nobody can use or
//              whose signature is wrong; it may have been done, may be done later, or never
//   not sent   it failed on our side before anything left this machine
//
// All operations of one request are one change: a way to act that can do them in one transaction
// does. A request says what shall be, not what is different, as far as DNS allows, so that
// repeating it after a crash changes nothing more. Repeating one with `require_old` is refused when
// it was done already; who repeats it looks first.
//
// Memory: an act owns what it copied from its options; loop and engine outlive it. Requests and
// their strings are the caller's and may go away after the call. Several requests may be under way
// at once. Errors of act_submit (RESULT_INPUT for operations that this way cannot do,
// RESULT_MEMORY, RESULT_LIMIT, RESULT_NOT_FOUND for a missing program) mean the same as "not sent".
#pragma once

#include "base/error.h"
#include "dns/type.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum act_kind {
	ACT_ADD,     // these records shall be in the RRset
	ACT_REMOVE,  // these records shall not be in the RRset
	ACT_REPLACE, // the RRset shall be these records and no others; none: there shall be no
	             // RRset
};

enum { ACT_MAX_OPERATIONS = 64, ACT_MAX_RECORDS = 64 };

struct act_operation {
	enum act_kind kind;
	const char *name; // presentation format, absolute
	uint16_t type;
	uint32_t ttl_s;
	size_t count;
	const char *const *records; // RDATA in presentation format
	// ACT_REPLACE: what the RRset is now, as far as known. With require_old the change is only
	// made where it is exactly that. Needed to replace the NS set at the top of the zone that
	// is updated, because RFC 2136 3.4.2.4 protects that one.
	size_t old_count;
	const char *const *old;
	bool require_old;
};

struct act_request {
	const char *change, *step; // ids, for messages and for the command's environment
	const char *zone;          // the zone that is being moved
	size_t count;
	const struct act_operation *operations;
	// Further facts for whoever gets the request as JSON: an object, or NULL. A request may
	// consist of facts alone, for what is no record set (a server that is to stop).
	const json_t *facts;
};

enum act_word { ACT_DONE, ACT_REFUSED, ACT_UNKNOWN, ACT_NOT_SENT };
const char *act_word_text(enum act_word word); // "done", "refused", "unknown", "not sent"
const char *act_kind_text(enum act_kind kind); // "add", "remove", "replace"

enum { ACT_TEXT = 400 };

struct act_outcome {
	enum act_word word;
	char text[ACT_TEXT]; // one sentence, never empty
	int64_t at_ms;       // wall clock when it was known
	// What came back, as it came: a DNS response, or the command's standard output. NULL where
	// nothing did. Valid during the callback.
	const void *reply;
	size_t reply_octets;
};

typedef void act_ended(void *ctx, const struct act_outcome *outcome);

struct act;

// What would be done by whom, as a JSON object without secrets: {"by":"ddns","server":…,
// "operations":[{"kind":"replace","name":…,"type":"DS","ttl_s":…,"records":[…]}],…}. A new
// reference. RESULT_INPUT for a request that is none.
enum result act_describe(
        const struct act *act, const struct act_request *request, json_t **json, struct error *err);
// ended is called exactly once, from the loop, where this returns RESULT_OK, and otherwise never.
enum result act_submit(struct act *act, const struct act_request *request, act_ended *ended,
        void *ctx, struct error *err);
// Gives up what is under way, without callbacks: for those requests the outcome is unknown. NULL is
// fine.
void act_free(struct act *act);
