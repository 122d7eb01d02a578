#include "boot.h"

#include "boot_internal.h"
#include "describe.h"
#include "namespace.h"
#include "stub.h"
#include "zone_file.h"

#include "base/clock.h"
#include "base/data.h"
#include "base/file.h"
#include "base/random.h"
#include "base/template.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t boot_now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

void boot_progress(struct boot *boot, const char *text)
{
	dprintf(boot->report, "progress %5.1f s  %s\n",
	        (double)(boot_now_ms() - boot->start_ms) / 1000, text);
}

// Lets time_ms pass; fails where a server has ended or the time for the start is over. `what` says
// what is waited for.
static enum result boot_pause(struct boot *boot, int time_ms, const char *what)
{
	poll(NULL, 0, time_ms);
	process_reap(&boot->servers);
	enum result result = process_check(&boot->servers, &boot->err);
	if (result == RESULT_OK && boot_now_ms() >= boot->until_ms)
		result = error_set(
		        &boot->err, RESULT_TIMEOUT, "not ready in time: waiting for %s", what);
	return result;
}

char *boot_path(struct boot *boot, const char *name)
{
	return arena_printf(boot->arena, "%s/%s", boot->info.dir, name);
}

enum result boot_folder(struct boot *boot, const char *name)
{
	const char *path = boot_path(boot, name);
	if (path == NULL || (mkdir(path, 0700) != 0 && errno != EEXIST))
		return error_set_errno(&boot->err, "cannot make the folder %s", name);
	return RESULT_OK;
}

// Every server of the lab, one after the other; NULL behind the last.
static const struct lab_server *boot_server(const struct lab_info *info, size_t n)
{
	if (n == 0)
		return &info->root;
	n--;
	if (n < LAB_PARTIES * LAB_PARTY_SERVERS)
		return &info->party[n / LAB_PARTY_SERVERS].server[n % LAB_PARTY_SERVERS];
	n -= LAB_PARTIES * LAB_PARTY_SERVERS;
	if (n < LAB_RESOLVERS)
		return &info->resolver[n];
	return n == LAB_RESOLVERS ? &info->forwarder : NULL;
}

// Of each server DIR/ID for its data and DIR/run/ID for its sockets.
static enum result boot_folders(struct boot *boot)
{
	static const char *const folder[] = {"log", "pid", "run", "keys"};
	const struct lab_server *server;
	enum result result = RESULT_OK;
	for (size_t i = 0; i < sizeof(folder) / sizeof(folder[0]) && result == RESULT_OK; i++)
		result = boot_folder(boot, folder[i]);
	for (size_t i = 0; result == RESULT_OK && (server = boot_server(&boot->info, i)) != NULL;
	        i++) {
		char run[64];
		snprintf(run, sizeof(run), "run/%s", server->id);
		result = boot_folder(boot, server->id);
		if (result == RESULT_OK)
			result = boot_folder(boot, run);
	}
	return result;
}

// A new secret of 32 octets in base64.
static const char *boot_secret(struct boot *boot)
{
	uint8_t octets[32];
	unsigned char text[64];
	struct random random = random_system();
	random.fill(random.ctx, octets, sizeof(octets));
	EVP_EncodeBlock(text, octets, sizeof(octets));
	return arena_strdup(boot->arena, (const char *)text);
}

// "tld1" becomes "TLD1"; text[64].
static const char *boot_upper(const char *id, char *text)
{
	size_t i = 0;
	for (; id[i] != '\0' && i < 63; i++)
		text[i] = (char)toupper((unsigned char)id[i]);
	text[i] = '\0';
	return text;
}

void boot_server_vars(struct boot *boot, const char *prefix, const struct lab_server *server)
{
	char name[64];
	snprintf(name, sizeof(name), "%s_V4", prefix);
	template_set(boot->vars, name, server->v4);
	snprintf(name, sizeof(name), "%s_V6", prefix);
	template_set(boot->vars, name, server->v6);
}

