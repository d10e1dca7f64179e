#include "nss_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

// The numbers of calls since 5.1 are the same on every architecture.
enum {
  CALL_OPEN_TREE = 428,
  CALL_MOVE_MOUNT = 429,
  CALL_FSOPEN = 430,
  CALL_FSCONFIG = 431,
  CALL_FSMOUNT = 432,
  CALL_MOUNT_SETATTR = 442,
  CALL_STATMOUNT = 457,
  CALL_LISTMOUNT = 458,
  CALL_OPEN_TREE_ATTR = 467,
};

enum { FSCONFIG_STRING = 1, FSCONFIG_CREATE = 6, CLOSE_ON_EXEC = 1 };

// A request without a namespace id must have the size of the first version, or kernels before 6.11 answer E2BIG.
enum { REQUEST_SIZE_FIRST = 24, REQUEST_SIZE_NAMESPACE = 32 };

static int answer(long value) { return (int)value; }

int nss_open_tree(int directory, const char *path, uint32_t flags) {
  return answer(NSS_CALL3(CALL_OPEN_TREE, directory, path, flags));
}

int nss_open_tree_attr(
  int directory, const char *path, uint32_t flags, const struct nss_mount_attr *attributes) {
  return answer(
    NSS_CALL5(CALL_OPEN_TREE_ATTR, directory, path, flags, attributes, sizeof *attributes));
}

int nss_move_mount(
  int from_directory, const char *from, int to_directory, const char *to, uint32_t flags) {
  return answer(NSS_CALL5(CALL_MOVE_MOUNT, from_directory, from, to_directory, to, flags));
}

int nss_mount_setattr(
  int directory, const char *path, uint32_t flags, const struct nss_mount_attr *attributes) {
  return answer(
    NSS_CALL5(CALL_MOUNT_SETATTR, directory, path, flags, attributes, sizeof *attributes));
}

int nss_fsopen(const char *type, uint32_t flags) {
  return answer(NSS_CALL2(CALL_FSOPEN, type, flags));
}

int nss_fsconfig(int context, uint32_t command, const char *key, const void *value, int aux) {
  return answer(NSS_CALL5(CALL_FSCONFIG, context, command, key, value, aux));
}

int nss_fsmount(int context, uint32_t flags, uint32_t attributes) {
  return answer(NSS_CALL3(CALL_FSMOUNT, context, flags, attributes));
}

int nss_detached_mount(const char *type, const char *source, uint32_t flags) {
  int context = nss_fsopen(type, CLOSE_ON_EXEC);
  if (context < 0) return context;
  int result = source ? nss_fsconfig(context, FSCONFIG_STRING, "source", source, 0) : 0;
  if (result == 0) result = nss_fsconfig(context, FSCONFIG_CREATE, NULL, NULL, 0);
  if (result == 0) result = nss_fsmount(context, CLOSE_ON_EXEC | flags, 0);
  close(context);
  return result;
}

int nss_pivot_root(const char *new_root, const char *put_old) {
  return answer(NSS_CALL2(SYS_pivot_root, new_root, put_old));
}

int nss_statmount(
  uint64_t mount_id, uint64_t namespace_id, uint64_t mask, struct nss_statmount *buffer,
  size_t size) {
  struct nss_mount_id_request request = {
    .size = namespace_id ? REQUEST_SIZE_NAMESPACE : REQUEST_SIZE_FIRST,
    .mount_id = mount_id,
    .parameter = mask,
    .namespace_id = namespace_id,
  };
  return answer(NSS_CALL4(CALL_STATMOUNT, &request, buffer, size, 0));
}

int64_t nss_listmount(
  uint64_t mount_id, uint64_t namespace_id, uint64_t last, uint64_t *ids, size_t limit) {
  struct nss_mount_id_request request = {
    .size = namespace_id ? REQUEST_SIZE_NAMESPACE : REQUEST_SIZE_FIRST,
    .mount_id = mount_id,
    .parameter = last,
    .namespace_id = namespace_id,
  };
  return NSS_CALL4(CALL_LISTMOUNT, &request, ids, limit, 0);
}

int nss_namespace_id(int descriptor, uint64_t *id) {
  return answer(NSS_CALL3(SYS_ioctl, descriptor, _IOR(0xb7, 0x5, uint64_t), id));
}

