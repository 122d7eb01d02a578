// fuzz: links dep_zone dep_net dep_dns
// A zone transfer from a server that says anything. The first octet's lowest bit: with a TSIG key;
// the next one: incremental, from version 1 of a zone. The rest is the stream; the messages' IDs
// are set to that of the request, so that more than the first check is reached. What comes out as a
// zone is in order.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/sim.h"
#include "zone/read.h"
#include "zone/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAM_MAX 20000

struct answer {
	uint8_t octets[STREAM_MAX];
	size_t length;
};

static void answer(void *ctx, const struct sim_request *request)
{
	struct answer *a = ctx;
	for (size_t at = 0; a->length - at >= 4;) {
		size_t n = (size_t)a->octets[at] << 8 | a->octets[at + 1];
		memcpy(a->octets + at + 2, request->data, 2);
		if (n > a->length - at - 2)
			break;
		at += 2 + n;
	}
	sim_reply(request, &(struct sim_reply){.data = a->octets,
	                           .octets = a->length,
	                           .unframed = true,
	                           .chunk = 700,
	                           .then = SIM_END});
}

static const char base_text[] = "example. 60 SOA ns. a. 1 2 3 4 5\nexample. 60 NS ns.example.\n"
                                "d.example. 60 DS 1 13 2 AA\n";

static struct zone *base_zone(void)
{
	struct zone *zone = NULL;
	const struct zone_read_options options = {0};
	if (zone_read_text("base", base_text, sizeof base_text - 1, &options, &zone, NULL) !=
	        RESULT_OK)
		abort();
	return zone;
}

static void check(const struct zone *zone)
{
	for (size_t i = 1; i < zone_node_count(zone); i++)
		if (dns_name_compare(
		            zone_node_at(zone, i - 1)->owner, zone_node_at(zone, i)->owner) >= 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct answer a;
	if (size < 1 || size > STREAM_MAX)
		return 0;
	memcpy(a.octets, data + 1, size - 1);
	a.length = size - 1;
	struct sim *sim = sim_new(1, 1700000000 * SECOND_MS);
	struct dns_tsig_key *key = NULL;
	struct zone_transfer t = {.loop = sim_loop(sim), .random = *sim_random(sim)};
	struct zone *zone = NULL;
	struct error err = {0};
	if (data[0] & 1)
		dns_tsig_key_parse("k:c2VjcmV0", &key, NULL);
	t.key = key;
	struct zone *base = data[0] & 2 ? base_zone() : NULL;
	t.base = base;
	if (zone_transfer_parse("axfr://192.0.2.1/example", &t, &err) != RESULT_OK)
		abort();
	sim_host_set(sim, &t.server, &(struct sim_host){.request = answer, .ctx = &a});
	enum result result = zone_transfer(&t, &zone, &err);
	// Nobody can make a signature without the secret.
	if ((result == RESULT_OK) != (zone != NULL) || (zone != NULL && key != NULL))
		abort();
	if (zone != NULL)
		check(zone);
	else if (strncmp(err.text, t.source, strlen(t.source)) != 0)
		abort();
	zone_free(zone);
	zone_free(base);
	dns_tsig_key_free(key);
	sim_free(sim);
	return 0;
}
