// File systems on loop devices over unnamed files, and the files that holders use.

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nss_calls.h"
#include "release.h"

enum { ATTACH_ATTEMPTS = 32, SECTOR = 512, CHUNK = 65536, EXECUTABLE_MODE = 0755, FILE_MODE = 0644 };

static char names[NSS_DESCRIPTOR_SLOTS][12];

const char *nss_loop_name(int32_t slot) {
  // The name only: a worker that was forked from the one that attached the device knows it too.
  if (slot < 0 || slot >= NSS_DESCRIPTOR_SLOTS || !names[slot][0]) return NULL;
  return names[slot];
}

struct extent {
  uint64_t offset;
  uint32_t length;
  uint32_t unused;
};

static int make_image(const struct nss_op *operation, const char *text) {
  int image = memfd_create("nsstorm-image", MFD_CLOEXEC);
  if (image < 0) return -errno;
  int error = ftruncate(image, (off_t)operation->value) < 0 ? errno : 0;
  const char *at = text + operation->text, *end = at + operation->flags;
  while (!error && at + sizeof(struct extent) <= end) {
    struct extent extent;
    memcpy(&extent, at, sizeof extent);
    at += sizeof extent;
    if (extent.length > (uint64_t)(end - at)) error = EINVAL;
    else if (pwrite(image, at, extent.length, (off_t)extent.offset) != (ssize_t)extent.length)
      error = ENOSPC;
    at += (extent.length + 7) & ~(uint32_t)7;
  }
  if (!error) return image;
  close(image);
  return -error;
}

static int attach(int devices, int image, char *name) {
  int control = openat(devices, "loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -errno;
  int result = -EBUSY;
  for (int attempt = 0; attempt < ATTACH_ATTEMPTS && result == -EBUSY; attempt++) {
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) {
      result = -errno;
      break;
    }
    nss_put_number(nss_put_text(name, "loop"), number);
    int device = openat(devices, name, O_RDWR | O_CLOEXEC);
    if (device < 0) {
      result = -errno;
      break;
    }
    struct loop_config configuration = {
      .fd = (uint32_t)image, .block_size = SECTOR, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    // EBUSY: somebody else was quicker with this number.
    result = ioctl(device, LOOP_CONFIGURE, &configuration) < 0 ? -errno : 0;
    if (result == 0) {
      // Held for reading only: a kernel may refuse to mount a device that is open for writing.
      result = openat(devices, name, O_RDONLY | O_CLOEXEC);
      if (result < 0) result = -errno;
    }
    close(device);
  }
  close(control);
  return result;
}

int32_t nss_release_attach(const struct nss_op *operation, const char *text) {
  int devices = nss_executor_place()->devices;
  int32_t slot = operation->result_slot;
  if (devices < 0) return ENODEV;
  if (slot < 0 || slot >= NSS_DESCRIPTOR_SLOTS) return EBADF;
  int image = make_image(operation, text);
  if (image < 0) return -image;
  int device = attach(devices, image, names[slot]);
  close(image);
  return nss_slot_fill(slot, device);
}

int32_t nss_release_mount(const struct nss_op *operation, const char *text) {
  const char *source = "nsstorm", *data = text + operation->path[1];
  int saved = -1;
  if (operation->slot[0] >= 0) {
    source = nss_loop_name(operation->slot[0]);
    if (!source) return EBADF;
    saved = nss_go_to(nss_executor_place()->devices);
    if (saved < 0) return -saved;
  }
  int32_t error =
    mount(source, text + operation->path[0], text + operation->text, 0, *data ? data : NULL) < 0
    ? errno : 0;
  if (saved >= 0) nss_return_to(saved);
  return error;
}

static int32_t write_new(int directory, const char *name, int mode, const void *bytes, uint64_t length) {
  int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return errno == EEXIST ? 0 : errno;
  static const char zeros[CHUNK];
  int32_t error = 0;
  while (length > 0 && !error) {
    uint64_t part = length < CHUNK ? length : CHUNK;
    ssize_t written = write(file, bytes ? bytes : zeros, part);
    if (written < 0) error = errno;
    else length -= (uint64_t)written;
  }
  close(file);
  return error;
}

int32_t nss_release_fill(const struct nss_op *operation, const char *text) {
  int directory = open(text + operation->path[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno;
  uint32_t length = 0;
  const void *program = nss_idle_program(&length);
  int32_t error = write_new(directory, "file", FILE_MODE, NULL, operation->value);
  if (!error && mknodat(directory, "pipe", S_IFIFO | FILE_MODE, 0) < 0 && errno != EEXIST)
    error = errno;
  if (!error) error = write_new(directory, "program", EXECUTABLE_MODE, program, length);
  close(directory);
  return error;
}

int32_t nss_release_load(const struct nss_op *operation, const char *text) {
  int directory = open(text + operation->path[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno;
  int32_t error = 0;
  for (uint64_t round = 0; round < operation->value && !error; round++) {
    error = write_new(directory, "load", FILE_MODE, NULL, CHUNK);
    if (!error && unlinkat(directory, "load", 0) < 0 && errno != ENOENT) error = errno;
  }
  close(directory);
  return error;
}
