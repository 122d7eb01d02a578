// The programs that can sign for an operator of the lab: Knot DNS, BIND and PowerDNS.
//
// Each is data: how it is started and stopped, and which files of lab/templates make it up. What
// NAME is for its templates: NAME-signer.conf is its configuration, and NAME-signer.sh, run before
// it starts, makes the keys that its zone begins with, and those of the next generation. Besides
// the variables of every template both have those of the operator: ID, V4, V6, PARTY, HOME,
// SECONDARY, SECONDARY_V4, UPDATE_SECRET, TRANSFER_NAME, TRANSFER_SECRET, SINGLE_KEY (yes or no),
// POLICY (single or zone, likewise) and NEW_ALGORITHM. The script leaves the DNSKEY records of the
// next generation, as their content, in DIR/keys/PARTY-ksk-new and DIR/keys/PARTY-zsk-new (which is
// not there for a single key), and fails where it cannot. What changes keys later is
// lab/adapters/NAME-keys.
//
//     const struct signer *signer = signer_find("knot");       // NULL: no such program
#pragma once

#include <stddef.h>

struct signer {
	const char *name;  // "powerdns"
	const char *title; // "PowerDNS"
	const char *start; // words, in which CONF is its configuration and DIR its folder
	const char *stop;  // a template, for a shell
};

const struct signer *signer_find(const char *name);
// "knot, bind or powerdns", for messages.
const char *signer_names(void);
