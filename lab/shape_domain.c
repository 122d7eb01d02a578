// The usual shape: a domain, example.test., moves from one DNS operator to another one.
//
// The operators sign their zones and are asked for their DNSKEY sets; the DS records computed from
// them go into the TLD's zone, which the TLD signs; the DS of the TLD's key goes into the root.
#include "boot_internal.h"
#include "shape_all.h"

#include <stdio.h>
#include <string.h>

#define LOSING_HOME  "losing.test."
#define GAINING_HOME "gaining.test."

static enum result domain_zone(struct boot *boot, const char *home, const char *to)
{
	template_set(boot->vars, "HOME", home);
	return boot_zone_file(boot, "example.zone", to);
}

static enum result domain_home(
        struct boot *boot, const char *home, const struct lab_party *party, const char *to)
{
	template_set(boot->vars, "HOME", home);
	boot_server_vars(boot, "NS1", &party->server[0]);
	boot_server_vars(boot, "NS2", &party->server[1]);
	return boot_template(boot, "operator.zone", to);
}

static enum result domain_operator(struct boot *boot, int index, const char *home)
{
	const struct lab_party *party = &boot->info.party[index];
	char zone[64], home_zone[64];
	snprintf(zone, sizeof(zone), "%s/example.zone", party->server[0].id);
	snprintf(home_zone, sizeof(home_zone), "%s/home.zone", party->server[0].id);
	enum result result = domain_zone(boot, home, zone);
	if (result == RESULT_OK)
		result = domain_home(boot, home, party, home_zone);
	if (result == RESULT_OK)
		result = boot_signer_conf(boot, index, home);
	if (result == RESULT_OK)
		result = boot_signer_keys(boot, index, home);
	return result == RESULT_OK ? boot_signer_start(boot, index) : result;
}

static enum result domain_start_operators(struct boot *boot)
{
	enum result result = domain_operator(boot, LAB_LOSING, LOSING_HOME);
	return result == RESULT_OK ? domain_operator(boot, LAB_GAINING, GAINING_HOME) : result;
}

static enum result domain_party_keys(struct boot *boot, int index, const char *home,
        const char *ds_var, const char *home_ds_var, int tags[2])
{
	struct lab_party *party = &boot->info.party[index];
	struct boot_keys keys, home_keys;
	enum result result =
	        boot_keys(boot, party->update, party->zone, boot->info.ttl_s[LAB_TTL_DS], &keys);
	if (result == RESULT_OK)
		result = boot_keys(boot, party->update, home, 3600, &home_keys);
	if (result != RESULT_OK)
		return result;
	if ((keys.zsk == NULL) != boot->options->signer[index].single_key)
		return error_set(&boot->err, RESULT_CORRUPT,
		        keys.zsk == NULL ? "%s: no zone signing key" : "%s: more than a single key",
		        party->id);
	party->ksk = keys.ksk;
	party->zsk = keys.zsk;
	party->ds = strstr(keys.ds, " DS ") + strlen(" DS ");
	template_set(boot->vars, ds_var, keys.ds);
	template_set(boot->vars, home_ds_var, home_keys.ds);
	tags[0] = keys.ksk_tag;
	tags[1] = keys.zsk != NULL ? keys.zsk_tag : -1;
	return RESULT_OK;
}

// No two of the four keys may have the same tag: tools that go by tags would mix them up, which is
// a subject of its own.
static enum result domain_operator_keys(struct boot *boot)
{
	int tags[4];
	enum result result = domain_party_keys(
	        boot, LAB_LOSING, LOSING_HOME, "LOSING_DS", "LOSING_HOME_DS", &tags[0]);
	if (result == RESULT_OK)
		result = domain_party_keys(
		        boot, LAB_GAINING, GAINING_HOME, "GAINING_DS", "GAINING_HOME_DS", &tags[2]);
	for (int i = 0; i < 4 && result == RESULT_OK; i++)
		for (int j = 0; j < i; j++)
			if (tags[i] == tags[j] && tags[i] >= 0)
				result = error_set(&boot->err, RESULT_CONFLICT,
				        "two new keys have the same tag %d; start again", tags[i]);
	return result;
}

static enum result domain_tld(struct boot *boot)
{
	struct boot_keys keys;
	enum result result = boot_template(boot, "test.zone", "tld1/test.zone");
	if (result == RESULT_OK)
		result = boot_template(boot, "knot-tld.conf", "tld1.conf");
	if (result == RESULT_OK)
		result = boot_start(boot, "tld1", "knotd -c CONF");
	if (result == RESULT_OK)
		result = boot_keys(boot, boot->info.party[LAB_REGISTRY].update, "test.",
		        boot_upper_ttl_s(boot), &keys);
	if (result == RESULT_OK)
		template_set(boot->vars, "TLD_DS", keys.ds);
	return result;
}

