// A small FUSE file system over the raw protocol: one directory with a file, a FIFO and a program. Its server says when
// the kernel ends the connection. libfuse would hide just that moment, and would be one more package for the build.

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "release.h"

enum { ROOT = FUSE_ROOT_ID, PLAIN_FILE, FIFO, PROGRAM, NODES = PROGRAM };
enum { FILE_BYTES = 65536, BUFFER = 1 << 17, LONG_SECONDS = 3600, PROTOCOL_MINOR = 31, BLOCK = 512 };
enum { MOUNT_PAUSE_MICROSECONDS = 20, READY_MILLISECONDS = 5000 };

static const char *const node_names[] = {NULL, NULL, "file", "pipe", "program"};

static void describe(uint64_t node, struct fuse_attr *attributes) {
  static const uint32_t modes[] = {
    0, S_IFDIR | 0755, S_IFREG | 0644, S_IFIFO | 0644, S_IFREG | 0755};
  uint32_t program_length = 0;
  nss_idle_program(&program_length);
  memset(attributes, 0, sizeof *attributes);
  attributes->ino = node;
  attributes->mode = modes[node];
  attributes->nlink = node == ROOT ? 2 : 1;
  attributes->size = node == PLAIN_FILE ? FILE_BYTES : node == PROGRAM ? program_length : 0;
  attributes->blksize = BLOCK;
}

struct reply {
  struct fuse_out_header head;
  union {
    struct fuse_init_out init;
    struct fuse_entry_out entry;
    struct fuse_attr_out attributes;
    struct fuse_open_out open;
    struct fuse_write_out written;
    struct fuse_statfs_out status;
    char bytes[BUFFER];
  } body;
};

// The length of the answer's body, or -errno.
static int answer(const struct fuse_in_header *request, const void *argument, struct reply *reply) {
  uint64_t node = request->nodeid;
  bool known = node >= ROOT && node <= NODES;
  switch (request->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_in *asked = argument;
      reply->body.init = (struct fuse_init_out){
        .major = FUSE_KERNEL_VERSION,
        .minor = PROTOCOL_MINOR,
        .max_readahead = asked->max_readahead,
        .max_background = 16,
        .congestion_threshold = 12,
        .max_write = FILE_BYTES,
        .time_gran = 1,
      };
      return sizeof reply->body.init;
    }
    case FUSE_LOOKUP:
      for (uint64_t found = PLAIN_FILE; found <= NODES; found++) {
        if (strcmp(argument, node_names[found]) != 0) continue;
        reply->body.entry = (struct fuse_entry_out){
          .nodeid = found, .entry_valid = LONG_SECONDS, .attr_valid = LONG_SECONDS};
        describe(found, &reply->body.entry.attr);
        return sizeof reply->body.entry;
      }
      return -ENOENT;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
      if (!known) return -ENOENT;
      reply->body.attributes = (struct fuse_attr_out){.attr_valid = LONG_SECONDS};
      describe(node, &reply->body.attributes.attr);
      return sizeof reply->body.attributes;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
      reply->body.open = (struct fuse_open_out){.open_flags = FOPEN_KEEP_CACHE};
      return sizeof reply->body.open;
    case FUSE_READ: {
      const struct fuse_read_in *wanted = argument;
      uint32_t length = 0;
      const char *program = nss_idle_program(&length);
      uint64_t size = node == PROGRAM ? length : FILE_BYTES;
      if (wanted->offset >= size) return 0;
      uint64_t count = size - wanted->offset < wanted->size ? size - wanted->offset : wanted->size;
      if (node == PROGRAM) memcpy(reply->body.bytes, program + wanted->offset, count);
      else memset(reply->body.bytes, 0, count);
      return (int)count;
    }
    case FUSE_WRITE:
      reply->body.written =
        (struct fuse_write_out){.size = ((const struct fuse_write_in *)argument)->size};
      return sizeof reply->body.written;
    case FUSE_STATFS:
      reply->body.status = (struct fuse_statfs_out){.st = {.bsize = BLOCK, .namelen = 255}};
      return sizeof reply->body.status;
    case FUSE_READDIR:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_DESTROY: return 0;
    default: return -ENOSYS;
  }
}

static bool has_answer(uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

static void tell(int news, char what) { (void)!write(news, &what, 1); }

static _Noreturn void serve(int device, int news) {
  static union {
    struct fuse_in_header head;
    char bytes[BUFFER + FUSE_MIN_READ_BUFFER];
  } request;
  static struct reply reply;
  // The server must not be what keeps the namespace of the mount alive.
  int home = openat(nss_executor_place()->procfs, "1/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (home < 0 || setns(home, CLONE_NEWNS) < 0) _exit(1);
  prctl(PR_SET_NAME, "nss-fuse", 0, 0, 0);
  nss_close_all_but(device, news, -1);
  tell(news, 'R');
  for (;;) {
    ssize_t length = read(device, &request, sizeof request);
    if (length < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (length < 0 && errno == EPERM) {
      // Not mounted yet.
      usleep(MOUNT_PAUSE_MICROSECONDS);
      continue;
    }
    // ENODEV: the connection is gone.
    if (length < (ssize_t)sizeof request.head) break;
    int body = answer(&request.head, request.bytes + sizeof request.head, &reply);
    if (request.head.opcode == FUSE_DESTROY) tell(news, 'D');
    if (!has_answer(request.head.opcode)) continue;
    reply.head.unique = request.head.unique;
    reply.head.error = body < 0 ? body : 0;
    reply.head.len = (uint32_t)sizeof reply.head + (body > 0 ? (uint32_t)body : 0);
    if (write(device, &reply, reply.head.len) < 0 && errno == ENODEV) break;
  }
  tell(news, 'E');
  _exit(0);
}

int32_t nss_release_mount_fuse(const struct nss_op *operation, const char *text) {
  const struct nss_place *place = nss_executor_place();
  if (place->devices < 0) return ENODEV;
  const char *block = operation->slot[0] >= 0 ? nss_loop_name(operation->slot[0]) : NULL;
  if (operation->slot[0] >= 0 && !block) return EBADF;
  int device = openat(place->devices, "fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return errno;
  int news[2];
  if (pipe2(news, O_CLOEXEC | O_NONBLOCK) < 0) {
    int32_t error = errno;
    close(device);
    return error;
  }
  long pid = nss_fork(true);
  if (pid == 0) serve(device, news[1]);
  int32_t error = pid < 0 ? (int32_t)-pid : 0;
  close(news[1]);
  // Only once the server has left this namespace; it would hold it otherwise.
  struct pollfd ready = {.fd = news[0], .events = POLLIN};
  char byte;
  if (!error && (poll(&ready, 1, READY_MILLISECONDS) <= 0 || read(news[0], &byte, 1) != 1))
    error = ETIMEDOUT;
  if (!error) {
    char options[128], *end = nss_put_number(nss_put_text(options, "fd="), device);
    end = nss_put_text(end, ",rootmode=40000,user_id=0,group_id=0");
    if (block) nss_put_text(end, ",blksize=512");
    int saved = block ? nss_go_to(place->devices) : -1;
    if (mount(
          block ? block : "nsstorm", text + operation->path[0], block ? "fuseblk" : "fuse", 0,
          options) < 0) {
      error = errno;
      // The server reads from a connection that will never be: nothing else would end it.
      kill((pid_t)pid, SIGKILL);
    }
    if (saved >= 0) nss_return_to(saved);
  }
  close(device);
  if (error) {
    close(news[0]);
    return error;
  }
  return nss_slot_fill(operation->result_slot, news[0]);
}
