// Makes one prepared operation. Runs in workers: no allocation, no lock, no output, no errno.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"

// Constants of linux/mount.h and linux/fcntl.h, which cannot be included beside sys/mount.h on Debian 12.
enum {
  MOVE_FROM_EMPTY = 0x4,
  MOVE_TO_EMPTY = 0x40,
  TREE_CLOSE_ON_EXEC = O_CLOEXEC,
  TREE_NAMESPACE = 2,
  DIRECTORY_MODE = 0755,
  FILE_MODE = 0644,
};

// One process has one of each; the threads of a process share its descriptors, working directory and root.
static struct nss_place here;
static int32_t slots[NSS_DESCRIPTOR_SLOTS];  // descriptor + 1; 0 is empty, so that untouched pages stay shared
static int slots_used;                       // no slot from here on was ever used

static uint32_t measured;  // what the operation under way found out, beside its errno

void nss_executor_use(const struct nss_place *place) { here = *place; }
const struct nss_place *nss_executor_place(void) { return &here; }

void nss_note_value(uint32_t value) { measured = value; }
uint32_t nss_take_value(void) {
  uint32_t value = measured;
  measured = 0;
  return value;
}

int nss_slot_descriptor(int32_t slot) {
  return slot >= 0 && slot < NSS_DESCRIPTOR_SLOTS ? slots[slot] - 1 : -1;
}

static int32_t failure(long result) { return result < 0 ? (int32_t)-result : 0; }

int32_t nss_slot_close(int32_t slot) {
  int descriptor = nss_slot_descriptor(slot);
  if (descriptor < 0) return EBADF;
  slots[slot] = 0;
  return failure(NSS_CALL1(SYS_close, descriptor));
}

// As dup2 has it: a descriptor that was in the slot is closed once the new one is there.
int32_t nss_slot_fill(int32_t slot, int descriptor) {
  if (descriptor < 0) return -descriptor;
  if (slot < 0 || slot >= NSS_DESCRIPTOR_SLOTS) {
    NSS_CALL1(SYS_close, descriptor);
    return EMFILE;
  }
  int previous = nss_slot_descriptor(slot);
  slots[slot] = descriptor + 1;
  if (slot >= slots_used) slots_used = slot + 1;
  if (previous >= 0) NSS_CALL1(SYS_close, previous);
  return 0;
}

void nss_executor_close_slots(void) {
  nss_release_forget();
  for (int slot = 0; slot < slots_used; slot++)
    if (slots[slot]) nss_slot_close(slot);
  slots_used = 0;
}

static int open_at(int directory, const char *path, int flags) {
  return (int)NSS_CALL4(SYS_openat, directory, path, flags, 0);
}

// A path argument as the *at family takes it.
struct argument {
  int directory;
  const char *path;
  bool is_descriptor;
};

static struct argument argument(const struct nss_op *operation, int index, const char *text) {
  const char *path = text + operation->path[index];
  switch (operation->kind[index]) {
    case NSS_PATH_TEXT: return (struct argument){AT_FDCWD, path, false};
    case NSS_PATH_DESCRIPTOR:
      return (struct argument){nss_slot_descriptor(operation->slot[index]), "", true};
    case NSS_PATH_RELATIVE:
      return (struct argument){nss_slot_descriptor(operation->slot[index]), path, false};
    default: return (struct argument){AT_FDCWD, NULL, false};
  }
}

static char *magic_link(char *to, int descriptor) {
  return nss_put_number(nss_put_text(to, "self/fd/"), descriptor);
}

// For calls of the *at family without an empty-path flag: the magic link below the detached procfs.
static struct argument linked(
  const struct nss_op *operation, int index, const char *text, char *buffer) {
  struct argument given = argument(operation, index, text);
  if (!given.is_descriptor) return given;
  if (given.directory < 0) return (struct argument){-1, "x", false};
  magic_link(buffer, given.directory);
  return (struct argument){here.procfs, buffer, false};
}

// Calls that take plain strings only (mount, umount2, chroot, pivot_root, chdir) reach descriptors through
// /proc/self/fd. Namespace 0 has no /proc, so the working directory is moved to the detached procfs for the time of
// the call. A descriptor of the real working directory takes over its reference, so that busy checks count the same.
struct detour {
  int saved;  // -1: no detour
  char buffer[2][NSS_PATH_SIZE];
  const char *path[2];
};

// The source of a new file system is a name and no path.
static bool is_name(const struct nss_op *operation, int index) {
  return operation->code == NSS_OP_MOUNT && index == 0 && operation->text
    && !(operation->flags & (MS_BIND | MS_MOVE));
}

