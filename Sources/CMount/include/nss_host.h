#pragma once
// What the supervisor does beside the sandbox: disk images in memory, and settings of the machine under guard.

#include <stdint.h>

/// Makes an unnamed file of `bytes`, lets `program` (a mkfs) write to it within `milliseconds`, and gives its descriptor.
/// `arguments` end with NULL; the file is named by a last argument of its own. -errno; -ENOEXEC when the program failed,
/// -ETIMEDOUT when it did not end.
int nss_make_image(
  const char *program, const char *const *arguments, uint64_t bytes, int milliseconds);

/// A path that is only named, not opened (O_PATH): what is behind it is not touched. A descriptor or -errno.
int nss_open_path(int directory, const char *path);

/// A changed setting of the machine and the process that will put the old value back.
struct nss_guard {
  int end;        // closed to have the value put back
  int32_t pid;
  char previous[64];
};

/// Writes `value` to the file and leaves a guard that writes the old value when `nss_guard_end` is called or this process
/// dies, whatever kills it. -EBUSY when another process has the file under guard, -EALREADY when it holds the value.
int nss_guard_begin(const char *path, const char *value, struct nss_guard *guard);
/// Has the old value put back and waits for it; 0, or -errno when it could not be.
int nss_guard_end(const char *path, struct nss_guard *guard);
