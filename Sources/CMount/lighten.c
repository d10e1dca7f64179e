// Makes the copies of PID 1 light: a fork copies the page tables and areas of every library that the process has mapped,
// and a Swift program has a hundred areas of them. Workers are C and need three objects: this one, libc and the loader.

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

enum { MAPS_BYTES = 1 << 20 };

// With lazy binding the loader looks symbols up in every library on first use; then all of them must stay.
static bool binds_at_start(void) {
  for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_BIND_NOW)) return true;
    if (entry->d_tag == DT_FLAGS_1 && (entry->d_un.d_val & DF_1_NOW)) return true;
  }
  return false;
}

static const char *path_of(const char *line) {
  const char *path = strchr(line, '/');
  return path && strncmp(path, "/memfd:", 7) != 0 && strncmp(path, "/dev/", 5) != 0 ? path : NULL;
}

static bool is_needed(const char *path, const char *own_path) {
  const char *name = strrchr(path, '/') + 1;
  return strcmp(path, own_path) == 0 || strncmp(name, "libc.so", 7) == 0
    || strncmp(name, "libc-", 5) == 0 || strncmp(name, "ld-", 3) == 0;
}

void nss_lighten(int procfs) {
  if (!binds_at_start()) return;
  char *text =
    mmap(NULL, MAPS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (text == MAP_FAILED) return;
  int file = openat(procfs, "self/maps", O_RDONLY | O_CLOEXEC);
  uint64_t length = 0;
  for (ssize_t count = 1; file >= 0 && count > 0 && length < MAPS_BYTES - 1;
       length += count > 0 ? (uint64_t)count : 0)
    count = read(file, text + length, MAPS_BYTES - 1 - length);
  if (file >= 0) close(file);
  const char *own_path = NULL;
  for (int pass = 0; pass < 2 && (pass == 0 || own_path); pass++) {
    // The first pass finds this object's path and cuts the lines apart, the second one marks the others.
    char *line = text;
    while (line < text + length) {
      char *line_end = memchr(line, pass ? 0 : '\n', (uint64_t)(text + length - line));
      if (!line_end) break;
      *line_end = 0;
      char *rest = NULL;
      uintptr_t start = strtoull(line, &rest, 16), end = strtoull(rest + 1, NULL, 16);
      const char *path = path_of(line);
      uintptr_t here = (uintptr_t)&nss_lighten;
      if (pass == 0 && start <= here && here < end) own_path = path;
      if (pass == 1 && path && !is_needed(path, own_path))
        madvise((void *)start, end - start, MADV_DONTFORK);
      line = line_end + 1;
    }
  }
  munmap(text, MAPS_BYTES);
}
