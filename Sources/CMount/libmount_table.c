#include "nss_libmount.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

struct nss_libmount_table {
  struct libmnt_table *table;
  struct libmnt_iter *position;
};

struct nss_libmount_table *nss_libmount_open(const char *path) {
  struct nss_libmount_table *result = calloc(1, sizeof *result);
  if (!result) return NULL;
  FILE *file = fopen(path, "re");
  int error = file ? ENOMEM : errno;
  if (file) {
    result->table = mnt_new_table();
    result->position = mnt_new_iter(MNT_ITER_FORWARD);
    if (result->table && result->position) {
      int parsed = mnt_table_parse_stream(result->table, file, path);
      error = parsed < 0 ? -parsed : parsed > 0 ? EINVAL : 0;
    }
    fclose(file);
  }
  if (error) {
    nss_libmount_close(result);
    errno = error;
    return NULL;
  }
  return result;
}

int nss_libmount_next(struct nss_libmount_table *table, struct nss_libmount_entry *entry) {
  struct libmnt_fs *fs = NULL;
  int result = mnt_table_next_fs(table->table, table->position, &fs);
  if (result) return result > 0 ? 0 : result;
  *entry = (struct nss_libmount_entry){
    .id = mnt_fs_get_id(fs),
    .parent = mnt_fs_get_parent_id(fs),
    .major = major(mnt_fs_get_devno(fs)),
    .minor = minor(mnt_fs_get_devno(fs)),
    .root = mnt_fs_get_root(fs),
    .target = mnt_fs_get_target(fs),
    .options = mnt_fs_get_vfs_options(fs),
    .optional_fields = mnt_fs_get_optional_fields(fs),
    .type = mnt_fs_get_fstype(fs),
    .source = mnt_fs_get_source(fs),
    .superblock_options = mnt_fs_get_fs_options(fs),
  };
  return 1;
}

void nss_libmount_close(struct nss_libmount_table *table) {
  if (!table) return;
  mnt_free_iter(table->position);
  mnt_unref_table(table->table);
  free(table);
}