enum result boot_tsig(struct boot *boot, const char *name, const char *file, const char *variable,
        const char **secret)
{
	const char *new = boot_secret(boot);
	char *text =
	        new != NULL ? arena_printf(boot->arena, "hmac-sha256:%s:%s\n", name, new) : NULL;
	if (text == NULL)
		return error_set(&boot->err, RESULT_MEMORY, "out of memory");
	template_set(boot->vars, variable, new);
	if (secret != NULL)
		*secret = new;
	return file_replace(file, text, strlen(text), &boot->err);
}

// The key with which a party takes updates.
static enum result boot_party_tsig(struct boot *boot, struct lab_party *party)
{
	char prefix[64], variable[80];
	snprintf(variable, sizeof(variable), "%s_TSIG_SECRET", boot_upper(party->id, prefix));
	return boot_tsig(boot, party->tsig_name, party->tsig_file, variable, &party->tsig_secret);
}

// What is still in a cache hides what became of the root's keys.
uint32_t boot_upper_ttl_s(const struct boot *boot)
{
	return boot->options->follow_anchors ? LAB_FOLLOWED_TTL_S : 3600;
}

static void boot_ttl_vars(struct boot *boot)
{
	static const char *const name[LAB_TTL_COUNT] = {"TTL_DS", "TTL_DS_NONE", "TTL_PARENT_NS",
	        "TTL_CHILD_NS", "TTL_DNSKEY", "TTL_DATA", "TTL_NEGATIVE", "TTL_ADDRESS"};
	uint32_t max = 0;
	for (int i = 0; i < LAB_TTL_COUNT; i++) {
		template_setf(boot->vars, name[i], "%u", boot->info.ttl_s[i]);
		max = boot->info.ttl_s[i] > max ? boot->info.ttl_s[i] : max;
	}
	template_setf(boot->vars, "TTL_MAX", "%u", max);
	template_setf(boot->vars, "TTL_UPPER", "%u", boot_upper_ttl_s(boot));
	template_set(boot->vars, "TTL_UPPER_NEGATIVE", boot->options->follow_anchors ? "4" : "300");
}

// Variables that are known before any server runs.
static enum result boot_vars(struct boot *boot)
{
	struct lab_info *info = &boot->info;
	boot->vars = template_vars_new(boot->arena);
	if (boot->vars == NULL)
		return error_set(&boot->err, RESULT_MEMORY, "out of memory");
	template_set(boot->vars, "DIR", info->dir);
	template_setf(boot->vars, "RUN", "%s/run", info->dir);
	template_set(boot->vars, "ZONE", info->zone);
	template_set(boot->vars, "MINIMAL", boot->options->minimal_answers ? "yes" : "no");
	boot_ttl_vars(boot);
	const struct lab_server *server;
	char prefix[64];
	for (size_t i = 0; (server = boot_server(info, i)) != NULL; i++)
		boot_server_vars(boot, boot_upper(server->id, prefix), server);
	static const char *const secret[] = {
	        "TRANSFER_TLD_SECRET", "TRANSFER_A_SECRET", "TRANSFER_B_SECRET", "CONTROL_SECRET"};
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		const char *value = boot_secret(boot);
		if (value == NULL)
			return error_set(&boot->err, RESULT_MEMORY, "out of memory");
		template_set(boot->vars, secret[i], value);
	}
	enum result result = RESULT_OK;
	for (int i = 0; i < LAB_PARTIES && result == RESULT_OK; i++)
		result = boot_party_tsig(boot, &info->party[i]);
	return result;
}

static enum result boot_address(struct boot *boot, const struct lab_server *server)
{
	enum result result = namespace_address(server->v4, &boot->err);
	if (result == RESULT_OK)
		result = namespace_address(server->v6, &boot->err);
	if (result == RESULT_OK)
		result = namespace_source(server->v4, boot->info.client_v4, &boot->err);
	if (result == RESULT_OK)
		result = namespace_source(server->v6, boot->info.client_v6, &boot->err);
	return result;
}

static enum result boot_network(struct boot *boot)
{
	struct lab_info *info = &boot->info;
	enum result result = namespace_furnish(&boot->err);
	if (result == RESULT_OK)
		result = namespace_address(info->client_v4, &boot->err);
	if (result == RESULT_OK)
		result = namespace_address(info->client_v6, &boot->err);
	const struct lab_server *server;
	for (size_t i = 0; result == RESULT_OK && (server = boot_server(info, i)) != NULL; i++)
		result = boot_address(boot, server);
	return result;
}

