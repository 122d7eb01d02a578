// TSIG (RFC 8945): messages signed with a shared secret.
//
//     struct dns_tsig_key *key;
//     dns_tsig_key_parse("hmac-sha256:update.example:c2VjcmV0…", &key, err);
//     struct dns_tsig_mac mac;
//     dns_tsig_sign(key, wire, &length, sizeof wire, now_s, &mac, err);     // appends the record
//     ... send, receive octets, n, parse into m ...
//     if (dns_tsig_verify(key, octets, n, &m, &mac, now_s, NULL, err) != RESULT_OK) return
//     err->code;
//
// The time is passed in, seconds since the Unix epoch. A key is a heap object; dns_tsig_key_free
// wipes the secret. Errors of verification: RESULT_NOT_FOUND no TSIG in the message, RESULT_REFUSED
// the server says that it does not accept ours (BADKEY, BADSIG, BADTIME: such answers are unsigned
// and prove nothing, RFC 8945 5.3.2), RESULT_CORRUPT wrong key name, algorithm or MAC,
// RESULT_TIMEOUT a correct MAC outside of its time window.
#pragma once

#include "dns/message.h"

#define DNS_TSIG_MAC_MAX 64
#define DNS_TSIG_FUDGE_S 300 // RFC 8945 10

struct dns_tsig_key;
struct dns_tsig_mac {
	size_t length;
	uint8_t octets[DNS_TSIG_MAC_MAX];
};

// "algorithm:name:base64": hmac-sha1, -sha224, -sha256, -sha384, -sha512 (and -md5 for servers that
// know nothing else). The algorithm may be missing: hmac-sha256. Messages never contain the secret.
enum result dns_tsig_key_parse(const char *text, struct dns_tsig_key **key, struct error *err);
void dns_tsig_key_free(struct dns_tsig_key *key); // NULL is fine
const uint8_t *dns_tsig_key_name(const struct dns_tsig_key *key);

// Signs a request that is complete, and appends the TSIG record; *length grows. *mac is needed to
// verify the response. RESULT_LIMIT where room octets do not suffice.
enum result dns_tsig_sign(const struct dns_tsig_key *key, uint8_t *wire, size_t *length,
        size_t room, int64_t now_s, struct dns_tsig_mac *mac, struct error *err);
// Verifies a response, of which message is the parsed form. request is the MAC of the request;
// NULL verifies a request (which has none before it). Where mac is not NULL, it gets the message's.
enum result dns_tsig_verify(const struct dns_tsig_key *key, const uint8_t *wire, size_t length,
        const struct dns_message *message, const struct dns_tsig_mac *request, int64_t now_s,
        struct dns_tsig_mac *mac, struct error *err);

// The messages of one response over one stream, such as a zone transfer (RFC 8945 5.3.1): the first
// is signed like any response; each later signature covers the one before, the unsigned messages
// since then, and its own message.
//
//     struct dns_tsig_stream *stream = dns_tsig_stream_new(key, &request_mac);
//     for each message:
//             dns_tsig_stream_verify(stream, wire, length, tsig_offset, now_s, err);
//     dns_tsig_stream_is_complete(stream);      // the last message was signed
//     dns_tsig_stream_free(stream);
#define DNS_TSIG_STREAM_UNSIGNED 99 // messages in a row

struct dns_tsig_stream;
// NULL without memory. The key has to live as long.
struct dns_tsig_stream *dns_tsig_stream_new(
        const struct dns_tsig_key *key, const struct dns_tsig_mac *request);
void dns_tsig_stream_free(struct dns_tsig_stream *stream); // NULL is fine
// The next message. tsig_offset is where its TSIG record begins, 0 where it has none. Errors as of
// dns_tsig_verify(); RESULT_NOT_FOUND where the first message, or the hundredth in a row, has none.
enum result dns_tsig_stream_verify(struct dns_tsig_stream *stream, const uint8_t *wire,
        size_t length, size_t tsig_offset, int64_t now_s, struct error *err);
// Whether all messages so far are covered by a signature.
bool dns_tsig_stream_is_complete(const struct dns_tsig_stream *stream);
