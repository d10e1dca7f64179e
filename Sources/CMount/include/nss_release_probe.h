#pragma once
// Timed mounts and umounts in a child with a private mount namespace of its own: the measurements behind
// `nsstorm calibrate` and `nsstorm identify`. Nothing of it can outlive the caller: the child dies with its
// parent, and its mounts with the child.

#include <stdint.h>

enum {
  NSS_PROBE_MAX_SAMPLES = 8192,
  NSS_PROBE_MAX_MOUNTS = 4096,
  NSS_PROBE_MAX_CALLERS = 64,
};

enum nss_probe_kind {
  /// A tmpfs is mounted and umounted; an inotify watch tells whether its superblock is dead on return.
  NSS_PROBE_SINGLE = 1,
  /// A tree of `mounts` tmpfs is taken with one MNT_DETACH, beside `callers` - 1 processes that keep CPUs busy.
  NSS_PROBE_TREE,
  /// The same with bind mounts of one tmpfs, so that no superblock dies.
  NSS_PROBE_BINDS,
  /// A tmpfs on a shared mount with `peers` peers is umounted, its copies go with it.
  NSS_PROBE_COPIES,
  /// A normal grace period, through membarrier(MEMBARRIER_CMD_GLOBAL).
  NSS_PROBE_GRACE_PERIOD,
  /// umount2 of a directory that is no mount: the cost of the path alone.
  NSS_PROBE_FAILING,
  /// As NSS_PROBE_SINGLE, while `callers` processes stat a file on the mount.
  NSS_PROBE_WALKERS,
  /// `callers` processes umount trees of `mounts` tmpfs of their own at the same time.
  NSS_PROBE_CALLERS,
};

struct nss_probe_request {
  uint32_t kind;
  uint32_t rounds;
  uint32_t mounts;
  uint32_t peers;
  uint32_t callers;
  /// Flags of umount2: 0 or MNT_DETACH (2).
  uint32_t flags;
};

/// Shared with the child, hence one flat block.
struct nss_probe_result {
  /// 0, or the negative errno of the step that failed.
  int32_t error;
  /// The step that failed, from 1.
  uint32_t step;
  uint32_t samples;
  /// Samples whose call returned 0 and whose superblock was dead by then.
  uint32_t released;
  /// Samples whose call returned 0.
  uint32_t succeeded;
  /// Samples whose call returned EBUSY.
  uint32_t busy;
  /// Samples whose superblock was not dead a second after the call.
  uint32_t never_released;
  /// How long the calls took.
  uint64_t nanoseconds[NSS_PROBE_MAX_SAMPLES];
};

/// Runs an experiment and waits at most `limit_milliseconds`, then kills it. 0, or a negative errno.
int nss_release_probe(const struct nss_probe_request *request, uint32_t limit_milliseconds,
                      struct nss_probe_result *result);

/// How long the call of a sample took.
uint64_t nss_probe_sample(const struct nss_probe_result *result, uint32_t index);
