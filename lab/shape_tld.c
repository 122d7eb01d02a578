// A top-level domain, example., moves from one back-end operator to another one: the old one (Knot
// DNS) signs it, the new one (BIND) transfers it from there and serves it as it is, each with an
// NSD as second server. Its parent is the root, which plays IANA: what is asked of it goes through
// the queue DIR/iana, a technical check, and a delay (templates/tld/iana.sh). Of its three servers
// one hears of news late.
//
// DIR/registry, DIR/old and DIR/new are what the parties do in a change; a1/zone.conf and
// b1/zone.conf say who signs and who copies.
#include "boot_internal.h"
#include "shape_all.h"

#include "base/data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// TSIG keys: between the two operators, and of the registry, which may transfer from everybody.
static enum result tld_tsig(struct boot *boot)
{
	enum result result = boot_tsig(
	        boot, "between.", boot_path(boot, "keys/between.tsig"), "BETWEEN_SECRET", NULL);
	if (result == RESULT_OK)
		result = boot_tsig(boot, "registry.", boot_path(boot, "keys/registry.tsig"),
		        "REGISTRY_SECRET", NULL);
	return result;
}

// Files of a party, templates/tld/<from>, to <dir>/<to>.
static enum result tld_files(struct boot *boot, const char *const (*files)[2], size_t count)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < count && result == RESULT_OK; i++)
		result = boot_template(boot, files[i][0], files[i][1]);
	return result;
}
#define TLD_FILES(boot, files) tld_files(boot, files, sizeof(files) / sizeof((files)[0]))

static enum result tld_old(struct boot *boot)
{
	static const char *const files[][2] = {{"tld/knot-old.conf", "a1.conf"},
	        {"tld/knot-old-signs.conf", "a1/signs.conf"},
	        {"tld/knot-old-copies.conf", "a1/copies.conf"},
	        {"tld/knot-old-signs.conf", "a1/zone.conf"},
	        {"tld/knot-old-signs-again.conf", "a1/signs-again.conf"},
	        {"tld/knot-old-gone.conf", "a1/gone.conf"}, {"tld/old.sh", "old"}};
	enum result result = TLD_FILES(boot, files);
	if (result == RESULT_OK)
		result = boot_zone_file(boot, "tld/example.zone", "a1/example.zone");
	if (result == RESULT_OK) // what is registered at the start
		result = boot_zone_file(boot, "tld/example.zone", "registered.start");
	if (result == RESULT_OK)
		result = boot_signer_keys(boot, LAB_LOSING, boot->info.zone);
	if (result == RESULT_OK)
		result = boot_start(boot, "a1", "knotd -c CONF");
	return result == RESULT_OK ? boot_wait_zone(boot, boot->info.party[LAB_LOSING].update)
	                           : result;
}

static enum result tld_old_keys(struct boot *boot)
{
	struct lab_party *old = &boot->info.party[LAB_LOSING];
	struct boot_keys keys;
	enum result result =
	        boot_keys(boot, old->update, old->zone, boot->info.ttl_s[LAB_TTL_DS], &keys);
	if (result != RESULT_OK)
		return result;
	old->ksk = keys.ksk;
	old->zsk = keys.zsk;
	old->ds = strstr(keys.ds, " DS ") + strlen(" DS ");
	template_set(boot->vars, "OLD_DS", keys.ds);
	return RESULT_OK;
}

// Nobody can see them yet.
static enum result tld_new_keys(struct boot *boot)
{
	struct lab_party *new = &boot->info.party[LAB_GAINING];
	enum result result = boot_signer_keys(boot, LAB_GAINING, boot->info.zone);
	if (result == RESULT_OK)
		result = boot_script(boot, "tld/bind-keys.sh", "bind-keys.sh", "log/bind-keys.log");
	if (result == RESULT_OK)
		result = boot_read_line(boot, "keys/new-ksk", &new->ksk);
	if (result == RESULT_OK)
		result = boot_read_line(boot, "keys/new-zsk", &new->zsk);
	return result == RESULT_OK ? boot_read_line(boot, "keys/new-ds", &new->ds) : result;
}

static enum result tld_new(struct boot *boot)
{
	static const char *const files[][2] = {{"tld/named-new.conf", "b1.conf"},
	        {"tld/named-new-signs.conf", "b1/signs.conf"},
	        {"tld/named-new-copies.conf", "b1/copies.conf"},
	        {"tld/named-new-copies.conf", "b1/zone.conf"},
	        {"tld/named-new-between.conf", "b1/between.conf"},
	        {"tld/named-new-alone.conf", "b1/alone.conf"}, {"tld/new.sh", "new"}};
	enum result result = tld_new_keys(boot);
	if (result == RESULT_OK)
		result = TLD_FILES(boot, files);
	return result == RESULT_OK ? boot_start(boot, "b1", "named -g -n 1 -c CONF") : result;
}

