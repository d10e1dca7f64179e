#pragma once
#include <stdbool.h>
#include <stdint.h>

/// One capability that a run keeps, and why.
struct nss_capability {
  int32_t number;
  const char *name;
  const char *reason;
};

/// The capabilities that a run keeps; `*count` of them.
const struct nss_capability *nss_kept_capabilities(int32_t *count);
/// Drops every capability but the kept ones from the calling thread's sets and, where permitted, from the bounding
/// set, and sets no_new_privs. 0 or -errno.
int nss_drop_capabilities(void);
/// Whether the calling thread has this capability in its effective set.
bool nss_has_capability(int32_t number);