enum result boot_template(struct boot *boot, const char *from, const char *to)
{
	const char *source, *target = boot_path(boot, to);
	char name[128];
	snprintf(name, sizeof(name), "lab/templates/%s", from);
	enum result result = data_path(boot->arena, name, &source, &boot->err);
	if (result == RESULT_OK)
		result = template_file(boot->vars, boot->arena, source, target, &boot->err);
	return result;
}

enum result boot_zone_file(struct boot *boot, const char *from, const char *to)
{
	enum result result = boot_template(boot, from, to);
	if (result == RESULT_OK)
		result = zone_file_append_names(&boot->info, boot_path(boot, to), &boot->err);
	return result;
}

enum result boot_script(struct boot *boot, const char *from, const char *to, const char *log)
{
	char *script = boot_path(boot, to), *log_path = boot_path(boot, log);
	char *argv[] = {(char[]){"sh"}, script, NULL};
	enum result result = boot_template(boot, from, to);
	return result == RESULT_OK ? process_run(argv, log_path, &boot->err) : result;
}

// A word of a server's command line: CONF and DIR at its end stand for files of its.
static char *boot_word(struct boot *boot, const char *id, char *word)
{
	static const char *const ending[][2] = {{"CONF", ".conf"}, {"DIR", ""}};
	size_t length = strlen(word);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		size_t n = strlen(ending[i][0]);
		if (length >= n && strcmp(word + length - n, ending[i][0]) == 0)
			return arena_printf(boot->arena, "%.*s%s/%s%s", (int)(length - n), word,
			        boot->info.dir, id, ending[i][1]);
	}
	return word;
}

enum result boot_start(struct boot *boot, const char *id, const char *words)
{
	char **argv = arena_array(boot->arena, 16, sizeof(*argv));
	char *text = arena_strdup(boot->arena, words), *word;
	const char *log = arena_printf(boot->arena, "%s/log/%s.log", boot->info.dir, id);
	const char *pid_file = arena_printf(boot->arena, "%s/pid/%s", boot->info.dir, id);
	if (argv == NULL || text == NULL || log == NULL || pid_file == NULL)
		return error_set(&boot->err, RESULT_MEMORY, "out of memory");
	for (size_t n = 0; (word = strsep(&text, " ")) != NULL && n < 15; n++)
		argv[n] = boot_word(boot, id, word);
	return process_start(&boot->servers, id, argv, log, pid_file, &boot->err);
}

// --- signed zones ---------------------------------------------------------------------------

static bool boot_signed(const char *address, const char *name, uint16_t type, knot_pkt_t **answer)
{
	struct stub_question question = {
	        .address = address, .name = name, .type = type, .dnssec = true};
	if (stub_ask(&question, 300, answer, NULL) != RESULT_OK)
		return false;
	if (stub_answer(*answer, name, type) != NULL &&
	        stub_answer(*answer, name, KNOT_RRTYPE_RRSIG) != NULL)
		return true;
	knot_pkt_free(*answer);
	return false;
}

static enum result boot_wait_signed(
        struct boot *boot, const char *address, const char *name, uint16_t type)
{
	knot_pkt_t *answer;
	char what[512];
	snprintf(what, sizeof(what), "signed records of %s at %s", name, address);
	while (!boot_signed(address, name, type, &answer))
		if (boot_pause(boot, 50, what) != RESULT_OK)
			return boot->err.code;
	knot_pkt_free(answer);
	return RESULT_OK;
}

// A signer works through a large zone bit by bit: names all over it must be signed.
enum result boot_wait_zone(struct boot *boot, const char *address)
{
	enum result result = RESULT_OK;
	for (unsigned i = 0; i <= 20 && result == RESULT_OK; i++) {
		unsigned n = 1 + (boot->info.names - 1) / 20 * i;
		char name[300];
		n = zone_file_signed(&boot->info, i == 20 ? boot->info.names : n);
		zone_file_name(&boot->info, n, name, sizeof(name));
		result = boot_wait_signed(boot, address, name, zone_file_type(&boot->info));
	}
	char www[300];
	snprintf(www, sizeof(www), "www.%s", boot->info.zone);
	if (result == RESULT_OK)
		result = boot_wait_signed(boot, address, www, KNOT_RRTYPE_A);
	if (result == RESULT_OK)
		result = boot_wait_signed(boot, address, boot->info.zone, KNOT_RRTYPE_SOA);
	return result;
}

