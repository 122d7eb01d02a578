// What the tests of src/dns share: arenas, fixtures, zones read as RRsets. Failures end the test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/verify.h"

int make_arena(void **state);
int free_arena(void **state);

// Fails with the error's sentence unless result is RESULT_OK.
void must(enum result result, const struct error *err);

const uint8_t *name(struct arena *arena, const char *text);
// The RDATA of a text.
struct dns_rdata rdata(struct arena *arena, uint16_t type, const char *text);
struct dns_key *key(struct arena *arena, const char *owner, const char *text);
struct dns_ds ds(const char *text);
// Seconds since the epoch of "2026-01-01T00:00:00Z".
int64_t seconds(const char *text);
// Equal names in equal case.
bool same_octets(const uint8_t *a, const uint8_t *b);

char *fixture(struct arena *arena, const char *file, size_t *length);
uint8_t *unhex(struct arena *arena, const char *text, size_t *length);
// The words of the lines of a fixture that begin with label; label NULL: of any line but comments,
// the n-th. NULL where there is none.
char **fixture_words(struct arena *arena, const char *file, const char *label, size_t n);

struct zone {
	size_t count;
	struct dns_rrset set[64];
};
// A text of records, one a line, as RRsets with their signatures.
void load_zone(struct arena *arena, const char *text, size_t length, struct zone *zone);
struct dns_rrset *zone_find(struct zone *zone, const uint8_t *owner, uint16_t type);
