#include "fleet.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "bulk/ledger.h"

#define WALL_START_MS INT64_C(1780000000000)

static const struct simdns_ttls ttls = {.ds_s = 600,
        .parent_ns_s = 600,
        .ns_s = 600,
        .dnskey_s = 600,
        .sample_s = 600,
        .negative_s = 600,
        .data_s = 600};

static const char procedure[] =
        "procedure: exchange-keys\ntitle: Two operators exchange keys\nsource: a test\n"
        "parties:\n  losing: {is: operator}\n  gaining: {is: operator}\n"
        "  registrar: {is: registrar}\n  registry: {is: parent}\n"
        "start: {parent.ns: losing.ns}\n"
        "requires:\n  - every address answers and agrees\n  - largest TTLs known\n"
        "steps:\n"
        "  - id: import-losing\n    title: The gaining operator publishes the other's ZSK\n"
        "    by: gaining\n    does: gaining.dnskey + losing.zsk\n"
        "    undo: gaining.dnskey - losing.zsk\n"
        "  - id: import-gaining\n    title: The losing operator publishes the other's ZSK\n"
        "    by: losing\n    does: losing.dnskey + gaining.zsk\n"
        "    undo: losing.dnskey - gaining.zsk\n"
        "  - id: add-ds\n    title: The DS set names both KSKs\n"
        "    by: registrar\n    does: parent.ds + gaining.ksk\n"
        "    undo: parent.ds - gaining.ksk\n    within: 2d\n    else: ";

// ---- The servers -----------------------------------------------------------------------------

// Whose zone it is; what is about the parent alone is in everybody's.
static size_t zone_of(const struct fleet *f, const uint8_t *name)
{
	char text[DNS_NAME_TEXT];
	size_t labels = dns_name_labels(name);
	if (labels < 2)
		return 0;
	dns_name_text(dns_name_skip(name, labels - 2), text);
	size_t number = strtoul(text + 1, NULL, 10);
	return number < f->options.zones ? number : 0;
}

static void count_query(struct fleet *f)
{
	int64_t second = loop_now_ms(f->loop) / SECOND_MS;
	f->in_second = second == f->second ? f->in_second + 1 : 1;
	f->second = second;
	f->queries++;
	if (f->in_second > f->queries_second)
		f->queries_second = (unsigned)f->in_second;
}

static void take(struct fleet *f, int publisher, const struct sim_request *request)
{
	struct dns_message message;
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	count_query(f);
	if (!f->deaf &&
	        dns_message_parse(arena, request->data, request->octets, &message, NULL) ==
	                RESULT_OK &&
	        message.has_question) {
		const uint8_t *name = message.question_name;
		if (message.opcode == 5 && message.section[DNS_AUTHORITY].count > 0)
			name = message.section[DNS_AUTHORITY].rrset[0].owner;
		simdns_take(f->dns[zone_of(f, name)], publisher, 0, request, &message);
	}
	arena_free(arena);
}

static void take_registry(void *ctx, const struct sim_request *request)
{
	take(ctx, SIMDNS_PARENT, request);
}

static void take_losing(void *ctx, const struct sim_request *request)
{
	take(ctx, SIMDNS_LOSING, request);
}

static void take_gaining(void *ctx, const struct sim_request *request)
{
	take(ctx, SIMDNS_GAINING, request);
}

static void make_servers(struct fleet *f)
{
	static void (*const takes[])(void *, const struct sim_request *) = {
	        take_registry, take_losing, take_gaining};
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++) {
		char text[ADDRESS_TEXT];
		struct address address;
		struct sim_host host = {.request = takes[p], .ctx = f, .link = {.delay_ms = 5}};
		assert_int_equal(address_parse(simdns_address(p, 0, text), 53, &address, &f->err),
		        RESULT_OK);
		sim_host_set(f->sim, &address, &host);
	}
	f->dns = calloc(f->options.zones, sizeof(struct simdns *));
	for (size_t i = 0; i < f->options.zones; i++) {
		char name[40];
		snprintf(name, sizeof name, "z%04zu.test.", i);
		f->dns[i] = simdns_new_zone(f->sim, &ttls, name, 1, true);
	}
}

