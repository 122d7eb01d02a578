// The definition of a bulk: one change for many zones. People write it as YAML;
// docs/man/baton-bulk.5 explains the format.
//
//     const struct bulk_definition *b;
//     if (bulk_definition_load(arena, "customers.yaml", &b, err) != RESULT_OK)
//             die_usage("%s", err->text);
//     const struct change_definition *d;
//     bulk_definition_zone(arena_of_zone, b, &b->zones[i], &d, err);
//
// Loading reads the template of the change with every zone put in, so that what is wrong with the
// last zone is found before the first one begins. A *lane* is one rate: of one party, and where
// that is the parent, for one parent zone; a zone is in one lane for each limit of the file.
//
// Everything lives in the arena; nothing is changed after loading. Errors: RESULT_INPUT with
// file:line, and what change_definition_load() says.
#pragma once

#include "bulk/zones.h"
#include "change/definition.h"

enum { BULK_MAX_WAVES = 64, BULK_MAX_LIMITS = 16, BULK_MAX_LANES = 4096, BULK_MAX_EFFECTS = 10000 };

struct bulk_limit {
	const char *party; // its name in the procedure
	int line;          // of the file
	unsigned effects;  // at most so many in per_ms; 0: no limit
	int64_t per_ms;
	unsigned zones; // at most so many in mid-change; 0: no limit
};

struct bulk_lane {
	unsigned limit;
	const char *name; // "registry", or "registry of test."
	const char *parent;
};

struct bulk_wave {
	size_t first, count; // of the zones
};

struct bulk_definition {
	const char *file, *id;
	const char *template_path, *template_text;
	size_t column_count;
	const char *columns[BULK_MAX_COLUMNS];
	const char *zones_file; // which their lines are of
	size_t zone_count;
	struct bulk_zone *zones; // in the order in which they go, wave by wave
	const struct bulk_zone **by_name;
	size_t wave_count; // with the canary, which is the first where there is one
	struct bulk_wave waves[BULK_MAX_WAVES];
	bool has_canary;
	int64_t soak_ms; // after the canary
	size_t limit_count;
	struct bulk_limit limits[BULK_MAX_LIMITS];
	size_t lane_count;
	struct bulk_lane *lanes;
	unsigned at_once;                   // zones in mid-change
	unsigned halt_after;                // so many anomalies; at least 1
	int64_t preflight_ms;               // within which a zone has to pass its preflight
	bool skip_preflight;                // a zone that does not is set aside, and is no anomaly
	unsigned queries_each, queries_all; // a second: to one address, and in all
	const char *journals;               // folder
	const char *ledger;                 // the bulk's own journal
	const char *procedure;              // of the first zone
	char digest[65];                    // of the zones and their waves
};

enum result bulk_definition_load(struct arena *arena, const char *path,
        const struct bulk_definition **out, struct error *err);

// Without template, changes and rates: the zones, their waves, and where the ledger is, which is
// all that people's words need (ledger.h). So a bulk can be halted at once however many zones it
// has, and whatever somebody has done to its template meanwhile.
enum result bulk_definition_load_zones(struct arena *arena, const char *path,
        const struct bulk_definition **out, struct error *err);

// The change of one zone, with its journal where the bulk has it.
enum result bulk_definition_zone(struct arena *arena, const struct bulk_definition *bulk,
        const struct bulk_zone *zone, const struct change_definition **out, struct error *err);

// Index of a zone by its name, with or without a final dot, in any case; -1 where there is none.
int bulk_zone_find(const struct bulk_definition *bulk, const char *name);

// The limit of a party; -1: none.
int bulk_limit_find(const struct bulk_definition *bulk, const char *party);