// A secondary of one of the parties, which has its home zone as well.
static enum result domain_secondary(struct boot *boot, int party, const char *transfer_name,
        const char *secret_var, const char *zone1, const char *zone2)
{
	const struct lab_server *server = boot->info.party[party].server;
	struct boot_secondary secondary = {.server = &server[1],
	        .primary = server[0].v4,
	        .transfer_name = transfer_name,
	        .secret_var = secret_var,
	        .zone1 = zone1,
	        .zone2 = zone2};
	return boot_secondary(boot, &secondary);
}

static enum result domain_secondaries(struct boot *boot)
{
	enum result result = domain_secondary(
	        boot, LAB_REGISTRY, "transfer-tld.", "TRANSFER_TLD_SECRET", "test.", NULL);
	if (result == RESULT_OK)
		result = domain_secondary(boot, LAB_LOSING, "transfer-a.", "TRANSFER_A_SECRET",
		        boot->info.zone, LOSING_HOME);
	if (result == RESULT_OK)
		result = domain_secondary(boot, LAB_GAINING, "transfer-b.", "TRANSFER_B_SECRET",
		        boot->info.zone, GAINING_HOME);
	return result;
}

static enum result domain_start(struct boot *boot)
{
	const struct lab_party *party = boot->info.party;
	template_set(boot->vars, "LOSING_HOME", LOSING_HOME);
	template_set(boot->vars, "GAINING_HOME", GAINING_HOME);
	boot_progress(boot,
	        arena_printf(boot->arena,
	                "operators: the losing one (%s) and the gaining one (%s) sign",
	                boot_signer_title(boot, LAB_LOSING), boot_signer_title(boot, LAB_GAINING)));
	enum result result = domain_start_operators(boot);
	if (result == RESULT_OK)
		result = boot_wait_zone(boot, party[LAB_LOSING].update);
	if (result == RESULT_OK)
		result = boot_wait_zone(boot, party[LAB_GAINING].update);
	if (result == RESULT_OK)
		result = domain_operator_keys(boot);
	if (result != RESULT_OK)
		return result;
	boot_progress(boot, "test. and the root (Knot) sign");
	result = domain_tld(boot);
	if (result == RESULT_OK)
		result = boot_root(boot, "knot-root.conf", "root.zone");
	if (result == RESULT_OK)
		boot_progress(boot, "secondaries (NSD)");
	return result == RESULT_OK ? domain_secondaries(boot) : result;
}

// id, program, name, addresses: documentation prefixes (RFC 5737, RFC 3849), not 127/8, which
// Unbound refuses to ask.
#define ROOT "root", "knot", "a.roots.", "198.51.100.1", "2001:db8:1::1"
#define TLD1 "tld1", "knot", "ns1.nic.test.", "198.51.100.11", "2001:db8:2::1"
#define TLD2 "tld2", "nsd", "ns2.nic.test.", "198.51.100.12", "2001:db8:2::2"
#define A1   "a1", "knot", "ns1.losing.test.", "192.0.2.11", "2001:db8:a::1"
#define A2   "a2", "nsd", "ns2.losing.test.", "192.0.2.12", "2001:db8:a::2"
#define B1   "b1", "bind", "ns1.gaining.test.", "192.0.2.21", "2001:db8:b::1"
#define B2   "b2", "nsd", "ns2.gaining.test.", "192.0.2.22", "2001:db8:b::2"

const struct shape shape_domain = {
        .name = "domain",
        .about = "a domain moves from one DNS operator to another one",
        .names = 24000,
        .any_signer = true,
        .start = domain_start,
        .plan =
                {
                        SHAPE_CLIENT,
                        SHAPE_RESOLVERS,
                        .zone = "example.test.",
                        .root = {ROOT},
                        .party =
                                {
                                        [LAB_REGISTRY] = {.id = "registry",
                                                .zone = "test.",
                                                .tsig_name = "registrar.",
                                                .server = {{TLD1}, {TLD2}}},
                                        [LAB_LOSING] = {.id = "losing",
                                                .zone = "example.test.",
                                                .tsig_name = "losing.",
                                                .server = {{A1}, {A2}}},
                                        [LAB_GAINING] = {.id = "gaining",
                                                .zone = "example.test.",
                                                .tsig_name = "gaining.",
                                                .server = {{B1}, {B2}}},
                                },
                },
};
