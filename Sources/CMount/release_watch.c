// What user space can see of the end of a mount or superblock.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "nss_calls.h"
#include "release.h"

// Of linux/fanotify.h since 6.15.
enum {
  INIT_REPORT_MOUNT = 0x4000,
  MARK_NAMESPACE = 0x110,
  MOUNT_ATTACHED = 0x01000000,
  MOUNT_DETACHED = 0x02000000,
  CLAIM_PAUSE_NANOSECONDS = 100000,
};

// What each slot has shown since its watch began. One worker is one process with one thread.
static struct signs {
  uint32_t unmounts;
  uint32_t ended;
  uint32_t destroyed;
  uint32_t detached;
  int first_watch;  // older watches of the inotify instance belong to earlier rounds
} signs[NSS_DESCRIPTOR_SLOTS];

static bool is_slot(int32_t slot) { return slot >= 0 && slot < NSS_DESCRIPTOR_SLOTS; }

static int watch_below_root_of(uint32_t worker, int instance, const char *path) {
  const struct nss_place *place = nss_executor_place();
  char link[NSS_PATH_SIZE + 40];
  if (worker >= place->region->worker_limit || strlen(path) >= NSS_PATH_SIZE) {
    errno = EINVAL;
    return -1;
  }
  int pid = __atomic_load_n(&nss_worker_at(place->region, worker)->pid, __ATOMIC_RELAXED);
  nss_put_text(nss_put_text(nss_put_number(link, pid), "/root"), path);
  int saved = nss_go_to(place->procfs);
  if (saved < 0) {
    errno = -saved;
    return -1;
  }
  int watch = inotify_add_watch(instance, link, IN_DELETE_SELF);
  int error = errno;
  nss_return_to(saved);
  errno = error;
  return watch;
}

int32_t nss_release_watch(const struct nss_op *operation, const char *text) {
  int32_t slot = operation->result_slot;
  if (!is_slot(slot)) return EBADF;
  int instance = nss_slot_descriptor(slot);
  if (instance < 0) {
    // One instance serves for all rounds: closing one waits for a grace period of its own.
    instance = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int32_t error = nss_slot_fill(slot, instance < 0 ? -errno : instance);
    if (error) return error;
  }
  int watch = operation->value
    ? watch_below_root_of(operation->worker, instance, text + operation->path[0])
    : inotify_add_watch(instance, text + operation->path[0], IN_DELETE_SELF);
  if (watch < 0) return errno;
  if (operation->code == NSS_OP_WATCH) signs[slot] = (struct signs){.first_watch = watch};
  return 0;
}

int32_t nss_release_watch_process(const struct nss_op *operation) {
  struct nss_region *region = nss_executor_place()->region;
  if (operation->worker >= region->worker_limit) return EBADF;
  int pid = __atomic_load_n(&nss_worker_at(region, operation->worker)->pid, __ATOMIC_RELAXED);
  int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
  return nss_slot_fill(operation->result_slot, descriptor < 0 ? -errno : descriptor);
}

int32_t nss_release_watch_mounts(const struct nss_op *operation) {
  if (!is_slot(operation->result_slot)) return EBADF;
  int own = openat(nss_executor_place()->procfs, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own < 0) return errno;
  int32_t error = 0;
  int group = fanotify_init(
    INIT_REPORT_MOUNT | FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, 0);
  if (group < 0) error = errno;
  if (!error
      && fanotify_mark(
           group, FAN_MARK_ADD | MARK_NAMESPACE, MOUNT_ATTACHED | MOUNT_DETACHED, own, NULL) < 0) {
    error = errno;
    close(group);
  }
  close(own);
  if (error) return error;
  signs[operation->result_slot] = (struct signs){0};
  return nss_slot_fill(operation->result_slot, group);
}

static void take_inotify(int descriptor, struct signs *seen) {
  char buffer[16384] __attribute__((aligned(8)));
  ssize_t length;
  while ((length = read(descriptor, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= length;) {
      const struct inotify_event *event = (const void *)(buffer + at);
      if ((event->mask & IN_UNMOUNT) && event->wd >= seen->first_watch) seen->unmounts++;
      at += (ssize_t)sizeof *event + event->len;
    }
  }
}

// The server of release_fuse.c writes one byte for each thing that it sees.
static void take_server(int descriptor, struct signs *seen) {
  char bytes[64];
  ssize_t length;
  while ((length = read(descriptor, bytes, sizeof bytes)) > 0) {
    for (ssize_t i = 0; i < length; i++) {
      if (bytes[i] == 'D') seen->destroyed++;
      if (bytes[i] == 'E') seen->ended++;
    }
  }
}

static void take_mounts(int descriptor, struct signs *seen) {
  char buffer[16384] __attribute__((aligned(8)));
  ssize_t length;
  while ((length = read(descriptor, buffer, sizeof buffer)) > 0) {
    const struct fanotify_event_metadata *event = (const void *)buffer;
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length))
      if (event->mask & MOUNT_DETACHED) seen->detached++;
  }
}

static uint32_t look(int32_t slot, uint64_t sign, int descriptor) {
  struct signs *seen = &signs[slot];
  struct pollfd ready = {.fd = descriptor, .events = POLLIN};
  switch (sign) {
    case NSS_SIGN_UNMOUNT: take_inotify(descriptor, seen); return seen->unmounts;
    case NSS_SIGN_END: take_server(descriptor, seen); return seen->ended;
    case NSS_SIGN_DESTROY: take_server(descriptor, seen); return seen->destroyed;
    case NSS_SIGN_DETACHED: take_mounts(descriptor, seen); return seen->detached;
    case NSS_SIGN_GONE: return poll(&ready, 1, 0) > 0;
    default: return 0;
  }
}

int32_t nss_release_await(const struct nss_op *operation) {
  int32_t slot = operation->slot[0];
  int descriptor = nss_slot_descriptor(slot);
  if (descriptor < 0) return EBADF;
  uint32_t wanted = operation->worker ? operation->worker : 1;
  uint64_t end = nss_now() + operation->value;
  for (;;) {
    uint32_t seen = look(slot, operation->flags, descriptor);
    nss_note_value(seen);
    if (seen >= wanted) return 0;
    if (operation->value == 0) return EAGAIN;
    uint64_t now = nss_now();
    if (now >= end) return ETIMEDOUT;
    struct timespec left = {
      .tv_sec = (time_t)((end - now) / 1000000000u), .tv_nsec = (long)((end - now) % 1000000000u)};
    struct pollfd ready = {.fd = descriptor, .events = POLLIN};
    // A server that ended before it said so leaves an end of file that stays readable.
    if (ppoll(&ready, 1, &left, NULL) > 0 && !(ready.revents & POLLIN)) return EPIPE;
  }
}

int32_t nss_release_claim(const struct nss_op *operation) {
  int device = nss_slot_descriptor(operation->slot[0]);
  if (device < 0) return EBADF;
  char path[40];
  nss_put_number(nss_put_text(path, "self/fd/"), device);
  uint64_t end = nss_now() + operation->value;
  uint32_t attempts = 0;
  for (;;) {
    nss_note_value(++attempts);
    int claimed =
      openat(nss_executor_place()->procfs, path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    if (claimed >= 0) {
      close(claimed);
      return 0;
    }
    if (errno != EBUSY) return errno;
    if (operation->value == 0) return EBUSY;
    if (nss_now() >= end) return ETIMEDOUT;
    struct timespec pause = {.tv_nsec = CLAIM_PAUSE_NANOSECONDS};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
}
