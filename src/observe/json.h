// Private to src/observe: building and reading JSON values, checked.
//
// Building: a failed allocation makes NULL, which every function here takes and passes on, so that
// the caller checks once at the end. Reading: a struct reader remembers the first thing that is
// wrong; later calls do nothing and return harmless values.
#pragma once

#include "base/error.h"
#include "dns/key.h"
#include "net/address.h"

#include <jansson.h>

// Takes value's reference. object becomes NULL where it fails.
void json_put(json_t **object, const char *key, json_t *value);
void json_push(json_t **array, json_t *value);
json_t *json_name(const uint8_t *name);
json_t *json_address(const struct address *address);
json_t *json_rr_type(uint16_t type);
json_t *json_ds_list(const struct dns_ds *ds, size_t count);
json_t *json_bits(uint64_t bits); // the numbers of the bits that are set
json_t *json_hex(const uint8_t *octets, size_t n);

struct reader {
	struct arena *arena; // for what is read, may be NULL
	enum result result;
	struct error *err;
};

bool reader_fail(struct reader *reader, const char *what, const char *expected);
// The members of an object are exactly those of names (NULL-terminated), in any order.
bool reader_members(
        struct reader *reader, const json_t *object, const char *what, const char *const *names);
const char *reader_text(struct reader *reader, const json_t *object, const char *key);
int64_t reader_integer(
        struct reader *reader, const json_t *object, const char *key, int64_t min, int64_t max);
bool reader_bool(struct reader *reader, const json_t *object, const char *key);
// An array of at most max; NULL where it is none.
const json_t *reader_array(
        struct reader *reader, const json_t *object, const char *key, size_t max);
void reader_name(
        struct reader *reader, const json_t *object, const char *key, struct dns_name *name);
void reader_address(
        struct reader *reader, const json_t *object, const char *key, struct address *address);
uint16_t reader_type(struct reader *reader, const json_t *object, const char *key);
uint64_t reader_bits(struct reader *reader, const json_t *object, const char *key, size_t below);
void reader_hex(
        struct reader *reader, const json_t *object, const char *key, uint8_t *octets, size_t n);
void reader_ds_list(struct reader *reader, const json_t *object, const char *key, size_t max,
        const struct dns_ds **ds, size_t *count);
// The index of the member's text in texts, as text_of(0), text_of(1), … give them.
unsigned reader_word(struct reader *reader, const json_t *object, const char *key,
        const char *(*text_of)(unsigned), unsigned count);