enum result boot_keys(struct boot *boot, const char *address, const char *zone, uint32_t ds_ttl_s,
        struct boot_keys *keys)
{
	knot_pkt_t *answer;
	enum result result = boot_wait_signed(boot, address, zone, KNOT_RRTYPE_DNSKEY);
	if (result != RESULT_OK)
		return result;
	if (!boot_signed(address, zone, KNOT_RRTYPE_DNSKEY, &answer))
		return error_set(
		        &boot->err, RESULT_NETWORK, "%s: no DNSKEY from %s", zone, address);
	struct boot_keys new = {0};
	const knot_pktsection_t *section = knot_pkt_section(answer, KNOT_ANSWER);
	for (uint16_t i = 0; i < section->count && result == RESULT_OK; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		if (rr->type != KNOT_RRTYPE_DNSKEY)
			continue;
		const knot_rdata_t *rdata = rr->rrs.rdata;
		bool ksk = (knot_dnskey_flags(rdata) & 1) != 0;
		result = zone_file_key(boot->arena, rr, ksk ? &new.ksk : &new.zsk,
		        ksk ? &new.ksk_tag : &new.zsk_tag, &boot->err);
		if (ksk && result == RESULT_OK)
			result = zone_file_ds(boot->arena, zone, ds_ttl_s, rr, &new.ds, &boot->err);
	}
	knot_pkt_free(answer);
	if (result == RESULT_OK && new.ksk == NULL)
		result = error_set(&boot->err, RESULT_CORRUPT, "%s: no key signing key", zone);
	if (result == RESULT_OK)
		*keys = new;
	return result;
}

enum result boot_read_line(struct boot *boot, const char *name, const char **line)
{
	char *text;
	size_t length;
	enum result result =
	        file_read(boot->arena, boot_path(boot, name), 4096, &text, &length, &boot->err);
	if (result != RESULT_OK)
		return result;
	text[strcspn(text, "\n")] = '\0';
	*line = text;
	return text[0] != '\0' ? RESULT_OK
	                       : error_set(&boot->err, RESULT_SYSTEM, "nothing in %s", name);
}

// --- TLD, root, secondaries ---------------------------------------------------------------------

// "257 3 13 KEY" as BIND's configuration wants it: 257 3 13 "KEY".
static void boot_bind_anchor(struct boot *boot, const char *ksk)
{
	const char *key = strrchr(ksk, ' ') + 1;
	template_setf(boot->vars, "ROOT_KEY_BIND", "%.*s\"%s\"", (int)(key - ksk), ksk, key);
}

// Where validators follow RFC 5011, the KSKs of the root are files, and so can be brought and taken
// away.
static enum result boot_root_keys(struct boot *boot)
{
	char *script = boot_path(boot, "root-keys"), *log = boot_path(boot, "log/keymgr.log");
	char *argv[] = {(char[]){"sh"}, script, (char[]){"make"}, NULL};
	enum result result = boot_template(boot, "root-keys.sh", "root-keys");
	if (result == RESULT_OK)
		result = boot_template(boot, "anchors.sh", "anchors");
	return result == RESULT_OK ? process_run(argv, log, &boot->err) : result;
}

enum result boot_root(struct boot *boot, const char *conf, const char *zone)
{
	struct boot_keys keys;
	template_set(boot->vars, "ROOT_MANUAL", boot->options->follow_anchors ? "on" : "off");
	enum result result = boot_template(boot, zone, "root/root.zone");
	if (result == RESULT_OK)
		result = boot_template(boot, "root.hints", "root.hints");
	if (result == RESULT_OK)
		result = boot_template(boot, conf, "root.conf");
	if (result == RESULT_OK && boot->options->follow_anchors)
		result = boot_root_keys(boot);
	if (result == RESULT_OK)
		result = boot_start(boot, "root", "knotd -c CONF");
	if (result == RESULT_OK)
		result = boot_keys(boot, boot->info.root.v4, ".", 3600, &keys);
	if (result != RESULT_OK)
		return result;
	boot_bind_anchor(boot, keys.ksk);
	const char *text = arena_printf(boot->arena, ". 3600 IN DNSKEY %s\n", keys.ksk);
	if (text == NULL)
		return error_set(&boot->err, RESULT_MEMORY, "out of memory");
	return file_replace(boot->info.trust_anchor, text, strlen(text), &boot->err);
}

