#include "technical/prefix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

struct prefix_table {
	size_t count;
	struct prefix *list; // by family, length, address
	// Where the prefixes of each length begin, IPv4 and IPv6 one behind the other.
	size_t begin[2][130];
};

static size_t row_of(uint8_t family)
{
	return family == 6;
}

struct address prefix_cut(const struct address *address, unsigned bits)
{
	struct address cut = {.family = address->family};
	for (unsigned i = 0; i < 16 && 8 * i < bits; i++) {
		unsigned left = bits - 8 * i;
		uint8_t mask = left >= 8 ? 0xff : (uint8_t)(0xff00 >> left);
		cut.octets[i] = address->octets[i] & mask;
	}
	return cut;
}

char *prefix_text(const struct prefix *prefix, char *buf)
{
	char ip[ADDRESS_TEXT];
	snprintf(buf, PREFIX_TEXT, "%s/%u", address_format_ip(&prefix->address, ip),
	        (unsigned)prefix->length);
	return buf;
}

// ---- Reading --------------------------------------------------------------------------------

struct reader {
	struct arena *arena;
	const char *file, *text;
	size_t length;
	enum prefix_labels labels;
	size_t at, line; // the line begins at `at`, and is the line-th, from 1
	struct error *err;
};

static enum result wrong(const struct reader *r, size_t column, const char *what)
{
	return error_set(
	        r->err, RESULT_INPUT, "%.200s:%zu:%zu: %s", r->file, r->line, column + 1, what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

// "192.0.2.0/24", n octets of it.
static enum result read_prefix(
        const struct reader *r, const char *word, size_t n, size_t column, struct prefix *prefix)
{
	char text[ADDRESS_TEXT];
	const char *slash = memchr(word, '/', n);
	size_t digits = slash != NULL ? n - (size_t)(slash - word) - 1 : 0;
	unsigned bits = 0;
	if (slash == NULL || digits == 0 || digits > 3 || (size_t)(slash - word) >= sizeof text ||
	        memchr(word, '@', n) != NULL)
		return wrong(r, column, "expected a prefix, such as 192.0.2.0/24");
	memcpy(text, word, (size_t)(slash - word));
	text[slash - word] = '\0';
	for (size_t i = 1; i <= digits; i++) {
		if (slash[i] < '0' || slash[i] > '9')
			return wrong(r, column, "expected a number of bits behind the '/'");
		bits = 10 * bits + (unsigned)(slash[i] - '0');
	}
	if (strlen(text) != (size_t)(slash - word) ||
	        address_parse(text, 0, &prefix->address, NULL) != RESULT_OK)
		return wrong(r, column, "expected an IP address before the '/'");
	if (bits > (prefix->address.family == 4 ? 32u : 128u))
		return wrong(r, column, "the prefix is longer than an address");
	struct address cut = prefix_cut(&prefix->address, bits);
	if (!address_equal_ip(&cut, &prefix->address))
		return wrong(r, column, "there are bits set behind the prefix's length");
	prefix->length = (uint8_t)bits;
	return RESULT_OK;
}

static enum result read_label(
        const struct reader *r, const char *label, size_t n, size_t column, struct prefix *prefix)
{
	if (n == 0 && r->labels == PREFIX_NEEDS_LABEL)
		return wrong(r, column, "expected the network's name behind the prefix");
	if (n > PREFIX_LABEL_MAX)
		return wrong(r, column, "the name is too long");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)label[i] < ' ' || label[i] == 0x7f)
			return wrong(r, column + i, "a control character");
	prefix->label = n > 0 ? arena_strndup(r->arena, label, n) : "";
	if (prefix->label == NULL)
		return error_set(r->err, RESULT_MEMORY, "no memory for %.200s", r->file);
	return RESULT_OK;
}

// One line of n octets; *found says whether it has a prefix.
static enum result read_line(
        const struct reader *r, const char *line, size_t n, struct prefix *prefix, bool *found)
{
	const char *comment = memchr(line, '#', n);
	size_t from = 0;
	if (comment != NULL)
		n = (size_t)(comment - line);
	while (n > 0 && is_space(line[n - 1]))
		n--;
	while (from < n && is_space(line[from]))
		from++;
	*found = from < n;
	if (from == n)
		return RESULT_OK;
	size_t end = from;
	while (end < n && !is_space(line[end]))
		end++;
	enum result result = read_prefix(r, line + from, end - from, from, prefix);
	while (end < n && is_space(line[end]))
		end++;
	if (result == RESULT_OK)
		result = read_label(r, line + end, n - end, end, prefix);
	return result;
}

static enum result read_lines(struct reader *r, struct prefix_table *table, size_t room)
{
	while (r->at < r->length) {
		const char *line = r->text + r->at;
		const char *end = memchr(line, '\n', r->length - r->at);
		size_t n = end != NULL ? (size_t)(end - line) : r->length - r->at;
		bool found;
		struct prefix prefix = {0};
		r->line++;
		enum result result = read_line(r, line, n, &prefix, &found);
		if (result != RESULT_OK)
			return result;
		if (found && table->count == room)
			return error_set(r->err, RESULT_LIMIT, "%.200s has more than %zu prefixes",
			        r->file, room);
		if (found)
			table->list[table->count++] = prefix;
		r->at += n + 1;
	}
	return RESULT_OK;
}

// ---- The table ------------------------------------------------------------------------------

