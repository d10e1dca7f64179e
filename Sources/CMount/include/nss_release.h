#pragma once
// Operations of the release rounds: make a file system, hold it, let go, and watch when the kernel lets go of it.
// They are executed by workers beside the calls under test and are not calls of a trace.

#include "nss_shared.h"

enum {
  /// Starts to watch the superblock below path[0] with the inotify instance in result_slot (made when the slot is
  /// empty). Forgets what the slot has seen before. With `value`, below the root of the worker `worker`.
  NSS_OP_WATCH = NSS_OP_RELEASE_FIRST,
  /// Adds a further superblock to the watch in result_slot, and forgets nothing.
  NSS_OP_WATCH_ALSO,
  /// Waits at most `value` nanoseconds until the slot has shown `worker` (at least one) of the signs `flags`.
  /// EAGAIN when `value` is 0, ETIMEDOUT otherwise. Measures how many there were.
  NSS_OP_AWAIT,
  /// A pidfd of the worker `worker` in result_slot.
  NSS_OP_WATCH_PROCESS,
  /// Mount events (fanotify, 6.15) of the caller's namespace in result_slot.
  NSS_OP_WATCH_MOUNTS,
  /// Tries to open the block device in slot[0] exclusively, again and again for `value` nanoseconds.
  NSS_OP_CLAIM,
  /// A loop device with autoclear over an unnamed file of `value` bytes, in result_slot. The text is `flags` bytes of
  /// extents: offset (8), length (4), 4 unused, the bytes padded to 8.
  NSS_OP_LOOP_ATTACH,
  /// Mounts type `text` at path[0] with the data path[1] from the device in slot[0] (or no device when negative).
  NSS_OP_MOUNT_DATA,
  /// Starts a FUSE server and mounts it at path[0]; on the device in slot[0] as fuseblk. What it sees of its end is in
  /// result_slot.
  NSS_OP_MOUNT_FUSE,
  /// Puts the files that holders use into the directory path[0]: `file` of `value` bytes, `pipe`, `program`.
  NSS_OP_FILL,
  /// Writes and removes files below path[0], `value` times.
  NSS_OP_LOAD,
  /// Measures the mount id of path[0].
  NSS_OP_MOUNT_ID,
  /// Measures the pages that the machine's tmpfs files take.
  NSS_OP_SHARED_MEMORY,
  /// Holds the file path[0] by `flags`, in result_slot.
  NSS_OP_PIN,
  /// Ends what slot[0] holds by `flags`.
  NSS_OP_UNPIN,
  /// A descriptor of the mount namespace of the worker `worker` in result_slot.
  NSS_OP_HOLD_NAMESPACE,
  /// umount2 of path[0] with `flags`, again and again for `value` nanoseconds while it answers EBUSY; measures the calls.
  NSS_OP_UMOUNT_UNTIL,
  /// Waits at most `value` nanoseconds until the worker `worker` has gone through its program twice meanwhile, so that
  /// both run now.
  NSS_OP_MEET,
  /// SIGKILL for the worker `worker`.
  NSS_OP_KILL,
  /// Reads the caller's mountinfo to its end; measures its bytes.
  NSS_OP_READ_TABLE,
  /// A child that copies the mount namespace and exits.
  NSS_OP_CLONE_NAMESPACE,
  /// The life of one container: path[0] is the image (lower directory), path[1] a directory for the root.
  /// On failure measures the step.
  NSS_OP_CONTAINER,
  /// The next `value`th injected fault hits this task (`/proc/self/fail-nth`); 0 ends it and measures whether it hit.
  NSS_OP_FAIL_NTH,
};

/// Signs that NSS_OP_AWAIT waits for.
enum {
  NSS_SIGN_UNMOUNT = 1,   // IN_UNMOUNT: the superblock was shut down
  NSS_SIGN_END,           // the FUSE connection is gone (ENODEV)
  NSS_SIGN_DESTROY,       // FUSE_DESTROY, which only fuseblk sends
  NSS_SIGN_GONE,          // the process has exited
  NSS_SIGN_DETACHED,      // FAN_MNT_DETACH
};

/// What NSS_OP_PIN holds a file by.
enum {
  NSS_PIN_MAP = 1,   // a mapping, its descriptor closed
  NSS_PIN_MESSAGE,   // SCM_RIGHTS in flight
  NSS_PIN_RING,      // a fixed file of an io_uring, its descriptor closed
  NSS_PIN_REQUEST,   // an AIO request that never completes (the path is a FIFO), its descriptor closed
  NSS_PIN_PROGRAM,   // a process that executes it
};

/// The steps of NSS_OP_CONTAINER, as it measures them.
enum {
  NSS_CONTAINER_FORK = 1,
  NSS_CONTAINER_UNSHARE,
  NSS_CONTAINER_SLAVE,
  NSS_CONTAINER_OVERLAY,
  NSS_CONTAINER_BIND,
  NSS_CONTAINER_PROC,
  NSS_CONTAINER_SYS,
  NSS_CONTAINER_DEV,
  NSS_CONTAINER_PIVOT,
  NSS_CONTAINER_DETACH,
  NSS_CONTAINER_STEPS = NSS_CONTAINER_DETACH,
};