enum result boot_secondary(struct boot *boot, const struct boot_secondary *what)
{
	const struct lab_server *server = what->server;
	template_set(boot->vars, "ID", server->id);
	template_set(boot->vars, "V4", server->v4);
	template_set(boot->vars, "V6", server->v6);
	template_set(boot->vars, "PRIMARY_V4", what->primary);
	template_set(boot->vars, "TRANSFER_NAME", what->transfer_name);
	template_set(boot->vars, "TRANSFER_SECRET", template_get(boot->vars, what->secret_var));
	template_set(boot->vars, "ZONE1", what->zone1);
	template_setf(boot->vars, "RELOAD", "%u", what->reload_s);
	template_set(boot->vars, "MORE_KEYS", what->more_keys != NULL ? what->more_keys : "");
	template_set(boot->vars, "MORE", what->more != NULL ? what->more : "");
	template_set(boot->vars, "ZONE2_CLAUSE", "");
	if (what->zone2 != NULL)
		template_setf(boot->vars, "ZONE2_CLAUSE",
		        "\nzone:\n    name: %s\n    include-pattern: \"secondary\"\n", what->zone2);
	char conf[32];
	snprintf(conf, sizeof(conf), "%s.conf", server->id);
	enum result result = boot_template(boot, "nsd.conf", conf);
	if (result == RESULT_OK)
		result = boot_start(boot, server->id, "nsd -d -c CONF");
	return result;
}

// --- resolvers ----------------------------------------------------------------------------------

static enum result boot_resolver(
        struct boot *boot, const struct lab_server *server, const char *template, const char *words)
{
	char conf[32];
	snprintf(conf, sizeof(conf), "%s.conf", server->id);
	template_set(boot->vars, "ID", server->id);
	template_set(boot->vars, "V4", server->v4);
	template_set(boot->vars, "V6", server->v6);
	enum result result = boot_template(boot, template, conf);
	if (result == RESULT_OK)
		result = boot_start(boot, server->id, words);
	return result;
}

// The file in which a validator that follows RFC 5011 writes down what it trusts.
static enum result boot_anchor_file(struct boot *boot, const char *id)
{
	char *text, *to = arena_printf(boot->arena, "%s/%s/root.key", boot->info.dir, id);
	size_t length;
	enum result result =
	        file_read(boot->arena, boot->info.trust_anchor, 4096, &text, &length, &boot->err);
	return result == RESULT_OK ? file_replace(to, text, length, &boot->err) : result;
}

static enum result boot_unbound_anchor(struct boot *boot, const char *id)
{
	if (!boot->options->follow_anchors) {
		template_setf(boot->vars, "TRUST_ANCHOR", "    trust-anchor-file: \"%s\"",
		        boot->info.trust_anchor);
		return RESULT_OK;
	}
	template_setf(boot->vars, "TRUST_ANCHOR",
	        "    auto-trust-anchor-file: \"%s/%s/root.key\"\n"
	        "    permit-small-holddown: yes\n    add-holddown: %d\n"
	        "    del-holddown: %d\n    keep-missing: %d",
	        boot->info.dir, id, LAB_HOLD_DOWN_S, LAB_HOLD_DOWN_S, LAB_HOLD_DOWN_S);
	return boot_anchor_file(boot, id);
}