// `struct mnt_ns_info`.
struct namespace_info {
  uint32_t size;
  uint32_t mounts;
  uint64_t id;
};

static int neighbour(int descriptor, int number, struct namespace_info *info) {
  *info = (struct namespace_info){.size = sizeof *info};
  return answer(NSS_CALL3(
    SYS_ioctl, descriptor, _IOC(_IOC_READ, 0xb7, (unsigned)number, sizeof *info), info));
}

int64_t nss_list_namespaces(uint64_t *ids, uint64_t limit) {
  enum { NEXT = 11, PREVIOUS = 12 };
  int current = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (current < 0) return -errno;
  struct namespace_info info;
  int other;
  while ((other = neighbour(current, PREVIOUS, &info)) >= 0) {
    close(current);
    current = other;
  }
  uint64_t count = 0;
  int result = other == -ENOENT ? nss_namespace_id(current, &info.id) : other;
  while (result >= 0 && count < limit) {
    ids[count++] = info.id;
    result = other = neighbour(current, NEXT, &info);
    if (other < 0) break;
    close(current);
    current = other;
  }
  close(current);
  return result < 0 && result != -ENOENT ? result : (int64_t)count;
}

int nss_namespace_id_of_process(int32_t pid, uint64_t *id) {
  char path[40];
  nss_put_text(nss_put_number(nss_put_text(path, "/proc/"), pid), "/ns/mnt");
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  int result = nss_namespace_id(descriptor, id);
  close(descriptor);
  return result;
}

static int list_own_namespace(void) {
  int descriptor = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  uint64_t namespace_id = 0, mount_id = 0;
  int result = nss_namespace_id(descriptor, &namespace_id);
  close(descriptor);
  // ENOTTY: the kernel has listmount, but not by namespace.
  if (result < 0) return -ENOSYS;
  return (int)nss_listmount(NSS_LIST_ROOT, namespace_id, 0, &mount_id, 1);
}

static int statmount_tells_source(void) {
  struct {
    struct nss_statmount head;
    char strings[4096 + 512];
  } buffer;
  uint64_t id = 0;
  int64_t count = nss_listmount(NSS_LIST_ROOT, 0, 0, &id, 1);
  if (count <= 0) return count == -EPERM ? -EPERM : 0;
  int result = nss_statmount(id, 0, NSS_STATMOUNT_SUPERBLOCK_SOURCE, &buffer.head, sizeof buffer);
  return result == 0 && (buffer.head.mask & NSS_STATMOUNT_SUPERBLOCK_SOURCE) != 0;
}

int nss_probe(int feature) {
  // Each call is refused for its arguments: bad descriptor, unknown flags, no such type, no such mount.
  const struct nss_mount_attr nothing = {0};
  struct nss_statmount status;
  uint64_t id;
  int result = 0;
  switch (feature) {
    case NSS_FEATURE_OPEN_TREE: result = nss_open_tree(-1, "x", 0); break;
    case NSS_FEATURE_MOVE_MOUNT: result = nss_move_mount(-1, "x", -1, "x", UINT32_MAX); break;
    case NSS_FEATURE_FSOPEN: result = nss_fsopen("nsstorm-has-no-such-type", 0); break;
    case NSS_FEATURE_MOUNT_SETATTR:
      result = nss_mount_setattr(-1, "x", UINT32_MAX, &nothing);
      break;
    case NSS_FEATURE_STATMOUNT:
      result = nss_statmount(1, 0, NSS_STATMOUNT_MOUNT, &status, sizeof status);
      break;
    case NSS_FEATURE_LISTMOUNT:
      result = (int)nss_listmount(NSS_LIST_ROOT, 0, 0, &id, 1);
      break;
    case NSS_FEATURE_LISTMOUNT_NAMESPACE: result = list_own_namespace(); break;
    case NSS_FEATURE_STATMOUNT_TABLE: return statmount_tells_source();
    case NSS_FEATURE_OPEN_TREE_ATTR: result = nss_open_tree_attr(-1, "x", 0, &nothing); break;
    default: return 0;
  }
  if (result == -ENOSYS) return 0;
  return result == -EPERM ? -EPERM : 1;
}

uint64_t nss_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