static enum result tld_secondary(struct boot *boot, int party, int server, const char *primary,
        const char *name, const char *variable, const char *more)
{
	const struct lab_party *p = &boot->info.party[party];
	struct boot_secondary secondary = {.server = &p->server[server],
	        .primary = primary,
	        .transfer_name = name,
	        .secret_var = variable,
	        .zone1 = p->zone,
	        .reload_s = 1, // many changes a second
	        .more = more,
	        .more_keys = arena_printf(boot->arena,
	                "key:\n    name: \"registry.\"\n    algorithm: hmac-sha256\n"
	                "    secret: \"%s\"\n",
	                template_get(boot->vars, "REGISTRY_SECRET"))};
	return boot_secondary(boot, &secondary);
}

static enum result tld_secondaries(struct boot *boot)
{
	static const char transfer[] = "    provide-xfr: 0.0.0.0/0 registry.\n";
	const struct lab_party *party = boot->info.party;
	const char *root = boot->info.root.v4;
	enum result result = tld_secondary(
	        boot, LAB_REGISTRY, 0, root, "transfer-root.", "TRANSFER_TLD_SECRET", NULL);
	if (result == RESULT_OK) // which is not notified
		result = tld_secondary(boot, LAB_REGISTRY, 1, root, "transfer-root.",
		        "TRANSFER_TLD_SECRET", "    max-refresh-time: 5\n");
	if (result == RESULT_OK)
		result = tld_secondary(boot, LAB_LOSING, 1, party[LAB_LOSING].server[0].v4,
		        "transfer-a.", "TRANSFER_A_SECRET", transfer);
	if (result == RESULT_OK)
		result = tld_secondary(boot, LAB_GAINING, 1, party[LAB_GAINING].server[0].v4,
		        "transfer-b.", "TRANSFER_B_SECRET", transfer);
	return result;
}

// This program, or $BATON, which IANA checks with.
static enum result tld_program(struct boot *boot)
{
	static char self[4096];
	const char *given = getenv("BATON");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *path = realpath(given != NULL ? given : self, NULL);
	if (path == NULL)
		return error_set_errno(&boot->err, "cannot find the program baton");
	template_set(boot->vars, "BATON", path);
	free(path);
	return RESULT_OK;
}

static enum result tld_iana(struct boot *boot)
{
	static const char *const files[][2] = {{"tld/iana.sh", "iana.conf"},
	        {"tld/request.sh", "request"}, {"tld/registry.sh", "registry"},
	        {"tld/registrations.to", "registrations.to"}, {"tld/networks", "iana/networks"},
	        {"tld/prohibited", "iana/prohibited"}};
	enum result result = boot_folder(boot, "iana");
	if (result == RESULT_OK)
		result = TLD_FILES(boot, files);
	return result == RESULT_OK ? boot_start(boot, "iana", "sh CONF") : result;
}

static enum result tld_start(struct boot *boot)
{
	boot_progress(boot, "back-ends: the old one (Knot) signs, the new one (BIND) copies");
	enum result result = tld_program(boot);
	if (result == RESULT_OK)
		result = tld_tsig(boot);
	if (result == RESULT_OK)
		result = tld_old(boot);
	if (result == RESULT_OK)
		result = tld_old_keys(boot);
	if (result == RESULT_OK)
		result = tld_new(boot);
	if (result == RESULT_OK)
		boot_progress(boot, "the root (Knot), secondaries (NSD), and IANA");
	if (result == RESULT_OK)
		result = boot_root(boot, "tld/knot-root.conf", "tld/root.zone");
	if (result == RESULT_OK)
		result = tld_secondaries(boot);
	return result == RESULT_OK ? tld_iana(boot) : result;
}

// id, program, name, addresses: documentation prefixes (RFC 5737, RFC 3849), not 127/8, which
// Unbound refuses to ask.
#define ROOT  "root", "knot", "a.roots.", "198.51.100.1", "2001:db8:1::1"
#define ROOT2 "root2", "nsd", "b.roots.", "198.51.100.2", "2001:db8:1::2"
#define ROOT3 "root3", "nsd", "c.roots.", "198.51.100.3", "2001:db8:1::3"
#define A1    "a1", "knot", "ns1.old.nic.example.", "192.0.2.11", "2001:db8:a::1"
#define A2    "a2", "nsd", "ns2.old.nic.example.", "192.0.2.12", "2001:db8:a::2"
#define B1    "b1", "bind", "ns1.new.nic.example.", "192.0.2.21", "2001:db8:b::1"
#define B2    "b2", "nsd", "ns2.new.nic.example.", "192.0.2.22", "2001:db8:b::2"

const struct shape shape_tld = {
        .name = "tld",
        .about = "a top-level domain moves from one back-end operator to another one",
        .names = 20000,
        .delegations = true,
        .start = tld_start,
        .plan =
                {
                        SHAPE_CLIENT,
                        SHAPE_RESOLVERS,
                        .zone = "example.",
                        .root = {ROOT},
                        .party =
                                {
                                        [LAB_REGISTRY] = {.id = "iana",
                                                .zone = ".",
                                                .update = "198.51.100.1",
                                                .tsig_name = "iana.",
                                                .server = {{ROOT2}, {ROOT3}}},
                                        [LAB_LOSING] = {.id = "old",
                                                .zone = "example.",
                                                .tsig_name = "old.",
                                                .server = {{A1}, {A2}}},
                                        [LAB_GAINING] = {.id = "new",
                                                .zone = "example.",
                                                .tsig_name = "new.",
                                                .server = {{B1}, {B2}}},
                                },
                },
};