// How BIND's hours, days and months of RFC 5011 last seconds: -T mkeytimers.
static enum result boot_bind(struct boot *boot, const struct lab_server *server)
{
	bool follow = boot->options->follow_anchors;
	char words[128];
	template_set(boot->vars, "ANCHOR_KIND", follow ? "initial-key" : "static-key");
	template_set(boot->vars, "CONTROLS", "controls { };");
	if (!follow)
		return boot_resolver(boot, server, "named-resolver.conf", "named -g -n 1 -c CONF");
	const char *secret = template_get(boot->vars, "CONTROL_SECRET");
	template_setf(boot->vars, "CONTROLS",
	        "key \"control\" { algorithm hmac-sha256; secret \"%s\"; };\n"
	        "controls { inet %s port 953 allow { any; } keys { \"control\"; }; };",
	        secret, server->v4);
	template_set(boot->vars, "V4", server->v4);
	snprintf(words, sizeof(words), "named -g -n 1 -T mkeytimers=1/1/%d -c CONF",
	        LAB_HOLD_DOWN_S);
	enum result result = boot_template(boot, "rndc-resolver.conf", "keys/rndc-bind.conf");
	return result == RESULT_OK ? boot_resolver(boot, server, "named-resolver.conf", words)
	                           : result;
}

static enum result boot_kresd(struct boot *boot, const struct lab_server *server)
{
	enum result result = RESULT_OK;
	template_setf(boot->vars, "KRESD_ANCHOR", "trust_anchors.add_file('%s', true)",
	        boot->info.trust_anchor);
	if (boot->options->follow_anchors) {
		template_setf(boot->vars, "KRESD_ANCHOR",
		        "modules.load('ta_update')\nta_update.hold_down_time = %d * sec\n"
		        "ta_update.refresh_time = %d * sec\n"
		        "trust_anchors.add_file('%s/%s/root.key')",
		        LAB_HOLD_DOWN_S, LAB_FOLLOWED_TTL_S / 2, boot->info.dir, server->id);
		result = boot_anchor_file(boot, server->id);
	}
	return result == RESULT_OK
	               ? boot_resolver(boot, server, "kresd.conf", "kresd -n -c CONF DIR")
	               : result;
}

static enum result boot_unbound(struct boot *boot, const struct lab_server *server, bool validates,
        const struct lab_server *forwarder)
{
	template_set(boot->vars, "MODULES", validates ? "validator iterator" : "iterator");
	template_set(boot->vars, "TRUST_ANCHOR", "");
	template_set(boot->vars, "FORWARD", "");
	if (validates && boot_unbound_anchor(boot, server->id) != RESULT_OK)
		return boot->err.code;
	if (forwarder != NULL)
		template_setf(boot->vars, "FORWARD",
		        "\nforward-zone:\n    name: \".\"\n    forward-addr: %s\n"
		        "    forward-addr: %s\n",
		        forwarder->v4, forwarder->v6);
	return boot_resolver(boot, server, "unbound.conf", "unbound -d -c CONF");
}

static enum result boot_resolvers(struct boot *boot)
{
	const struct lab_server *resolver = boot->info.resolver;
	enum result result = boot_unbound(boot, &resolver[0], true, NULL);
	if (result == RESULT_OK)
		result = boot_bind(boot, &resolver[1]);
	if (result == RESULT_OK)
		result = boot_kresd(boot, &resolver[2]);
	if (result == RESULT_OK)
		result = boot_unbound(boot, &boot->info.forwarder, false, NULL);
	if (result == RESULT_OK)
		result = boot_unbound(boot, &resolver[3], true, &boot->info.forwarder);
	return result;
}

static enum result boot_wait_validator(struct boot *boot, const char *address)
{
	char name[300], what[400];
	snprintf(name, sizeof(name), "www.%s", boot->info.zone);
	snprintf(what, sizeof(what), "an authenticated answer for %s from %s", name, address);
	struct stub_question question = {.address = address,
	        .name = name,
	        .type = KNOT_RRTYPE_A,
	        .recurse = true,
	        .authentic = true};
	for (;;) {
		knot_pkt_t *answer;
		if (stub_ask(&question, 2000, &answer, NULL) == RESULT_OK) {
			bool ok = knot_wire_get_ad(answer->wire) &&
			          stub_answer(answer, name, KNOT_RRTYPE_A) != NULL;
			knot_pkt_free(answer);
			if (ok)
				return RESULT_OK;
		}
		if (boot_pause(boot, 100, what) != RESULT_OK)
			return boot->err.code;
	}
}

