// Those who are about while others umount: copies of namespaces, and the life of a container as a runtime leads it.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "nss_calls.h"
#include "release.h"

// The child's exit status is an errno; a container's step comes through a pipe.
static int32_t wait_for(long pid) {
  int status = 0;
  while (waitpid((pid_t)pid, &status, 0) < 0)
    if (errno != EINTR) return errno;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return EINTR;
}

int32_t nss_release_clone_namespace(void) {
  long pid = nss_fork(false);
  if (pid < 0) return (int32_t)-pid;
  if (pid > 0) return wait_for(pid);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  _exit(unshare(CLONE_NEWNS) < 0 ? errno : 0);
}

static int step(int number, int result, int news) {
  if (result >= 0) return 0;
  int error = errno;
  unsigned char byte = (unsigned char)number;
  (void)!write(news, &byte, 1);
  return error;
}

// path[0] has the directory `lower`; path[1] is empty and gets `upper`, `work`, `root` on a tmpfs of the container's.
static int live(const char *image, const char *place, int news) {
  char options[3 * 256], root[256], path[300];
  int error;
  if (strlen(image) > 200 || strlen(place) > 200) return ENAMETOOLONG;
  if ((error = step(NSS_CONTAINER_UNSHARE, unshare(CLONE_NEWNS), news))) return error;
  if ((error = step(
         NSS_CONTAINER_SLAVE, mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), news)))
    return error;
  // Upper and work directories live on a tmpfs that only this container sees.
  if ((error = step(
         NSS_CONTAINER_OVERLAY, mount("upper", place, "tmpfs", 0, "size=1m,mode=755"), news)))
    return error;
  static const char *const directories[] = {"/upper", "/work", "/root"};
  for (unsigned i = 0; i < 3; i++) {
    nss_put_text(nss_put_text(path, place), directories[i]);
    if ((error = step(NSS_CONTAINER_OVERLAY, mkdir(path, 0755), news))) return error;
  }
  nss_put_text(nss_put_text(root, place), "/root");
  char *end = nss_put_text(nss_put_text(options, "lowerdir="), image);
  end = nss_put_text(nss_put_text(end, ",upperdir="), place);
  end = nss_put_text(nss_put_text(end, "/upper,workdir="), place);
  nss_put_text(end, "/work");
  if ((error = step(
         NSS_CONTAINER_OVERLAY, mount("container", root, "overlay", 0, options), news)))
    return error;
  static const char *const inner[] = {"/volume", "/proc", "/sys", "/dev", "/old"};
  for (unsigned i = 0; i < 5; i++) {
    nss_put_text(nss_put_text(path, root), inner[i]);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
      return step(NSS_CONTAINER_BIND, -1, news);
  }
  nss_put_text(nss_put_text(path, root), "/volume");
  if ((error = step(
         NSS_CONTAINER_BIND, mount(image, path, NULL, MS_BIND | MS_REC, NULL), news)))
    return error;
  nss_put_text(nss_put_text(path, root), "/proc");
  if ((error = step(NSS_CONTAINER_PROC, mount("proc", path, "proc", 0, NULL), news))) return error;
  nss_put_text(nss_put_text(path, root), "/sys");
  if ((error = step(NSS_CONTAINER_SYS, mount("sysfs", path, "sysfs", 0, NULL), news)))
    return error;
  nss_put_text(nss_put_text(path, root), "/dev");
  if ((error = step(
         NSS_CONTAINER_DEV, mount("dev", path, "tmpfs", 0, "size=64k,mode=755"), news)))
    return error;
  nss_put_text(nss_put_text(path, root), "/old");
  int result = nss_pivot_root(root, path);
  if (result < 0) errno = -result;
  if ((error = step(NSS_CONTAINER_PIVOT, result, news))) return error;
  if (chdir("/") < 0) return step(NSS_CONTAINER_PIVOT, -1, news);
  return step(NSS_CONTAINER_DETACH, umount2("/old", MNT_DETACH), news);
}

int32_t nss_release_container(const struct nss_op *operation, const char *text) {
  int news[2];
  if (pipe2(news, O_CLOEXEC | O_NONBLOCK) < 0) return errno;
  long pid = nss_fork(false);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    _exit(live(text + operation->path[0], text + operation->path[1], news[1]));
  }
  close(news[1]);
  int32_t error = pid < 0 ? (int32_t)-pid : wait_for(pid);
  unsigned char failed = pid < 0 ? NSS_CONTAINER_FORK : 0;
  (void)!read(news[0], &failed, 1);
  close(news[0]);
  nss_note_value(failed);
  return error;
}
