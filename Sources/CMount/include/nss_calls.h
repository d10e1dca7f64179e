#pragma once
// Raw system calls, with struct definitions of our own where Debian 12's headers lack them.
// Each returns 0 (or a descriptor or count) on success and -errno otherwise; none touches errno.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// `struct mount_attr` (5.12).
struct nss_mount_attr {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t userns_fd;
};

/// `struct mnt_id_req`, the form with a namespace id (6.11).
struct nss_mount_id_request {
  uint32_t size;
  uint32_t spare;
  uint64_t mount_id;
  uint64_t parameter;
  uint64_t namespace_id;
};

/// The fixed head of `struct statmount` (6.8); strings follow at the offsets that it names.
struct nss_statmount {
  uint32_t size;
  uint32_t mount_options;
  uint64_t mask;
  uint32_t superblock_major;
  uint32_t superblock_minor;
  uint64_t superblock_magic;
  uint32_t superblock_flags;
  uint32_t file_system_type;
  uint64_t mount_id;
  uint64_t parent_id;
  uint32_t old_mount_id;
  uint32_t old_parent_id;
  uint64_t attributes;
  uint64_t propagation;
  uint64_t peer_group;
  uint64_t master;
  uint64_t propagate_from;
  uint32_t root;
  uint32_t point;
  uint64_t namespace_id;
  uint32_t file_system_subtype;
  uint32_t superblock_source;
  uint64_t spare[48];
};

enum {
  NSS_STATMOUNT_SUPERBLOCK = 1,
  NSS_STATMOUNT_MOUNT = 2,
  NSS_STATMOUNT_PROPAGATE_FROM = 4,
  NSS_STATMOUNT_ROOT = 8,
  NSS_STATMOUNT_POINT = 16,
  NSS_STATMOUNT_FILE_SYSTEM_TYPE = 32,
  NSS_STATMOUNT_NAMESPACE_ID = 64,
  NSS_STATMOUNT_FILE_SYSTEM_SUBTYPE = 256,  // 6.13
  NSS_STATMOUNT_SUPERBLOCK_SOURCE = 512,    // 6.13
  /// What a table of mounts needs.
  NSS_STATMOUNT_TABLE = 1 | 2 | 4 | 8 | 16 | 32 | 256 | 512,
};

/// The `LSMT_ROOT` of listmount: the caller's, or the named namespace's, root.
#define NSS_LIST_ROOT UINT64_MAX

int nss_open_tree(int directory, const char *path, uint32_t flags);
/// `open_tree_attr` (6.15): open_tree and mount_setattr before anybody sees the descriptor.
int nss_open_tree_attr(
  int directory, const char *path, uint32_t flags, const struct nss_mount_attr *attributes);
int nss_move_mount(
  int from_directory, const char *from, int to_directory, const char *to, uint32_t flags);
int nss_mount_setattr(
  int directory, const char *path, uint32_t flags, const struct nss_mount_attr *attributes);
int nss_fsopen(const char *type, uint32_t flags);
int nss_fsconfig(int context, uint32_t command, const char *key, const void *value, int aux);
int nss_fsmount(int context, uint32_t flags, uint32_t attributes);
/// fsopen, fsconfig (the source, then create) and fsmount in one; the errno is that of the first that failed.
/// `flags` are those of fsmount.
int nss_detached_mount(const char *type, const char *source, uint32_t flags);
int nss_pivot_root(const char *new_root, const char *put_old);
/// One mount by its unique id; `buffer` receives the head and its strings.
int nss_statmount(
  uint64_t mount_id, uint64_t namespace_id, uint64_t mask, struct nss_statmount *buffer,
  size_t size);
/// The unique ids of the mounts below `mount_id` (or ``NSS_LIST_ROOT``), after `last`; the count, at most `limit`.
/// `namespace_id` 0 is the caller's own.
int64_t nss_listmount(
  uint64_t mount_id, uint64_t namespace_id, uint64_t last, uint64_t *ids, size_t limit);
/// The id of the mount namespace behind an nsfs descriptor (`NS_GET_MNTNS_ID`, 6.11).
int nss_namespace_id(int descriptor, uint64_t *id);
/// The ids of all mount namespaces of the machine that the caller may see (`NS_MNT_GET_NEXT`, 6.12), also of those
/// without a process; they are never used again. The count, at most `limit`.
int64_t nss_list_namespaces(uint64_t *ids, uint64_t limit);
/// The id of a process's mount namespace.
int nss_namespace_id_of_process(int32_t pid, uint64_t *id);
/// Features that are probed by calls without effect.
enum {
  NSS_FEATURE_OPEN_TREE,
  NSS_FEATURE_MOVE_MOUNT,
  NSS_FEATURE_FSOPEN,
  NSS_FEATURE_MOUNT_SETATTR,
  NSS_FEATURE_STATMOUNT,
  NSS_FEATURE_LISTMOUNT,
  NSS_FEATURE_LISTMOUNT_NAMESPACE,
  NSS_FEATURE_OPEN_TREE_ATTR,
  /// statmount tells everything that mountinfo tells, the source included (6.13).
  NSS_FEATURE_STATMOUNT_TABLE,
};
/// Whether the running kernel has a feature: 1, 0, or -EPERM where something (a seccomp filter, missing rights)
/// hides the answer.
int nss_probe(int feature);
/// CLOCK_MONOTONIC, in nanoseconds.
uint64_t nss_now(void);