static enum result boot_wait_all(struct boot *boot)
{
	enum result result = RESULT_OK;
	const struct lab_party *party = boot->info.party;
	for (int i = 0; i < LAB_PARTIES && result == RESULT_OK; i++)
		for (int j = 0; j < LAB_PARTY_SERVERS && result == RESULT_OK; j++) {
			result = boot_wait_signed(
			        boot, party[i].server[j].v4, party[i].zone, KNOT_RRTYPE_SOA);
			if (result == RESULT_OK)
				result = boot_wait_signed(boot, party[i].server[j].v6,
				        party[i].zone, KNOT_RRTYPE_SOA);
		}
	if (result == RESULT_OK)
		result = boot_wait_zone(boot, party[LAB_LOSING].server[1].v4);
	if (result == RESULT_OK)
		result = boot_wait_zone(boot, party[LAB_GAINING].server[1].v4);
	boot_progress(boot, "all name servers answer");
	for (int i = 0; i < LAB_RESOLVERS && result == RESULT_OK; i++) {
		result = boot_wait_validator(boot, boot->info.resolver[i].v4);
		if (result == RESULT_OK)
			result = boot_wait_validator(boot, boot->info.resolver[i].v6);
	}
	return result;
}

static enum result boot_all(struct boot *boot)
{
	enum result result = process_find_programs(&boot->err);
	if (result == RESULT_OK)
		result = boot_network(boot);
	if (result == RESULT_OK)
		result = boot_folders(boot);
	if (result == RESULT_OK)
		result = boot_vars(boot);
	if (result == RESULT_OK)
		result = boot_adapters(boot);
	if (result != RESULT_OK)
		return result;
	result = boot->info.shape->start(boot);
	if (result == RESULT_OK)
		boot_progress(boot, "validators");
	if (result == RESULT_OK)
		result = boot_resolvers(boot);
	if (result == RESULT_OK)
		result = boot_wait_all(boot);
	if (result == RESULT_OK)
		result = describe_write(&boot->info, boot_path(boot, "lab.yaml"), &boot->err);
	return result;
}

// --- after the start
// ------------------------------------------------------------------------------

static void boot_note(const char *text)
{
	char when[TIME_TEXT];
	dprintf(STDERR_FILENO, "%s %s\n", time_format(boot_now_ms(), when), text);
}

static void boot_end(struct boot *boot)
{
	process_signal_all(&boot->servers, SIGTERM);
	for (int i = 0; i < 60 && process_any(&boot->servers); i++) {
		poll(NULL, 0, 50);
		process_reap(&boot->servers);
	}
}

// Collects ended processes until told to end (SIGTERM) or to start the ended ones again (SIGHUP).
static void boot_watch(struct boot *boot, const sigset_t *signals)
{
	for (;;) {
		int signal = sigwaitinfo(signals, NULL);
		if (signal == SIGTERM)
			return;
		if (signal == SIGCHLD && process_reap(&boot->servers)) {
			(void)process_check(&boot->servers, &boot->err);
			boot_note(boot->err.text);
		}
		if (signal == SIGHUP)
			process_reap(&boot->servers);
		if (signal == SIGHUP &&
		        process_restart_ended(&boot->servers, &boot->err) != RESULT_OK)
			boot_note(boot->err.text);
	}
}

void boot_run(const struct lab_info *info, const struct lab_options *options, int report)
{
	struct boot boot = {.arena = arena_new(64u << 20),
	        .info = *info,
	        .options = options,
	        .report = report,
	        .start_ms = boot_now_ms()};
	boot.until_ms = time_add(boot.start_ms, options->deadline_ms);
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	enum result result = boot.arena != NULL
	                             ? boot_all(&boot)
	                             : error_set(&boot.err, RESULT_MEMORY, "out of memory");
	if (result == RESULT_OK)
		dprintf(report, "ready\n");
	else
		dprintf(report, "failed %d %s\n", (int)result, boot.err.text);
	close(report);
	if (result == RESULT_OK)
		boot_watch(&boot, &signals);
	boot_end(&boot);
	_exit(result == RESULT_OK ? 0 : 1);
}
