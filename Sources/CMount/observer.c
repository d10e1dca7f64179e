// The observer: reads what the kernel shows, so that a wedged kernel wedges this process and not the supervisor.
//
// There are two ways to read a table: mountinfo, and listmount with statmount. They share no code in the kernel that
// formats or walks; each is enough alone, and together they check each other.
//
// mountinfo and listmount take the namespace lock. A descriptor of mountinfo pins the namespace and its root, so it is
// closed before the answer is given.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"

enum {
  SPIN_NANOSECONDS = 15000,
  MEMBERS_AT_FIRST = 500,
  MEMBERS_AT_ONCE = 8000,
  MOUNTS_AT_ONCE = 512,
  ROLLUP_SIZE = 2048
};

static struct nss_place place;
static int own_namespace = -1;  // opened when it is first left

struct output {
  char *next;
  uint64_t space;
};

static int read_file(const char *path, char *to, uint64_t space, uint64_t *length) {
  int file = openat(place.procfs, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  int error = 0;
  uint64_t filled = 0;
  for (;;) {
    if (filled == space) {
      error = ENOSPC;
      break;
    }
    ssize_t count = read(file, to + filled, space - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    filled += (uint64_t)count;
  }
  close(file);
  *length = filled;
  return error;
}

static int read_table(const struct nss_worker *worker, char *to, uint64_t space, uint64_t *length) {
  char path[40];
  int32_t pid = __atomic_load_n(&worker->pid, __ATOMIC_RELAXED);
  nss_put_text(nss_put_number(path, pid), "/mountinfo");
  return read_file(path, to, space, length);
}

static int read_members(
  const struct nss_worker *worker, char *to, uint64_t space, uint64_t *length) {
  if (worker->namespace_id == 0) return EOPNOTSUPP;
  uint64_t *ids = (uint64_t *)(void *)to, last = 0, count = 0, room = space / sizeof *ids;
  // The kernel allocates, and as a rule clears, as much as it is asked for, and not as much as there is: a long list in
  // one call costs a hundred times the reading of a short one.
  uint64_t most = MEMBERS_AT_FIRST;
  for (;;) {
    uint64_t limit = room - count < most ? room - count : most;
    most = MEMBERS_AT_ONCE;
    if (limit == 0) return ENOSPC;
    int64_t found = nss_listmount(NSS_LIST_ROOT, worker->namespace_id, last, ids + count, limit);
    if (found < 0) return (int)-found;
    count += (uint64_t)found;
    if ((uint64_t)found < limit) break;
    last = ids[count - 1];
  }
  *length = count * sizeof *ids;
  return 0;
}

// The kernel's answers one after the other, each padded to 8 bytes; `size` is the length of one.
static int read_statuses(char *to, uint64_t space, uint64_t *length) {
  uint64_t ids[MOUNTS_AT_ONCE], last = 0, filled = 0;
  for (;;) {
    int64_t found = nss_listmount(NSS_LIST_ROOT, 0, last, ids, MOUNTS_AT_ONCE);
    // A namespace that is empty, or a root that was cut off from it: nothing is seen.
    if (found == -ENOENT) found = 0;
    if (found < 0) return (int)-found;
    for (int64_t i = 0; i < found; i++) {
      if (space - filled < sizeof(struct nss_statmount)) return ENOSPC;
      struct nss_statmount *status = (struct nss_statmount *)(void *)(to + filled);
      int result = nss_statmount(ids[i], 0, NSS_STATMOUNT_TABLE, status, space - filled);
      if (result == -EOVERFLOW) return ENOSPC;
      if (result < 0) return -result;
      uint64_t used = ((uint64_t)status->size + 7) & ~(uint64_t)7;
      if (used > space - filled) return ENOSPC;
      filled += used;
    }
    if (found < MOUNTS_AT_ONCE) break;
    last = ids[found - 1];
  }
  *length = filled;
  return 0;
}

static int open_of(int32_t pid, const char *name, int flags) {
  char path[40];
  nss_put_text(nss_put_number(path, pid), name);
  int descriptor = openat(place.procfs, path, flags | O_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

static int stand_in(int namespace, int root) {
  if (setns(namespace, CLONE_NEWNS) < 0) return errno;
  if (root < 0) return 0;
  return fchdir(root) < 0 || chroot(".") < 0 ? errno : 0;
}

// From where the worker stands: both calls show what can be reached from the caller's root, by paths from there. The
// observer goes back before it answers, or it would hold what it looked at.
static int read_statmount(
  const struct nss_worker *worker, char *to, uint64_t space, uint64_t *length) {
  int32_t pid = __atomic_load_n(&worker->pid, __ATOMIC_RELAXED);
  if (own_namespace < 0) own_namespace = openat(place.procfs, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own_namespace < 0) return errno;
  int namespace = open_of(pid, "/ns/mnt", O_RDONLY);
  if (namespace < 0) return -namespace;
  int root = open_of(pid, "/root", O_PATH);
  int error = root < 0 ? -root : stand_in(namespace, root);
  if (root >= 0) close(root);
  close(namespace);
  if (error == 0) error = read_statuses(to, space, length);
  // Without a way back this process must not go on: another one takes its place.
  if (stand_in(own_namespace, -1) != 0) _exit(1);
  return error;
}

static uint64_t proportional_kilobytes(int32_t pid) {
  char path[40], text[ROLLUP_SIZE];
  uint64_t length = 0, number = 0;
  nss_put_text(nss_put_number(path, pid), "/smaps_rollup");
  read_file(path, text, sizeof text - 1, &length);
  text[length] = 0;
  const char *line = strstr(text, "\nPss:");
  if (!line) return 0;
  for (line += 5; *line == ' '; line++) continue;
  for (; *line >= '0' && *line <= '9'; line++) number = number * 10 + (uint64_t)(*line - '0');
  return number;
}

// The answer: two uint64_t, the summed kilobytes of the processes of this sandbox, and their number.
static int read_memory(char *to, uint64_t space, uint64_t *length) {
  struct nss_region *region = place.region;
  uint64_t sum[2] = {proportional_kilobytes(1), 1};
  if (space < sizeof sum) return ENOSPC;
  for (uint32_t i = 0; i < region->worker_limit + region->observer_limit; i++) {
    bool is_worker = i < region->worker_limit;
    const struct nss_worker *worker = nss_worker_at(region, is_worker ? i : 0);
    const struct nss_observer *observer =
      nss_observer_at(region, is_worker ? 0 : i - region->worker_limit);
    if (nss_load(is_worker ? &worker->state : &observer->state) != NSS_ALIVE) continue;
    sum[0] += proportional_kilobytes(is_worker ? worker->pid : observer->pid);
    sum[1]++;
  }
  memcpy(to, sum, sizeof sum);
  *length = sizeof sum;
  return 0;
}

static int answer(struct nss_observer *observer, uint32_t question, struct output *output) {
  uint32_t code = question >> NSS_OBSERVE_SHIFT, index = question & NSS_OBSERVE_WORKER;
  struct nss_answer *head = (struct nss_answer *)(void *)output->next;
  if (output->space < sizeof *head + sizeof(uint64_t)) return ENOSPC;
  char *body = output->next + sizeof *head;
  uint64_t space = output->space - sizeof *head;
  head->worker = index;
  head->length = 0;
  if (code == NSS_OBSERVE_MEMORY)
    head->error = read_memory(body, space, &head->length);
  else if (code == NSS_OBSERVE_TABLES)
    head->error = read_table(nss_worker_at(place.region, index), body, space, &head->length);
  else if (code == NSS_OBSERVE_STATMOUNT)
    head->error = read_statmount(nss_worker_at(place.region, index), body, space, &head->length);
  else
    head->error = read_members(nss_worker_at(place.region, index), body, space, &head->length);
  if (head->error == ENOSPC) return ENOSPC;
  if (head->error) head->length = 0;
  uint64_t used = sizeof *head + ((head->length + 7) & ~(uint64_t)7);
  if (used > output->space) return ENOSPC;
  output->next += used;
  output->space -= used;
  observer->answered++;
  return 0;
}

_Noreturn void nss_observer_main(const struct nss_place *given, uint32_t index) {
  place = *given;
  nss_close_all_but(place.procfs, -1, -1);
  struct nss_observer *observer = nss_observer_at(place.region, index);
  __atomic_store_n(&observer->pid, getpid(), __ATOMIC_RELAXED);
  prctl(PR_SET_NAME, "nss-observer", 0, 0, 0);
  uint32_t last = nss_load(&observer->request);
  nss_store(&observer->done, last);
  nss_publish(&observer->state, NSS_ALIVE);
  for (;;) {
    nss_spin(&observer->request, last, true, SPIN_NANOSECONDS);
    uint32_t request = nss_load(&observer->request);
    if (request == last) {
      nss_futex_wait(&observer->request, last, 0);
      continue;
    }
    last = request;
    struct output output = {nss_at(place.region, observer->output), observer->output_size};
    const uint32_t *questions = nss_at(place.region, observer->questions);
    observer->answered = 0;
    observer->error = 0;
    for (uint32_t i = 0; i < observer->question_count && !observer->error; i++)
      observer->error = answer(observer, questions[i], &output);
    observer->length = (uint64_t)(output.next - (char *)nss_at(place.region, observer->output));
    nss_publish(&observer->done, request);
  }
}