static int32_t detour_begin(
  struct detour *detour, const struct nss_op *operation, const char *text, int count) {
  bool needed = false;
  detour->saved = -1;
  for (int i = 0; i < count; i++) {
    detour->path[i] = operation->kind[i] == NSS_PATH_NULL ? NULL : text + operation->path[i];
    if (is_name(operation, i)) continue;
    needed = needed || operation->kind[i] >= NSS_PATH_DESCRIPTOR;
  }
  if (!needed) return 0;
  detour->saved = open_at(AT_FDCWD, ".", O_PATH | O_CLOEXEC);
  if (detour->saved < 0) return failure(detour->saved);
  for (int i = 0; i < count; i++) {
    int start = -1;
    if (is_name(operation, i)) continue;
    if (operation->kind[i] >= NSS_PATH_DESCRIPTOR) {
      start = nss_slot_descriptor(operation->slot[i]);
      if (start < 0) {
        NSS_CALL1(SYS_close, detour->saved);
        detour->saved = -1;
        return EBADF;
      }
    } else if (operation->kind[i] == NSS_PATH_TEXT && detour->path[i][0] != '/') {
      start = detour->saved;
    }
    if (start < 0) continue;
    char *end = magic_link(detour->buffer[i], start);
    if (operation->kind[i] != NSS_PATH_DESCRIPTOR) {
      const char *rest = detour->path[i];
      if (!*rest || *rest == '/') continue;  // an empty path stays ENOENT, an absolute one is itself
      if (strlen(rest) >= sizeof detour->buffer[i] - (size_t)(end - detour->buffer[i]) - 1) {
        NSS_CALL1(SYS_close, detour->saved);
        detour->saved = -1;
        return ENAMETOOLONG;
      }
      nss_put_text(nss_put_text(end, "/"), rest);
    }
    detour->path[i] = detour->buffer[i];
  }
  int32_t error = failure(NSS_CALL1(SYS_fchdir, here.procfs));
  if (error) {
    NSS_CALL1(SYS_close, detour->saved);
    detour->saved = -1;
  }
  return error;
}

static void detour_end(struct detour *detour, bool stay) {
  if (detour->saved < 0) return;
  if (!stay) NSS_CALL1(SYS_fchdir, detour->saved);
  NSS_CALL1(SYS_close, detour->saved);
}

static int32_t string_call(const struct nss_op *operation, const char *text) {
  struct detour detour;
  int count = operation->code == NSS_OP_MOUNT || operation->code == NSS_OP_PIVOT_ROOT ? 2 : 1;
  int32_t error = detour_begin(&detour, operation, text, count);
  if (error) return error;
  switch (operation->code) {
    case NSS_OP_MOUNT:
      error = failure(NSS_CALL5(
        SYS_mount, detour.path[0], detour.path[1], operation->text ? text + operation->text : NULL,
        operation->flags, NULL));
      break;
    case NSS_OP_UMOUNT:
      error = failure(NSS_CALL2(SYS_umount2, detour.path[0], (int)operation->flags));
      break;
    case NSS_OP_CHROOT: error = failure(NSS_CALL1(SYS_chroot, detour.path[0])); break;
    case NSS_OP_CHDIR: error = failure(NSS_CALL1(SYS_chdir, detour.path[0])); break;
    case NSS_OP_PIVOT_ROOT: error = failure(nss_pivot_root(detour.path[0], detour.path[1])); break;
    default: error = ENOSYS;
  }
  detour_end(&detour, operation->code == NSS_OP_CHDIR && error == 0);
  return error;
}