static int by_place(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	if (x->address.family != y->address.family)
		return x->address.family < y->address.family ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return memcmp(x->address.octets, y->address.octets, sizeof x->address.octets);
}

// Equal lines count once.
static enum result make_unique(
        const struct reader *r, struct prefix_table *table, struct error *err)
{
	char text[PREFIX_TEXT];
	size_t kept = 0;
	for (size_t i = 0; i < table->count; i++) {
		struct prefix *last = kept > 0 ? &table->list[kept - 1] : NULL;
		if (last == NULL || by_place(last, &table->list[i]) != 0)
			table->list[kept++] = table->list[i];
		else if (strcmp(last->label, table->list[i].label) != 0)
			return error_set(err, RESULT_INPUT,
			        "%.100s has the prefix %s twice, for '%.80s' and for '%.80s'",
			        r->file, prefix_text(last, text), last->label,
			        table->list[i].label);
	}
	table->count = kept;
	return RESULT_OK;
}

static void index_lengths(struct prefix_table *table)
{
	size_t i = 0;
	for (size_t row = 0; row < 2; row++)
		for (unsigned bits = 0; bits < 130; bits++) {
			while (i < table->count &&
			        (row_of(table->list[i].address.family) < row ||
			                (row_of(table->list[i].address.family) == row &&
			                        table->list[i].length < bits)))
				i++;
			table->begin[row][bits] = i;
		}
}

static size_t count_lines(const char *text, size_t length)
{
	size_t lines = 1;
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

enum result prefix_table_parse(struct arena *arena, const char *file, const char *text,
        size_t length, enum prefix_labels labels, const struct prefix_table **table,
        struct error *err)
{
	struct reader r = {.arena = arena,
	        .file = file,
	        .text = text,
	        .length = length,
	        .labels = labels,
	        .err = err};
	size_t room = count_lines(text, length);
	room = room > PREFIX_MAX ? PREFIX_MAX : room;
	struct prefix_table *made = arena_alloc(arena, sizeof *made);
	if (made == NULL || (made->list = arena_array(arena, room, sizeof *made->list)) == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for %.200s", file);
	enum result result = read_lines(&r, made, room);
	if (result != RESULT_OK)
		return result;
	qsort(made->list, made->count, sizeof *made->list, by_place);
	result = make_unique(&r, made, err);
	if (result != RESULT_OK)
		return result;
	index_lengths(made);
	*table = made;
	return RESULT_OK;
}

enum result prefix_table_load(struct arena *arena, const char *path, enum prefix_labels labels,
        const struct prefix_table **table, struct error *err)
{
	char *text;
	size_t length;
	enum result result = file_read(arena, path, PREFIX_FILE_MAX, &text, &length, err);
	if (result == RESULT_OK)
		result = prefix_table_parse(arena, path, text, length, labels, table, err);
	return result;
}

size_t prefix_table_count(const struct prefix_table *table)
{
	return table->count;
}

static const struct prefix *find_exactly(
        const struct prefix_table *table, const struct address *address, unsigned bits)
{
	size_t row = row_of(address->family);
	size_t low = table->begin[row][bits], high = table->begin[row][bits + 1];
	struct address cut = prefix_cut(address, bits);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order =
		        memcmp(cut.octets, table->list[middle].address.octets, sizeof cut.octets);
		if (order == 0)
			return &table->list[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct prefix *prefix_find(const struct prefix_table *table, const struct address *address)
{
	if (address->family == 0)
		return NULL;
	for (unsigned bits = address->family == 4 ? 33 : 129; bits-- > 0;) {
		const struct prefix *found = find_exactly(table, address, bits);
		if (found != NULL)
			return found;
	}
	return NULL;
}

// ---- What comes with Baton ------------------------------------------------------------------

static const char special[] = "0.0.0.0/8 this network\n"
                              "10.0.0.0/8 private use\n"
                              "100.64.0.0/10 shared address space\n"
                              "127.0.0.0/8 loopback\n"
                              "169.254.0.0/16 link local\n"
                              "172.16.0.0/12 private use\n"
                              "192.0.0.0/24 IETF protocol assignments\n"
                              "192.0.2.0/24 documentation\n"
                              "192.88.99.0/24 6to4 relays\n"
                              "192.168.0.0/16 private use\n"
                              "198.18.0.0/15 benchmarking\n"
                              "198.51.100.0/24 documentation\n"
                              "203.0.113.0/24 documentation\n"
                              "224.0.0.0/4 multicast\n"
                              "240.0.0.0/4 reserved\n"
                              "::/128 unspecified\n"
                              "::1/128 loopback\n"
                              "::ffff:0:0/96 IPv4 inside IPv6\n"
                              "64:ff9b::/96 address translation\n"
                              "64:ff9b:1::/48 address translation\n"
                              "100::/64 discard only\n"
                              "2001::/23 IETF protocol assignments\n"
                              "2001:db8::/32 documentation\n"
                              "2002::/16 6to4\n"
                              "3fff::/20 documentation\n"
                              "5f00::/16 segment routing\n"
                              "fc00::/7 unique local\n"
                              "fe80::/10 link local\n"
                              "fec0::/10 site local\n"
                              "ff00::/8 multicast\n";

const struct prefix_table *prefix_table_special(struct arena *arena)
{
	const struct prefix_table *table = NULL;
	if (prefix_table_parse(arena, "built in", special, sizeof special - 1, PREFIX_NEEDS_LABEL,
	            &table, NULL) != RESULT_OK)
		return NULL;
	return table;
}
