/// Which file of the kernel's source a function stands in, and who reads mail about it.
enum KernelSource {
  /// The file; nil for functions that the table does not know.
  static func file(of function: String) -> String? {
    for (file, functions) in table where functions.contains(function) { return file }
    return nil
  }

  /// The file that a frame or a path in a report names: a path in the text wins over the function.
  static func file(in text: String) -> String? {
    for word in text.split(whereSeparator: { " ()[],".contains($0) }) {
      let path = word.prefix { $0 != ":" }
      if roots.contains(where: { path.hasPrefix($0) }), path.hasSuffix(".c") || path.hasSuffix(".h")
      {
        return String(path)
      }
    }
    for word in text.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") }) {
      if let file = file(of: String(word)) { return file }
    }
    return nil
  }

  /// Whom a report about a file should reach. `MAINTAINERS` of the tree that is reported on decides; this is where to begin.
  struct Recipients: Hashable {
    var area: String
    var to: [String]
    var lists: [String]
  }

  static func recipients(for file: String) -> Recipients {
    recipientTable.first { file.hasPrefix($0.prefix) }?.recipients ?? vfs
  }

  private static let vfs = Recipients(
    area: "FILESYSTEMS (VFS and infrastructure)",
    to: [
      "Alexander Viro <viro@zeniv.linux.org.uk>", "Christian Brauner <brauner@kernel.org>",
      "Jan Kara <jack@suse.cz>",
    ], lists: ["linux-fsdevel@vger.kernel.org"])

  private static let recipientTable: [(prefix: String, recipients: Recipients)] = [
    (
      "kernel/rcu/",
      Recipients(
        area: "READ-COPY UPDATE (RCU)", to: ["Paul E. McKenney <paulmck@kernel.org>"],
        lists: ["rcu@vger.kernel.org"])
    ),
    (
      "kernel/workqueue",
      Recipients(
        area: "WORKQUEUE", to: ["Tejun Heo <tj@kernel.org>"],
        lists: ["linux-kernel@vger.kernel.org"])
    ),
    (
      "mm/",
      Recipients(
        area: "MEMORY MANAGEMENT", to: ["Andrew Morton <akpm@linux-foundation.org>"],
        lists: ["linux-mm@kvack.org"])
    ),
    (
      "fs/overlayfs/",
      Recipients(
        area: "OVERLAY FILESYSTEM",
        to: ["Miklos Szeredi <miklos@szeredi.hu>", "Amir Goldstein <amir73il@gmail.com>"],
        lists: ["linux-unionfs@vger.kernel.org", "linux-fsdevel@vger.kernel.org"])
    ),
    (
      "fs/fuse/",
      Recipients(
        area: "FUSE", to: ["Miklos Szeredi <miklos@szeredi.hu>"],
        lists: ["linux-fsdevel@vger.kernel.org"])
    ),
    (
      "fs/ext4/",
      Recipients(
        area: "EXT4 FILE SYSTEM", to: ["Theodore Ts'o <tytso@mit.edu>"],
        lists: ["linux-ext4@vger.kernel.org"])
    ),
    (
      "fs/xfs/",
      Recipients(area: "XFS FILESYSTEM", to: [], lists: ["linux-xfs@vger.kernel.org"])
    ),
    (
      "kernel/user_namespace",
      Recipients(
        area: "USER NAMESPACES", to: ["Christian Brauner <brauner@kernel.org>"],
        lists: ["linux-kernel@vger.kernel.org"])
    ),
  ]

  private static let roots = ["fs/", "kernel/", "mm/", "lib/", "security/", "drivers/", "arch/"]

  // Looked up in the sources of 6.12 and 7.3; functions of older kernels stand with the file that had them.
  private static let table: [(file: String, functions: Set<String>)] = [
    (
      "fs/namespace.c",
      [
        "__detach_mounts", "__do_loopback", "attach_recursive_mnt", "can_change_locked_flags",
        "can_move_mount_beneath", "can_umount", "check_mnt", "cleanup_mnt", "clone_mnt",
        "copy_mnt_ns", "copy_tree", "count_mounts", "disconnect_mount", "dissolve_on_fput",
        "do_add_mount", "do_change_type", "do_lock_mount", "do_loopback", "do_mount_setattr",
        "do_move_mount", "do_new_mount", "do_reconfigure_mnt", "do_set_group", "do_umount",
        "do_umount_root", "drop_mountpoint", "flags_to_propagation_type", "free_mnt_ns",
        "get_mountpoint", "graft_tree", "has_locked_children", "ksys_umount", "lock_mnt_tree",
        "may_change_propagation", "may_copy_tree", "may_mount", "mnt_get_count", "mnt_want_write",
        "mntput_no_expire", "mntns_install", "mount_is_ancestor", "mount_setattr_commit",
        "namespace_unlock", "path_mount", "path_umount", "pivot_root", "put_mnt_ns",
        "sb_prepare_remount_readonly", "tree_contains_unbindable", "umount_tree",
        "vfs_create_mount",
        "build_mount_idmapped", "can_idmap_mount", "check_for_nsfs_mounts", "create_new_namespace",
        "do_idmap_mount", "mnt_ns_loop", "shrink_submount", "shrink_submounts", "vfs_open_tree",
        "delayed_free_vfsmnt",
        "__cleanup_mnt",
      ]
    ),
    (
      "fs/pnode.c",
      [
        "chain_busy", "change_mnt_propagation", "find_master", "find_topper", "gather_candidates",
        "handle_locked", "need_secondary", "propagate_mnt", "propagate_mount_busy",
        "propagate_mount_unlock", "propagate_one", "propagate_umount",
        "propagation_would_overmount",
        "reparent", "restore_mounts", "transfer_propagation", "trim_one",
      ]
    ),
    ("fs/pnode.h", ["set_mnt_shared"]),
    ("fs/mount.h", ["is_local_mountpoint"]),
    (
      "fs/namei.c",
      [
        "do_renameat2", "do_rmdir", "filename_create", "filename_parentat", "getname_flags",
        "link_path_walk", "lock_rename", "may_create", "may_delete", "nd_jump_link", "path_init",
        "path_lookupat", "follow_automount", "pick_link", "user_path_at", "walk_component",
      ]
    ),
    ("fs/libfs.c", ["simple_rmdir", "empty_dir_lookup"]),
    ("fs/filesystems.c", ["get_fs_type"]),
    ("fs/file.c", ["fdget", "get_file", "close_fd"]),
    ("fs/nsfs.c", ["nsfs_evict"]),
    ("fs/proc/namespaces.c", ["proc_ns_get_link"]),
    ("kernel/nsproxy.c", ["setns"]),
    ("mm/mmap.c", ["mmap"]),
    ("fs/super.c", ["deactivate_super", "generic_shutdown_super", "kill_anon_super"]),
    ("kernel/trace/trace.c", ["trace_automount"]),
    ("kernel/user_namespace.c", ["create_user_ns"]),
    ("kernel/sys_ni.c", ["sys_ni_syscall"]),
    ("kernel/rcu/tree.c", ["rcu_core", "synchronize_rcu", "rcu_barrier"]),
    ("kernel/rcu/tree_exp.h", ["synchronize_rcu_expedited"]),
  ]
}
