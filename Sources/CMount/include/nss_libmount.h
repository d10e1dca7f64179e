#pragma once
// Mount tables as libmount reads them.

#include <stdint.h>

/// One mount. The strings belong to the table and live as long as it does; NULL where the table has none.
struct nss_libmount_entry {
  int32_t id;
  int32_t parent;
  uint32_t major;
  uint32_t minor;
  const char *root;
  const char *target;
  const char *options;
  const char *optional_fields;
  const char *type;
  const char *source;
  const char *superblock_options;
};

struct nss_libmount_table;

/// Reads a file in the format of mountinfo, or NULL (errno says why) when it cannot be opened or parsed.
struct nss_libmount_table *nss_libmount_open(const char *path);
/// The next mount in the file's order: 1, 0 at the end, or -errno.
int nss_libmount_next(struct nss_libmount_table *table, struct nss_libmount_entry *entry);
void nss_libmount_close(struct nss_libmount_table *table);
