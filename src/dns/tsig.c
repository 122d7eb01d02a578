#include "dns/tsig.h"

#include <assert.h>
#include <libdnssec/error.h>
#include <libdnssec/tsig.h>
#include <libknot/dname.h>
#include <libknot/errcode.h>
#include <libknot/packet/wire.h>
#include <libknot/tsig.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_OCTETS  KNOT_WIRE_HEADER_SIZE
#define KEY_TEXT_MAX   4096
#define VARIABLES_MAX  (2 * DNS_NAME_MAX + 32)
#define ERROR_BADSIG   16
#define ERROR_BADKEY   17
#define ERROR_BADTIME  18
#define ERROR_BADTRUNC 22

struct dns_tsig_key {
	dnssec_tsig_algorithm_t algorithm;
	struct dns_name name, algorithm_name; // in lower case
	dnssec_binary_t secret;
};

// The fields of a TSIG record (RFC 8945 4.2).
struct fields {
	struct dns_name key, algorithm;
	uint64_t time_s;
	uint16_t fudge_s, original_id, error, other_length;
	const uint8_t *other;
	struct dns_tsig_mac mac;
};

static enum result copy_key(
        const knot_tsig_key_t *from, struct dns_tsig_key **key, struct error *err)
{
	struct dns_tsig_key *new = calloc(1, sizeof *new);
	if (new == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a TSIG key");
	new->secret.data = malloc(from->secret.size + 1);
	if (new->secret.data == NULL) {
		free(new);
		return error_set(err, RESULT_MEMORY, "no memory for a TSIG key");
	}
	new->secret.size = from->secret.size;
	memcpy(new->secret.data, from->secret.data, from->secret.size);
	new->algorithm = from->algorithm;
	dns_name_lower(&new->name, from->name);
	dns_name_lower(&new->algorithm_name, dnssec_tsig_algorithm_to_dname(from->algorithm));
	*key = new;
	return RESULT_OK;
}

enum result dns_tsig_key_parse(const char *text, struct dns_tsig_key **key, struct error *err)
{
	if (strnlen(text, KEY_TEXT_MAX) == KEY_TEXT_MAX)
		return error_set(
		        err, RESULT_LIMIT, "a TSIG key of more than %d octets", KEY_TEXT_MAX);
	const char *colon = strchr(text, ':');
	if (colon == NULL)
		return error_set(err, RESULT_INPUT,
		        "not a TSIG key: expected algorithm:name:base64, such as "
		        "hmac-sha256:key.example:c2VjcmV0");
	char full[KEY_TEXT_MAX + sizeof "hmac-sha256:"];
	snprintf(full, sizeof full, "%s%s", strchr(colon + 1, ':') == NULL ? "hmac-sha256:" : "",
	        text);
	knot_tsig_key_t found = {0};
	int code = knot_tsig_key_init_str(&found, full);
	OPENSSL_cleanse(full, sizeof full);
	if (code != KNOT_EOK || found.secret.size == 0) {
		knot_tsig_key_deinit(&found);
		return error_set(err, RESULT_INPUT,
		        "not a TSIG key: expected algorithm:name:base64 with an algorithm such as "
		        "hmac-sha256");
	}
	enum result result = copy_key(&found, key, err);
	OPENSSL_cleanse(found.secret.data, found.secret.size);
	knot_tsig_key_deinit(&found);
	return result;
}

void dns_tsig_key_free(struct dns_tsig_key *key)
{
	if (key == NULL)
		return;
	OPENSSL_cleanse(key->secret.data, key->secret.size);
	free(key->secret.data);
	free(key);
}

const uint8_t *dns_tsig_key_name(const struct dns_tsig_key *key)
{
	return key->name.wire;
}

static uint8_t *put(uint8_t *at, const void *octets, size_t n)
{
	if (n > 0)
		memcpy(at, octets, n);
	return at + n;
}

static uint8_t *put_u16(uint8_t *at, uint16_t number)
{
	knot_wire_write_u16(at, number);
	return at + 2;
}

// What is hashed of the TSIG record itself (RFC 8945 4.3.3), without Other Data.
static size_t variables(const struct fields *f, uint8_t octets[static VARIABLES_MAX])
{
	uint8_t *at = put(octets, f->key.wire, dns_name_length(f->key.wire));
	at = put_u16(at, DNS_CLASS_ANY);
	at = put(at, (const uint8_t[4]){0}, 4); // TTL
	at = put(at, f->algorithm.wire, dns_name_length(f->algorithm.wire));
	knot_wire_write_u48(at, f->time_s);
	at = put_u16(at + 6, f->fudge_s);
	at = put_u16(at, f->error);
	at = put_u16(at, f->other_length);
	return (size_t)(at - octets);
}

static bool hash(dnssec_tsig_ctx_t *ctx, const uint8_t *octets, size_t n)
{
	// libdnssec does not write to it, but wants it so.
	dnssec_binary_t piece = {.size = n, .data = (uint8_t *)(uintptr_t)octets};
	return n == 0 || dnssec_tsig_add(ctx, &piece) == DNSSEC_EOK;
}

static bool hash_prior(dnssec_tsig_ctx_t *ctx, const struct dns_tsig_mac *prior)
{
	uint8_t length[2];
	if (prior == NULL)
		return true;
	knot_wire_write_u16(length, (uint16_t)prior->length);
	return hash(ctx, length, 2) && hash(ctx, prior->octets, prior->length);
}

// wire is the message as it was before the TSIG record was appended, but for its header, which
// comes apart.
static bool compute_mac(const struct dns_tsig_key *key, const struct dns_tsig_mac *prior,
        const uint8_t header[static HEADER_OCTETS], const uint8_t *wire, size_t length,
        const struct fields *f, struct dns_tsig_mac *mac)
{
	uint8_t octets[VARIABLES_MAX];
	dnssec_tsig_ctx_t *ctx = NULL;
	if (dnssec_tsig_new(&ctx, key->algorithm, &key->secret) != DNSSEC_EOK)
		return false;
	struct dns_tsig_mac computed = {.length = dnssec_tsig_size(ctx)};
	assert(computed.length <= DNS_TSIG_MAC_MAX);
	bool done = hash_prior(ctx, prior) && hash(ctx, header, HEADER_OCTETS) &&
	            hash(ctx, wire + HEADER_OCTETS, length - HEADER_OCTETS) &&
	            hash(ctx, octets, variables(f, octets)) &&
	            hash(ctx, f->other, f->other_length) &&
	            dnssec_tsig_write(ctx, computed.octets) == DNSSEC_EOK;
	dnssec_tsig_free(ctx);
	if (done)
		*mac = computed;
	return done;
}

static size_t record_length(const struct fields *f)
{
	return dns_name_length(f->key.wire) + 10 + dns_name_length(f->algorithm.wire) + 16 +
	       f->mac.length + f->other_length;
}

static void append_record(const struct fields *f, uint8_t *at)
{
	at = put(at, f->key.wire, dns_name_length(f->key.wire));
	at = put_u16(at, DNS_TYPE_TSIG);
	at = put_u16(at, DNS_CLASS_ANY);
	at = put(at, (const uint8_t[4]){0}, 4);
	size_t rest = record_length(f) - dns_name_length(f->key.wire) - 10;
	at = put_u16(at, (uint16_t)rest);
	at = put(at, f->algorithm.wire, dns_name_length(f->algorithm.wire));
	knot_wire_write_u48(at, f->time_s);
	at = put_u16(at + 6, f->fudge_s);
	at = put_u16(at, (uint16_t)f->mac.length);
	at = put(at, f->mac.octets, f->mac.length);
	at = put_u16(at, f->original_id);
	at = put_u16(at, f->error);
	at = put_u16(at, f->other_length);
	put(at, f->other, f->other_length);
}

enum result dns_tsig_sign(const struct dns_tsig_key *key, uint8_t *wire, size_t *length,
        size_t room, int64_t now_s, struct dns_tsig_mac *mac, struct error *err)
{
	assert(*length >= HEADER_OCTETS && room >= *length && now_s >= 0);
	struct fields f = {
	        .key = key->name,
	        .algorithm = key->algorithm_name,
	        .time_s = (uint64_t)now_s & 0xffffffffffff,
	        .fudge_s = DNS_TSIG_FUDGE_S,
	        .original_id = knot_wire_get_id(wire),
	};
	if (!compute_mac(key, NULL, wire, wire, *length, &f, &f.mac))
		return error_set(err, RESULT_MEMORY, "cannot compute a TSIG");
	if (record_length(&f) > room - *length || *length + record_length(&f) > DNS_MESSAGE_MAX)
		return error_set(err, RESULT_LIMIT, "no room for a TSIG record in the message");
	append_record(&f, wire + *length);
	*length += record_length(&f);
	knot_wire_set_arcount(wire, (uint16_t)(knot_wire_get_arcount(wire) + 1));
	*mac = f.mac;
	return RESULT_OK;
}

static bool read_tail(const uint8_t *octets, size_t n, struct fields *f)
{
	if (n < 10)
		return false;
	f->time_s = knot_wire_read_u48(octets);
	f->fudge_s = knot_wire_read_u16(octets + 6);
	f->mac.length = knot_wire_read_u16(octets + 8);
	if (f->mac.length > DNS_TSIG_MAC_MAX || n < 10 + f->mac.length + 6)
		return false;
	memcpy(f->mac.octets, octets + 10, f->mac.length);
	octets += 10 + f->mac.length;
	f->original_id = knot_wire_read_u16(octets);
	f->error = knot_wire_read_u16(octets + 2);
	f->other_length = knot_wire_read_u16(octets + 4);
	f->other = octets + 6;
	return 10 + f->mac.length + 6 + f->other_length == n;
}

// The owner may be compressed, the algorithm's name may not.
static bool read_record(const uint8_t *wire, size_t length, size_t at, struct fields *f)
{
	if (at >= length)
		return false;
	int n = knot_dname_wire_check(wire + at, wire + length, wire);
	if (n <= 0 || length - at - (size_t)n < 10 ||
	        knot_dname_unpack(f->key.wire, wire + at, sizeof f->key.wire, wire) <= 0)
		return false;
	dns_name_lower(&f->key, f->key.wire);
	const uint8_t *fixed = wire + at + n, *rdata = fixed + 10;
	size_t rdata_length = knot_wire_read_u16(fixed + 8), name_length;
	// RFC 8945 4.2: class ANY and TTL 0, which is what is hashed.
	if (knot_wire_read_u16(fixed) != DNS_TYPE_TSIG ||
	        knot_wire_read_u16(fixed + 2) != DNS_CLASS_ANY ||
	        knot_wire_read_u32(fixed + 4) != 0 ||
	        rdata_length != (size_t)(wire + length - rdata))
		return false;
	if (dns_name_check(rdata, rdata_length, &f->algorithm, &name_length, NULL) != RESULT_OK)
		return false;
	dns_name_lower(&f->algorithm, f->algorithm.wire);
	return read_tail(rdata + name_length, rdata_length - name_length, f);
}

static const char *error_name(uint16_t code)
{
	switch (code) {
	case ERROR_BADSIG:
		return "BADSIG: the secrets differ";
	case ERROR_BADKEY:
		return "BADKEY: it does not know this key name or algorithm";
	case ERROR_BADTIME:
		return "BADTIME: the clocks differ";
	case ERROR_BADTRUNC:
		return "BADTRUNC: it wants a longer MAC";
	default:
		return "an unknown error";
	}
}

static enum result refused(const struct fields *f, struct error *err)
{
	return error_set(err, RESULT_REFUSED, "the server does not accept the TSIG: %s (%u)%s",
	        error_name(f->error), f->error,
	        f->mac.length == 0 ? "; the answer is not signed and proves nothing" : "");
}

static enum result check_time(const struct fields *f, int64_t now_s, struct error *err)
{
	int64_t off_s = now_s - (int64_t)f->time_s;
	if (off_s <= f->fudge_s && off_s >= -(int64_t)f->fudge_s)
		return RESULT_OK;
	return error_set(err, RESULT_TIMEOUT,
	        "the TSIG was made %lld s %s our time, which is more than the allowed %u s",
	        (long long)(off_s < 0 ? -off_s : off_s), off_s < 0 ? "after" : "before",
	        f->fudge_s);
}

enum result dns_tsig_verify(const struct dns_tsig_key *key, const uint8_t *wire, size_t length,
        const struct dns_message *message, const struct dns_tsig_mac *request, int64_t now_s,
        struct dns_tsig_mac *mac, struct error *err)
{
	if (!message->has_tsig)
		return error_set(err, RESULT_NOT_FOUND, "the message has no TSIG");
	struct fields f;
	if (length < HEADER_OCTETS || !read_record(wire, length, message->tsig_offset, &f))
		return error_set(err, RESULT_CORRUPT, "the message has a malformed TSIG record");
	if (f.error != 0 && f.mac.length == 0)
		return refused(&f, err);
	if (!dns_name_equal(f.key.wire, key->name.wire) ||
	        !dns_name_equal(f.algorithm.wire, key->algorithm_name.wire))
		return error_set(
		        err, RESULT_CORRUPT, "the message is signed with another TSIG key");
	uint8_t header[HEADER_OCTETS];
	memcpy(header, wire, sizeof header);
	knot_wire_set_id(header, f.original_id);
	knot_wire_set_arcount(header, (uint16_t)(knot_wire_get_arcount(wire) - 1));
	struct dns_tsig_mac computed;
	if (!compute_mac(key, request, header, wire, message->tsig_offset, &f, &computed))
		return error_set(err, RESULT_MEMORY, "cannot compute a TSIG");
	if (computed.length != f.mac.length ||
	        CRYPTO_memcmp(computed.octets, f.mac.octets, computed.length) != 0)
		return error_set(err, RESULT_CORRUPT, "the message's TSIG is wrong");
	if (f.error != 0)
		return refused(&f, err);
	enum result result = check_time(&f, now_s, err);
	if (result == RESULT_OK && mac != NULL)
		*mac = computed;
	return result;
}

struct dns_tsig_stream {
	const struct dns_tsig_key *key;
	struct dns_tsig_mac prior;
	dnssec_tsig_ctx_t
	        *ctx; // has the prior MAC and the unsigned messages; NULL before the first
	unsigned unsigned_count;
};

struct dns_tsig_stream *dns_tsig_stream_new(
        const struct dns_tsig_key *key, const struct dns_tsig_mac *request)
{
	struct dns_tsig_stream *stream = calloc(1, sizeof *stream);
	if (stream != NULL) {
		stream->key = key;
		stream->prior = *request;
	}
	return stream;
}

void dns_tsig_stream_free(struct dns_tsig_stream *stream)
{
	if (stream == NULL)
		return;
	dnssec_tsig_free(stream->ctx);
	free(stream);
}

bool dns_tsig_stream_is_complete(const struct dns_tsig_stream *stream)
{
	return stream->ctx != NULL && stream->unsigned_count == 0;
}

// Begins the hash of what the next signature covers.
static bool stream_restart(struct dns_tsig_stream *stream, const struct dns_tsig_mac *prior)
{
	dnssec_tsig_free(stream->ctx);
	stream->ctx = NULL;
	stream->prior = *prior;
	stream->unsigned_count = 0;
	return dnssec_tsig_new(&stream->ctx, stream->key->algorithm, &stream->key->secret) ==
	               DNSSEC_EOK &&
	       hash_prior(stream->ctx, prior);
}

// RFC 8945 5.3.1: of the TSIG record only the timers are covered, because the names were before.
static bool stream_mac(struct dns_tsig_stream *stream, const uint8_t *wire, size_t tsig_offset,
        const struct fields *f, struct dns_tsig_mac *mac)
{
	uint8_t header[HEADER_OCTETS], timers[8];
	memcpy(header, wire, sizeof header);
	knot_wire_set_id(header, f->original_id);
	knot_wire_set_arcount(header, (uint16_t)(knot_wire_get_arcount(wire) - 1));
	knot_wire_write_u48(timers, f->time_s);
	knot_wire_write_u16(timers + 6, f->fudge_s);
	mac->length = dnssec_tsig_size(stream->ctx);
	return hash(stream->ctx, header, sizeof header) &&
	       hash(stream->ctx, wire + HEADER_OCTETS, tsig_offset - HEADER_OCTETS) &&
	       hash(stream->ctx, timers, sizeof timers) &&
	       dnssec_tsig_write(stream->ctx, mac->octets) == DNSSEC_EOK;
}

static enum result stream_signed(struct dns_tsig_stream *stream, const uint8_t *wire, size_t length,
        size_t tsig_offset, int64_t now_s, struct error *err)
{
	struct fields f;
	struct dns_tsig_mac mac;
	if (!read_record(wire, length, tsig_offset, &f))
		return error_set(err, RESULT_CORRUPT, "the message has a malformed TSIG record");
	if (f.error != 0)
		return refused(&f, err);
	if (!dns_name_equal(f.key.wire, stream->key->name.wire) ||
	        !dns_name_equal(f.algorithm.wire, stream->key->algorithm_name.wire))
		return error_set(
		        err, RESULT_CORRUPT, "the message is signed with another TSIG key");
	if (!stream_mac(stream, wire, tsig_offset, &f, &mac))
		return error_set(err, RESULT_MEMORY, "cannot compute a TSIG");
	if (mac.length != f.mac.length || CRYPTO_memcmp(mac.octets, f.mac.octets, mac.length) != 0)
		return error_set(err, RESULT_CORRUPT, "the message's TSIG is wrong");
	enum result result = check_time(&f, now_s, err);
	if (result == RESULT_OK && !stream_restart(stream, &mac))
		return error_set(err, RESULT_MEMORY, "cannot compute a TSIG");
	return result;
}

static enum result stream_first(struct dns_tsig_stream *stream, const uint8_t *wire, size_t length,
        size_t tsig_offset, int64_t now_s, struct error *err)
{
	struct dns_tsig_mac mac;
	struct dns_message message = {.has_tsig = tsig_offset > 0, .tsig_offset = tsig_offset};
	enum result result = dns_tsig_verify(
	        stream->key, wire, length, &message, &stream->prior, now_s, &mac, err);
	if (result == RESULT_OK && !stream_restart(stream, &mac))
		return error_set(err, RESULT_MEMORY, "cannot compute a TSIG");
	return result;
}

enum result dns_tsig_stream_verify(struct dns_tsig_stream *stream, const uint8_t *wire,
        size_t length, size_t tsig_offset, int64_t now_s, struct error *err)
{
	assert(length >= HEADER_OCTETS);
	if (stream->ctx == NULL)
		return stream_first(stream, wire, length, tsig_offset, now_s, err);
	if (tsig_offset > 0)
		return stream_signed(stream, wire, length, tsig_offset, now_s, err);
	if (stream->unsigned_count == DNS_TSIG_STREAM_UNSIGNED)
		return error_set(err, RESULT_NOT_FOUND,
		        "%d messages in a row have no TSIG (RFC 8945 5.3.1)",
		        DNS_TSIG_STREAM_UNSIGNED + 1);
	stream->unsigned_count++;
	if (!hash(stream->ctx, wire, length))
		return error_set(err, RESULT_MEMORY, "cannot compute a TSIG");
	return RESULT_OK;
}
