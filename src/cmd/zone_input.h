// Where a command of baton-zone gets its zones from: a file, standard input, or a server.
//
//     struct zone_input input = {0};
//     const struct option_spec specs[] = {
//             {"--json", NULL, "…", .flag = &json},
//             ZONE_INPUT_OPTIONS(input),
//             {0},
//     };
//     struct zone *zone;
//     int status = zone_input_read(&input, argv[0], &zone);
//     if (status != 0)
//             return status;                // said on standard error
//
// While it takes long, and standard error is a terminal, a line there says how far it is.
#pragma once

#include "cmd/options.h"
#include "zone/zone.h"

struct zone_input {
	const char *origin;  // --origin
	const char *base;    // --base
	const char *key;     // --key
	const char *timeout; // --timeout
	const char *within;  // --within
	const char *max;     // --max
};

// clang-format off
#define ZONE_INPUT_OPTIONS(input)                                                                  \
	{"--origin", "NAME", "what relative names in a file are under", .text = &(input).origin},  \
	{"--base", "FILE", "an earlier version, for ixfr://", .text = &(input).base},              \
	{"--key", "FILE", "the TSIG key of a transfer: algorithm:name:base64",                     \
	        .text = &(input).key},                                                             \
	{"--timeout", "DURATION", "how long a server may be silent, 30s",                          \
	        .text = &(input).timeout},                                                         \
	{"--within", "DURATION", "how long a whole transfer may take, 2h",                         \
	        .text = &(input).within},                                                          \
	{"--max", "SIZE", "how much a server may send, as in 500M or 8G, 64G",                     \
	        .text = &(input).max}
// clang-format on

// For the end of the help text.
#define ZONE_INPUT_HELP                                                                            \
	"a ZONE is a file, - for standard input, or axfr://SERVER[:PORT]/NAME, a transfer from\n"  \
	"the server with this address, as in axfr://192.0.2.1/example or "                         \
	"axfr://[2001:db8::1]:5353/example;\n"                                                     \
	"with ixfr:// only what changed since --base is transferred"

// 0 and the zone, for zone_free(); or EXIT_USAGE.
int zone_input_read(const struct zone_input *input, const char *what, struct zone **zone);

// A whole number of decimal digits, at most 18 of them.
bool zone_option_number(const char *text, uint64_t *number);

// A line on standard error that shows how far something is; nothing where that is no terminal.
//
//     struct zone_progress p = zone_progress("verifying");
//     zone_progress_show(&p, done, all);                        // as often as one likes
//     zone_progress_end(&p);
struct zone_progress {
	const char *what;
	int64_t started_ms, shown_ms;
	bool is_terminal, shown;
};
struct zone_progress zone_progress(const char *what);
// What is counted is given in `unit`: "MB" for octets, otherwise as it is ("records").
void zone_progress_show(
        struct zone_progress *progress, uint64_t done, uint64_t all, const char *unit);
void zone_progress_end(struct zone_progress *progress);
