#pragma once
// What the supervisor does beside the sandbox: disk images in memory, settings of the machine under guard, and a trace
// instance of its own.

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

/// A trace instance (tracefs) and the process that will remove it.
struct nss_trace {
  int instances;
  int end;
  int32_t pid;
  char name[32];
};

/// Makes an instance that records one kind of event, such as `workqueue/workqueue_execute_start`, by CLOCK_MONOTONIC. The
/// machine's other tracing is not touched, and tracefs is mounted nowhere. The instance goes when `nss_trace_end` is called
/// or this process dies, whatever kills it. 0, or -errno (-EPERM, -EACCES, -ENODEV: no tracing here).
int nss_trace_begin(const char *event, struct nss_trace *trace);
/// A descriptor of the recorded events as text, or -errno.
int nss_trace_open(const struct nss_trace *trace);
/// Has the instance removed and waits for it; 0, or -errno when it could not be.
int nss_trace_end(struct nss_trace *trace);
/// Whether an instance of that name is there: 1 or 0, or -errno.
int nss_trace_exists(const char *name);
