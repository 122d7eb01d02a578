// The lab's namespaces: own network, own mounts, own processes; with them a user namespace where
// the caller is not root.
//
//     namespace_unshare(&err);      // in the keeper; the next fork is PID 1 inside
//     ... fork ...
//     namespace_furnish(&err);      // in PID 1: a /proc of its own, the network
//     namespace_address("192.0.2.11", &err);
//
// Unprivileged use needs user namespaces (kernel.unprivileged_userns_clone on Debian); errors are
// RESULT_SYSTEM with the reason.
#pragma once

#include "base/error.h"

// Leaves the caller's namespaces. The caller must be single-threaded.
enum result namespace_unshare(struct error *err);

// Mounts a /proc of the lab's own, where the system permits it, and brings the loopback device up.
enum result namespace_furnish(struct error *err);

// Adds an IPv4 or IPv6 address, in text, to the loopback device.
enum result namespace_address(const char *address, struct error *err);

// Makes `source` the address that the kernel sends from, by default, to the local address `to`;
// without this it would send from `to` itself.
enum result namespace_source(const char *to, const char *source, struct error *err);