// Whether the caller stands on the absolute root of its namespace: that is its own parent and comes first in the table, and only
// who stands on it sees it. The empty nullfs of 7.x is no root that anybody could touch.
static bool stands_on_absolute_root(void) {
  enum { NULL_FS_MAGIC = 0x4E554C4C };
  struct statfs status;
  if (statfs("/", &status) == 0 && status.f_type == NULL_FS_MAGIC) return false;
  char line[64] = "";
  int file = openat(here.procfs, "self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  ssize_t count = read(file, line, sizeof line - 1);
  close(file);
  int space = 0;
  while (space < count && line[space] != ' ') space++;
  return count > 2 * space + 1 && space > 0 && memcmp(line, line + space + 1, (size_t)space) == 0
    && line[2 * space + 1] == ' ';
}

// setns with a descriptor of a namespace or of a process.
static int32_t enter(int descriptor) {
  int own = open_at(here.procfs, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  int32_t error = failure(NSS_CALL2(SYS_setns, descriptor, CLONE_NEWNS));
  if (error == 0 && stands_on_absolute_root()) {
    // That is the machine's own rootfs: nobody may make a call from there, whatever the plan believed.
    error = ENOTRECOVERABLE;
    if (NSS_CALL2(SYS_setns, own, CLONE_NEWNS) < 0 || stands_on_absolute_root()) _exit(1);
  }
  if (own >= 0) NSS_CALL1(SYS_close, own);
  if (error == 0) nss_note_namespace();
  return error;
}

static int32_t switch_namespace(const struct nss_op *operation) {
  if (operation->worker >= here.region->worker_limit) return EBADF;
  int pid = __atomic_load_n(&nss_worker_at(here.region, operation->worker)->pid, __ATOMIC_RELAXED);
  // By a pidfd: opening the namespace's file below /proc would be refused, with another errno, before setns is asked.
  int descriptor = (int)NSS_CALL2(SYS_pidfd_open, pid, 0);
  if (descriptor < 0) return failure(descriptor);
  int32_t error = enter(descriptor);
  NSS_CALL1(SYS_close, descriptor);
  return error;
}

// The file of a namespace of another worker's process, below the detached procfs.
static int namespace_file(const struct nss_op *operation, const char *name) {
  if (operation->worker >= here.region->worker_limit) return -EBADF;
  int pid = __atomic_load_n(&nss_worker_at(here.region, operation->worker)->pid, __ATOMIC_RELAXED);
  char path[48];
  nss_put_text(nss_put_text(nss_put_number(path, pid), "/ns/"), name);
  return open_at(here.procfs, path, O_RDONLY | O_CLOEXEC);
}

// value: attributes to set in the low half, to clear in the high half; flags: AT_ flags low, propagation high.
static struct nss_mount_attr attributes_of(const struct nss_op *operation) {
  struct nss_mount_attr attributes = {
    .set = operation->value & UINT32_MAX,
    .clear = operation->value >> 32,
    .propagation = operation->flags >> 32,
    .userns_fd = UINT64_MAX,
  };
  if (operation->slot[1] >= 0) {
    int descriptor = nss_slot_descriptor(operation->slot[1]);
    attributes.userns_fd = descriptor < 0 ? INT32_MAX : (uint64_t)descriptor;
  }
  return attributes;
}

static int32_t change_attributes(const struct nss_op *operation, const char *text) {
  struct argument path = argument(operation, 0, text);
  struct nss_mount_attr attributes = attributes_of(operation);
  uint32_t flags = (uint32_t)operation->flags | (path.is_descriptor ? AT_EMPTY_PATH : 0);
  return failure(nss_mount_setattr(path.directory, path.path, flags, &attributes));
}

static int32_t open_changed_tree(const struct nss_op *operation, const char *text) {
  struct argument path = argument(operation, 0, text);
  struct nss_mount_attr attributes = attributes_of(operation);
  uint32_t flags = (uint32_t)operation->flags | TREE_CLOSE_ON_EXEC
    | (path.is_descriptor ? AT_EMPTY_PATH : 0);
  return nss_slot_fill(
    operation->result_slot, nss_open_tree_attr(path.directory, path.path, flags, &attributes));
}

static int32_t baseline(const struct nss_op *operation, const char *text) {
  const char *target = text + operation->path[1];
  for (uint64_t round = 0; round < operation->value; round++) {
    int32_t error = failure(NSS_CALL5(SYS_mount, "t", target, "tmpfs", 0, NULL));
    if (!error) error = failure(NSS_CALL2(SYS_umount2, target, (int)operation->flags));
    if (error) return error;
  }
  return 0;
}

int32_t nss_execute(const struct nss_op *operation, const char *text) {
  char buffer[2][48];
  struct argument first, second;
  switch (operation->code) {
    case NSS_OP_MOUNT:
      // The common case without a frame for detours.
      if (operation->kind[0] <= NSS_PATH_TEXT && operation->kind[1] <= NSS_PATH_TEXT)
        return failure(NSS_CALL5(
          SYS_mount, operation->kind[0] ? text + operation->path[0] : NULL,
          operation->kind[1] ? text + operation->path[1] : NULL,
          operation->text ? text + operation->text : NULL, operation->flags, NULL));
      return string_call(operation, text);
    case NSS_OP_UMOUNT:
      if (operation->kind[0] == NSS_PATH_TEXT)
        return failure(NSS_CALL2(SYS_umount2, text + operation->path[0], (int)operation->flags));
      return string_call(operation, text);
    case NSS_OP_CHROOT:
    case NSS_OP_CHDIR:
    case NSS_OP_PIVOT_ROOT: return string_call(operation, text);
    case NSS_OP_MKDIR:
      first = linked(operation, 0, text, buffer[0]);
      return failure(NSS_CALL3(SYS_mkdirat, first.directory, first.path, DIRECTORY_MODE));
    case NSS_OP_RMDIR:
      first = linked(operation, 0, text, buffer[0]);
      return failure(NSS_CALL3(SYS_unlinkat, first.directory, first.path, AT_REMOVEDIR));
    case NSS_OP_UNLINK:
      first = linked(operation, 0, text, buffer[0]);
      return failure(NSS_CALL3(SYS_unlinkat, first.directory, first.path, 0));
    case NSS_OP_RENAME:
      first = linked(operation, 0, text, buffer[0]);
      second = linked(operation, 1, text, buffer[1]);
      return failure(NSS_CALL4(
        SYS_renameat, first.directory, first.path, second.directory, second.path));
    case NSS_OP_SYMLINK:
      first = linked(operation, 0, text, buffer[0]);
      return failure(NSS_CALL3(SYS_symlinkat, text + operation->text, first.directory, first.path));
    case NSS_OP_TOUCH:
      first = linked(operation, 0, text, buffer[0]);
      return failure(
        NSS_CALL4(SYS_mknodat, first.directory, first.path, S_IFREG | FILE_MODE, 0));
    case NSS_OP_STAT: {
      struct stat status;
      first = argument(operation, 0, text);
      return failure(NSS_CALL4(
        SYS_newfstatat, first.directory, first.path, &status,
        first.is_descriptor ? AT_EMPTY_PATH : 0));
    }
    case NSS_OP_OPEN: {
      first = linked(operation, 0, text, buffer[0]);
      int flags = O_RDONLY | O_CLOEXEC | (operation->flags & NSS_OPEN_PATH ? O_PATH : 0)
        | (operation->flags & NSS_OPEN_DIRECTORY ? O_DIRECTORY : 0);
      return nss_slot_fill(operation->result_slot, open_at(first.directory, first.path, flags));
    }
    case NSS_OP_CLOSE: return nss_slot_close(operation->slot[0]);
    case NSS_OP_OPEN_TREE: {
      first = argument(operation, 0, text);
      bool numbers = operation->flags & TREE_NAMESPACE;
      int before = numbers ? nss_number_namespaces_in_order(0) : -1;
      int descriptor = nss_open_tree(
        first.directory, first.path,
        (uint32_t)operation->flags | TREE_CLOSE_ON_EXEC
          | (first.is_descriptor ? AT_EMPTY_PATH : 0));
      if (numbers) nss_number_namespaces_in_order(before);
      return nss_slot_fill(operation->result_slot, descriptor);
    }
    case NSS_OP_FSMOUNT: {
      bool numbers = operation->flags & NSS_FSMOUNT_NAMESPACE;
      int before = numbers ? nss_number_namespaces_in_order(0) : -1;
      int descriptor = nss_detached_mount(
        text + operation->text, text + operation->path[0], (uint32_t)operation->flags);
      if (numbers) nss_number_namespaces_in_order(before);
      return nss_slot_fill(operation->result_slot, descriptor);
    }
    case NSS_OP_MOVE_MOUNT:
      first = argument(operation, 0, text);
      second = argument(operation, 1, text);
      return failure(nss_move_mount(
        first.directory, first.path, second.directory, second.path,
        (uint32_t)operation->flags | (first.is_descriptor ? MOVE_FROM_EMPTY : 0)
          | (second.is_descriptor ? MOVE_TO_EMPTY : 0)));
    case NSS_OP_MOUNT_SETATTR: return change_attributes(operation, text);
    case NSS_OP_OPEN_TREE_ATTR: return open_changed_tree(operation, text);
    case NSS_OP_SETNS: return switch_namespace(operation);
    case NSS_OP_SETNS_DESCRIPTOR: {
      int descriptor = nss_slot_descriptor(operation->slot[0]);
      return descriptor < 0 ? EBADF : enter(descriptor);
    }
    case NSS_OP_OPEN_NAMESPACE:
      return nss_slot_fill(
        operation->result_slot, namespace_file(operation, text + operation->text));
    case NSS_OP_HOLD:
      return nss_hold(
        operation->result_slot, nss_slot_descriptor(operation->slot[0]), operation->flags);
    case NSS_OP_LET_GO: return nss_let_go(operation->slot[0]);
    case NSS_OP_UNSHARE:
    case NSS_OP_SHARE: return nss_make_worker(operation);
    case NSS_OP_THREAD: return nss_make_thread(operation);
    case NSS_OP_BASELINE: return baseline(operation, text);
    case NSS_OP_EXIT:
    case NSS_OP_PAUSE: return 0;
    default: return nss_execute_release(operation, text);
  }
}
