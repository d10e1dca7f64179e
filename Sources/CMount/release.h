#pragma once
// What the files of the release operations share.

#include <stdbool.h>
#include <stdint.h>

#include "internal.h"
#include "nss_release.h"

int32_t nss_release_watch(const struct nss_op *operation, const char *text);
int32_t nss_release_await(const struct nss_op *operation);
int32_t nss_release_watch_process(const struct nss_op *operation);
int32_t nss_release_watch_mounts(const struct nss_op *operation);
int32_t nss_release_claim(const struct nss_op *operation);
int32_t nss_release_attach(const struct nss_op *operation, const char *text);
int32_t nss_release_mount(const struct nss_op *operation, const char *text);
int32_t nss_release_mount_fuse(const struct nss_op *operation, const char *text);
int32_t nss_release_fill(const struct nss_op *operation, const char *text);
int32_t nss_release_load(const struct nss_op *operation, const char *text);
int32_t nss_release_hold(const struct nss_op *operation, const char *text);
int32_t nss_release_let_go(const struct nss_op *operation);
int32_t nss_release_container(const struct nss_op *operation, const char *text);
int32_t nss_release_clone_namespace(void);

/// The name of the loop device in a slot below the devices, such as `loop3`; NULL for none.
const char *nss_loop_name(int32_t slot);
/// A program that does nothing until it is killed, as the bytes of an executable.
const void *nss_idle_program(uint32_t *length);

/// A directory or a file below /proc for calls that take plain strings: moves the working directory for their time.
/// Negative errno, or the descriptor of the real one for nss_return_to.
int nss_go_to(int directory);
void nss_return_to(int saved);
