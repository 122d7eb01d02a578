// What the lab's init does: brings the servers up from the leaves to the root, and watches them.
//
// The order makes every trust link from what is really served: the operators sign their zones and
// are asked for their DNSKEY sets; the DS records computed from them go into the TLD's zone, which
// the TLD signs; the DS of the TLD's key goes into the root; the root's key is the trust anchor of
// the resolvers.
#pragma once

#include "lab.h"

// Runs as PID 1 of the lab, never returns. report is written one line at a time: "progress TEXT",
// then "ready" or "failed CODE TEXT".
_Noreturn void boot_run(const struct lab_info *plan, const struct lab_options *options, int report);