// ---- The files -------------------------------------------------------------------------------

static char *path_of(struct fleet *f, const char *name)
{
	return arena_printf(f->arena, "%s/%s", f->folder, name);
}

static void put(struct fleet *f, const char *name, const struct buffer *text)
{
	assert_false(text->failed);
	if (file_replace(path_of(f, name), text->data, text->length, &f->err) != RESULT_OK)
		fail_msg("%s", f->err.text);
}

static void put_text(struct fleet *f, const char *name, const char *text)
{
	struct buffer out = buffer_init(1 << 20);
	buffer_puts(&out, text);
	put(f, name, &out);
	buffer_free(&out);
}

static void write_party(struct buffer *out, int publisher, const char *name, bool acts)
{
	char address[ADDRESS_TEXT];
	simdns_address(publisher, 0, address);
	buffer_printf(out, "  %s:\n    servers: {%s: [%s]}\n    lag: 0s\n", name,
	        simdns_server(publisher, 0), address);
	if (acts)
		buffer_printf(out,
		        "    samples-complete: true\n    approves: automatically\n"
		        "    ddns: {server: %s, key: %s.key}\n",
		        address, name);
}

static void write_template(struct fleet *f)
{
	struct buffer out = buffer_init(1 << 16);
	char since[TIME_TEXT], address[ADDRESS_TEXT];
	buffer_printf(&out,
	        "change: exchange-${NUMBER}\nzone: ${ZONE}\nprocedure: ./exchange.yaml\npoll: %s\n"
	        "data-ttl: 10m\nsamples: [\"www.${ZONE} A\"]\nunchanged-since: \"%s\"\n"
	        "parties:\n  registrar:\n    at-parent:\n      ddns: {server: %s, key: "
	        "registry.key}\n",
	        f->options.poll, time_format(WALL_START_MS - 90 * DAY_MS, since),
	        simdns_address(SIMDNS_PARENT, 0, address));
	write_party(&out, SIMDNS_PARENT, "registry", false);
	write_party(&out, SIMDNS_LOSING, "losing", true);
	write_party(&out, SIMDNS_GAINING, "gaining", true);
	buffer_puts(&out, f->options.change != NULL ? f->options.change : "");
	put(f, "template.yaml", &out);
	buffer_free(&out);
}

static void write_files(struct fleet *f)
{
	struct buffer out = buffer_init(1 << 20);
	buffer_printf(&out, "%s%s\n", procedure, f->options.otherwise);
	put(f, "exchange.yaml", &out);
	buffer_clear(&out);
	put_text(f, "registry.key", simdns_tsig(SIMDNS_PARENT));
	put_text(f, "losing.key", simdns_tsig(SIMDNS_LOSING));
	put_text(f, "gaining.key", simdns_tsig(SIMDNS_GAINING));
	write_template(f);
	for (size_t i = 0; i < f->options.zones; i++)
		buffer_printf(&out, "z%04zu.test\n", i);
	put(f, "zones.txt", &out);
	buffer_clear(&out);
	buffer_printf(&out, "bulk: fleet\ntemplate: template.yaml\nzones: zones.txt\n%s",
	        f->options.more);
	put(f, "bulk.yaml", &out);
	buffer_free(&out);
	f->path = path_of(f, "bulk.yaml");
	if (bulk_definition_load(f->arena, f->path, &f->definition, &f->err) != RESULT_OK)
		fail_msg("%s", f->err.text);
}

