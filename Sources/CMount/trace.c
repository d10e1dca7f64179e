// A trace instance of its own, by which the work items that the kernel runs are seen.

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard.h"
#include "internal.h"
#include "nss_calls.h"
#include "nss_host.h"

enum { MODE = 0700, REMOVALS = 500, PAUSE_MICROSECONDS = 10000, PATH_BYTES = 160 };

// No namespace has it: what is opened below holds it.
static int open_instances(void) {
  int root = nss_detached_mount("tracefs", "nsstorm", 0);
  if (root < 0) return root;
  int instances = openat(root, "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = errno;
  close(root);
  return instances < 0 ? -error : instances;
}

// A reader of it that dies at the same moment may still have it open.
static int remove_instance(int instances, const char *name) {
  for (int attempt = 0; attempt < REMOVALS; attempt++) {
    if (unlinkat(instances, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    if (errno != EBUSY) return -errno;
    usleep(PAUSE_MICROSECONDS);
  }
  return -EBUSY;
}

static int open_below(const struct nss_trace *trace, const char *file, int flags) {
  char path[PATH_BYTES];
  char *end = nss_put_text(nss_put_text(path, trace->name), "/");
  if (strlen(file) + (size_t)(end - path) >= sizeof path) return -ENAMETOOLONG;
  nss_put_text(end, file);
  int opened = openat(trace->instances, path, flags | O_CLOEXEC);
  return opened < 0 ? -errno : opened;
}

static int set(const struct nss_trace *trace, const char *file, const char *value) {
  int opened = open_below(trace, file, O_WRONLY);
  if (opened < 0) return opened;
  int result = write(opened, value, strlen(value)) < 0 ? -errno : 0;
  close(opened);
  return result;
}

static int record(const char *event, const struct nss_trace *trace) {
  char enable[PATH_BYTES];
  if (strlen(event) + sizeof "events//enable" > sizeof enable) return -ENAMETOOLONG;
  nss_put_text(nss_put_text(nss_put_text(enable, "events/"), event), "/enable");
  int result = set(trace, "trace_clock", "mono");
  return result < 0 ? result : set(trace, enable, "1");
}

int nss_trace_begin(const char *event, struct nss_trace *trace) {
  trace->instances = open_instances();
  if (trace->instances < 0) return trace->instances;
  nss_put_number(nss_put_text(trace->name, "nsstorm-"), getpid());
  // The guard stands before there is something to remove.
  pid_t pid = nss_guard_start(trace->instances, remove_instance, trace->name, &trace->end);
  if (pid < 0) {
    close(trace->instances);
    return pid;
  }
  trace->pid = pid;
  int result = mkdirat(trace->instances, trace->name, MODE) < 0 ? -errno : record(event, trace);
  if (result < 0) nss_trace_end(trace);
  return result;
}

int nss_trace_open(const struct nss_trace *trace) { return open_below(trace, "trace", O_RDONLY); }

int nss_trace_end(struct nss_trace *trace) {
  int result = nss_guard_stop(trace->pid, trace->end);
  // Somebody killed the guard.
  if (result < 0) result = remove_instance(trace->instances, trace->name);
  close(trace->instances);
  return result;
}

int nss_trace_exists(const char *name) {
  int instances = open_instances();
  if (instances < 0) return instances;
  struct stat status;
  int result = fstatat(instances, name, &status, 0) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
  close(instances);
  return result;
}
