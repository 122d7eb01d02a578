// Which network an address is in: a table of prefixes from a file, longest match first.
//
//     # networks.txt
//     192.0.2.0/24      AS64496
//     2001:db8:a::/48   AS64496
//
//     const struct prefix_table *networks;
//     if (prefix_table_load(arena, "networks.txt", PREFIX_NEEDS_LABEL, &networks, err) != RESULT_OK)
//             return err->code;                      // "networks.txt:3:1: …"
//     const struct prefix *found = prefix_find(networks, &address);
//     if (found != NULL)
//             show(found->label);                     // "AS64496"
//
// A line is a prefix and a label, the rest of the line, with white space between; empty lines and
// what follows a '#' do not count. A table of prohibited networks may leave the label out, a table
// of networks may not. One prefix with two different labels is an error, as are bits behind the
// prefix's length.
//
// Everything lives in the arena and is for reading only. Errors: RESULT_INPUT with
// file:line:column, RESULT_LIMIT, RESULT_MEMORY, and those of file_read().
#pragma once

#include "base/arena.h"
#include "net/address.h"

#define PREFIX_FILE_MAX    (128u << 20) // octets
#define PREFIX_MAX         4000000      // lines with a prefix
#define PREFIX_LABEL_MAX   200          // octets
#define PREFIX_TABLE_ARENA (1u << 30)   // enough for the largest file

enum prefix_labels { PREFIX_NEEDS_LABEL, PREFIX_MAY_LACK_LABEL };

struct prefix {
	struct address address; // its first address, port 0
	uint8_t length;         // bits
	const char *label;      // "" where there is none
};

struct prefix_table;

// file is for messages only.
enum result prefix_table_parse(struct arena *arena, const char *file, const char *text,
        size_t length, enum prefix_labels labels, const struct prefix_table **table,
        struct error *err);
enum result prefix_table_load(struct arena *arena, const char *path, enum prefix_labels labels,
        const struct prefix_table **table, struct error *err);
// The special-purpose networks in which no name server can be reached from everywhere (RFC 6890 and
// the IANA registries that it made), the label being what they are for. NULL without memory.
const struct prefix_table *prefix_table_special(struct arena *arena);

size_t prefix_table_count(const struct prefix_table *table);
// The longest prefix that the address lies in, NULL where it is in none. The port does not count.
const struct prefix *prefix_find(const struct prefix_table *table, const struct address *address);
// The prefix of so many bits around an address; bits is at most 32 or 128.
struct address prefix_cut(const struct address *address, unsigned bits);

#define PREFIX_TEXT (ADDRESS_TEXT + 5)
// "192.0.2.0/24"; buf has PREFIX_TEXT octets. Returns buf.
char *prefix_text(const struct prefix *prefix, char *buf);
