// What keeps an open file beside its descriptor: a mapping, or a message that nobody receives. Runs in workers.

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

enum { MAPPED_BYTES = 4096 };

// One worker is one process with one thread, so these are its own.
static struct {
  void *mapping;
  int32_t socket;  // descriptor + 1; 0 is none
} holds[NSS_HOLD_SLOTS];
static int holds_used;  // no number from here on was ever used

int32_t nss_let_go(int32_t number) {
  if (number < 0 || number >= NSS_HOLD_SLOTS) return EBADF;
  void *mapping = holds[number].mapping;
  int socket = holds[number].socket - 1;
  holds[number].mapping = NULL;
  holds[number].socket = 0;
  if (mapping) return munmap(mapping, MAPPED_BYTES) < 0 ? errno : 0;
  if (socket >= 0) return close(socket) < 0 ? errno : 0;
  return EBADF;
}

static int32_t map(int32_t number, int descriptor) {
  void *mapping = mmap(NULL, MAPPED_BYTES, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapping == MAP_FAILED) return errno;
  // A forked child must not hold what its parent has mapped.
  if (madvise(mapping, MAPPED_BYTES, MADV_DONTFORK) < 0) {
    int32_t error = errno;
    munmap(mapping, MAPPED_BYTES);
    return error;
  }
  nss_let_go(number);
  holds[number].mapping = mapping;
  return 0;
}

static int32_t send_away(int32_t number, int descriptor) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) return errno;
  int sent = nss_send(pair[0], "", 1, &descriptor, 1);
  close(pair[0]);
  if (sent < 0) {
    close(pair[1]);
    return -sent;
  }
  nss_let_go(number);
  holds[number].socket = pair[1] + 1;
  return 0;
}

int32_t nss_hold(int32_t number, int descriptor, uint64_t kind) {
  if (number < 0 || number >= NSS_HOLD_SLOTS) return EMFILE;
  if (descriptor < 0) return EBADF;
  int32_t error =
    kind == NSS_HOLD_MAPPING ? map(number, descriptor) : send_away(number, descriptor);
  if (error == 0 && number >= holds_used) holds_used = number + 1;
  return error;
}

void nss_executor_close_holds(void) {
  for (int number = 0; number < holds_used; number++) {
    if (holds[number].socket) close(holds[number].socket - 1);
    holds[number].socket = 0;
    holds[number].mapping = NULL;
  }
  holds_used = 0;
}