struct fleet *fleet_new(const struct fleet_options *options)
{
	struct fleet *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->options = *options;
	if (f->options.more == NULL)
		f->options.more = "";
	if (f->options.poll == NULL)
		f->options.poll = "1h";
	if (f->options.otherwise == NULL)
		f->options.otherwise = "ask";
	snprintf(f->folder, sizeof f->folder, "%s/baton-fleet-XXXXXX",
	        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->folder));
	f->arena = arena_new(256u << 20);
	f->log = buffer_init(16u << 20);
	f->sim = sim_new(f->options.seed, WALL_START_MS);
	f->loop = sim_loop(f->sim);
	make_servers(f);
	write_files(f);
	return f;
}

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[600];
	for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(folder);
}

void fleet_free(struct fleet *f)
{
	fleet_kill(f);
	remove_folder(f->definition->journals);
	remove_folder(f->folder);
	for (size_t i = 0; i < f->options.zones; i++)
		simdns_free(f->dns[i]);
	free(f->dns);
	sim_free(f->sim);
	buffer_free(&f->log);
	arena_free(f->arena);
	free(f);
}

// ---- The bulk --------------------------------------------------------------------------------

static void said(void *ctx, enum bulk_said what, const char *zone, enum change_said change,
        const char *step, const char *text)
{
	struct fleet *f = ctx;
	f->said[what]++;
	if (f->on_said != NULL)
		f->on_said(f, change);
	if (what == BULK_SAID_CHANGE && change == CHANGE_SAID_ACT) {
		f->acts++;
		if (f->on_act != NULL)
			f->on_act(f, strtoul(zone + 1, NULL, 10), step);
		if (f->acts == f->end_after)
			loop_stop(f->loop);
	}
	if (what != BULK_SAID_CHANGE || change == CHANGE_SAID_STUCK)
		buffer_printf(&f->log, "%lld s: %d %s %s: %s\n",
		        (long long)(loop_now_ms(f->loop) / SECOND_MS), (int)what, zone, step, text);
}

static void start(struct fleet *f)
{
	struct bulk_options o = {.loop = f->loop,
	        .random = *sim_random(f->sim),
	        .definition = f->definition,
	        .listen_ms = 10 * MINUTE_MS,
	        .end_at_halt = f->options.end_at_halt,
	        .said = said,
	        .ctx = f};
	if (bulk_new(&o, &f->bulk, &f->err) != RESULT_OK)
		fail_msg("%s", f->err.text);
}

void fleet_run(struct fleet *f, int64_t for_ms)
{
	int64_t until_ms = loop_now_ms(f->loop) + for_ms;
	unsigned acts = f->acts;
	if (f->bulk == NULL)
		start(f);
	do
		f->end = bulk_end(f->bulk, &f->err);
	while (f->end == BULK_RUNNING && !f->deaf &&
	        !(f->acts >= f->end_after && acts < f->end_after) &&
	        loop_run(f->loop, until_ms) == LOOP_STOPPED);
	f->end = bulk_end(f->bulk, &f->err);
	if (f->end == BULK_FAILED)
		fail_msg("%s", f->err.text);
}

void fleet_kill(struct fleet *f)
{
	bulk_free(f->bulk);
	f->bulk = NULL;
}

void fleet_say(struct fleet *f, enum journal_kind kind, json_t *payload)
{
	if (bulk_ledger_say(f->definition, kind, payload, &f->err) != RESULT_OK)
		fail_msg("%s", f->err.text);
	json_decref(payload);
}

unsigned fleet_changes(const struct fleet *f, int publisher)
{
	unsigned n = 0;
	for (size_t i = 0; i < f->options.zones; i++)
		n += simdns_changes(f->dns[i], publisher);
	return n;
}

const struct bulk_state *fleet_state(const struct fleet *f)
{
	return bulk_view(f->bulk).state;
}

size_t fleet_count(const struct fleet *f, enum bulk_phase phase)
{
	const struct bulk_state *s = fleet_state(f);
	size_t n = 0;
	for (size_t i = 0; i < f->options.zones; i++)
		n += s->zones[i].phase == phase;
	return n;
}
