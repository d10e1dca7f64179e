// Processes that end with their parent, and what the first process of a guest needs.
#ifndef NSS_FLEET_H
#define NSS_FLEET_H

#include <stddef.h>
#include <sys/types.h>

struct nss_descriptor {
  int here;   // in the caller
  int there;  // in the new process
};

// Starts a program that gets SIGKILL when the calling thread ends and has no descriptors but those named and, where
// they are not named, /dev/null as 0, 1 and 2. `arguments` and `environment` end with NULL; the program's path is
// absolute. Answers the pid or a negative errno, that of execve included.
pid_t nss_start(
  const char *path, char *const arguments[], char *const environment[],
  const struct nss_descriptor *descriptors, size_t count);

// pipe2(2) with O_CLOEXEC; 0 or a negative errno.
int nss_pipe(int ends[2]);

// An empty file in memory, closed at exec; a descriptor or a negative errno.
int nss_memory_file(const char *name);

// finit_module(2); 0 or a negative errno.
int nss_load_module(int file);

// Makes a mount of the root directory the root, because pivot_root(2) refuses the first file system. 0 or -errno.
int nss_leave_first_root(const char *mountpoint);

// Ends the machine; answers only when it cannot.
int nss_power_off(void);

#endif
